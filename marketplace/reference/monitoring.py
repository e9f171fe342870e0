"""The categories of the register of low-income people, as dated data: nobody's number of them is built in.

Enters: a code. Leaves: a `Category` with the category that follows when somebody leaves it (`after`), how many months a
spell of it lasts by itself (`months`, 0: until somebody ends it), whether it is one person's own or the whole
household's (`per`), and whether a second person has to agree where staff put somebody into it by hand, as its cases are
decided by two (`two`). Called by `households.categories` and by whoever enters somebody.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cache

from marketplace.reference.tables import UnknownCode, day, in_force, rows


@dataclass(frozen=True, slots=True)
class Category:
    """One category; `mark` says how well its source is known."""

    code: str
    personal: bool
    after: str
    months: int
    two: bool
    valid_from: date | None
    valid_to: date | None


@cache
def _all() -> dict[str, Category]:
    return {
        row["code"]: Category(
            code=row["code"],
            personal=row["per"] == "person",
            after=row["after"],
            months=int(row["months"] or 0),
            two=row["two"] == "yes",
            valid_from=day(row["valid_from"]),
            valid_to=day(row["valid_to"]),
        )
        for row in rows("monitoring_categories")
    }


def is_personal(code: str, /) -> bool:
    """Whether the category is one person's own; every other is the household's."""
    found = _all().get(code)
    return found is not None and found.personal


def follows(code: str, /) -> bool:
    """Whether it is the category of those who left another one: it begins by itself."""
    return any(one.after == code for one in _all().values())


def get_category(code: str, /, *, on: date) -> Category:
    """The category, if it is in force on that day; UnknownCode otherwise."""
    found = _all().get(code)
    if found is None or not in_force(found.valid_from, found.valid_to, on=on):
        raise UnknownCode("monitoring_categories", code)
    return found
