"""Which departments tell what: the feeds with their freshness, and the kinds of fact that each may carry.

Enters: a code. Leaves: a `Feed` or a `FactKind`. `fresh_days` is how old the newest delivery of a feed may be (0: the
feed has no rhythm); `value` says whether a fact carries fen, a whole number, or nothing but its day; `joins` how what
was told last is counted: `newest` a state of a person, whose newest word counts; `each` things of a person, of which
every record counts (an account, a home, a car: one reference each); `home` an amount of the whole household, told for
several of its people and counted once. A kind is carried by the feed of its row, and by
those of `also`: a death is told by the burial office and by the police. The household's own word (DECLARED) and the
platform may carry every kind. Called by `signals`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from marketplace.reference.tables import rows

DECLARED, PLATFORM = "DECLARED", "PLATFORM"


@dataclass(frozen=True, slots=True)
class Feed:
    """One feed of one department."""

    code: str
    department: str
    fresh_days: int


@dataclass(frozen=True, slots=True)
class FactKind:
    """One kind of fact: who tells it, what it carries (fen, number, none), how it joins (newest, each, home), and which
    other feeds may tell it."""

    code: str
    feed: str
    value: str
    joins: str
    also: tuple[str, ...] = ()

    @property
    def feeds(self) -> tuple[str, ...]:
        """Every department's feed that may tell it."""
        return (self.feed, *self.also)


@cache
def feeds() -> dict[str, Feed]:
    """All feeds by code, in the order of the table."""
    return {row["code"]: Feed(row["code"], row["department"], int(row["fresh_days"])) for row in rows("feeds")}


@cache
def fact_kinds() -> dict[str, FactKind]:
    """All kinds of fact by code, in the order of the table."""
    return {
        row["code"]: FactKind(row["code"], row["feed"], row["value"], row["joins"], tuple(row["also"].split()))
        for row in rows("fact_kinds")
    }


def kinds_of(feed: str, /) -> tuple[str, ...]:
    """The kinds that a feed may carry.

    >>> kinds_of("DIAGNOSES")
    ('SERIOUS_ILLNESS',)
    """
    return tuple(kind.code for kind in fact_kinds().values() if feed in (DECLARED, PLATFORM, *kind.feeds))
