"""Tables going out: a template to fill in, a list of rows as XLSX, and CSV that opens well in a spreadsheet.

Enters: column names, rows of plain cells, and for a template the words allowed in a column. Leaves: the
bytes of a file. Pages and commands of the marketplace call it. Nothing written here can run as a formula.
"""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import zip_longest
from typing import Any, Final, Literal, TypeAlias

import xlsxwriter

from adapters.ports import Cell
from adapters.tabular_cells import EXACT_BELOW, harmless_text, plain_text
from adapters.tabular_faults import column_letters

_BOM: Final = "\ufeff"
_TEMPLATE_ROWS: Final = 5000
_FOOTER: Final = 250
_FORMATS: Final[Mapping[str, str]] = {"text": "@", "number": "General", "date": "yyyy-mm-dd"}

Choices: TypeAlias = Mapping[str, Sequence[str]]
# The library that writes spreadsheets has no types.
Book: TypeAlias = Any
Sheet: TypeAlias = Any


@dataclass(frozen=True, slots=True)
class Column:
    """A column to write: its name, how its cells are kept, and its width in characters."""

    name: str
    kind: Literal["text", "number", "date"] = "text"
    width: int = 16


def write_csv(columns: Sequence[str], rows: Iterable[Sequence[Cell]]) -> bytes:
    """Write CSV in UTF-8 with the mark by which spreadsheets know it."""
    text = io.StringIO()
    text.write(_BOM)
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow([harmless_text(name) for name in columns])
    writer.writerows([harmless_text(cell) for cell in row] for row in rows)
    return text.getvalue().encode("utf-8")


def write_xlsx(columns: Sequence[str | Column], rows: Iterable[Sequence[Cell]], *, mark: str = "") -> bytes:
    """Write rows under a frozen header with filters; text stays text, so an ID number keeps its digits.

    `mark` says who took the file: it stands in the file's properties and under every printed page.
    """
    return _workbook([("data", [_column(column) for column in columns], rows)], mark=mark)


def write_book(sheets: Sequence[tuple[str, Sequence[str | Column], Iterable[Sequence[Cell]]]], *, mark: str) -> bytes:
    """Write several tables as sheets of one file, each (name, columns, rows) as `write_xlsx` writes one."""
    return _workbook([(name, [_column(one) for one in columns], rows) for name, columns, rows in sheets], mark=mark)


def write_template(columns: Sequence[str | Column], choices: Choices) -> bytes:
    """Write an empty sheet to fill in: columns typed, and a list to choose from where words are fixed.

    `choices` goes by column name.
    """
    return _workbook([("data", [_column(column) for column in columns], ())], choices=choices)


def _column(column: str | Column) -> Column:
    return column if isinstance(column, Column) else Column(column)


def _workbook(
    sheets: Sequence[tuple[str, Sequence[Column], Iterable[Sequence[Cell]]]],
    *,
    choices: Choices | None = None,
    mark: str = "",
) -> bytes:
    out = io.BytesIO()
    # Rows pass through a file on disk; the directory takes it away even when a row raises.
    with (
        tempfile.TemporaryDirectory() as folder,
        xlsxwriter.Workbook(out, {"constant_memory": True, "tmpdir": folder}) as book,
    ):
        for name, columns, rows in sheets:
            sheet = book.add_worksheet(name)
            _dress(book, sheet, columns)
            last = _fill(book, sheet, rows)
            sheet.autofilter(0, 0, max(last, 1), max(len(columns) - 1, 0))
            _offer_choices(book, sheet, columns, choices or {})
            if mark:
                sheet.set_footer("&C" + mark.replace("&", "&&")[:_FOOTER])
        if mark:
            book.set_properties({"comments": mark})
    return out.getvalue()


def _dress(book: Book, sheet: Sheet, columns: Sequence[Column]) -> None:
    heading = book.add_format({"bold": True, "bg_color": "#E6F2EF", "num_format": "@"})
    sheet.freeze_panes(1, 0)
    for index, column in enumerate(columns):
        kept = book.add_format({"num_format": _FORMATS[column.kind]})
        sheet.set_column(index, index, column.width, kept)
        sheet.write_string(0, index, column.name, heading)


def _fill(book: Book, sheet: Sheet, rows: Iterable[Sequence[Cell]]) -> int:
    """Write the rows cell by cell with its type, never guessing, and return the number of the last."""
    text = book.add_format({"num_format": "@"})
    day = book.add_format({"num_format": _FORMATS["date"]})
    moment = book.add_format({"num_format": "yyyy-mm-dd hh:mm"})
    number = 0
    for number, row in enumerate(rows, start=1):
        for index, cell in enumerate(row):
            match cell:
                case None:
                    pass
                case bool():
                    sheet.write_boolean(number, index, cell)
                case int() | float() if abs(cell) < EXACT_BELOW:
                    sheet.write_number(number, index, cell)
                case datetime():
                    sheet.write_datetime(number, index, cell.replace(tzinfo=None), moment)
                case date():
                    sheet.write_datetime(number, index, cell, day)
                case _:
                    sheet.write_string(number, index, plain_text(cell), text)
    return number


def _offer_choices(book: Book, sheet: Sheet, columns: Sequence[Column], choices: Choices) -> None:
    """Keep the words on a hidden sheet: a list written into the rule itself may hold only 255 characters."""
    listed = [(index, choices[column.name]) for index, column in enumerate(columns) if choices.get(column.name)]
    if not listed:
        return
    words = book.add_worksheet("choices")
    words.hide()
    # Written row by row, because finished rows leave the memory.
    for number, row in enumerate(zip_longest(*(offered for _, offered in listed))):
        for place, word in enumerate(row):
            if word is not None:
                words.write_string(number, place, word)
    for place, (index, offered) in enumerate(listed):
        letters = column_letters(place)
        source = f"=choices!${letters}$1:${letters}${len(offered)}"
        sheet.data_validation(1, index, _TEMPLATE_ROWS, index, {"validate": "list", "source": source})
