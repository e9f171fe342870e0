"""Cases begin and move: opened for each insurance match that a household accepted, closed when the match is over.

Enters: matches on their way whose giver is an insurer. Leaves: one case each, in its first step, with the match's clock
set to that step and its holder; while a person looks at the match, that person's clock runs and the case's begins anew
afterwards. The worker sweeps; the acts of `service` use `locked` and `step`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime

from sqlmodel import Session, col, select

from marketplace import audit
from marketplace.actors import SYSTEM, Actor
from marketplace.claims import ordering, told
from marketplace.claims.models import WAITING, CaseKind, CaseState, InsuranceCase, PayoutChange
from marketplace.clocks import service as clocks
from marketplace.clocks.models import Clock
from marketplace.clocks.service import Holder
from marketplace.clocks.steps import STEPS, Side
from marketplace.consent.ask import lock_head, newest
from marketplace.db import Database, flush, new_id
from marketplace.decisions import pieces
from marketplace.decisions.at_once import locked_match
from marketplace.decisions.models import Match, MatchState
from marketplace.decisions.moves import WAITS
from marketplace.decisions.service import PAYABLE
from marketplace.errors import NotFound, WrongState
from marketplace.needs.models import Need
from marketplace.organisations.models import Organisation, OrganisationKind
from marketplace.policy import require
from marketplace.reference.needs import CASE_KINDS

KINDS = dict(zip(CASE_KINDS, (CaseKind.ENROL, CaseKind.CLAIM), strict=True))
"""The kinds of need that an insurer works on as a case."""
FIRST = {CaseKind.ENROL: CaseState.ENROL, CaseKind.CLAIM: CaseState.FIND}
CLOCKS = {state: f"insure_{state.value}" for state in WAITING}
URGENT = 3
PAYOUT_BACK = "payout_back"
"""Why a case is over whose payout never came, or is back with the insurer."""
MOST = 200
"""So many cases are opened or closed in one transaction."""


def sweep(database: Database, *, clock: Callable[[], datetime]) -> int:
    """Open the cases of new matches and close those whose match ended elsewhere; return how many."""
    with database.reading() as session:
        if not (_fresh(session, most=1) or _left(session, most=1) or _resumed(session, most=1)):
            return 0
    with database.transaction() as session:
        now = clock()
        return open_cases(session, now=now) + close_cases(session, now=now) + resume(session, now=now)


def open_cases(session: Session, /, *, now: datetime) -> int:
    """One case for each accepted insurance match that has none."""
    found = _fresh(session, most=MOST)
    for match in found:
        _open(session, match, now=now)
    return len(found)


def close_cases(session: Session, /, *, now: datetime) -> int:
    """A case whose match was withdrawn, cancelled or recorded as delivered by hand is over."""
    found = _left(session, most=MOST)
    for case in found:
        case.closed_at = now
        step(session, case, to=CaseState.ENDED, actor=SYSTEM, now=now)
    return len(found)


def resume(session: Session, /, *, now: datetime) -> int:
    """A match that was held and goes on waits for what its case waits for, and not for a delivery at large."""
    found = _resumed(session, most=MOST)
    for case in found:
        set_clock(session, case, now=now)
    return len(found)


def _resumed(session: Session, *, most: int) -> Sequence[InsuranceCase]:
    statement = (
        select(InsuranceCase)
        .join(Match, col(Match.id) == col(InsuranceCase.match_id))
        .join(Clock, col(Clock.object_ref) == col(Match.id))
        .where(col(InsuranceCase.state).in_(WAITING), col(Match.state) == MatchState.IN_DELIVERY)
        .where(col(Clock.ended_at).is_(None), col(Clock.step) == WAITS[MatchState.IN_DELIVERY])
        .order_by(col(InsuranceCase.id))
    )
    return session.exec(statement.limit(most)).all()


def _fresh(session: Session, *, most: int) -> Sequence[Match]:
    statement = (
        select(Match)
        .join(Organisation, col(Organisation.id) == col(Match.org_id))
        .join(Need, col(Need.id) == col(Match.need_id))
        .where(col(Match.state) == MatchState.IN_DELIVERY, col(Match.consent_chain_id).is_not(None))
        .where(col(Organisation.kind) == OrganisationKind.INSURER, col(Need.category).in_(KINDS))
        .where(col(Match.id).not_in(select(InsuranceCase.match_id)))
        .order_by(col(Match.id))
    )
    return session.exec(statement.limit(most)).all()


def _left(session: Session, *, most: int) -> Sequence[InsuranceCase]:
    statement = (
        select(InsuranceCase)
        .join(Match, col(Match.id) == col(InsuranceCase.match_id))
        .where(col(InsuranceCase.state).in_(WAITING), col(Match.state).not_in(PAYABLE))
        .order_by(col(InsuranceCase.id))
    )
    return session.exec(statement.limit(most)).all()


def _open(session: Session, match: Match, *, now: datetime) -> None:
    need = session.get_one(Need, match.need_id)
    consent = newest(session, lock_head(session, match.consent_chain_id or ""))
    if consent.person_id is None:
        return
    kind = KINDS[need.category]
    case = InsuranceCase(
        id=new_id(),
        reference=f"BX{new_id()[:8].upper()}",
        match_id=match.id,
        org_id=match.org_id,
        household_id=match.household_id,
        person_id=consent.person_id,
        district_code=match.district_code,
        kind=kind,
        state=FIRST[kind],
        urgent=need.urgency >= URGENT,
        opened_at=now,
        updated_at=now,
    )
    step(session, case, to=case.state, actor=SYSTEM, now=now)


def _payout_back(session: Session, match: Match, actor: Actor, now: datetime) -> None:
    """The match of a paid case ends without aid: the payout covers nothing any more. One that was told while a person
    looked at the match, or after its end, was paid all the same: see `paid_late`."""
    if match.delivered_at is None:
        return
    case = session.exec(select(InsuranceCase).where(InsuranceCase.match_id == match.id).with_for_update()).first()
    if case is None or case.state is not CaseState.PAID:
        return
    never_paid(session, case, to=CaseState.ENDED, actor=actor, now=now)
    for change in session.exec(
        select(PayoutChange).where(PayoutChange.case_id == case.id, col(PayoutChange.decided_at).is_(None))
    ).all():
        change.decided_by, change.decided_at = SYSTEM.id, now
        session.add(change)
        clocks.end(session, change.id, outcome="over", now=now)


def never_paid(session: Session, case: InsuranceCase, /, *, to: CaseState, actor: Actor, now: datetime) -> None:
    """The payout of a case is taken out of the ledger; the case is over, or waits for its answer again."""
    ordering.take_back(session, case, actor=actor, now=now)
    case.category, case.payout_fen, case.paid_on = "", 0, None
    if to is CaseState.ENDED:
        case.reason_code = PAYOUT_BACK
    step(session, case, to=to, actor=actor, now=now)
    told.follow(session, case, now=now)


def _void(session: Session, match: Match, actor: Actor, now: datetime) -> int:
    _payout_back(session, match, actor, now)
    return 0


pieces.ROOMS["claims"] = pieces.Pieces(
    given=lambda _session, _match: 0,
    unrecorded=lambda _session, _match, _now: False,
    call_off=_payout_back,
    void=_void,
    minutes=lambda _session, _match: None,
)


def locked(
    session: Session, case_id: str, action: str, /, *, actor: Actor, expected: Sequence[CaseState]
) -> InsuranceCase:
    """The case, locked, if the actor may do this to it, its match is on its way and it is in an expected state."""
    case, match = lock_both(session, case_id, action, actor=actor)
    if case.state not in expected or match.state is not MatchState.IN_DELIVERY:
        raise WrongState("case_moved_on", state=case.state.value)
    return case


def lock_both(session: Session, case_id: str, action: str, /, *, actor: Actor) -> tuple[InsuranceCase, Match]:
    """The case and its match, locked, the match first, if the actor may do this to it."""
    case = session.get(InsuranceCase, case_id)
    if case is None:
        raise NotFound("insurance_case")
    require(actor, action, household_id=case.household_id, org_id=case.org_id, district=case.district_code)
    match = locked_match(session, case.match_id)
    session.refresh(case, with_for_update=True)
    return case, match or session.get_one(Match, case.match_id)


def step(session: Session, case: InsuranceCase, /, *, to: CaseState, actor: Actor, now: datetime) -> Clock | None:
    """Put a case into a state with its audit row, and the clock of its match to what it waits for now."""
    case.state, case.updated_at = to, now
    session.add(case)
    entry = audit.Entry(
        f"claim:{to.value}",
        object_ref=case.id,
        subject=case.household_id,
        rule_id=case.reason_code,
        body={"fen": case.payout_fen, "papers": len(case.papers)},
    )
    audit.record(session, entry, actor=actor, now=now)
    flush(session)
    return set_clock(session, case, now=now)


def set_clock(session: Session, case: InsuranceCase, /, *, now: datetime) -> Clock | None:
    """The match's clock is that of the case's step; none where it waits for nobody, or a person looks at the match."""
    wanted = CLOCKS.get(case.state)
    match = session.get_one(Match, case.match_id)
    if wanted is None or match.held_for or match.state is not MatchState.IN_DELIVERY:
        return None
    side = STEPS[wanted].side
    holder = Holder(
        org_id=case.org_id if side is Side.GIVER else None,
        household_id=case.household_id if side is Side.HOUSEHOLD else None,
        district_code=case.district_code,
    )
    return clocks.move_on(
        session, case.match_id, outcome=case.state.value, step=wanted, holder=holder, now=now, urgent=case.urgent
    )


def due_on(clock: Clock | None, /) -> date | None:
    """The last day of a step that waits."""
    return clocks.last_day(clock) if clock is not None else None
