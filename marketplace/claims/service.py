"""What an insurer answers on a case, what the household hands in, and how the match ends with it.

Enters: one case and one answer. Leaves: the case a step further, its clock with whoever has to act next, and at the end
the match delivered (insured, paid, or refused with a reason) or given back (no cover: another insurer may be asked).
A payout is booked before any charity. The insurer sees nothing here but what the match's own consent names.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from sqlmodel import Session, select

from marketplace import notices
from marketplace.actors import Actor
from marketplace.calendar import local_day
from marketplace.claims import after_end, ordering, told
from marketplace.claims.cases import due_on, lock_both, locked, step
from marketplace.claims.models import CaseState, InsuranceCase
from marketplace.clocks.models import Clock
from marketplace.db import new_id
from marketplace.decisions import moves
from marketplace.decisions import service as decisions
from marketplace.decisions.models import MatchState
from marketplace.errors import BadInput, NotFound, WrongState
from marketplace.ledger.payouts import payable_kinds
from marketplace.policy import require
from marketplace.reference.words import list_codes
from marketplace.sealed import vault_of

POLICY = "insurance_case.policy_number"
LONGEST_POLICY = 40
MOST_FEN = 1_000_000_00
"""A payout above one million yuan is more likely a slip than a payout."""


@dataclass(frozen=True, slots=True)
class Paid:
    """One payout as the insurer tells it."""

    category: str
    fen: int
    paid_on: date


def get_case(session: Session, case_id: str, /, *, actor: Actor) -> InsuranceCase:
    """The case, if it is this insurer's; a foreign one looks like a missing one."""
    case = session.get(InsuranceCase, case_id)
    if case is None:
        raise NotFound("insurance_case")
    require(actor, "claim:list", org_id=case.org_id)
    return case


def find_case_of(session: Session, match_id: str, /) -> InsuranceCase | None:
    """The case of a match, if an insurer works on it."""
    return session.exec(select(InsuranceCase).where(InsuranceCase.match_id == match_id)).first()


def enrolled(
    session: Session, case_id: str, /, *, scheme: str, policy_number: str, actor: Actor, now: datetime
) -> InsuranceCase:
    """The person is insured: the policy's number is kept sealed, the household is asked to confirm."""
    case = locked(session, case_id, "claim:answer", actor=actor, expected=(CaseState.ENROL,))
    _keep_policy(session, case, scheme=scheme, policy_number=policy_number)
    case.closed_at = now
    step(session, case, to=CaseState.ENROLLED, actor=actor, now=now)
    decisions.deliver(session, case.match_id, by_case=True, actor=actor, now=now)
    return case


def not_enrolled(session: Session, case_id: str, /, *, reason_code: str, actor: Actor, now: datetime) -> InsuranceCase:
    """The insurer could not enrol the person: the place is free again and the household is told."""
    case = locked(session, case_id, "claim:answer", actor=actor, expected=(CaseState.ENROL,))
    _known(reason_code, "enrol_refusal")
    return _without_aid(session, case, to=CaseState.NOT_ENROLLED, reason_code=reason_code, actor=actor, now=now)


def cover_found(
    session: Session, case_id: str, /, *, scheme: str, policy_number: str, actor: Actor, now: datetime
) -> InsuranceCase:
    """There is cover that nobody has claimed: now the insurer says which papers are missing."""
    case = locked(session, case_id, "claim:answer", actor=actor, expected=(CaseState.FIND,))
    _keep_policy(session, case, scheme=scheme, policy_number=policy_number)
    step(session, case, to=CaseState.HELP, actor=actor, now=now)
    return case


def no_cover(session: Session, case_id: str, /, *, actor: Actor, now: datetime) -> InsuranceCase:
    """This insurer holds no cover: the match ends, the need is open for another insurer, and a person looks at cover
    that was promised (`told`)."""
    told.hold(session, case_id)
    case = locked(session, case_id, "claim:answer", actor=actor, expected=(CaseState.FIND,))
    _without_aid(session, case, to=CaseState.NO_COVER, reason_code="no_cover", actor=actor, now=now)
    told.follow(session, case, now=now)
    return case


def ask_papers(
    session: Session, case_id: str, /, *, papers: Iterable[str], actor: Actor, now: datetime
) -> InsuranceCase:
    """All missing papers are told at once; with none missing the claim goes on to its answer."""
    asked = list(dict.fromkeys(papers))
    case = locked(session, case_id, "claim:answer", actor=actor, expected=(CaseState.HELP, CaseState.ANSWER))
    for code in asked:
        _known(code, "claim_paper", field="papers")
    if case.state is CaseState.ANSWER and not asked:
        raise BadInput("papers_none", field="papers")
    case.papers = asked
    clock = step(session, case, to=CaseState.PAPERS if asked else CaseState.ANSWER, actor=actor, now=now)
    if asked:
        _tell(session, case, "papers_missing", clock=clock, now=now)
    return case


def papers_handed(session: Session, case_id: str, /, *, actor: Actor, now: datetime) -> InsuranceCase:
    """The household, or a worker for it, says that the papers are with the insurer: now the insurer answers."""
    case = locked(session, case_id, "claim:papers", actor=actor, expected=(CaseState.PAPERS,))
    step(session, case, to=CaseState.ANSWER, actor=actor, now=now)
    return case


def paid(session: Session, case_id: str, payout: Paid, /, *, actor: Actor, now: datetime) -> InsuranceCase:
    """The insurer has paid the person: booked before charity, and the household is asked to confirm. What was paid
    while a person looks at the match, or after it had ended, is paid all the same: see `after_end`."""
    told.hold(session, case_id)
    case, match = lock_both(session, case_id, "claim:answer", actor=actor)
    if case.state not in after_end.payable(case, match):
        raise WrongState("case_moved_on", state=case.state.value)
    check_payout(payout, opened_on=local_day(case.opened_at), today=local_day(now))
    if case.state is not CaseState.ANSWER:
        case.payout_key, case.reason_code = new_id(), ""
    case.category, case.payout_fen, case.paid_on, case.closed_at = payout.category, payout.fen, payout.paid_on, now
    case.papers = []
    step(session, case, to=CaseState.PAID, actor=actor, now=now)
    ordering.take_in(session, case, actor=actor, now=now)
    told.follow(session, case, now=now)
    match.paid_at = now
    session.add(match)
    after_end.follow(session, case, match, actor=actor, now=now)
    return case


def refused(session: Session, case_id: str, /, *, reason_code: str, actor: Actor, now: datetime) -> InsuranceCase:
    """The insurer refuses with a reason: the help with the claim is done, the household is told why on its page, and a
    person looks at cover that was promised (`told`)."""
    told.hold(session, case_id)
    case = locked(session, case_id, "claim:answer", actor=actor, expected=(CaseState.ANSWER,))
    _known(reason_code, "claim_refusal")
    case.reason_code, case.closed_at = reason_code, now
    step(session, case, to=CaseState.REFUSED, actor=actor, now=now)
    told.follow(session, case, now=now)
    _tell(session, case, "claim_answered", clock=None, now=now)
    decisions.deliver(session, case.match_id, by_case=True, help_only=True, actor=actor, now=now)
    return case


def policy_number_of(session: Session, case: InsuranceCase, /) -> str:
    """The number for the insurer that gave it and the household that has it; both were checked before."""
    if case.policy_number is None:
        return ""
    return vault_of(session).open(session, case.person_id, column=POLICY, sealed=case.policy_number)


def check_policy(scheme: str, policy_number: str, /) -> None:
    """Raise BadInput unless the scheme is known and the number is letters, digits and dashes."""
    _known(scheme, "insurance_scheme", field="scheme")
    if not (0 < len(policy_number) <= LONGEST_POLICY and policy_number.replace("-", "").isalnum()):
        raise BadInput("policy_form", field="policy_number")


def check_payout(payout: Paid, /, *, opened_on: date, today: date) -> None:
    """Raise BadInput unless it is for a medical cost, within the bounds, and between the case's first day and today."""
    if payout.category not in {kind.code for kind in payable_kinds()}:
        raise BadInput("not_in_list", field="category")
    if not 0 < payout.fen <= MOST_FEN:
        raise BadInput("payout_bounds", field="amount")
    if payout.paid_on > today:
        raise BadInput("date_in_future", field="paid_on")
    if payout.paid_on < opened_on:
        raise BadInput("payout_before_case", field="paid_on")


def _keep_policy(session: Session, case: InsuranceCase, *, scheme: str, policy_number: str) -> None:
    check_policy(scheme, policy_number)
    case.scheme = scheme
    case.policy_number = vault_of(session).seal(session, case.person_id, column=POLICY, text=policy_number)


def _without_aid(
    session: Session, case: InsuranceCase, *, to: CaseState, reason_code: str, actor: Actor, now: datetime
) -> InsuranceCase:
    """End case and match together; this pair is not proposed again."""
    case.reason_code, case.closed_at = reason_code, now
    step(session, case, to=to, actor=actor, now=now)
    match = moves.locked(session, case.match_id, "match:give_back", actor=actor, expected=(MatchState.IN_DELIVERY,))
    moves.end(session, match, to=MatchState.GIVEN_BACK, reason_code=reason_code, actor=actor, now=now)
    _tell(session, case, "claim_answered", clock=None, now=now)
    return case


def _known(code: str, table: str, *, field: str = "reason_code") -> None:
    if code not in list_codes(table):
        raise BadInput("not_in_list", field=field)


def _tell(session: Session, case: InsuranceCase, letter: str, *, clock: Clock | None, now: datetime) -> None:
    by = due_on(clock)
    notices.post(
        session,
        letter,
        key=f"{case.id}:{letter}:{clock.id if clock else ''}",
        household_id=case.household_id,
        now=now,
        params={"by": by.isoformat()} if by else {},
    )
