"""The attack of an outsider with two published weeks in hand: which small cells, which single households show?

Enters: the cells of the week before and of this week, as they would be published. Leaves: what follows from them by
arithmetic alone. Every number is read as an interval, by the rule that the reader knows: a rounded one may lie two
either side and never under ten, a missing one is anything from nought to nine, a table that holds any other number is
exact. A sum beside its parts narrows the parts. Called by `demand` before every publication, which fails on any find.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

LEAST = 10
STEP = 5
CITY = ""
Table = Mapping[str, Mapping[str, int]]
Interval = tuple[int, int]
Intervals = dict[str, Interval]


@dataclass(frozen=True, slots=True)
class Finds:
    """What the attack found, as (kind, place): `small` cells known exactly, `single` changes known to be of one."""

    small: tuple[tuple[str, str], ...] = ()
    single: tuple[tuple[str, str], ...] = ()

    def __bool__(self) -> bool:
        return bool(self.small or self.single)


def attack(before: Table, after: Table, *, districts: Iterable[str] = ()) -> Finds:
    """Every small cell of `after` that is known exactly, and every cell that is known to have changed by one.

    `districts` are all places there are, which every reader knows, also those that no cell names.

    >>> attack({}, {"CARE.MEAL": {"500103": 10, "500106": 15}})
    Finds(small=(), single=())
    >>> attack({"CARE.MEAL": {"500103": 12}}, {"CARE.MEAL": {"500103": 13}})
    Finds(small=(), single=(('CARE.MEAL', '500103'),))
    >>> attack({}, {"CARE.MEAL": {"500103": 11, "500106": 4}})
    Finds(small=(('CARE.MEAL', '500106'),), single=())
    """
    places = {place for table in (before, after) for row in table.values() for place in row} | set(districts)
    small, single = [], []
    for kind in sorted({*before, *after}):
        old, new = (read(table, kind, places) for table in (before, after))
        for place in sorted(new):
            if new[place][0] == new[place][1] and 0 < new[place][0] < LEAST:
                small.append((kind, place))
            if before and place in old and _changed_by_one(old[place], new[place]):
                single.append((kind, place))
    return Finds(tuple(small), tuple(single))


def _changed_by_one(old: Interval, new: Interval) -> bool:
    least, most = new[0] - old[1], new[1] - old[0]
    return least == most and abs(least) == 1


def read(table: Table, kind: str, places: set[str]) -> Intervals:
    """What a reader knows of each cell of one kind; O(cells)."""
    row = table.get(kind, {})
    exact = any(number < LEAST or number % STEP for cells in table.values() for number in cells.values())
    known = {place: _interval(row.get(place), exact=exact) for place in places}
    if CITY in row:
        _narrow(known, total=_interval(row[CITY], exact=exact))
    return known


def _interval(number: int | None, *, exact: bool) -> Interval:
    if number is None:
        return 0, LEAST - 1
    if exact or number < LEAST or number % STEP:
        return number, number
    return max(LEAST, number - STEP // 2), number + STEP // 2


def _narrow(known: Intervals, *, total: Interval) -> None:
    """The sum minus what the other parts can be at most, or at least, bounds each part."""
    parts = {place: held for place, held in known.items() if place != CITY}
    if not parts or all(held == (0, LEAST - 1) for held in parts.values()):
        return
    least, most = (sum(held[end] for held in parts.values()) for end in (0, 1))
    for place, (low, high) in parts.items():
        known[place] = max(low, total[0] - (most - high)), min(high, total[1] - (least - low))
