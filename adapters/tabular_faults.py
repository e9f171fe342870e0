"""What a table file may be and what can be wrong with it: limits, codes, and English sentences with the mend.

Enters: a code of `FILE_FAULTS` and its values. Leaves: a `WillNeverWork` to raise. The readers of tables call
it; the interface translates by code and fills in the same values.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from adapters.ports import Param, WillNeverWork

FILE_FAULTS: Final = MappingProxyType(
    {
        "file_empty": "The file is empty. Choose the file that holds the rows.",
        "file_too_large": "The file has more than {limit} bytes. Split it into smaller files.",
        "too_many_rows": "The table has more than {limit} rows. Split it into smaller files.",
        "too_many_columns": "The table has more than {limit} columns. Remove those that are not needed.",
        "too_many_cells": "The table spans more than {limit} cells. Remove stray cells far from the data.",
        "cell_too_long": "Row {row} holds a cell of more than {limit} characters. Shorten it.",
        "not_a_table": "The file is neither CSV nor XLSX. Save it as CSV or XLSX and try again.",
        "old_spreadsheet": "The file is in the old XLS form. Open it and save it as XLSX.",
        "encrypted": "The spreadsheet is protected by a password. Save it without one.",
        "damaged": "The spreadsheet is damaged or not of the usual form. Open it and save it again as XLSX.",
        "unknown_encoding": (
            "Line {line} is neither UTF-8 nor GB18030 text. Save the file as CSV UTF-8 and try again."
        ),
        "broken_quotes": "The quotation marks up to line {line} do not pair. Close or double them.",
        "no_header": "No row of column names was found. Put the column names in the first row.",
        "no_rows": "There are column names but no rows under them. Fill in at least one row.",
        "duplicate_column": "Columns {first} and {second} are both named “{name}”. Rename or remove one.",
        "column_without_name": "Column {column} holds values but has no name. Name it or empty it.",
        "row_too_long": (
            "Row {row} has more cells than there are columns. Put cells that hold a comma in quotation marks."
        ),
        "merged_cells": "The cells {place} are merged. Unmerge them and fill each one.",
    }
)


@dataclass(frozen=True, slots=True)
class Limits:
    """How large a file may be; a file beyond them is refused before it costs memory."""

    max_bytes: int = 30_000_000
    max_unpacked_bytes: int = 300_000_000
    max_rows: int = 200_000
    max_columns: int = 200
    max_cells: int = 5_000_000
    max_cell_characters: int = 10_000


def file_fault(code: str, **params: Param) -> WillNeverWork:
    """Build the error of one faulty file.

    >>> str(file_fault("broken_quotes", line=3))
    'The quotation marks up to line 3 do not pair. Close or double them.'
    """
    return WillNeverWork(FILE_FAULTS[code].format(**params), code=code, params=params)


def column_letters(index: int) -> str:
    """Name a column as spreadsheets do.

    >>> [column_letters(i) for i in (0, 25, 26, 701, 702)]
    ['A', 'Z', 'AA', 'ZZ', 'AAA']
    """
    letters = ""
    index += 1
    while index:
        index, place = divmod(index - 1, 26)
        letters = chr(ord("A") + place) + letters
    return letters
