"""One table of a folder on disk, as rows of text.

What enters: the path of a `.csv` or `.parquet` file. What leaves: its header and its rows, every cell stripped text,
or a misfit that says where the file itself is broken. Called by `matching.folder` and `matching.results`. pyarrow is
imported only where a `.parquet` file is there.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

from matching.wellformed import BadInput, Misfit

Rows = list[list[str]]


def read_rows(path: Path) -> tuple[list[str], Rows]:
    """The header and the rows of one file.

    Raises
    ------
    BadInput
        If the encoding is wrong, a row has more or fewer cells than the header, or a row is empty.
    """
    header, rows = _parquet(path) if path.suffix == ".parquet" else _csv(path)
    while rows and not any(rows[-1]):
        rows.pop()
    found = [misfit for i, row in enumerate(rows) if (misfit := _misshapen(path, i, row, width=len(header)))]
    if found:
        raise BadInput(found)
    return header, rows


def _misshapen(path: Path, row: int, cells: Sequence[str], *, width: int) -> Misfit | None:
    if not any(cells):
        return Misfit(path.name, row, "", "", "is an empty row", "remove it")
    if len(cells) != width:
        wrong = f"are {len(cells)} cells under {width} columns"
        return Misfit(path.name, row, "", ",".join(cells), wrong, "put text with commas in double quotes")
    return None


def _csv(path: Path) -> tuple[list[str], Rows]:
    raw = path.read_bytes()
    try:
        content = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        row = raw.count(b"\n", 0, error.start) - 1
        byte = f"byte {raw[error.start]:#04x}"
        misfit = Misfit(path.name, row, "", byte, "is not UTF-8", "save the file as CSV UTF-8")
        raise BadInput([misfit]) from error
    reader = csv.reader(io.StringIO(content, newline=""), strict=True)
    try:
        rows = [[cell.strip() for cell in row] for row in reader]
    except csv.Error as error:
        misfit = Misfit(path.name, reader.line_num - 2, "", str(error), "is not CSV", "check the quotes of this row")
        raise BadInput([misfit]) from error
    if not rows:
        raise BadInput([Misfit(path.name, -1, "", "", "is an empty file", "write at least the header row")])
    return rows[0], rows[1:]


def _parquet(path: Path) -> tuple[list[str], Rows]:
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


def csv_text(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """CSV as this project writes it: UTF-8, LF, quotes only where needed."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return out.getvalue()


def write_parquet(path: Path, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """The same cells as text columns of a Parquet file; needs pyarrow."""
    import pyarrow
    from pyarrow import parquet

    columns = list(zip(*rows, strict=True)) if rows else [()] * len(header)
    arrays = [pyarrow.array([cell or None for cell in column], pyarrow.string()) for column in columns]
    parquet.write_table(pyarrow.table(dict(zip(header, arrays, strict=True))), path)
