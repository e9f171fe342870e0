"""A text table too long for one piece, cut into tables that can be read one after another.

Enters: a CSV file on disk, and which column says what stays together. Leaves: pieces, each a small table of its own,
with the numbers that its rows have in the file. Only one piece is in memory; the file is read again for each. Faults
of the file are those of `adapters.tabular`. The imports of the register call it.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path
from zlib import crc32

from adapters.tabular import TITLE_ROWS, header_index
from adapters.tabular_cells import text_cell
from adapters.tabular_faults import file_fault
from adapters.tabular_text import PRIVATE, UTF16, delimiter_of


@dataclass(frozen=True, slots=True)
class Piece:
    """A table of its own, as UTF-8 text; `numbers` are the rows of the file that stand in it, in order."""

    data: bytes = field(repr=False)
    numbers: Sequence[int] = field(repr=False)


@dataclass(frozen=True, slots=True)
class LongTable:
    """A text table on disk: how it is written, its column names, and how many rows there are under them."""

    file: Path
    encoding: str
    delimiter: str
    names: tuple[str, ...]
    header: int
    rows: int

    def pieces(self, column: str, together: Callable[[str], object], /, *, size: int) -> Iterator[Piece]:
        """Pieces of about so many rows, none empty; rows whose `together` is the same stand in one, in their order."""
        place, count = self.names.index(column), -(-self.rows // size)
        for wanted in range(count):
            piece = self._piece(partial(_belongs, place, together, count, wanted))
            if piece.numbers:
                yield piece

    def _piece(self, ours: Callable[[list[str]], bool]) -> Piece:
        text, numbers = io.StringIO(), list[int]()
        writer = csv.writer(text)
        writer.writerow(self.names)
        for number, row in enumerate(_rows(self.file, self.encoding, self.delimiter), start=1):
            if number > self.header and any(row) and ours(row):
                writer.writerow(row)
                numbers.append(number)
        return Piece(text.getvalue().encode(), numbers)


def _belongs(place: int, together: Callable[[str], object], count: int, wanted: int, row: list[str]) -> bool:
    text = row[place] if place < len(row) else ""
    return crc32(repr(together(text)).encode()) % count == wanted


def long_table(file: Path, /) -> LongTable | None:
    """The file as a text table; None where it is a spreadsheet or no text, which is read whole or refused."""
    encoding = _encoding(file)
    if encoding is None:
        return None
    with file.open(encoding=encoding, newline="") as text:
        delimiter = delimiter_of(list(islice(text, TITLE_ROWS + 1)))
    first = [
        [text_cell(cell) if cell else None for cell in row]
        for row in islice(_rows(file, encoding, delimiter), TITLE_ROWS + 1)
    ]
    header = header_index(first, [])
    names = tuple(" ".join(str(cell or "").split()) for cell in first[header])
    count = sum(any(row) for row in islice(_rows(file, encoding, delimiter), header + 1, None))
    return LongTable(file, encoding, delimiter, names, header + 1, count)


def _rows(file: Path, encoding: str, delimiter: str) -> Iterator[list[str]]:
    with file.open(encoding=encoding, newline="") as text:
        reader = csv.reader(text, delimiter=delimiter, strict=True)
        try:
            yield from reader
        except csv.Error as error:
            raise file_fault("broken_quotes", line=reader.line_num) from error


def _encoding(file: Path) -> str | None:
    """The encoding in which the whole file is text, tried in the order of `adapters.tabular_text`."""
    with file.open("rb") as raw:
        start = raw.read(4096)
    if start.startswith(UTF16):
        return "utf-16" if _is_text(file, "utf-16") else None
    if b"\0" in start:
        return None
    return next((name for name in ("utf-8-sig", "gb18030") if _is_text(file, name)), None)


def _is_text(file: Path, encoding: str) -> bool:
    try:
        with file.open(encoding=encoding, newline="") as text:
            return not any(encoding != "utf-8-sig" and PRIVATE.search(line) for line in text)
    except UnicodeError:
        return False
