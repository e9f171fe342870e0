"""Duties: one thing, one named officer, one day; on the officer's home page until it is done.

Enters: what a meeting or a review wants done. Leaves: a duty with its clock (`meeting_duty`), and its outcome in words.
Only an active member of staff who serves the district can be named. Called by `meetings.service` and `meetings.urgent`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from sqlalchemy import ColumnElement, exists, or_
from sqlmodel import Session, col, func, select

from marketplace import audit
from marketplace.accounts.models import Account
from marketplace.accounts.standins import seats_of
from marketplace.actors import STAFF, Actor
from marketplace.calendar import local_day
from marketplace.clocks import service as clocks
from marketplace.clocks.service import Holder
from marketplace.db import flush, new_id
from marketplace.decisions import unclaimed
from marketplace.errors import BadInput, NotFound, WrongState
from marketplace.intake.cells import names_somebody
from marketplace.meetings.models import Duty
from marketplace.needs.models import Need
from marketplace.policy import require

STEP = "meeting_duty"
URGENT = 3


@dataclass(frozen=True, slots=True)
class Task:
    """What is to be done about which need, by whom; without a day the clock's own limit holds."""

    need_id: str
    officer_id: str
    task: str
    due_on: date | None = None
    meeting_id: str | None = None


def officers(session: Session, district: str, /) -> list[Account]:
    """Staff who can be named for a need of this district, by name."""
    accounts = session.exec(select(Account).where(col(Account.active).is_(True), col(Account.role).in_(list(STAFF))))
    near = [one for one in accounts if not one.districts or district in one.districts]
    return sorted(near, key=lambda one: (one.display_name, one.id))


def give(session: Session, task: Task, /, *, actor: Actor, now: datetime) -> Duty:
    """Name the officer and start the clock; the caller has asked the policy for its own act."""
    need = session.get_one(Need, task.need_id)
    if task.officer_id not in {one.id for one in officers(session, need.district_code)}:
        raise BadInput("officer_unknown", field="officer")
    if task.due_on is not None and task.due_on < local_day(now):
        raise BadInput("due_past", field="due_on")
    duty_id = new_id()
    holder = Holder(account_id=task.officer_id, district_code=need.district_code)
    clock = clocks.start(session, STEP, duty_id, holder=holder, now=now, urgent=need.urgency >= URGENT)
    if task.due_on is not None:
        clocks.set_last_day(session, clock, task.due_on)
    duty = Duty(
        id=duty_id,
        meeting_id=task.meeting_id,
        need_id=need.id,
        district_code=need.district_code,
        officer_id=task.officer_id,
        task=task.task.strip()[:200],
        due_on=clocks.last_day(clock),
        made_by=actor.id,
        made_at=now,
    )
    session.add(duty)
    _record(session, duty, "duty:give", actor=actor, now=now)
    return duty


def done(session: Session, duty_id: str, /, *, outcome: str, actor: Actor, now: datetime) -> Duty:
    """The officer says what came of it."""
    duty = session.get(Duty, duty_id, with_for_update=True, populate_existing=True)
    require(actor, "duty:done", district=duty.district_code if duty is not None else None)
    if duty is None or duty.officer_id not in seats_of(session, actor, now=now):
        raise NotFound("duty")
    if duty.officer_id != actor.id:
        actor = replace(actor, on_behalf_of=duty.officer_id)
    if duty.done_at is not None:
        raise WrongState("duty_over")
    if not outcome.strip():
        raise BadInput("reason_missing", field="outcome")
    if names_somebody(outcome):
        raise BadInput("personal_in_text", field="outcome")
    duty.outcome, duty.done_by, duty.done_at = outcome.strip()[:200], actor.id, now
    session.add(duty)
    clocks.end(session, duty.id, outcome="done", now=now)
    _record(session, duty, "duty:done", actor=actor, now=now)
    return duty


def take_back(session: Session, duty_id: str, /, *, actor: Actor, now: datetime) -> Duty:
    """The meeting that gave it takes it back before it is done; the caller has asked the policy for its own act."""
    duty = session.get_one(Duty, duty_id, with_for_update=True, populate_existing=True)
    if duty.done_at is not None:
        raise WrongState("duty_over")
    duty.taken_back, duty.done_by, duty.done_at = True, actor.id, now
    session.add(duty)
    clocks.end(session, duty.id, outcome="taken_back", now=now)
    _record(session, duty, "duty:take_back", actor=actor, now=now)
    return duty


def open_of(session: Session, actor: Actor, /, *, now: datetime) -> Sequence[Duty]:
    """What this officer, and whoever it stands in for, still has to do, the earliest day first."""
    statement = select(Duty).where(*_open(session, actor, now=now))
    return session.exec(statement.order_by(col(Duty.due_on), col(Duty.id))).all()


def count_open(session: Session, actor: Actor, /, *, now: datetime) -> int:
    """How many those are, for the home page."""
    return session.exec(select(func.count()).select_from(Duty).where(*_open(session, actor, now=now))).one()


def _open(session: Session, actor: Actor, *, now: datetime) -> tuple[ColumnElement[bool], ...]:
    seats = seats_of(session, actor, now=now)
    return (col(Duty.officer_id).in_(sorted(seats)), col(Duty.done_at).is_(None))


def _in_hand(limit: datetime) -> ColumnElement[bool]:
    """Needs on which an officer has a duty, or had one that was done since the limit: they have their person."""
    lately = or_(col(Duty.done_at).is_(None), col(Duty.done_at) >= limit)
    return exists().where(col(Duty.need_id) == col(Need.id), col(Duty.taken_back).is_(False), lately)


unclaimed.IN_HAND["duty"] = _in_hand


def get_duty(session: Session, duty_id: str, /, *, actor: Actor, now: datetime) -> Duty:
    """One duty of the officer's own, or of somebody it stands in for."""
    duty = session.get(Duty, duty_id)
    require(actor, "duty:list", district=duty.district_code if duty is not None else None)
    if duty is None or duty.officer_id not in seats_of(session, actor, now=now):
        raise NotFound("duty")
    return duty


def _record(session: Session, duty: Duty, action: str, *, actor: Actor, now: datetime) -> None:
    body = {"need": duty.need_id, "due_on": duty.due_on.isoformat()}
    audit.record(session, audit.Entry(action, object_ref=duty.id, body=body), actor=actor, now=now)
    flush(session)
