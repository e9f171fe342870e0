"""One cell at a time: what a spreadsheet or a text file holds, turned into a typed plain value and back.

Enters: raw text or numbers of a file. Leaves: `Cell` values of `adapters.ports`; and for writing CSV,
text that no spreadsheet takes for a formula. The table readers and writers call it.
"""

from __future__ import annotations

import math
import re
from datetime import date, datetime, time
from typing import Final

from adapters.ports import Cell, FormulaError, RoundedNumber

# A spreadsheet keeps fifteen digits of a number; whatever is longer has lost its end.
EXACT_BELOW: Final = 10**15
_MIDNIGHT: Final = time(0)
_SCIENTIFIC: Final = re.compile(r"[+-]?\d(?:[.,]\d+)?[eE]\+\d{2,3}")
_FORMULA_ERRORS: Final = frozenset(
    {"#DIV/0!", "#N/A", "#NAME?", "#NULL!", "#NUM!", "#REF!", "#VALUE!", "#SPILL!", "#CALC!", "#GETTING_DATA"}
)
# The full-width twins start a formula too in some locales.
_RISKY: Final = tuple("=+-@\t\r\n＝＋－＠")


def text_cell(raw: str) -> Cell:
    """Read text as it is, except for blanks, failed formulas and numbers a spreadsheet has shortened.

    >>> text_cell("5.099E+17")
    RoundedNumber()
    >>> text_cell(" 渝中 "), text_cell("　"), text_cell("'=A1")
    ('渝中', None, '=A1')
    """
    text = raw.strip()
    if not text:
        return None
    if text[0] == "#" and text in _FORMULA_ERRORS:
        return FormulaError(text)
    if text[0] == "'" and text[1:].startswith(_RISKY):
        return text[1:]
    if "+" in text and _SCIENTIFIC.fullmatch(text):
        return RoundedNumber(text)
    return text


def number_cell(raw: float) -> Cell:
    """Read a spreadsheet's number: whole where it is whole, flagged where its last digits are lost."""
    if not math.isfinite(raw):
        return FormulaError("#NUM!")
    if abs(raw) >= EXACT_BELOW:
        return RoundedNumber(str(int(raw)))
    return int(raw) if raw.is_integer() else raw


def moment_cell(raw: datetime) -> Cell:
    """Read a day kept as midnight of that day as the day."""
    return raw.date() if raw.time() == _MIDNIGHT else raw


def plain_text(cell: Cell) -> str:
    """Write a cell as text: dates as 2026-11-23, yes and no as TRUE and FALSE, nothing as nothing."""
    match cell:
        case None:
            return ""
        case bool():
            return str(cell).upper()
        case datetime():
            return cell.isoformat(sep=" ", timespec="minutes")
        case date() | time():
            return cell.isoformat()
        case RoundedNumber() | FormulaError():
            return cell.shown
        case _:
            return str(cell)


def harmless_text(cell: Cell) -> str:
    """Write a cell for CSV so that no spreadsheet runs it; numbers of ours stay numbers.

    >>> harmless_text("=1+1"), harmless_text(-5), harmless_text("-5")
    ("'=1+1", '-5', "'-5")
    """
    text = plain_text(cell)
    return f"'{text}" if isinstance(cell, str) and text.startswith(_RISKY) else text
