"""The numbers of the boards as they are kept: counted by the worker, so that a board of a large register opens at once.

Enters: the clock, a place and who looks. Leaves: the last counting by street, one row a day for each district, and what
a board shows. A small register is counted at the moment; a large one shows the last counting and says of when it is.
Called by the worker after the night's look at everybody, then at most once an hour while something changes, and by the
views.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlmodel import Session, col, delete, func, insert, select

from marketplace.actors import Actor
from marketplace.audit import AuditHead
from marketplace.boards import response
from marketplace.boards.counting import ALL, MEASURES, Moment, Place, by_place, by_street
from marketplace.boards.models import BoardCount, BoardCounting, BoardDay
from marketplace.calendar import local_day
from marketplace.db import Database, chunks
from marketplace.households.models import Household

LIVE_UP_TO = 5_000
"""Up to so many households a board counts at the moment: about a third of a second on one core."""
AGAIN = timedelta(hours=1)
HISTORY, AGO, ABOUT = timedelta(days=400), timedelta(days=30), timedelta(days=7)
"""How long days are kept; what a board sets beside its numbers, and how much older that day may be."""
AT_ONCE = 2_000
Counted = Mapping[str, Mapping[tuple[str, str], int]]
"""Measure ► district and street ► households."""


@dataclass(frozen=True, slots=True)
class Board:
    """Measure ► place below ► households (of `response`: alerts), when they were counted, and whether for this page."""

    at: datetime
    live: bool
    numbers: Mapping[str, Mapping[str, int]]

    def total(self, measure: str, /) -> int:
        """All households of a measure."""
        return sum(self.numbers.get(measure, {}).values())


def board_of(session: Session, place: Place, /, *, at: Moment, actor: Actor) -> Board:
    """The numbers of a place within the actor's districts."""
    counted_at = kept_at(session)
    if counted_at is None:
        numbers = {code: by_place(session, code, place, at=at, actor=actor) for code in ALL}
        return Board(at.now, True, numbers | response.by_place(session, place, at=at, actor=actor))
    below = place.below(BoardCount)
    asked = select(BoardCount.measure, below, func.sum(BoardCount.households))
    asked = asked.where(*place.within(actor, BoardCount)).group_by(col(BoardCount.measure), below)
    numbers = {code: {} for code in ALL}
    for measure, code, households in session.exec(asked):
        numbers.setdefault(measure, {})[code] = int(households)
    return Board(counted_at, False, numbers)


def kept_at(session: Session, /) -> datetime | None:
    """When the numbers that a board shows were counted; nothing where it counts at the moment."""
    row = session.get(BoardCounting, 1) if _is_large(session) else None
    return None if row is None else row.counted_at


def kept_total(session: Session, measure: str, place: Place, /, *, actor: Actor) -> int:
    """The kept number of a place."""
    asked = select(func.sum(BoardCount.households)).where(BoardCount.measure == measure)
    return int(session.exec(asked.where(*place.within(actor, BoardCount))).one() or 0)


def month_ago(session: Session, place: Place, /, *, on: date, actor: Actor) -> tuple[date, dict[str, int]] | None:
    """The newest kept day that is a month old, and its numbers; nothing for a street."""
    if place.street:
        return None
    days = select(func.max(BoardDay.on)).where(col(BoardDay.on) <= on - AGO, col(BoardDay.on) >= on - AGO - ABOUT)
    day = session.exec(days).one()
    if day is None:
        return None
    asked = select(BoardDay.measure, func.sum(BoardDay.households)).where(col(BoardDay.on) == day)
    found = session.exec(asked.where(*place.within(actor, BoardDay)).group_by(col(BoardDay.measure)))
    return day, {measure: int(households) for measure, households in found}


class Hourly:
    """The sweep of the worker: once after each midnight of China, and of a large register again while it changes."""

    def __init__(self, database: Database, /, *, clock: Callable[[], datetime]) -> None:
        self._database, self._clock = database, clock

    def __call__(self) -> int:
        """Count if there is a reason to: a long read, then one short transaction. Returns how many rows were kept."""
        now = self._clock()
        with self._database.reading() as session:
            if not _is_due(session, now=now):
                return 0
            seq, counted = _newest_act(session), count(session, at=Moment(now, local_day(now)))
        with self._database.transaction() as session:
            return keep(session, counted, seq=seq, now=now)


def count(session: Session, /, *, at: Moment) -> Counted:
    """Every number of every street."""
    return {measure: by_street(session, measure, at=at) for measure in ALL} | response.by_street(session, at=at)


def keep(session: Session, counted: Counted, /, *, seq: int, now: datetime) -> int:
    """Put a counting in the place of the last one, and as its day's."""
    today = local_day(now)
    session.execute(delete(BoardCount))
    session.execute(delete(BoardDay).where((col(BoardDay.on) == today) | (col(BoardDay.on) < today - HISTORY)))
    written = _write(session, BoardCount, _streets(counted))
    _write(session, BoardDay, _districts(counted, today))
    session.merge(BoardCounting(id=1, counted_at=now, audit_seq=seq))
    return written


def _streets(counted: Counted) -> list[dict[str, Any]]:
    return [
        {"measure": measure, "district_code": district, "street_code": street, "households": households}
        for measure, places in counted.items()
        for (district, street), households in places.items()
    ]


def _districts(counted: Counted, today: date) -> list[dict[str, Any]]:
    sums: dict[tuple[str, str], int] = {}
    for measure in MEASURES:
        for (district, _street), households in counted[measure].items():
            sums[measure, district] = sums.get((measure, district), 0) + households
    return [
        {"on": today, "measure": measure, "district_code": district, "households": households}
        for (measure, district), households in sums.items()
    ]


def _write(session: Session, table: Any, rows: list[dict[str, Any]]) -> int:
    for some in chunks(rows, AT_ONCE):
        session.execute(insert(table), some)
    return len(rows)


def _is_large(session: Session) -> bool:
    """Whether there are more households than a board counts at the moment; looks no further than that."""
    return session.exec(select(Household.id).offset(LIVE_UP_TO).limit(1)).first() is not None


def _is_due(session: Session, *, now: datetime) -> bool:
    last = session.get(BoardCounting, 1)
    if last is None or local_day(last.counted_at) < local_day(now):
        return True
    return _is_large(session) and now - last.counted_at >= AGAIN and _newest_act(session) != last.audit_seq


def _newest_act(session: Session) -> int:
    """The number of the newest act: every change of the house writes one."""
    return session.exec(select(AuditHead.seq)).one()
