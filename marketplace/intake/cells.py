"""Readers of cells: what a spreadsheet or a registry holds, turned into plain values, or `BadCell` with a code.

What enters: one `Cell`. What leaves: text, a whole number, an ISO date, codes. Called by `checking` through the columns
of a schema; the rooms build their columns from these. An empty cell is None in every reader.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal, InvalidOperation

from adapters.ports import Cell, FormulaError, RoundedNumber
from adapters.tabular_cells import plain_text
from marketplace.calendar import after_last
from marketplace.intake.values import BadCell, Reader, Stage
from marketplace.reference.identity_number import BadIdNumber, check_id_number
from marketplace.reference.words import words

LARGEST = 2**62
"""Amounts beyond this do not fit a whole number of the database."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f]+")
_PERSONAL = re.compile(r"(?<!\d)(?:\d{17}[\dXx]|1\d{10})(?!\d)")
_PHONE = re.compile(r"\+?\d{7,15}")
_DAY = re.compile(r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?")
_SPLIT = re.compile(r"[;；,，、|]")
_MONEY_WORDS = {"元": 100, "yuan": 100, "cny": 100, "rmb": 100, "人民币": 100, "fen": 1, "分": 1, "万元": 1_000_000}


def sound(cell: Cell) -> Cell:
    """The cell, unless a spreadsheet has spoilt it."""
    if isinstance(cell, RoundedNumber):
        raise BadCell("number_rounded", stage=Stage.SPOILT)
    if isinstance(cell, FormulaError):
        raise BadCell("formula_failed", stage=Stage.SPOILT)
    return cell


def text(limit: int, *, nameless: bool = False) -> Reader:
    """Text of at most `limit` characters; with `nameless`, ID and mobile numbers in it are refused."""

    def read(cell: Cell) -> str | None:
        plain = plain_text(sound(cell))
        if not plain:
            return None
        if _CONTROL.search(plain):
            plain = _CONTROL.sub(" ", plain).strip()
        if len(plain) > limit:
            raise BadCell("too_long", limit=limit)
        if nameless and names_somebody(plain):
            raise BadCell("personal_in_text")
        return plain

    return read


def names_somebody(plain: str) -> bool:
    """Whether a text holds what looks like an ID or a mobile number."""
    return _PERSONAL.search(plain) is not None


def number(cell: Cell) -> str | None:
    """A number as plain decimal text, so that nothing is lost before its unit is known."""
    found = sound(cell)
    if found is None:
        return None
    if isinstance(found, bool | date):
        raise BadCell("not_a_number")
    try:
        value = Decimal(plain_text(found).replace(",", "").replace("，", ""))
    except InvalidOperation as error:
        raise BadCell("not_a_number") from error
    if not value.is_finite():
        raise BadCell("not_a_number")
    if abs(value) >= LARGEST:
        raise BadCell("too_large")
    return format(value.normalize(), "f")


def whole(low: int, high: int) -> Reader:
    """A whole number from `low` to `high`."""

    def read(cell: Cell) -> int | None:
        plain = number(cell)
        if plain is None:
            return None
        if "." in plain or not low <= int(plain) <= high:
            raise BadCell("not_between", low=low, high=high)
        return int(plain)

    return read


def day(cell: Cell) -> str | None:
    """A date as ISO text; 2026-11-23, 2026/11/23, 20261123 and 2026年11月23日 are read."""
    found = sound(cell)
    if found is None:
        return None
    if isinstance(found, datetime):
        return found.date().isoformat()
    if isinstance(found, date):
        return found.isoformat()
    plain = plain_text(found)
    if len(plain) == 8 and plain.isdigit():
        plain = f"{plain[:4]}-{plain[4:6]}-{plain[6:]}"
    match = _DAY.match(plain)
    try:
        if match is None:
            raise ValueError("no date")
        return date(*map(int, match.groups())).isoformat()
    except ValueError as error:
        raise BadCell("not_a_date") from error


def last_day(cell: Cell) -> str | None:
    """The last day that counts, as people write it; kept as the day after, where our windows end."""
    found = day(cell)
    return found and after_last(date.fromisoformat(found)).isoformat()


def one_of(meanings: Mapping[str, str], *, code: str = "not_in_list") -> Reader:
    """One of the listed words; any of them, in either language, stands for its code."""
    known = {_plain(word): meaning for word, meaning in meanings.items()}

    def read(cell: Cell) -> str | None:
        plain = plain_text(sound(cell))
        if not plain:
            return None
        found = known.get(_plain(plain))
        if found is None:
            raise BadCell(code)
        return found

    return read


def any_of(meanings: Mapping[str, str], *, code: str = "not_in_list") -> Reader:
    """Several of the listed words with semicolons, commas or 、 between them, as sorted codes."""
    single = one_of(meanings, code=code)

    def read(cell: Cell) -> list[str] | None:
        plain = plain_text(sound(cell))
        found = {single(part.strip()) for part in _SPLIT.split(plain) if part.strip()}
        return sorted(str(code) for code in found) or None

    return read


def meanings_of(table: str) -> dict[str, str]:
    """Codes and both labels of a table of words, each leading to the code."""
    return meanings((code, zh, en) for code, (zh, en) in words(table).items())


def meanings(rows: Iterable[tuple[str, str, str]]) -> dict[str, str]:
    """The same for (code, Chinese, English) of any table."""
    return {word: code for code, zh, en in rows for word in (en, zh, code)}


def id_number(today: date) -> Callable[[Cell], str | None]:
    """A citizen's ID number; one whose end a spreadsheet has turned to zeros is told apart from a slip of the pen."""

    def read(cell: Cell) -> str | None:
        if isinstance(cell, RoundedNumber):
            raise BadCell("id_rounded", stage=Stage.SPOILT)
        plain = plain_text(sound(cell))
        if not plain:
            return None
        try:
            return check_id_number(plain, today=today).text
        except BadIdNumber as error:
            if len(plain) == 18 and plain.endswith("000") and error.code == "check_digit":
                raise BadCell("id_rounded", stage=Stage.SPOILT) from error
            raise BadCell(f"id_{error.code}") from error

    return read


def phone(cell: Cell) -> str | None:
    """A telephone number, digits only with an optional plus."""
    plain = re.sub(r"[\s()（）-]", "", plain_text(sound(cell)))
    if not plain:
        return None
    if not _PHONE.fullmatch(plain):
        raise BadCell("not_a_phone")
    return plain


def unit(cell: Cell) -> str | None:
    """A word for a unit, cut and folded; `units` tells whether it fits."""
    plain = plain_text(sound(cell))
    return _plain(plain) or None


def units(amount: str, given: str | None, /, *, wanted: str) -> int:
    """Whole units of `wanted` for a decimal text in the `given` unit (None: the usual one, yuan for money)."""
    if wanted == "FEN":
        factor = 100 if given is None else _MONEY_WORDS.get(given)
    else:
        known = {_plain(word) for word in (wanted, *words("unit").get(wanted, ()))}
        factor = 1 if given is None or given in known else None
    if factor is None:
        raise BadCell("wrong_unit", unit=words("unit")[wanted][0] if wanted in words("unit") else wanted)
    exact = Decimal(amount) * factor
    if exact != exact.to_integral_value():
        raise BadCell("not_whole_fen" if wanted == "FEN" else "not_whole")
    if exact <= 0:
        raise BadCell("not_positive")
    if exact >= LARGEST:
        raise BadCell("too_large")
    return int(exact)


def _plain(word: str) -> str:
    return "".join(word.split()).casefold()
