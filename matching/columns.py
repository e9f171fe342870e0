"""The columns of the problem folder: what each cell may hold, and how a value is written back.

What enters: the text of one cell, or a row of the model. What leaves: a checked value, or the canonical text. Called
by `matching.folder` only. The order of the columns is the order of the fields in `matching.model`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any

from matching import model
from matching.model import LARGEST
from matching.tables import Wrong

REQUIRED: Any = object()
"""The default of a column that may be neither absent nor empty."""

_WHOLE = re.compile(r"\d{1,13}", re.ASCII)
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)

_UNSEEN = ("Cc", "Cf", "Zl", "Zp")
"""Control signs, signs without width, ends of lines and paragraphs."""


NOBODY: frozenset[str] = frozenset()
EVERY = frozenset({"*"})


@dataclass(frozen=True, slots=True)
class Column:
    """One column: `empty` is what an empty cell means; a column that is not `present` may be left out.

    `clean` says of all cells at once that none is empty and each is its own value: a city has 100,000 distinct ids.
    """

    name: str
    parse: Callable[[str], Any]
    show: Callable[[Any], str]
    empty: Any = REQUIRED
    present: bool = True
    clean: Callable[[Sequence[str]], bool] = lambda cells: False


@dataclass(frozen=True, slots=True)
class Table:
    """One file of the folder and the row it holds."""

    name: str
    row: Callable[..., Any]
    columns: tuple[Column, ...]
    optional: bool = True


def _parse_text(cell: str) -> str:
    """Any text without signs that nobody sees: two ids that look alike must be one."""
    if not cell.isprintable():
        for sign in cell:
            if unicodedata.category(sign) in _UNSEEN:
                raise Wrong(f"holds the invisible sign U+{ord(sign):04X}", "write it again without that sign")
    return cell


def _parse_name(cell: str) -> str:
    if cell == "*":
        raise Wrong("stands for all and names nothing here", "write one id")
    if ";" in cell:
        raise Wrong("is several ids, or one that no set could name", "write one id without ;")
    return _parse_text(cell)


def _clean_names(cells: Sequence[str]) -> bool:
    together = "".join(cells)
    return together.isprintable() and not any(sign in together for sign in " ;*") and all(cells)


def _parse_one(cell: str) -> str:
    return cell if cell == "*" else _parse_name(cell)


def _parse_flag(cell: str) -> bool:
    if cell not in ("0", "1"):
        raise Wrong("is not a yes or no", "write 1 or 0")
    return cell == "1"


@lru_cache(maxsize=4096)
def parse_day(cell: str) -> date:
    """A date written YYYY-MM-DD, or what is wrong with it."""
    try:
        if _DAY.fullmatch(cell):
            return date.fromisoformat(cell)
    except ValueError:
        pass
    raise Wrong("is not a date", "write it as YYYY-MM-DD")


def _parse_set(cell: str, parse: Callable[[str], str]) -> frozenset[str]:
    found = frozenset(parse(name.strip()) for name in cell.split(";") if name.strip())
    if not found:
        raise Wrong("names nothing", "write ids with ; between them")
    return found


@lru_cache(maxsize=65536)
def _parse_names(cell: str) -> frozenset[str]:
    return _parse_set(cell, _parse_name)


@lru_cache(maxsize=65536)
def _parse_all_or_names(cell: str) -> frozenset[str]:
    return _parse_set(cell, _parse_one)


@lru_cache(maxsize=65536)
def _show_names(names: frozenset[str]) -> str:
    return ";".join(sorted(names))


def show_text(value: str | None) -> str:
    """An id as it stands; nothing as an empty cell."""
    return value or ""


def _show_number(value: int | None) -> str:
    return "" if value is None else str(int(value))


def _show_day(value: date | None) -> str:
    return "" if value is None else value.isoformat()


def whole_number(cell: str, *, least: int, most: int) -> int:
    """The whole number of a cell, or what is wrong with it."""
    mend = f"write a whole number from {least} to {most}"
    if not _WHOLE.fullmatch(cell):
        raise Wrong(_not_whole(cell), mend)
    value = int(cell)
    if value > most:
        raise Wrong("is above the limit", mend)
    if value < least:
        raise Wrong("is too small", mend)
    return value


def _not_whole(cell: str) -> str:
    if re.fullmatch(r"-\d+([.,]\d+)?", cell, re.ASCII):
        return "is negative"
    if re.fullmatch(r"\d*[.,]\d+|\d+[.,]?\d*[eE][+-]?\d+", cell, re.ASCII):
        return "is not whole"
    return "is above the limit" if re.fullmatch(r"\d{14,}", cell, re.ASCII) else "is not a number"


def name(column: str, *, empty: Any = REQUIRED, present: bool = True) -> Column:
    """An id or a code."""
    return Column(column, _parse_name, show_text, empty, present, _clean_names)


def one(column: str, *, empty: Any = REQUIRED, present: bool = True) -> Column:
    """Like `name`, but ``*`` is allowed."""
    return Column(column, _parse_one, show_text, empty, present)


def text(column: str, *, empty: Any = REQUIRED, present: bool = True) -> Column:
    """What stands there, which names nothing."""
    return Column(column, _parse_text, show_text, empty, present)


def names(column: str, *, empty: Any = REQUIRED, present: bool = True) -> Column:
    """Ids separated by semicolons, in any order."""
    return Column(column, _parse_names, _show_names, empty, present)


def all_or_names(column: str, *, empty: Any) -> Column:
    """Like `names`, but ``*`` is allowed."""
    return Column(column, _parse_all_or_names, _show_names, empty)


def number(column: str, *, least: int = 0, most: int = LARGEST, empty: Any = REQUIRED) -> Column:
    """A whole number; one with a default may be left out."""

    def parse(cell: str) -> int:
        return whole_number(cell, least=least, most=most)

    return Column(column, parse, _show_number, empty, empty is REQUIRED)


def day(column: str, *, empty: Any = None, present: bool = False) -> Column:
    """A date."""
    return Column(column, parse_day, _show_day, empty, present)


def flag(column: str) -> Column:
    """Yes or no, no by default."""
    return Column(column, _parse_flag, _show_number, empty=False, present=False)


def state(column: str) -> Column:
    """A state of past aid."""

    def parse(cell: str) -> str:
        if cell not in ("delivered", "approved", "reserved"):
            raise Wrong("is not a state", "write delivered, approved or reserved")
        return cell

    return Column(column, parse, show_text)


TABLES = (
    Table(
        "needs",
        model.Need,
        (
            name("need_id"),
            name("household_id"),
            name("district"),
            name("category"),
            name("unit"),
            number("gap"),
            number("urgency", most=3),
            day("valid_from"),
            day("valid_to"),
            flag("one_provider"),
            flag("all_or_nothing"),
            all_or_names("consented", empty=NOBODY),
            names("tags", empty=NOBODY, present=False),
        ),
        optional=False,
    ),
    Table(
        "resources",
        model.Resource,
        (
            name("resource_id"),
            name("org_id"),
            name("category"),
            name("unit"),
            number("stock"),
            number("lot", least=1, empty=1),
            number("min_per_need", empty=1),
            number("max_per_need", empty=None),
            number("max_per_household", empty=None),
            all_or_names("districts", empty=EVERY),
            names("tags_any", empty=NOBODY, present=False),
            names("tags_all", empty=NOBODY, present=False),
            names("tags_none", empty=NOBODY, present=False),
            number("min_urgency", most=3, empty=0),
            day("valid_from"),
            day("valid_to"),
            name("exclusive_group", empty=None, present=False),
            name("earmark", empty=None, present=False),
            number("unit_cost", empty=0),
        ),
        optional=False,
    ),
    Table("earmarks", model.Earmark, (name("earmark"), name("parent", empty=None, present=False), number("budget"))),
    Table(
        "caps",
        model.Cap,
        (name("cap_id"), names("categories"), number("max_units"), one("household_id", empty="*", present=False)),
    ),
    Table(
        "ledger",
        model.PastAid,
        (
            name("household_id"),
            name("category"),
            number("units"),
            day("given_on", empty=REQUIRED, present=True),
            state("state"),
            name("need_id", empty=None, present=False),
        ),
    ),
    Table("cooloffs", model.CoolOff, (name("category"), number("days", most=36_600))),
    Table("pins", model.Pin, (name("need_id"), name("resource_id"), number("units", least=1))),
    Table("bans", model.Ban, (one("need_id"), one("resource_id"), text("code", empty="", present=False))),
    Table("announced", model.Announced, (name("need_id"), name("resource_id"), number("units"))),
    Table(
        "pairs",
        model.Candidate,
        (
            name("need_id"),
            name("resource_id"),
            number("cost", empty=None),
            number("value", empty=0),
            number("units_used", least=1, empty=None),
        ),
    ),
)
"""Every table of the folder, in the order in which they are read and hashed."""
