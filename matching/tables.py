"""One table of a folder on disk, as columns of text.

What enters: the path of a `.csv` or `.parquet` file, and how its cells are read. What leaves: its header and its
columns, or misfits that say where the file or a cell is wrong. Called by `matching.folder`, `matching.results` and
`matching.nation_folder`. pyarrow is imported only where a `.parquet` file is there.
"""

from __future__ import annotations

import csv
import gc
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Any

from matching.wellformed import BadInput, Misfit

Columns = list[tuple[str, ...]]


class Wrong(ValueError):
    """What is wrong with one cell, and the mend."""

    def __init__(self, wrong: str, mend: str) -> None:
        super().__init__(wrong)
        self.wrong, self.mend = wrong, mend


@contextmanager
def at_one_go() -> Iterator[None]:
    """Build many rows without a search for rings after every few hundred of them: rows hold none."""
    watched = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if watched:
            gc.enable()


def read_columns(path: Path) -> tuple[list[str], Columns]:
    """The header of one file, and a column of cells under each of its names; cells may have blanks around them.

    Raises
    ------
    BadInput
        If the encoding is wrong, a row has more or fewer cells than the header, or a row is empty.
    """
    header, rows = _parquet(path) if path.suffix == ".parquet" else _csv(path)
    header = [name.strip() for name in header]
    while rows and not "".join(rows[-1]).strip():
        rows.pop()
    if set(map(len, rows)) - {len(header)} or not all(map(str.strip, map("".join, rows))):
        raise BadInput(misfit for i, row in enumerate(rows) if (misfit := _misshapen(path, i, row, width=len(header))))
    return header, list(zip(*rows, strict=True)) or [()] * len(header)


def parsed(cells: Sequence[str], parse: Callable[[str], Any]) -> tuple[list[Any], list[tuple[int, str, Wrong]]]:
    """The values of a column, and what is wrong with which of its cells; every distinct cell is parsed once."""
    if parse is str:
        return list(map(str.strip, cells)), []
    known: dict[str, Any] = {}
    wrong: dict[str, Wrong] = {}
    for cell in set(cells):
        try:
            known[cell] = parse(cell.strip())
        except Wrong as error:
            known[cell], wrong[cell] = None, error
    values = list(map(known.__getitem__, cells))
    return values, [(i, cell.strip(), wrong[cell]) for i, cell in enumerate(cells) if cell in wrong] if wrong else []


def _misshapen(path: Path, row: int, cells: Sequence[str], *, width: int) -> Misfit | None:
    if not "".join(cells).strip():
        return Misfit(path.name, row, "", "", "is an empty row", "remove it")
    if len(cells) != width:
        wrong = f"are {len(cells)} cells under {width} columns"
        return Misfit(path.name, row, "", ",".join(cells), wrong, "put text with commas in double quotes")
    return None


def _csv(path: Path) -> tuple[list[str], list[list[str]]]:
    raw = path.read_bytes()
    try:
        content = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        row = raw.count(b"\n", 0, error.start) - 1
        byte = f"byte {raw[error.start]:#04x}"
        misfit = Misfit(path.name, row, "", byte, "is not UTF-8", "save the file as CSV UTF-8")
        raise BadInput([misfit]) from error
    if not ('"' in content or "\r" in content):  # then every comma parts two cells and every LF two rows
        lines = content.removesuffix("\n").split("\n")
        if content and max(map(len, lines)) <= csv.field_size_limit():
            rows = [line.split(",") if line else [] for line in lines]
            return rows[0], rows[1:]
    reader = csv.reader(io.StringIO(content, newline=""), strict=True)
    try:
        rows = list(reader)
    except csv.Error as error:
        misfit = Misfit(path.name, reader.line_num - 2, "", str(error), "is not CSV", "check the quotes of this row")
        raise BadInput([misfit]) from error
    if not rows:
        raise BadInput([Misfit(path.name, -1, "", "", "is an empty file", "write at least the header row")])
    return rows[0], rows[1:]


def _parquet(path: Path) -> tuple[list[str], list[list[str]]]:
    try:
        from pyarrow import ArrowException, parquet
    except ImportError as error:
        misfit = Misfit(path.name, -1, "", path.name, "needs pyarrow", "install shanqiao[parquet] or save it as CSV")
        raise BadInput([misfit]) from error
    try:
        table = parquet.read_table(path)
    except (ArrowException, OSError) as error:
        misfit = Misfit(path.name, -1, "", path.name, "is not a Parquet file", "write it again, or save it as CSV")
        raise BadInput([misfit]) from error
    columns = [[_as_text(value) for value in column.to_pylist()] for column in table.columns]
    return list(table.column_names), [list(cells) for cells in zip(*columns, strict=True)]


def _as_text(value: Any) -> str:
    """A Parquet value as the CSV cell it stands for; a list is joined by semicolons."""
    if value is None or value != value:
        return ""
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == datetime.min.time() else value.isoformat()
    if isinstance(value, list):
        return ";".join(map(str, value))
    return value.isoformat() if isinstance(value, date) else str(value).strip()


def csv_text(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """CSV as this project writes it: UTF-8, LF, quotes only where needed."""
    columns = [column if _plain("".join(column)) else [*map(_quoted, column)] for column in zip(*rows, strict=True)]
    if len(columns) == 1:
        columns = [[cell or '""' for cell in columns[0]]]  # else an empty cell would be an empty line
    lines = map(",".join, zip(*columns, strict=True))
    return "\n".join([",".join(map(_quoted, header)), *lines]) + "\n"


def _plain(text: str) -> bool:
    return not ("," in text or '"' in text or "\n" in text or "\r" in text)


def _quoted(cell: str) -> str:
    return cell if _plain(cell) else '"' + cell.replace('"', '""') + '"'


def write_parquet(path: Path, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """The same cells as text columns of a Parquet file; needs pyarrow."""
    import pyarrow
    from pyarrow import parquet

    columns = list(zip(*rows, strict=True)) if rows else [()] * len(header)
    arrays = [pyarrow.array([cell or None for cell in column], pyarrow.string()) for column in columns]
    parquet.write_table(pyarrow.table(dict(zip(header, arrays, strict=True))), path)
