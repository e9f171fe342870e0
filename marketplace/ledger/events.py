"""Causes that are no event of the list: a person says which event they mean.

Enters: needs and live aid whose cause somebody wrote as free text, or a code that no list knows. Leaves: each as one
task, the oldest first; and the event that a person chose, in the one way to write it. Until then the rules count such
a cause as possibly the same as any other. Called by the pages of the ledger.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, func, literal, or_, union_all
from sqlalchemy import select as pick
from sqlmodel import Session, col, select

from marketplace import audit
from marketplace.actors import Actor
from marketplace.calendar import local_day
from marketplace.db import flush
from marketplace.errors import BadInput, Conflict, NotFound, WrongState
from marketplace.households.models import Household
from marketplace.ledger.models import LIVE, LedgerEntry
from marketplace.needs.models import Need, NeedState
from marketplace.policy import require
from marketplace.reference import events
from marketplace.reference.tables import UnknownCode

OPEN = (NeedState.UNVERIFIED, NeedState.HELD, NeedState.VERIFIED)
NEED, AID = "need", "aid"
ACTS = {NEED: "need:update", AID: "aid:update"}


@dataclass(frozen=True, slots=True)
class Task:
    """A cause that nobody has mapped yet; `what` is a need or a piece of aid."""

    what: str
    id: str
    category: str
    cause: str
    district_code: str
    created_at: datetime


def _unknown(column: Any) -> ColumnElement[bool]:
    written = [column == code for code in events.codes()] + [column.startswith(f"{code}:") for code in events.codes()]
    return and_(column != "", ~or_(*written))


def waiting(session: Session, /, *, actor: Actor, offset: int, limit: int) -> tuple[Sequence[Task], int]:
    """One page of what waits in the actor's districts, and how many there are."""
    require(actor, "aid:place")
    home = col(Household.district_code)
    needs = _asked(NEED, Need, col(Need.district_code)).where(
        _unknown(col(Need.cause)), col(Need.state).in_(OPEN), *_here(actor, col(Need.district_code))
    )
    aid = _asked(AID, LedgerEntry, home).join(Household)
    aid = aid.where(_unknown(col(LedgerEntry.cause)), col(LedgerEntry.state).in_(LIVE), *_here(actor, home))
    both = union_all(needs, aid).subquery("waiting")
    count = session.execute(pick(func.count()).select_from(both)).scalar_one()
    oldest = pick(both).order_by(both.c[5], both.c[1]).offset(offset).limit(limit)
    return [Task(*row) for row in session.execute(oldest)], count


def _asked(what: str, of: Any, district: Any) -> Any:
    return pick(literal(what), of.id, of.category, of.cause, district, of.created_at)


def _here(actor: Actor, district: Any) -> list[ColumnElement[bool]]:
    return [district.in_(sorted(actor.districts))] if actor.districts else []


def task(session: Session, what: str, row_id: str, /, *, actor: Actor) -> Task:
    """One task; NotFound for what is not here."""
    row, district = _row(session, what, row_id)
    require(actor, "aid:place")
    if not actor.serves(district):
        raise NotFound("event")
    return Task(what, row.id, row.category, row.cause, district, row.created_at)


def _row(session: Session, what: str, row_id: str) -> tuple[Need | LedgerEntry, str]:
    model: Any = {NEED: Need, AID: LedgerEntry}.get(what)
    row: Any = session.get(model, row_id, with_for_update=True, populate_existing=True) if model else None
    if row is None:
        raise NotFound("event")
    home = session.get_one(Household, row.household_id)
    return row, home.district_code


def say(session: Session, what: str, row_id: str, /, *, code: str, reference: str, actor: Actor, now: datetime) -> None:
    """The event that a text means; what is written already as an event of the list is not said anew."""
    found = task(session, what, row_id, actor=actor)
    if not found.cause or events.known(found.cause):
        raise WrongState("event_known")
    row, _district = _row(session, what, row_id)
    try:
        row.cause = events.write(code, reference, on=local_day(now))
    except UnknownCode as error:
        raise BadInput("event_unclear", field="event_reference") from error
    if isinstance(row, Need):
        _refuse_second(session, row)
    row.updated_at = now
    session.add(row)
    flush(session)
    entry = audit.Entry(ACTS[what], object_ref=row.id, subject=row.household_id, rule_id="event")
    audit.record(session, entry, actor=actor, now=now)


def _refuse_second(session: Session, need: Need) -> None:
    """The household may have told of this very need in other words before."""
    with session.no_autoflush:
        twin = select(Need.id).where(
            col(Need.household_id) == need.household_id,
            col(Need.category) == need.category,
            col(Need.period) == need.period,
            col(Need.cause) == need.cause,
            col(Need.person_id) == need.person_id,
            col(Need.state).in_(OPEN),
            col(Need.id) != need.id,
        )
        if session.exec(twin).first() is not None:
            session.refresh(need)
            raise Conflict("need_exists")
