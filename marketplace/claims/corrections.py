"""A payout that an insurer told and that is not so: mistyped, never paid, or back with the insurer. Two people put it
right.

Enters: a paid case, what is true instead, and why; asked by the insurer or by an approver. Leaves: one open
`PayoutChange` with a clock of staff (`payout_change`); when another approver agrees, the old rows of the ledger are
returned and the payout is booked anew, or, where nothing was paid, the match is ended and its need open again. The
overlaps that the old amount had opened are over with it. Called by the pages.
"""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session, col, select

from marketplace import audit, notices
from marketplace.actors import Actor
from marketplace.calendar import local_day
from marketplace.claims import ordering, told
from marketplace.claims.cases import never_paid, step
from marketplace.claims.models import CaseState, InsuranceCase, PayoutChange
from marketplace.claims.service import Paid, check_payout
from marketplace.clocks import service as clocks
from marketplace.clocks.service import Holder
from marketplace.db import flush, new_id
from marketplace.decisions import paid_late
from marketplace.decisions import service as decisions
from marketplace.decisions.models import Match
from marketplace.decisions.officers import choose, load
from marketplace.errors import BadInput, NotFound, WrongState
from marketplace.policy import require
from marketplace.reference.words import list_codes

STEP, MISTYPED = "payout_change", "mistyped"
"""The other reasons say that nothing was paid in the end."""


def paid_case(session: Session, match_id: str, /, *, actor: Actor) -> InsuranceCase:
    """The paid case of a match, for its insurer or an approver of the district."""
    case = session.exec(select(InsuranceCase).where(InsuranceCase.match_id == match_id)).first()
    if case is None:
        raise NotFound("insurance_case")
    _may_ask(case, actor=actor)
    if case.state is not CaseState.PAID:
        raise WrongState("case_moved_on", state=case.state.value)
    return case


def _may_ask(case: InsuranceCase, *, actor: Actor) -> None:
    if actor.org_id is not None:
        require(actor, "claim:answer", org_id=case.org_id)
    else:
        require(actor, "payout:settle", district=case.district_code)


def ask(
    session: Session, match_id: str, payout: Paid | None, /, *, reason_code: str, actor: Actor, now: datetime
) -> PayoutChange:
    """Say what was paid in truth (None: nothing). It counts once another person agrees."""
    case = paid_case(session, match_id, actor=actor)
    if reason_code not in list_codes("payout_change"):
        raise BadInput("not_in_list", field="reason_code")
    if (reason_code == MISTYPED) != (payout is not None):
        raise BadInput("payout_missing" if payout is None else "payout_and_none", field="amount")
    if payout is not None:
        check_payout(payout, opened_on=local_day(case.opened_at), today=local_day(now))
        if (payout.category, payout.fen, payout.paid_on) == (case.category, case.payout_fen, case.paid_on):
            raise BadInput("payout_same", field="amount")
    change = PayoutChange(
        id=new_id(),
        case_id=case.id,
        district_code=case.district_code,
        category=payout.category if payout else "",
        fen=payout.fen if payout else 0,
        paid_on=payout.paid_on if payout else None,
        reason_code=reason_code,
        asked_by=actor.id,
        asked_at=now,
    )
    session.add(change)
    flush(session)
    _record(session, case, change, "payout:ask_change", actor=actor, now=now)
    named = choose(load(session, STEP), case.district_code, but=actor.people)
    holder = Holder(account_id=named, district_code=case.district_code)
    clocks.start(session, STEP, change.id, holder=holder, now=now, urgent=case.urgent)
    return change


def open_of(session: Session, case_id: str, /) -> PayoutChange | None:
    """The change that waits for somebody's yes."""
    wanted = select(PayoutChange).where(col(PayoutChange.case_id) == case_id, col(PayoutChange.decided_at).is_(None))
    return session.exec(wanted).first()


def get_open(session: Session, change_id: str, /, *, actor: Actor, lock: bool = False) -> PayoutChange:
    """A change of the actor's area that waits; any other looks like a missing one."""
    change = session.get(PayoutChange, change_id, with_for_update=True if lock else None, populate_existing=lock)
    require(actor, "payout:settle", district=change.district_code if change is not None else None)
    if change is None or change.decided_at is not None:
        raise NotFound("payout_change")
    return change


def who_asked(session: Session, change_id: str, /) -> tuple[str, ...]:
    """Whoever must not be named to decide on it."""
    change = session.get(PayoutChange, change_id)
    return (change.asked_by,) if change is not None else ()


def decide(session: Session, change_id: str, /, *, agrees: bool, actor: Actor, now: datetime) -> PayoutChange:
    """Another person says yes, and it counts; or no, and the payout stands as it was told."""
    seen = get_open(session, change_id, actor=actor)
    told.hold(session, seen.case_id)
    change = get_open(session, change_id, actor=actor, lock=True)
    if change.asked_by in actor.people:
        raise WrongState("same_person_twice")
    case = session.get_one(InsuranceCase, change.case_id, with_for_update=True, populate_existing=True)
    change.decided_by, change.decided_at, change.agreed = actor.id, now, agrees
    session.add(change)
    flush(session)
    clocks.end(session, change.id, step=STEP, outcome="agreed" if agrees else "stands", now=now)
    _record(session, case, change, "payout:change" if agrees else "payout:stands", actor=actor, now=now)
    if agrees and change.fen:
        _book_anew(session, case, change, actor=actor, now=now)
    elif agrees:
        _never_paid(session, case, actor=actor, now=now)
    return change


def _never_paid(session: Session, case: InsuranceCase, *, actor: Actor, now: datetime) -> None:
    """A match that was delivered ends with it. One at which a person looks waits for the insurer's answer again; one
    that had ended stays so, and nobody is asked about its money any more."""
    match = session.get_one(Match, case.match_id)
    if match.state not in (*paid_late.OVER, *decisions.PAYABLE):
        decisions.never_paid(session, match.id, actor=actor, now=now)
        return
    match.paid_at = None
    session.add(match)
    to = CaseState.ANSWER if match.state in decisions.PAYABLE else CaseState.ENDED
    never_paid(session, case, to=to, actor=actor, now=now)
    paid_late.came_back(session, match, actor=actor, now=now)


def _book_anew(session: Session, case: InsuranceCase, change: PayoutChange, *, actor: Actor, now: datetime) -> None:
    ordering.take_back(session, case, actor=actor, now=now)
    case.category, case.payout_fen, case.paid_on = change.category, change.fen, change.paid_on
    case.payout_key = change.id
    step(session, case, to=CaseState.PAID, actor=actor, now=now)
    ordering.take_in(session, case, actor=actor, now=now)
    told.follow(session, case, now=now)
    notices.post(session, "claim_answered", key=f"{change.id}:changed", household_id=case.household_id, now=now)


def _record(
    session: Session, case: InsuranceCase, change: PayoutChange, action: str, *, actor: Actor, now: datetime
) -> None:
    entry = audit.Entry(
        action,
        object_ref=change.id,
        subject=case.household_id,
        rule_id=change.reason_code,
        body={"fen": change.fen, "before": case.payout_fen},
    )
    audit.record(session, entry, actor=actor, now=now)
