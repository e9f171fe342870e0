"""The need score: facts that anybody can see, and the whole points each of them counts.

What enters: the facts that hold for a household. What leaves: its score and the lines that make it up, so that it can
be read and doubted. The points were learned from a survey by `bench/need_score.py`, which also tells how many of the
poorest fifth they find and whom they miss. A score orders attention; it never decides about help.
"""

from collections.abc import Collection
from dataclasses import dataclass
from functools import cache

from marketplace.reference.tables import rows

FACTS = tuple(row["code"] for row in rows("need_points"))


@dataclass(frozen=True, slots=True)
class Line:
    """One fact that holds, and its points."""

    fact: str
    points: int
    zh: str
    en: str


@cache
def points() -> dict[str, int]:
    """Fact ► points."""
    return {row["code"]: int(row["points"]) for row in rows("need_points")}


def lines(facts: Collection[str]) -> list[Line]:
    """The lines of a household's score, the heaviest first; facts without points are left out."""
    held = (row for row in rows("need_points") if row["code"] in facts and int(row["points"]) > 0)
    found = (Line(row["code"], int(row["points"]), row["zh"], row["en"]) for row in held)
    return sorted(found, key=lambda line: -line.points)


def score(facts: Collection[str]) -> int:
    """The sum of the points of the facts that hold.

    >>> score([])
    0
    """
    return sum(line.points for line in lines(facts))
