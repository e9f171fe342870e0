"""Table files of partners and departments, read into plain typed cells.

Enters: the bytes of a CSV (UTF-8, GB18030 or UTF-16; comma, semicolon or tab) or XLSX file. Leaves: a frozen
`Table`, or a `WillNeverWork` that names the place and the mend. The imports of the marketplace call it.
Cells keep their type, and what a spreadsheet has spoilt (rounded numbers, failed formulas) stays visible.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from adapters.ports import Cell
from adapters.tabular_cells import plain_text
from adapters.tabular_faults import Limits, column_letters, file_fault
from adapters.tabular_sheet import Range, read_sheet
from adapters.tabular_text import read_text

_ZIP = b"PK\x03\x04"
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
TITLE_ROWS = 10


@dataclass(frozen=True, slots=True)
class Table:
    """Column names and rows; `first_row` is the number a spreadsheet shows beside the first of the rows.

    Blank rows in the middle stay, so that row numbers stay true; `records` leaves them out.
    """

    columns: tuple[str, ...]
    rows: list[tuple[Cell, ...]]
    first_row: int = 2

    def records(self) -> Iterator[tuple[int, dict[str, Cell]]]:
        """Yield each row that is not blank as its number and its cells by column name."""
        for number, row in enumerate(self.rows, start=self.first_row):
            if any(cell is not None for cell in row):
                yield number, dict(zip(self.columns, row, strict=True))


def read_table(data: bytes, *, limits: Limits | None = None, empty: bool = False) -> Table:
    """Read a CSV or XLSX file, whichever it is, by its content and not by its name; `empty` allows one without rows."""
    limits = limits or Limits()
    if not data.strip(b"\0 \t\r\n"):
        raise file_fault("file_empty")
    if len(data) > limits.max_bytes:
        raise file_fault("file_too_large", limit=limits.max_bytes)
    if data.startswith(_OLE):
        raise file_fault("encrypted" if _ENCRYPTED in data else "old_spreadsheet")
    if data.startswith(_ZIP):
        rows, merged = read_sheet(data, limits)
    else:
        rows, merged = read_text(data, limits), []
    return _table(rows, merged, limits=limits, empty=empty)


def _table(rows: list[list[Cell]], merged: list[Range], *, limits: Limits, empty: bool) -> Table:
    header = header_index(rows, merged)
    names = _names(rows, merged, header=header)
    body = rows[header + 1 :]
    while body and _blank(body[-1]):
        body.pop()
    if not body and not empty:
        raise file_fault("no_rows")
    if len(body) > limits.max_rows:
        raise file_fault("too_many_rows", limit=limits.max_rows)
    _refuse_merged(merged, header=header, last=header + len(body))
    _refuse_long_cells(body, first_row=header + 2, limits=limits)
    return _cut(names, body, first_row=header + 2, limits=limits)


def _blank(row: Sequence[Cell]) -> bool:
    return all(cell is None for cell in row)


def header_index(rows: Sequence[Sequence[Cell]], merged: Sequence[Range]) -> int:
    """Pass over blank rows, titles (one filled cell over a wider row) and rows of merged group headings."""
    for index, row in enumerate(rows[:TITLE_ROWS]):
        filled = len(row) - list(row).count(None)
        grouped = any(top <= index <= low and left < right for top, left, low, right in merged)
        below = next((later for later in rows[index + 1 :] if not _blank(later)), ())
        title = filled == 1 and len(below) - list(below).count(None) > 1
        if filled and not grouped and not title:
            return index
    raise file_fault("no_header")


def _names(rows: list[list[Cell]], merged: Sequence[Range], *, header: int) -> list[str]:
    """The header's texts; a name merged downwards from a row above the header counts where it ends."""
    cells = list(rows[header])
    for top, left, low, right in merged:
        if left == right < len(cells) and top < header <= low:
            cells[left] = rows[top][left]
    names = [" ".join(plain_text(cell).split()) for cell in cells]
    seen: dict[str, int] = {}
    for index, name in enumerate(names):
        first = seen.setdefault(name, index) if name else index
        if first != index:
            places = {"first": column_letters(first), "second": column_letters(index)}
            raise file_fault("duplicate_column", name=name, **places)
    return names


def _refuse_merged(merged: Sequence[Range], *, header: int, last: int) -> None:
    """A value merged over several rows or columns may mean each or all of them: a person must say."""
    for top, left, low, right in merged:
        if header < low and top <= last:
            place = f"{column_letters(left)}{top + 1}:{column_letters(right)}{low + 1}"
            raise file_fault("merged_cells", place=place)


def _refuse_long_cells(body: Sequence[Sequence[Cell]], *, first_row: int, limits: Limits) -> None:
    longest = limits.max_cell_characters
    for number, row in enumerate(body, start=first_row):
        for cell in row:
            if type(cell) is str and len(cell) > longest:
                raise file_fault("cell_too_long", row=number, limit=longest)


def _cut(names: list[str], body: list[list[Cell]], *, first_row: int, limits: Limits) -> Table:
    """Drop columns without name and value, and make every row as wide as the header."""
    kept = [index for index, name in enumerate(names) if name]
    if len(kept) > limits.max_columns:
        raise file_fault("too_many_columns", limit=limits.max_columns)
    width, rows = len(names), []
    for number, row in enumerate(body, start=first_row):
        if len(row) > width and not _blank(row[width:]):
            raise file_fault("row_too_long", row=number)
        row.extend([None] * (width - len(row)))
        rows.append(tuple(row) if len(kept) == len(row) else tuple(row[index] for index in kept))
    for index in set(range(width)).difference(kept):
        if any(row[index] is not None for row in body):
            raise file_fault("column_without_name", column=column_letters(index))
    return Table(columns=tuple(names[index] for index in kept), rows=rows, first_row=first_row)
