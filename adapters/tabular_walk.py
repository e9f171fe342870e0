"""One pass over the XML of a worksheet before the spreadsheet library may touch it.

Enters: the bytes of a worksheet part and the limits. Leaves: the failed formulas by place, or a
`WillNeverWork` when the filled cells reach too far. `adapters.tabular_sheet` calls it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final
from xml.parsers import expat

from adapters.tabular_faults import Limits, file_fault

_COLUMN: Final = re.compile("[A-Z]+")
_ROW: Final = re.compile("[0-9]+")
_ROWS_OF_TITLES: Final = 10


class SheetWalk:
    """How far the filled cells of a sheet reach, and `failed` formulas by (row, column) from 0."""

    def __init__(self, limits: Limits) -> None:
        self.failed: dict[tuple[int, int], str] = {}
        self._limits = limits
        self._place = ""
        self._kind: str | None = None
        self._filled: list[str] = []
        self._parser = expat.ParserCreate()
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._open
        self._parser.StartDoctypeDeclHandler = self._refuse_doctype

    def over(self, content: bytes) -> SheetWalk:
        """Walk the whole part once and judge its span."""
        self._parser.Parse(content, True)
        # One search over all places together costs a third of taking each apart.
        places = " ".join(self._filled)
        lowest = max(map(int, _ROW.findall(places)), default=0)
        rightmost = max(map(_column_number, set(_COLUMN.findall(places))), default=0)
        if lowest > self._limits.max_rows + _ROWS_OF_TITLES:
            raise file_fault("too_many_rows", limit=self._limits.max_rows)
        if lowest * rightmost > self._limits.max_cells:
            raise file_fault("too_many_cells", limit=self._limits.max_cells)
        return self

    def _open(self, name: str, attributes: Mapping[str, str]) -> None:
        tag = name if ":" not in name else name.rpartition(":")[2]
        if tag == "c":
            # A cell without its place would be counted on from the last: rare, and it makes the span unsure.
            self._place, self._kind = attributes["r"], attributes.get("t")
        elif tag == "v" or tag == "is":
            self._filled.append(self._place)
            self._parser.CharacterDataHandler = self._failure if self._kind == "e" else None

    def _failure(self, text: str) -> None:
        if text.startswith("#"):
            column, row = _COLUMN.findall(self._place)[0], _ROW.findall(self._place)[0]
            self.failed[int(row) - 1, _column_number(column) - 1] = text

    def _refuse_doctype(self, *_: object) -> None:
        raise file_fault("damaged")


def _column_number(letters: str) -> int:
    """Number a column from 1.

    >>> _column_number("A"), _column_number("XFD")
    (1, 16384)
    """
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - ord("A") + 1
    return number
