"""Reading the data files of this package.

What enters: the name of a file under `data/`. What leaves: its rows, read once and kept. Called only by the
other modules of `marketplace.reference`; a code that no table knows is answered with `UnknownCode`.
"""

import csv
from collections.abc import Mapping
from datetime import date
from functools import cache
from importlib.resources import files
from io import StringIO


class UnknownCode(LookupError):
    """A code that the named table does not hold."""

    def __init__(self, table: str, code: str) -> None:
        super().__init__(f"{code!r} is not a code of the table {table!r}")
        self.table = table
        self.code = code


@cache
def rows(name: str) -> tuple[Mapping[str, str], ...]:
    """All rows of `data/NAME.csv` in the order of the file."""
    text = (files("marketplace.reference") / "data" / f"{name}.csv").read_text(encoding="utf-8")
    return tuple(csv.DictReader(StringIO(text)))


def day(text: str) -> date | None:
    """An ISO date; empty is None (open)."""
    return date.fromisoformat(text) if text else None


def codes(text: str) -> tuple[str, ...]:
    """Codes written with semicolons between them."""
    return tuple(part for part in text.split(";") if part)


def in_force(valid_from: date | None, valid_to: date | None, *, on: date) -> bool:
    """Whether `on` lies in the half-open period; None is open."""
    return (valid_from is None or valid_from <= on) and (valid_to is None or on < valid_to)
