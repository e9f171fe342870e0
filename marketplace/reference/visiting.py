"""What visits rest on as dated data: why somebody goes, how often each class is seen, how far it is.

Enters: a code and a day. Leaves: a cause with its urgency and limit, the days between two visits of a category, and
minutes between two streets with the rivers and ridges between them. Every number carries its source and mark; D is our
own proposal. Called by the room of visits.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from itertools import pairwise
from math import cos, hypot, radians

from marketplace.reference.tables import UnknownCode, day, in_force, rows

Point = tuple[float, float]
METRES_A_DEGREE = 111_320
MOST_MINUTES = 600


@dataclass(frozen=True)
class Ground:
    """What a city brought beside the tables: points by code, which come first, and lines with the minutes they cost."""

    points: Mapping[str, Point] = field(default_factory=dict)
    barriers: tuple[tuple[int, tuple[Point, ...]], ...] = ()


NONE = Ground()


@dataclass(frozen=True, slots=True)
class Cause:
    """Why somebody goes: how urgent (0 is the most), within how many working days, and whether two people go."""

    code: str
    urgency: int
    days: int
    two: bool


@cache
def causes() -> dict[str, Cause]:
    """All causes by code."""
    return {
        row["code"]: Cause(row["code"], int(row["urgency"]), int(row["days"]), row["two"] == "yes")
        for row in rows("visit_causes")
    }


def quotas(on: date, /) -> dict[str, int]:
    """Category ► the most days between two visits, as it holds on a day.

    >>> quotas(date(2026, 11, 26))["IN_REGISTER"]
    90
    """
    return {row["category"]: int(row["days"]) for row in rows("visit_quotas") if _holds(row, on)}


def has_place(street: str, /, *, ground: Ground = NONE) -> bool:
    """Whether the street has a point of its own; without one, no order of stops is shorter than another."""
    return street in ground.points or street in _points()


def middle_of(district: str, /) -> Point | None:
    """Where a district lies by the tables."""
    return _points().get(district)


def minutes_between(one: tuple[str, str], two: tuple[str, str], /, *, on: date, ground: Ground = NONE) -> int:
    """Minutes from one (district, street) to another: the way at a street's pace, and every river or ridge on it. A
    street without a point of its own counts as its district's middle."""
    if one == two:
        return _travel("SAME_STREET_MINUTES", on)
    here, there = _point(*one, ground), _point(*two, ground)
    if here is None or there is None:
        return _travel("UNKNOWN_MINUTES", on)
    if here == there:
        return _travel("SAME_DISTRICT_MINUTES", on)
    metres = _metres(here, there) * _travel("WINDING_PERCENT", on) / 100
    plain = round(metres / _travel("METRES_A_MINUTE", on))
    return min(MOST_MINUTES, max(plain, 1) + _barriers(here, there, on=on, ground=ground))


@cache
def _travel(code: str, on: date) -> int:
    for row in rows("travel"):
        if row["code"] == code and _holds(row, on):
            return int(row["value"])
    raise UnknownCode("travel", code)


@cache
def _points() -> dict[str, Point]:
    return {row["code"]: (float(row["lon"]), float(row["lat"])) for row in rows("street_places")}


def _point(district: str, street: str, ground: Ground) -> Point | None:
    told = (ground.points.get(street), _points().get(street), ground.points.get(district), _points().get(district))
    return next((point for point in told if point is not None), None)


def _metres(one: Point, two: Point) -> float:
    east = (two[0] - one[0]) * cos(radians((one[1] + two[1]) / 2))
    return hypot(east, two[1] - one[1]) * METRES_A_DEGREE


def _barriers(one: Point, two: Point, *, on: date, ground: Ground) -> int:
    """The minutes of every barrier that lies between the two, each counted once."""
    told = [(int(row["minutes"]), _line(row["line"])) for row in rows("barriers") if _holds(row, on)]
    lines = (*told, *ground.barriers)
    return sum(minutes for minutes, line in lines if any(_cross(one, two, *piece) for piece in pairwise(line)))


@cache
def _line(text: str) -> tuple[Point, ...]:
    pairs = (part.split() for part in text.split(";"))
    return tuple((float(lon), float(lat)) for lon, lat in pairs)


def _cross(one: Point, two: Point, three: Point, four: Point) -> bool:
    return _side(one, two, three) != _side(one, two, four) and _side(three, four, one) != _side(three, four, two)


def _side(one: Point, two: Point, at: Point) -> bool:
    return (two[0] - one[0]) * (at[1] - one[1]) > (two[1] - one[1]) * (at[0] - one[0])


def _holds(row: Mapping[str, str], on: date) -> bool:
    return in_force(day(row["valid_from"]), day(row["valid_to"]), on=on)
