"""Check a whole table: the file, then its columns, then its cells, then its rows; the first class with faults is told.

What enters: bytes of a file, or records with our own column names. What leaves: `Checked` with either rows fit for
storing or faults of exactly one class, never both: bad rows are not mixed with good ones. Called by the rooms' imports
and, through `check_records`, by pulls from a registry, so that files and feeds pass the same rules.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from adapters.ports import Cell, WillNeverWork
from adapters.tabular import read_table
from adapters.tabular_faults import Limits
from marketplace.intake.columns import NO_MAPPING, FileMapping, match_columns
from marketplace.intake.values import BadCell, Column, Fault, Row, Schema, Stage, Value, shown


@dataclass(frozen=True, slots=True)
class CheckedRow:
    """A row that may be stored: `held` says why a person must look at it first (empty: nothing)."""

    number: int
    values: Mapping[str, Value] = field(repr=False)
    held: tuple[str, ...] = ()

    def fault(self, column: str, code: str, /) -> Fault:
        """What a room finds wrong with this row once it has compared it with what it knows."""
        told = str(self.values.get(column) or "")[:40]
        return Fault(self.number, column, told, code, {}, Stage.ROWS)


@dataclass(frozen=True, slots=True)
class Checked:
    """The answer of a check. `faults` and `rows` are never both filled; `ignored` are columns nobody asked for."""

    total: int
    rows: list[CheckedRow]
    faults: list[Fault]
    ignored: tuple[str, ...] = ()

    @property
    def stage(self) -> Stage | None:
        """The class of the faults; None when there are none."""
        return self.faults[0].stage if self.faults else None


def check_table(
    data: bytes, schema: Schema, *, mapping: FileMapping = NO_MAPPING, limits: Limits | None = None
) -> Checked:
    """Check a CSV or XLSX file against the schema."""
    try:
        table = read_table(data, limits=limits)
    except WillNeverWork as error:
        return refused_file(error)
    header = match_columns(table.columns, schema, mapping=mapping)
    if header.faults:
        return Checked(total=len(table.rows), rows=[], faults=header.faults, ignored=header.ignored)
    places = [(name, table.columns.index(theirs)) for name, theirs in header.found.items()]
    records = (
        (number, _speak(row, places, mapping))
        for number, row in enumerate(table.rows, start=table.first_row)
        if any(cell is not None for cell in row)
    )
    return _check(records, schema, names=header.found, ignored=header.ignored)


def _speak(row: Sequence[Cell], places: Sequence[tuple[str, int]], mapping: FileMapping) -> dict[str, Cell]:
    cells: dict[str, Cell] = {name: row[index] for name, index in places}
    for name, value in mapping.constants.items():
        if cells.get(name) is None:
            cells[name] = value
    for name, pairs in mapping.values.items():
        word = cells.get(name)
        if word is not None:
            cells[name] = pairs.get(str(word), word)
    return cells


def check_records(records: Iterable[tuple[int, Mapping[str, Cell]]], schema: Schema) -> tuple[Checked, list[Fault]]:
    """Check records that carry our own column names; faulty ones are set aside with all their faults, not mixed in."""
    rows = [_read(number, cells, schema.columns) for number, cells in records]
    _judge(rows, schema)
    good = [row for row in rows if not row.faults]
    faults = [fault for row in rows for fault in _faults(row, schema, names={})]
    return Checked(total=len(rows), rows=[_done(row) for row in good], faults=[]), faults


def refused_file(error: WillNeverWork) -> Checked:
    """The answer for a file that is no table at all."""
    fault = Fault(row=0, column="", shown="", code=f"file_{error.code}", params=dict(error.params), stage=Stage.FILE)
    return Checked(total=0, rows=[], faults=[fault])


def _check(
    records: Iterable[tuple[int, Mapping[str, Cell]]],
    schema: Schema,
    *,
    names: Mapping[str, str],
    ignored: tuple[str, ...],
) -> Checked:
    rows = [_read(number, cells, schema.columns) for number, cells in records]
    _judge(rows, schema)
    faults = [fault for row in rows if row.faults for fault in _faults(row, schema, names=names)]
    if not faults:
        return Checked(total=len(rows), rows=[_done(row) for row in rows], faults=[], ignored=ignored)
    first = min(fault.stage for fault in faults)
    return Checked(
        total=len(rows), rows=[], faults=[fault for fault in faults if fault.stage == first], ignored=ignored
    )


def _read(number: int, cells: Mapping[str, Cell], columns: Sequence[Column]) -> Row:
    row = Row(number=number, values={}, cells=cells)
    for column in columns:
        cell = cells.get(column.name)
        if cell is None:
            if column.filled:
                row.faults.append((column.name, BadCell("empty")))
            continue
        try:
            value = column.read(cell)
        except BadCell as error:
            row.faults.append((column.name, error))
            continue
        if value is not None:
            row.values[column.name] = value
        elif column.filled:
            row.faults.append((column.name, BadCell("empty")))
    return row


def _judge(rows: Sequence[Row], schema: Schema) -> None:
    """The rules of whole rows, for rows whose cells are all readable."""
    sound = [row for row in rows if not row.faults]
    if schema.finish is not None:
        for row in sound:
            schema.finish(row)
    if schema.key:
        _refuse_repeated([row for row in sound if not row.faults], schema.key)
    if schema.across is not None:
        schema.across([row for row in sound if not row.faults])


def _refuse_repeated(rows: Sequence[Row], key: tuple[str, ...]) -> None:
    first: dict[tuple[Value, ...], int] = {}
    for row in rows:
        seen = first.setdefault(tuple(row[name] for name in key), row.number)
        if seen != row.number:
            row.fault(key[0], "row_repeated", first=seen)


def _faults(row: Row, schema: Schema, *, names: Mapping[str, str]) -> Iterable[Fault]:
    for name, bad in row.faults:
        column = schema.column(name)
        value = shown(row.cells.get(name), secret=column.secret)
        yield Fault(row.number, names.get(name, name), value, bad.code, bad.params, bad.stage)


def _done(row: Row) -> CheckedRow:
    return CheckedRow(row.number, row.values, tuple(row.held))
