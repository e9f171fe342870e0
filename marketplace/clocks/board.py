"""The board of deadlines: every running clock, filtered, counted and cut into pages in SQL; and taking a step on.

Enters: a filter and who looks. Leaves: clocks of the looker's districts, the first to be late first; or one clock with
a named holder. What the waiting object is, in words, the room above tells that shows the board.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, case, func
from sqlmodel import Session, col, select

from marketplace import audit
from marketplace.actors import Actor
from marketplace.calendar import after_working_days
from marketplace.clocks.models import Clock
from marketplace.clocks.steps import Side
from marketplace.db import flush
from marketplace.errors import NotFound, WrongState
from marketplace.policy import require

LATE, AT_RISK = "late", "at_risk"


@dataclass(frozen=True, slots=True)
class ClockFilter:
    """Which clocks to show; empty means all. `state` is late or at_risk, `account_ids` the people who hold them."""

    steps: tuple[str, ...] = ()
    state: str = ""
    district: str = ""
    account_ids: frozenset[str] = frozenset()

    def conditions(self, actor: Actor, now: datetime) -> list[ColumnElement[bool]]:
        """Always within the actor's districts."""
        wanted: list[ColumnElement[bool]] = [col(Clock.ended_at).is_(None)]
        if actor.districts:
            wanted.append(col(Clock.district_code).in_(sorted(actor.districts)))
        if self.district:
            wanted.append(col(Clock.district_code) == self.district)
        if self.steps:
            wanted.append(col(Clock.step).in_(self.steps))
        if self.account_ids:
            wanted.append(col(Clock.account_id).in_(sorted(self.account_ids)))
        if self.state == LATE:
            wanted.append(col(Clock.due_at) <= now)
        if self.state == AT_RISK:
            wanted += [col(Clock.due_at) > now, col(Clock.due_at) <= after_working_days(now, 1, district=self.district)]
        return wanted


def count_clocks(session: Session, wanted: ClockFilter, /, *, actor: Actor, now: datetime) -> int:
    """How many clocks the filter leaves."""
    return session.exec(select(func.count()).select_from(Clock).where(*wanted.conditions(actor, now))).one()


def list_clocks(
    session: Session, wanted: ClockFilter, /, *, actor: Actor, now: datetime, offset: int, limit: int
) -> list[Clock]:
    """One page of them, the first to be late first. The page is found in the index alone, so that a far one costs
    little; only its own rows are read."""
    order = (col(Clock.due_at), col(Clock.id))
    found = select(Clock.id).where(*wanted.conditions(actor, now)).order_by(*order).offset(offset).limit(limit)
    ids = session.exec(found).all()
    return list(session.exec(select(Clock).where(col(Clock.id).in_(ids)).order_by(*order)))


def count_by_step(session: Session, /, *, actor: Actor, now: datetime) -> dict[str, tuple[int, int]]:
    """Step ► (how many run, how many of them are late) within the actor's districts; one query."""
    late = func.sum(case((col(Clock.due_at) <= now, 1), else_=0))
    statement = select(col(Clock.step), func.count(), late).where(*ClockFilter().conditions(actor, now))
    return {row[0]: (int(row[1]), int(row[2])) for row in session.execute(statement.group_by(col(Clock.step)))}


def take(session: Session, clock_id: str, /, *, actor: Actor, now: datetime) -> Clock:
    """A member of staff takes a waiting step on, by name; from a colleague too, so that an absence holds nothing up."""
    clock = session.get(Clock, clock_id, with_for_update=True, populate_existing=True)
    require(actor, "clock:take", district=clock.district_code if clock is not None else None)
    if clock is None:
        raise NotFound("clock")
    if clock.ended_at is not None or clock.side is not Side.STAFF:
        raise WrongState("clock_not_staff")
    clock.account_id = actor.id
    session.add(clock)
    entry = audit.Entry("clock:take", object_ref=clock.object_ref, rule_id=clock.step)
    audit.record(session, entry, actor=actor, now=now)
    flush(session)
    return clock
