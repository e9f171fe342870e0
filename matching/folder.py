"""The problem folder on disk: read, checked whole, hashed, written.

What enters: a folder as described in docs/problem-folder.md. What leaves: a `Problem`, or `BadInput` that names file,
row, column, value and mend of everything wrong, before anything is solved. Called by the commands and by the judge.
The output folder is next door in `matching.results`; its functions are offered here too.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date
from functools import partial
from operator import attrgetter
from pathlib import Path
from typing import Any

from matching.columns import REQUIRED, TABLES, Column, Table, show_text
from matching.model import Problem
from matching.plan import Plan
from matching.policy_file import policy_text, read_policy
from matching.results import OUTPUT, plan_sha256, read_plan, write_plan
from matching.tables import Wrong, at_one_go, csv_text, parsed, read_columns, write_parquet
from matching.wellformed import BadInput, Misfit, misfits

__all__ = [
    "BadInput",
    "input_sha256",
    "plan_for",
    "plan_sha256",
    "read_plan",
    "read_problem",
    "write_plan",
    "write_problem",
]


@at_one_go()
def read_problem(folder: Path) -> Problem:
    """Read and check a whole problem folder.

    Raises
    ------
    BadInput
        Naming file, row (the header is row 1), column, value and mend of everything wrong.
    """
    files = _files(folder)
    found: list[Misfit] = []
    rows: dict[str, Any] = {}
    try:
        rows["policy"] = read_policy(folder / "policy.json")
    except BadInput as error:
        found.extend(error.misfits)
    for table in TABLES:
        if table.name in files:
            try:
                rows[table.name] = _rows(table, files[table.name])
            except BadInput as error:
                found.extend(error.misfits)
    if found:
        raise BadInput(found)
    problem = Problem(**rows)
    found = [replace(misfit, table=files[misfit.table].name) for misfit in misfits(problem)]
    if found:
        raise BadInput(found)
    return problem


def _files(folder: Path) -> dict[str, Path]:
    """Table name ► its file; a file that no table explains is refused, for it may be a misspelt rule."""
    names = {table.name for table in TABLES}
    files: dict[str, Path] = {}
    found = []
    if not folder.is_dir():
        raise BadInput([Misfit(str(folder), -1, "", str(folder), "is not a folder", "name the problem folder")])
    for path in sorted(folder.iterdir()):
        if path.suffix not in (".csv", ".parquet") or path.name in OUTPUT:
            continue
        if path.stem not in names:
            mend = f"remove it, or name it one of {', '.join(sorted(names))}"
            found.append(Misfit(path.name, -1, "", path.name, "is no table of a problem", mend))
        elif path.stem in files:
            wrong = f"stands beside {files[path.stem].name}"
            found.append(Misfit(path.name, -1, "", path.name, wrong, "keep one of the two"))
        files.setdefault(path.stem, path)
    for table in TABLES:
        if not table.optional and table.name not in files:
            file = f"{table.name}.csv"
            found.append(Misfit(file, -1, "", file, "is missing", "add it; its header row alone is enough"))
    if found:
        raise BadInput(found)
    return files


def _rows(table: Table, path: Path) -> tuple[Any, ...]:
    header, cells = read_columns(path)
    if wrong := list(_header(table, path, header)):
        raise BadInput(wrong)
    by_name, values, found = dict(zip(header, cells, strict=True)), list[Sequence[Any]](), list[Misfit]()
    for column in table.columns:
        given = by_name.get(column.name, ("",) * len(cells[0]))
        clean = column.clean(given)
        column_values, wrongs = (given, []) if clean else parsed(given, partial(_value, column))
        values.append(column_values)
        found += [Misfit(path.name, i, column.name, cell, x.wrong, x.mend) for i, cell, x in wrongs]
    if {"valid_from", "valid_to"} <= by_name.keys():
        found += _windows(
            path, *(values[[x.name for x in table.columns].index(f"valid_{end}")] for end in ("from", "to"))
        )
    if found:
        raise BadInput(sorted(found, key=attrgetter("row")))
    return tuple(map(table.row, *values))


def _value(column: Column, cell: str) -> Any:
    if cell:
        return column.parse(cell)
    if column.empty is REQUIRED:
        raise Wrong("is empty", "fill it in")
    return column.empty


def _windows(path: Path, starts: Iterable[date | None], ends: Iterable[date | None]) -> Iterator[Misfit]:
    periods = list(zip(starts, ends, strict=True))
    wrongs = {(start, end) for start, end in set(periods) if start and end and end <= start}
    for i, (start, end) in enumerate(periods) if wrongs else ():
        if (start, end) in wrongs:
            wrong = f"is not after valid_from {start}"
            yield Misfit(path.name, i, "valid_to", str(end), wrong, "swap or correct the two dates")


def _header(table: Table, path: Path, header: Sequence[str]) -> Iterator[Misfit]:
    known = [column.name for column in table.columns]
    for column in table.columns:
        if column.present and column.name not in header:
            yield Misfit(path.name, -1, column.name, column.name, "is missing from the header", "add the column")
    for at, name in enumerate(header):
        if name not in known:
            mend = f"remove it, or name it one of {', '.join(known)}"
            yield Misfit(path.name, -1, name, name, "is no column of this file", mend)
        elif name in header[:at]:
            yield Misfit(path.name, -1, name, name, "stands twice in the header", "keep one of the two")


def _texts(table: Table, rows: Sequence[Any]) -> list[tuple[str, ...]]:
    """The rows as canonical cells, sorted."""
    columns = []
    for column in table.columns:
        values = list(map(attrgetter(column.name), rows))
        if column.show is show_text:  # most ids are distinct: no use to remember them
            columns.append([value or "" for value in values])
        else:
            shown = {value: column.show(value) for value in set(values)}
            columns.append(list(map(shown.__getitem__, values)))
    return sorted(zip(*columns, strict=True))


def input_sha256(problem: Problem) -> str:
    """SHA-256 of the policy and the sorted canonical rows of all tables; independent of files and of row order."""
    total = hashlib.sha256(policy_text(problem.policy).encode())
    for table in TABLES:
        rows = getattr(problem, table.name)
        if rows is not None:
            header = [table.name, *(column.name for column in table.columns)]
            total.update(csv_text(header, _texts(table, rows)).encode())
    return total.hexdigest()


def plan_for(problem: Problem, out: Path) -> Plan:
    """The plan that `solve` wrote into a folder for this very problem.

    Raises
    ------
    BadInput
        If it cannot be read, or its certificate is of another problem or another plan: its ids may mean nothing here.
    """
    plan = read_plan(out)
    for name, true, wrong, mend in (
        ("input_sha256", input_sha256(problem), "was made for another problem", "name the folder solved for this one"),
        ("plan_sha256", plan_sha256(plan.lines), "was made for another plan.csv", "solve again"),
    ):
        if getattr(plan.certificate, name) != true:
            said = str(getattr(plan.certificate, name))
            raise BadInput([Misfit("certificate.json", -1, name, said, wrong, mend)])
    return plan


def write_problem(problem: Problem, folder: Path, *, parquet: bool = False) -> None:
    """Write a problem as a folder, rows sorted; tables without rows are left out where the format allows it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "policy.json").write_text(policy_text(problem.policy), "utf-8", newline="\n")
    for table in TABLES:
        rows = getattr(problem, table.name)
        if table.optional and not rows and (rows is None or table.name != "pairs"):
            continue
        header = [column.name for column in table.columns]
        texts = _texts(table, rows)
        if parquet:
            write_parquet(folder / f"{table.name}.parquet", header, texts)
        else:
            (folder / f"{table.name}.csv").write_text(csv_text(header, texts), "utf-8", newline="")
