"""The indicators of a household's portrait: eight dimensions; how each indicator is read and how old it may be.

Enters: nothing. Leaves: `Indicator` rows in the order of the table. `how` names the way it is read
(`signals.reading`), `kinds` the facts it is made of; `found` means that only a visit can tell. `fresh_days` 0: the
register itself, which has no age. The base is the pilots of service aid (R5.18); the items are ours (mark D).
Called by `signals`, `visits` and `portraits`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from marketplace.reference.tables import codes, rows


@dataclass(frozen=True, slots=True)
class Indicator:
    """One indicator; `value` says what its number is: fen, percent, people, number, yes (1 or 0)."""

    code: str
    dimension: str
    value: str
    how: str
    kinds: tuple[str, ...]
    fresh_days: int

    @property
    def found(self) -> bool:
        """Whether only a visit can tell: then a number is written at the door, else whether it agrees."""
        return self.how == "found"


@dataclass(frozen=True, slots=True)
class GroupError:
    """Of a group's poor so many per mille are found by the need score, so many where nobody tells of people's work,
    among so many poor households of the survey."""

    code: str
    found_permille: int
    untold_permille: int
    households: int


@cache
def indicators() -> dict[str, Indicator]:
    """All indicators by code, in the order of the table.

    >>> list(indicators())[0], indicators()["elders"].how
    ('income_per_head', 'register')
    """
    return {
        row["code"]: Indicator(
            row["code"], row["dimension"], row["value"], row["how"], codes(row["kinds"]), int(row["fresh_days"])
        )
        for row in rows("indicators")
    }


@cache
def need_errors() -> tuple[GroupError, ...]:
    """How well the need score, as it runs here, finds each group; measured by `bench/need_score.py`."""
    numbers = ("found_permille", "untold_permille", "households")
    return tuple(GroupError(row["code"], *(int(row[name]) for name in numbers)) for row in rows("need_errors"))
