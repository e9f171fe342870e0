"""The giver's and the worker's desk at full size: a table of 10,000 rows checked, a report of 50,000 rows written.

The report is the very table that the page hands out, in its columns and words. What enters: nothing but this checkout.
What leaves: a table, and `bench/results/desk.json`. Beside each figure stands a peer in the same run that does the bare
minimum: reading the same table with the standard library's csv, and writing the same cells as plain CSV. Never part of
the tests.

    PYTHONPATH=. .venv/bin/python bench/desk.py
"""

from __future__ import annotations

import argparse
import csv
import json
import tempfile
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime
from functools import partial
from io import StringIO
from pathlib import Path
from typing import Any

from sqlalchemy import insert

from adapters.tabular_writer import Column, write_csv, write_xlsx
from bench.measure import Row, in_a_child, machine
from marketplace.actors import Actor, Role
from marketplace.app import create_app
from marketplace.config import demo_settings
from marketplace.demo.city import make_city
from marketplace.demo.files import SOURCE, needs_file
from marketplace.needs import imports
from marketplace.reports import service, views
from marketplace.reports.models import Figure, Report, ReportRow, ReportState
from marketplace.wiring import open_database

RESULTS = Path(__file__).parent / "results" / "desk.json"
NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
MONTH = "2026-10"
SECONDS = 300.0


def the_file(rows: int) -> bytes:
    """A needs file of exactly so many rows, as a register would send it."""
    city = make_city(size="city", seed=7, on=date(2026, 11, 23))
    lines = needs_file(city.households, verifier_id="clerk").splitlines(keepends=True)
    if len(lines) <= rows:
        raise SystemExit(f"the made-up city has {len(lines) - 1} needs: ask for fewer rows")
    return b"".join(lines[: rows + 1])


def check_import(data: bytes) -> Row:
    """The dry run that a person waits for: read, check, look for doubles, seal the batch."""
    with tempfile.TemporaryDirectory() as folder:
        database = open_database(demo_settings(Path(folder), seed=7))
        clerk = Actor(id="clerk", role=Role.VERIFIER)
        with database.transaction() as session:
            batch, _ = imports.check_file(session, data, file_name="needs.csv", source=SOURCE, actor=clerk, now=NOW)
            return {"rows": batch.counts["rows"]}


def read_plainly(data: bytes) -> Row:
    """The peer: the same bytes through csv, nothing checked."""
    return {"rows": sum(1 for _ in csv.DictReader(StringIO(data.decode())))}


def a_report(folder: Path, rows: int) -> Path:
    """A database with one report of so many rows."""
    database = open_database(demo_settings(folder, seed=7))
    with database.transaction() as session:
        session.add(
            Report(
                id="bench",
                scope=service.CITY,
                month=MONTH,
                state=ReportState.DRAFT,
                row_count=rows,
                prepared_by="bench",
                prepared_at=NOW,
            )
        )
        session.flush()
        session.execute(insert(ReportRow), list(_rows(rows)))
    database.close()
    return folder


def _rows(rows: int) -> Iterator[dict[str, Any]]:
    for number in range(1, rows + 1):
        yield {
            "report_id": "bench",
            "number": number,
            "figure": Figure.GIVEN,
            "object_ref": f"match-{number}",
            "household_id": f"household-{number % 30_011}",
            "people": 1 + number % 5,
            "category": "LIVING.FOOD_PACK",
            "unit": "PACK",
            "district_code": "500103",
            "reason": "",
            "units": 1 + number % 9,
            "fen": 10_000,
            "days": number % 20,
            "satisfaction": None,
            "minutes": None,
            "month": MONTH,
        }


def write_report(folder: Path, write: Callable[[Sequence[Column], Iterator[tuple[Any, ...]]], bytes]) -> Row:
    """The whole report out of the database into a file, in the columns and words of the page."""
    settings = demo_settings(folder, seed=7)
    database = open_database(settings)
    with create_app(settings, database=database).test_request_context(), database.reading() as session:
        report = session.get_one(Report, "bench")
        columns, lines = views.columns(), service.lines_of(session, report, views.line)
        return {"rows": report.row_count, "columns": len(columns), "bytes": len(write(columns, lines))}


def plain_csv(columns: Sequence[Column], lines: Iterator[tuple[Any, ...]]) -> bytes:
    """The peer: the same cells as CSV."""
    return write_csv([column.name for column in columns], lines)


def main() -> int:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description="The desk at full size.")
    parser.add_argument("--import-rows", type=int, default=10_000)
    parser.add_argument("--report-rows", type=int, default=50_000)
    asked = parser.parse_args()
    data = the_file(asked.import_rows)
    with tempfile.TemporaryDirectory() as name:
        folder = a_report(Path(name), asked.report_rows)
        works = {
            "dry run of a needs file": partial(check_import, data),
            "the same file, csv module only": partial(read_plainly, data),
            "report as XLSX": partial(write_report, folder, write_xlsx),
            "the same rows as CSV": partial(write_report, folder, plain_csv),
        }
        rows = [{"work": work} | in_a_child(do, seconds=SECONDS) for work, do in works.items()]
    for row in rows:
        print(
            f"{row['work']:34}{row.get('rows', 0):>8,}{row['seconds']:>9.2f} s{row['cpu_seconds']:>9.2f} CPU s"
            f"{row.get('memory_mb', 0.0):>8.0f} MB  {row.get('remark', '')}"
        )
    if unfinished := [row["work"] for row in rows if "rows" not in row]:
        raise SystemExit(f"not finished, so nothing was written: {', '.join(unfinished)}")
    checked, _, written, plain = rows
    figure = (
        f"dry run of {checked['rows']:,} rows {checked['cpu_seconds']:.1f} CPU s; report of {written['rows']:,} rows "
        f"and {written['columns']} columns as XLSX {written['cpu_seconds']:.1f} CPU s, {written['memory_mb']:.0f} MB, "
        f"{written['cpu_seconds'] / plain['cpu_seconds']:.1f}× writing the same rows as CSV"
    )
    goals = {"desk": {"figure": figure, "command": "PYTHONPATH=. .venv/bin/python bench/desk.py"}}
    RESULTS.write_text(json.dumps({"goals": goals, "machine": machine(), "rows": rows}, indent=1) + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
