"""What every room keeps of a household: whose it is, what of it still waits, when something last happened to it.

Enters: what each room says of its tables (`HELD` of its module `held`) and the clock. Leaves: the households of which
something is open, the last act of each, the rows that go along when a household moves, and the tables of which no room
has spoken. Nothing is destroyed while one of them is missing. Called by the eraser and by the mover.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import MetaData, inspect
from sqlmodel import Session, SQLModel, func, select

from marketplace.calendar import end_of_day

OF_A_HOUSEHOLD = frozenset({"household", "person"})
LEADS = frozenset({"household_id", "person_id", "need_id", "match_id", "consent_chain_id"})
"""Columns that lead to a household, also where no foreign key says so."""


def row_of(table: Any, column: Any, /) -> tuple[type[SQLModel], Any]:
    """The join to the row of this table that the column names."""
    return table, table.id == column


@dataclass(frozen=True)
class Held:
    """One table of a room. `home`: the column that names the household, of this table or of one that is joined; `at`:
    the moments (or days) at which something happened; `waits`: when a row still waits for somebody. A table with
    neither says nothing by itself: it follows a row of another one. `follows`, for a table with a district of its own:
    True if what waits goes along when the household moves, a condition if other rows do, False if the district stays
    the one of then."""

    table: type[SQLModel]
    home: Any = None
    at: tuple[Any, ...] = ()
    waits: Callable[[datetime], Any] | None = None
    joins: tuple[tuple[type[SQLModel], Any], ...] = ()
    follows: Callable[[datetime], Any] | bool | None = None

    def of(self, homes: Iterable[str], *columns: Any) -> Any:
        """These columns of the rows of some households."""
        asked: Any = select(self.home, *columns).select_from(self.table)
        for table, on in self.joins:
            asked = asked.join(table, on)
        return asked.where(self.home.in_(list(homes)))

    @property
    def key(self) -> Any:
        """The column by which a row is named; the first, if there are several."""
        return inspect(self.table).primary_key[0]

    def goes(self, now: datetime, /) -> Any:
        """Which rows go along when the household moves; None where nothing with a district of its own does."""
        which = self.waits if self.follows is True else self.follows or None
        return which(now) if which is not None else None


def open_homes(session: Session, rooms: Iterable[Held], homes: Iterable[str], /, *, now: datetime) -> set[str]:
    """Those of these households of which anything still waits for somebody, in whatever room."""
    left = set(homes)
    found: set[str] = set()
    for held in rooms:
        if held.waits is not None and left:
            found |= {row[0] for row in session.execute(held.of(left).where(held.waits(now)).distinct())}
            left -= found
    return found


def last_acts(session: Session, rooms: Iterable[Held], homes: Iterable[str], /) -> dict[str, datetime]:
    """Household ► when something last happened to it, in whatever room."""
    known = set(homes)
    found: dict[str, datetime] = {}
    for held in rooms:
        if not held.at or not known:
            continue
        for home, *moments in session.execute(held.of(known, *map(func.max, held.at)).group_by(held.home)):
            for at in (_moment(one) for one in moments if one is not None):
                found[home] = max(at, found.get(home, at))
    return found


def _moment(at: datetime | date) -> datetime:
    """A day counts to its end."""
    return at if isinstance(at, datetime) else end_of_day(at)


def unanswered(rooms: Iterable[Held], metadata: MetaData, /) -> set[str]:
    """Tables that lead to a household, and of which no room has said what of them is open."""
    leading, grown = set(OF_A_HOUSEHOLD), True
    while grown:
        more = {table.name for table in metadata.tables.values() if _leads(table, leading)} - leading
        leading, grown = leading | more, bool(more)
    return leading - {str(held.table.__tablename__) for held in rooms}


def unplaced(rooms: Iterable[Held], metadata: MetaData, /) -> set[str]:
    """Tables with a district that lead to a household, and of which no room has said whether it follows a move."""
    said = {str(held.table.__tablename__) for held in rooms if held.follows is not None}
    placed = {table.name for table in metadata.tables.values() if "district_code" in table.columns}
    return (placed & unanswered((), metadata)) - said - {"household"}


def _leads(table: Any, leading: set[str]) -> bool:
    named = LEADS & set(table.columns.keys())
    return bool(named) or any(key.column.table.name in leading for key in table.foreign_keys)
