"""Insurers first: a payout goes into the ledger, and where open charity money no longer fits, a person decides.

Enters: a paid case. Leaves: its rows in the ledger, and one open `PayoutOverlap` for each need in which payout and open
charity money together exceed the gap. Nothing is taken back by itself: an approver lowers a match, ends it, or leaves
it with a reason; the room that this makes is filled by the payout's own history row, so that the sums stay true.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func
from sqlmodel import Session, col, select

from marketplace import audit
from marketplace.actors import Actor
from marketplace.claims.models import InsuranceCase, PayoutOverlap
from marketplace.clocks import service as clocks
from marketplace.clocks.service import Holder
from marketplace.db import flush, new_id
from marketplace.decisions import moves
from marketplace.decisions import service as decisions
from marketplace.decisions.models import OPEN, Match, MatchState
from marketplace.errors import BadInput, NotFound, WrongState
from marketplace.ledger import payouts
from marketplace.ledger import service as ledger
from marketplace.ledger.payouts import Payout
from marketplace.needs.models import Need
from marketplace.organisations.models import Organisation
from marketplace.policy import require

CAN_END = tuple(state for state in OPEN if state is not MatchState.DELIVERED)
CAN_LOWER = tuple(state for state in CAN_END if state is not MatchState.IN_DELIVERY)
"""What nobody has begun to pay may be lowered; a match on its way can only be ended as a whole."""
LEAVE = ("other_costs", "already_spent")
HELPED = "helped_elsewhere"
"""The reason under which a match is ended, a code of the table `rejection`."""


def take_in(session: Session, case: InsuranceCase, /, *, actor: Actor, now: datetime) -> list[PayoutOverlap]:
    """Book the payout of a case; open a task for each need that open charity money now fills too far."""
    payout = payout_of(session, case)
    rest = payouts.book(session, payout, actor=actor, now=now)
    found = []
    for need in payouts.open_needs(session, payout):
        over = min(rest, sum(match.units for match in _charity(session, need.id, CAN_END)))
        if over > 0:
            found.append(_open(session, case, need, over=over, actor=actor, now=now))
            rest -= over
    return found


def take_back(session: Session, case: InsuranceCase, /, *, actor: Actor, now: datetime) -> None:
    """The payout is not so: its rows are returned, and what they had made too much is nobody's task any more."""
    open_ones = select(PayoutOverlap).where(PayoutOverlap.case_id == case.id, col(PayoutOverlap.settled_at).is_(None))
    for overlap in session.exec(open_ones.order_by(col(PayoutOverlap.id)).with_for_update()).all():
        _settle(session, overlap, decision="payout_changed", actor=actor, now=now)
    payouts.take_back(session, payout_of(session, case), actor=actor, now=now)


def payout_of(session: Session, case: InsuranceCase, /) -> Payout:
    """The case's payout as the ledger takes it."""
    if case.paid_on is None:
        raise WrongState("case_moved_on", state=case.state.value)
    return Payout(
        key=case.payout_key or case.id,
        household_id=case.household_id,
        org_id=case.org_id,
        giver=session.get_one(Organisation, case.org_id).name,
        category=case.category,
        fen=case.payout_fen,
        paid_on=case.paid_on,
        person_id=case.person_id,
    )


def _charity(session: Session, need_id: str, states: Sequence[MatchState]) -> list[Match]:
    statement = select(Match).where(col(Match.need_id) == need_id, col(Match.state).in_(states))
    return list(session.exec(statement.order_by(col(Match.created_at), col(Match.id))))


def _open(
    session: Session, case: InsuranceCase, need: Need, *, over: int, actor: Actor, now: datetime
) -> PayoutOverlap:
    overlap = PayoutOverlap(
        id=new_id(),
        case_id=case.id,
        need_id=need.id,
        district_code=need.district_code,
        over_fen=over,
        created_at=now,
    )
    session.add(overlap)
    flush(session)
    _record(session, overlap, case, "payout:overlap", rule="", actor=actor, now=now)
    holder = Holder(district_code=need.district_code)
    clocks.start(session, "payout_overlap", overlap.id, holder=holder, now=now, urgent=case.urgent)
    return overlap


def get_overlap(session: Session, overlap_id: str, /, *, actor: Actor, lock: bool = False) -> PayoutOverlap:
    """The task, if it lies in the actor's districts; with `lock` only while it is open."""
    overlap = session.get(PayoutOverlap, overlap_id, with_for_update=lock, populate_existing=True)
    if overlap is None:
        raise NotFound("payout_overlap")
    require(actor, "payout:settle", district=overlap.district_code)
    if lock and overlap.settled_at is not None:
        raise WrongState("overlap_settled")
    return overlap


def matches_of(session: Session, overlap: PayoutOverlap, /) -> list[Match]:
    """The charity's open matches that could give way."""
    return _charity(session, overlap.need_id, CAN_END)


def lower(session: Session, overlap_id: str, match_id: str, /, *, actor: Actor, now: datetime) -> PayoutOverlap:
    """Lower a match by what is too much; one that nothing would be left of has to be ended instead."""
    overlap = get_overlap(session, overlap_id, actor=actor, lock=True)
    match = _match(session, overlap, match_id, actor=actor, states=CAN_LOWER)
    if match.units <= overlap.over_fen:
        raise WrongState("nothing_left")
    less = match.units - overlap.over_fen
    ledger.lower(session, match.ledger_entry_id, units=less, actor=actor, now=now)
    match.short_units, match.units, match.updated_at = match.short_units + overlap.over_fen, less, now
    session.add(match)
    body = moves.committed(match)
    entry = audit.Entry("match:lowered", object_ref=match.id, subject=match.household_id, body=body)
    audit.record(session, entry, actor=actor, now=now)
    moves.tell_giver(session, match, "match_lowered", key=f"lowered:{overlap.id}", now=now)
    if match.state is MatchState.AWAITING_HOUSEHOLD:
        moves.tell_household(session, match, "match_lowered", key=f"lowered:home:{overlap.id}", now=now)
    return _fill(session, overlap, decision="lowered", actor=actor, now=now)


def end(session: Session, overlap_id: str, match_id: str, /, *, actor: Actor, now: datetime) -> PayoutOverlap:
    """End a match; if more than enough became free, the next run shares it out."""
    overlap = get_overlap(session, overlap_id, actor=actor, lock=True)
    match = _match(session, overlap, match_id, actor=actor, states=CAN_END)
    decisions.cancel(session, match.id, reason_code=HELPED, actor=actor, now=now)
    return _fill(session, overlap, decision="ended", actor=actor, now=now)


def leave(session: Session, overlap_id: str, /, *, reason_code: str, actor: Actor, now: datetime) -> PayoutOverlap:
    """Leave the charity's matches as they are, with a reason; the payout's rest stays the household's history."""
    overlap = get_overlap(session, overlap_id, actor=actor, lock=True)
    if reason_code not in LEAVE:
        raise BadInput("not_in_list", field="reason_code")
    return _settle(session, overlap, decision=reason_code, actor=actor, now=now)


def refresh(session: Session, overlap_id: str, /, *, actor: Actor, now: datetime) -> PayoutOverlap:
    """Something ended in the meantime: fill the room it left."""
    overlap = get_overlap(session, overlap_id, actor=actor, lock=True)
    return _fill(session, overlap, decision="moved_on", actor=actor, now=now)


def _match(
    session: Session, overlap: PayoutOverlap, match_id: str, *, actor: Actor, states: Sequence[MatchState]
) -> Match:
    match = moves.locked(session, match_id, "payout:settle", actor=actor, expected=states)
    if match.need_id != overlap.need_id:
        raise NotFound("match")
    return match


def _fill(session: Session, overlap: PayoutOverlap, *, decision: str, actor: Actor, now: datetime) -> PayoutOverlap:
    """Move the payout's rest into the room that was made; settle the task when nothing is too much any more."""
    case = session.get_one(InsuranceCase, overlap.case_id)
    moved = payouts.cover_more(
        session, payout_of(session, case), overlap.need_id, most=overlap.over_fen, actor=actor, now=now
    )
    overlap.over_fen -= moved
    if overlap.over_fen == 0 or not matches_of(session, overlap):
        return _settle(session, overlap, decision=decision, actor=actor, now=now)
    session.add(overlap)
    flush(session)
    return overlap


def _settle(session: Session, overlap: PayoutOverlap, *, decision: str, actor: Actor, now: datetime) -> PayoutOverlap:
    overlap.decision, overlap.settled_by, overlap.settled_at = decision, actor.id, now
    session.add(overlap)
    flush(session)
    case = session.get_one(InsuranceCase, overlap.case_id)
    _record(session, overlap, case, "payout:settle", rule=decision, actor=actor, now=now)
    clocks.end(session, overlap.id, outcome=decision, now=now)
    return overlap


def _record(
    session: Session,
    overlap: PayoutOverlap,
    case: InsuranceCase,
    action: str,
    *,
    rule: str,
    actor: Actor,
    now: datetime,
) -> None:
    entry = audit.Entry(
        action, object_ref=overlap.id, subject=case.household_id, rule_id=rule, body={"fen": overlap.over_fen}
    )
    audit.record(session, entry, actor=actor, now=now)


def open_overlaps(session: Session, /, *, actor: Actor, offset: int = 0, limit: int = 25) -> list[PayoutOverlap]:
    """One page of the tasks that wait in the actor's districts, the oldest first."""
    statement = select(PayoutOverlap).where(col(PayoutOverlap.settled_at).is_(None))
    if actor.districts:
        statement = statement.where(col(PayoutOverlap.district_code).in_(sorted(actor.districts)))
    statement = statement.order_by(col(PayoutOverlap.created_at), col(PayoutOverlap.id))
    return list(session.exec(statement.offset(offset).limit(limit)))


def count_open(session: Session, /, *, actor: Actor) -> int:
    """How many wait there."""
    statement = select(func.count()).select_from(PayoutOverlap).where(col(PayoutOverlap.settled_at).is_(None))
    if actor.districts:
        statement = statement.where(col(PayoutOverlap.district_code).in_(sorted(actor.districts)))
    return session.exec(statement).one()
