"""A need pushed to a department as a task: asked, accepted or returned, done; the rest goes to the market as a need.

Enters: a household, a department, a kind of need with its amount. Leaves: a `Push` with one clock, first for the
answer, then for the result; what the department leaves uncovered becomes a need that a person still has to verify, and
where it covered something, open needs of that kind are held until a person has compared them.
What a department says by telephone or paper staff write down; `answering` hears it itself. Called by the views.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement
from sqlmodel import Session, col, func, select
from sqlmodel.sql.expression import SelectOfScalar

from marketplace import audit
from marketplace.actors import Actor
from marketplace.calendar import local_day
from marketplace.clocks import service as clocks
from marketplace.clocks.service import Holder
from marketplace.db import flush, new_id
from marketplace.errors import BadInput, NotFound, WrongState
from marketplace.households.service import require_household
from marketplace.needs import service as needs
from marketplace.needs import settling
from marketplace.needs.models import Need, NeedState, ReferralReason
from marketplace.policy import require
from marketplace.portraits.models import Push, PushState
from marketplace.reference.indicators import indicators
from marketplace.reference.needs import need_kind
from marketplace.reference.tables import UnknownCode
from marketplace.reference.words import list_codes

ANSWER, RESULT = "push_answer", "push_result"
REASONS, DEPARTMENTS = "push_reason", "department"
SOURCE = "push"


@dataclass(frozen=True, slots=True)
class Asked:
    """What a department is asked for; units of the kind of need, money fen."""

    department: str
    indicator: str
    category: str
    units: int


def push(session: Session, household_id: str, asked: Asked, /, *, actor: Actor, now: datetime) -> Push:
    """Hand a need to a department; the clock for its answer begins."""
    home = require_household(session, household_id, "portrait:push", actor=actor)
    _check(asked)
    row = Push(
        id=new_id(),
        household_id=home.id,
        district_code=home.district_code,
        department=asked.department,
        indicator=asked.indicator,
        category=asked.category,
        asked_units=asked.units,
        asked_by=actor.id,
        asked_at=now,
    )
    session.add(row)
    flush(session)
    clocks.start(session, ANSWER, ref_of(row), holder=Holder(district_code=home.district_code), now=now)
    record(session, "portrait:push", row, actor=actor, now=now)
    return row


def _check(asked: Asked) -> None:
    if asked.department not in list_codes(DEPARTMENTS):
        raise BadInput("reason_missing", field="department")
    if asked.indicator not in indicators():
        raise BadInput("reason_missing", field="indicator")
    try:
        kind = need_kind(asked.category)
    except UnknownCode as error:
        raise BadInput("reason_missing", field="category") from error
    if asked.units < 1 or not kind.is_plausible(asked.units):
        raise BadInput("push_amount", field="units")


def ref_of(row: Push, /) -> str:
    """Under which name the clock of a task runs."""
    return f"push:{row.id}"


def get_push(session: Session, push_id: str, /, *, actor: Actor, rule: str) -> Push:
    """The task, if it is of the actor's districts."""
    row = session.get(Push, push_id)
    require(actor, rule, district=row.district_code if row is not None else None)
    if row is None:
        raise NotFound("push")
    return row


def accept(session: Session, push_id: str, /, *, actor: Actor, now: datetime) -> Push:
    """The department takes the task; the clock for its result begins."""
    row = _waiting(session, push_id, PushState.ASKED, actor=actor)
    row.state, row.answered_by, row.answered_at = PushState.ACCEPTED, actor.id, now
    _keep(session, row)
    holder = Holder(district_code=row.district_code)
    clocks.move_on(session, ref_of(row), outcome="accepted", step=RESULT, holder=holder, now=now)
    record(session, "portrait:accept", row, actor=actor, now=now)
    return row


def give_back(session: Session, push_id: str, /, *, reason: str, actor: Actor, now: datetime) -> Push:
    """The department returns the task with a reason, also after it had taken it; unless the data were wrong, all of it
    goes to the market."""
    row = _waiting(session, push_id, PushState.ASKED, PushState.ACCEPTED, actor=actor)
    if reason not in list_codes(REASONS):
        raise BadInput("reason_missing", field="reason")
    row.answered_by, row.answered_at = row.answered_by or actor.id, row.answered_at or now
    row.state, row.reason, row.ended_at = PushState.RETURNED, reason, now
    return _end(session, row, to_market=reason != "WRONG_DATA", actor=actor, now=now)


def finish(session: Session, push_id: str, /, *, covered: int, actor: Actor, now: datetime) -> Push:
    """The department says how much it covered; the rest goes to the market."""
    row = _waiting(session, push_id, PushState.ACCEPTED, actor=actor)
    if not 0 <= covered <= row.asked_units:
        raise BadInput("push_amount", field="covered")
    row.state, row.covered_units, row.ended_at = PushState.DONE, covered, now
    return _end(session, row, to_market=True, actor=actor, now=now)


def lock(session: Session, push_id: str, /) -> Push | None:
    """The task, locked after the open needs like it: an answer may hold them, and needs are locked first (adr/0066)."""
    row = session.get(Push, push_id)
    if row is None:
        return None
    session.exec(_like(row).with_for_update()).all()
    return session.get(Push, push_id, with_for_update=True, populate_existing=True)


def _waiting(session: Session, push_id: str, *states: PushState, actor: Actor) -> Push:
    lock(session, push_id)
    row = get_push(session, push_id, actor=actor, rule="portrait:answer")
    if row.state not in states:
        raise WrongState("push_moved_on")
    return row


def _like(row: Push) -> SelectOfScalar[Need]:
    """The household's open needs of the task's kind."""
    asked = select(Need).where(col(Need.household_id) == row.household_id, col(Need.category) == row.category)
    return asked.where(col(Need.state).in_(needs.LIVE)).order_by(col(Need.id))


def held_by(session: Session, row: Push, /) -> Sequence[str]:
    """Open needs that wait for a person because the department covered some of their kind."""
    held = (col(Need.state) == NeedState.HELD, col(Need.state_reason) == settling.COVERED)
    return [need.id for need in session.exec(_like(row).where(*held))] if row.covered_units else []


def _end(session: Session, row: Push, *, to_market: bool, actor: Actor, now: datetime) -> Push:
    left = row.asked_units - row.covered_units
    for need in session.exec(_like(row)).all() if row.covered_units else ():
        settling.hold_for_covered(session, need.id, actor=actor, now=now)
    if to_market and left:
        row.need_id = _need(session, row, left, actor=actor, now=now)
    _keep(session, row)
    clocks.move_on(session, ref_of(row), outcome=row.state.value, now=now)
    action = "portrait:return" if row.state is PushState.RETURNED else "portrait:done"
    record(session, action, row, actor=actor, now=now)
    return row


def _need(session: Session, row: Push, units: int, *, actor: Actor, now: datetime) -> str:
    """The rest as a need that nobody has verified yet; it says why the government's way was not enough. Where a like
    need is open and asks for as much already, of whatever year, that one; otherwise a need of its own, told apart by
    its cause."""
    refused = row.reason == "NOT_ELIGIBLE"
    reason = ReferralReason.NOT_ELIGIBLE if refused else ReferralReason.STILL_IN_NEED
    home, period = require_household(session, row.household_id, "portrait:answer", actor=actor), local_day(now).year
    for need in session.exec(_like(row)):
        if need.gap_units - need.committed_units >= units:
            return need.id
    known = select(func.count()).where(col(Need.household_id) == home.id, col(Need.category) == row.category)
    before = session.exec(known).one()
    cause = f"rest-{before + 1}" if before else ""
    facts = needs.NeedFacts(row.category, units, period=str(period), cause=cause, referral_reason=reason)
    return needs.add_need(session, facts, home=home, source=SOURCE, source_id=row.id, actor=actor, now=now).id


def _keep(session: Session, row: Push) -> None:
    session.add(row)
    flush(session)


def list_pushes(
    session: Session, /, *, actor: Actor, state: str = "", offset: int, limit: int
) -> tuple[Sequence[Push], int]:
    """One page of the tasks of the actor's districts, the oldest open ones first, and how many there are."""
    wanted: list[ColumnElement[bool]] = []
    if actor.districts:
        wanted.append(col(Push.district_code).in_(sorted(actor.districts)))
    if state in set(PushState):
        wanted.append(col(Push.state) == state)
    count = session.exec(select(func.count()).select_from(Push).where(*wanted)).one()
    order = (col(Push.ended_at).is_not(None), col(Push.asked_at), col(Push.id))
    return session.exec(select(Push).where(*wanted).order_by(*order).offset(offset).limit(limit)).all(), count


def record(session: Session, action: str, row: Push, *, actor: Actor, now: datetime) -> None:
    """One act upon a task, with its reason or its department."""
    entry = audit.Entry(action, object_ref=row.id, subject=row.household_id, rule_id=row.reason or row.department)
    audit.record(session, entry, actor=actor, now=now)
