"""CSV and its relatives: bytes of text in, rows of typed cells out.

Enters: bytes in UTF-8, UTF-16 with a mark, or GB18030, parted by comma, semicolon or tab. Leaves: rows of
cells, or a `WillNeverWork` naming the line. `adapters.tabular` calls it.
"""

from __future__ import annotations

import csv
import re
from codecs import BOM_UTF16_BE, BOM_UTF16_LE

from adapters.ports import Cell
from adapters.tabular_cells import text_cell
from adapters.tabular_faults import Limits, file_fault

_DELIMITERS = (",", "\t", ";")
UTF16 = (BOM_UTF16_LE, BOM_UTF16_BE)
"""How a text in UTF-16 begins."""
# GB18030 gives every pair of bytes a character; what lands in the private area was not Chinese text.
PRIVATE = re.compile("[\ue000-\uf8ff]")


def read_text(data: bytes, limits: Limits) -> list[list[Cell]]:
    """Read all rows, blank ones included."""
    lines = _decode(data).splitlines(keepends=True)
    reader = csv.reader(lines, delimiter=delimiter_of(lines), strict=True)
    rows: list[list[Cell]] = []
    try:
        for raw in reader:
            if len(rows) > limits.max_rows:
                raise file_fault("too_many_rows", limit=limits.max_rows)
            rows.append([text_cell(text) if text else None for text in raw])
    except csv.Error as error:
        raise file_fault("broken_quotes", line=reader.line_num) from error
    return rows


def _decode(data: bytes) -> str:
    if data.startswith(UTF16):
        return _strictly(data, "utf-16")
    if b"\0" in data:
        raise file_fault("not_a_table")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return _strictly(data, "gb18030")


def _strictly(data: bytes, encoding: str) -> str:
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        raise file_fault("unknown_encoding", line=data.count(b"\n", 0, error.start) + 1) from error
    if strange := PRIVATE.search(text):
        raise file_fault("unknown_encoding", line=text.count("\n", 0, strange.start()) + 1)
    return text


def delimiter_of(lines: list[str]) -> str:
    """The one that cuts the first line that holds any into most pieces; titles hold none."""
    for line in lines:
        pieces = {mark: len(next(csv.reader([line], delimiter=mark), [])) for mark in _DELIMITERS}
        best = max(_DELIMITERS, key=lambda mark: pieces[mark])
        if pieces[best] > 1:
            return best
    return ","
