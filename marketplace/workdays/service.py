"""Holidays and workdays of the city's own: one person drafts a day with its source, another puts it in force.

Enters: a draft, a decision. Leaves: days in force, which the edges hand to `calendar`; a day that closed moves what
runs over it (`following`). Called by the pages, by the edge of each request, command and round of the worker.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlmodel import Session, col, select

from marketplace import audit, calendar
from marketplace.actors import Actor
from marketplace.calendar import Own, local_day
from marketplace.db import Database, flush, new_id
from marketplace.errors import BadInput, NotFound, WrongState
from marketplace.policy import require
from marketplace.reference.districts import current
from marketplace.reference.words import list_codes
from marketplace.workdays import following
from marketplace.workdays.models import DayState, OwnDay

BACK, AHEAD = timedelta(days=31), timedelta(days=400)
"""A flood is written down after it began; nobody decrees further ahead than the next year."""


@dataclass(frozen=True, slots=True)
class Draft:
    """What somebody wants to write down."""

    day: date
    works: bool
    cause: str
    source: str
    district_code: str = ""


def list_days(session: Session, /) -> list[OwnDay]:
    """Every day that anybody drafted, the latest day first."""
    order = (col(OwnDay.day).desc(), col(OwnDay.drafted_at).desc(), col(OwnDay.id))
    return list(session.exec(select(OwnDay).order_by(*order)))


def in_force(session: Session, /) -> Own:
    """District and day ► whether offices work."""
    asked = select(OwnDay).where(OwnDay.state == DayState.ACTIVE)
    return {(row.district_code, row.day): row.works for row in session.exec(asked)}


def read_days(database: Database, /) -> Own:
    """The same in a session of its own, for the edges."""
    with database.reading() as session:
        return in_force(session)


def draft(session: Session, wanted: Draft, /, *, actor: Actor, now: datetime) -> OwnDay:
    """Write a day down; it changes nothing until another person puts it in force."""
    require(actor, "workday:draft", district=wanted.district_code)  # the whole city: who has no district of its own
    _check(session, wanted, today=local_day(now))
    row = OwnDay(
        id=new_id(),
        day=wanted.day,
        district_code=wanted.district_code,
        works=wanted.works,
        cause=wanted.cause,
        source=wanted.source.strip()[:200],
        drafted_by=actor.id,
        drafted_at=now,
    )
    return _keep(session, row, "workday:draft", actor=actor, now=now)


def decide(session: Session, day_id: str, /, *, approved: bool, actor: Actor, now: datetime) -> OwnDay:
    """A second person says yes or no. A yes ends the earlier word about the day and moves what runs over a closed one;
    a limit that was told to somebody never ends earlier than it was told. One day is decided after the other: each
    moves what the one before has left."""
    session.exec(select(OwnDay.id).order_by(col(OwnDay.id)).with_for_update()).all()
    row = session.get(OwnDay, day_id, with_for_update=True, populate_existing=True)
    if row is None:
        raise NotFound("own_day")
    require(actor, "workday:approve", district=row.district_code)
    if row.state is not DayState.DRAFT:
        raise WrongState("rule_decided")
    if row.drafted_by in actor.people:
        raise WrongState("workday_same_person")
    before = in_force(session)
    if approved:
        if row.works:
            following.stood(session, row, before=before)
        else:
            row.moved = following.close(session, row, before=before)
        _end_older(session, row)
    row.state = DayState.ACTIVE if approved else DayState.REFUSED
    row.decided_by, row.decided_at = actor.id, now
    return _keep(session, row, "workday:approve" if approved else "workday:refuse", actor=actor, now=now)


def _check(session: Session, wanted: Draft, *, today: date) -> None:
    if wanted.cause not in list_codes("workday_cause"):
        raise BadInput("choice", field="cause")
    if not wanted.source.strip():
        raise BadInput("workday_source", field="source")
    if not today - BACK <= wanted.day <= today + AHEAD:
        raise BadInput("workday_far", field="day")
    if wanted.district_code and wanted.district_code not in {one.code for one in current(today)}:
        raise BadInput("choice", field="district")
    with calendar.own_days(lambda: in_force(session)):
        if calendar.is_working_day(wanted.day, district=wanted.district_code) is wanted.works:
            raise BadInput("workday_same", field="works")
    waiting = select(OwnDay.id).where(OwnDay.state == DayState.DRAFT, OwnDay.day == wanted.day)
    if session.exec(waiting.where(OwnDay.district_code == wanted.district_code)).first() is not None:
        raise BadInput("workday_waits", field="day")


def _end_older(session: Session, row: OwnDay) -> None:
    asked = select(OwnDay).where(OwnDay.state == DayState.ACTIVE, OwnDay.day == row.day)
    for older in session.exec(asked.where(OwnDay.district_code == row.district_code)):
        older.state = DayState.ENDED
        session.add(older)
        flush(session)


def _keep(session: Session, row: OwnDay, act: str, *, actor: Actor, now: datetime) -> OwnDay:
    session.add(row)
    flush(session)
    told = {"day": row.day.isoformat(), "district": row.district_code, "works": row.works, "moved": row.moved}
    audit.record(session, audit.Entry(act, object_ref=row.id, rule_id=row.cause, body=told), actor=actor, now=now)
    return row
