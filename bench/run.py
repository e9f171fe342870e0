"""One run of the app at city size: from the database to stored proposals with their reasons (goal 3).

What enters: sizes, on the command line. What leaves: a table, and `bench/results/run.json`: seconds of the whole, of
its parts, CPU seconds, and the memory of the process that worked. The city's rows are written first, unmeasured, into
an embedded database; then the run is started as staff start it, and its job does what the worker does.

    PYTHONPATH=. .venv/bin/python bench/run.py
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from typing import Any
from unittest.mock import patch

from sqlmodel import func, select

from bench.city_rows import furnish
from bench.measure import Row, in_a_child, machine
from marketplace.actors import SYSTEM, Actor, Role
from marketplace.calendar import local_day
from marketplace.config import demo_settings
from marketplace.db import Database
from marketplace.proposals import service
from marketplace.proposals.models import ProposedLine, UnservedReason
from marketplace.proposals.problem import Scope
from marketplace.wiring import open_database
from matching.generate import generate

RESULTS = Path(__file__).parent / "results" / "run.json"
COMMAND = "PYTHONPATH=. .venv/bin/python bench/run.py"
STAFF = Actor(id="bench", role=Role.APPROVER)
PARTS = {"read": "build", "solve": "_solve", "judge": "check", "store": "store_plan", "report": "add_report"}
"""What the work consists of ► the function of `proposals.service` that does it."""
MOST_SECONDS = 1_800


@contextmanager
def timed() -> Iterator[dict[str, float]]:
    """Seconds of each part of the work, filled in while the block runs."""
    found: dict[str, float] = {}

    def watched(name: str, function: Any) -> Any:
        def run(*args: Any, **named: Any) -> Any:
            start = perf_counter()
            try:
                return function(*args, **named)
            finally:
                found[name] = round(perf_counter() - start, 2)

        return run

    named = {function: watched(name, getattr(service, function)) for name, function in PARTS.items()}
    with patch.multiple(service, **named):
        yield found


def worked(database: Database, run_id: str) -> Row:
    """Do the job of a run; how long each part took and what is in the tables afterwards."""
    with timed() as parts:
        service.work(database, run_id, clock=lambda: datetime.now(UTC), actor=SYSTEM)
    with database.reading() as session:
        run = service.get_run(session, run_id)
        lines = session.exec(select(func.count()).where(ProposedLine.run_id == run_id)).one()
        reasons = session.exec(select(func.count(func.distinct(UnservedReason.need_id)))).one()
        proof = {"score": run.score, "bound": run.bound, "status": run.certificate["status"]}
        return {"parts": parts, "state": run.state.value, "needs": run.needs_count, "lines": lines} | {
            "needs_with_a_reason": reasons,
            **proof,
        }


def measured(needs: int, resources: int, *, seed: int, folder: Path) -> Row:
    """Furnish a house, start a run, work on it in a process of its own."""
    settings = demo_settings(folder, seed=seed)
    database = open_database(settings)
    now = datetime.now(UTC)
    furnish(database, generate(needs, resources, seed=seed), now=now)
    with database.transaction() as session:
        run = service.start_run(session, Scope(), policy={"budget_s": 60}, as_of=local_day(now), actor=STAFF, now=now)
        run_id = run.id
    database.close()

    def work() -> Row:
        opened = open_database(settings)
        try:
            return worked(opened, run_id)
        finally:
            opened.close()

    return {"asked_needs": needs, "resources": resources, "seed": seed} | in_a_child(work, seconds=MOST_SECONDS)


def goal(row: Row) -> dict[str, str]:
    """What this run says of goal 3."""
    figure = (
        f"database to stored proposals, {row['needs']:,} needs, {row['resources']:,} offers: {row['seconds']:.1f} s, "
        f"{row['cpu_seconds']:.1f} CPU s, {row['memory_mb']:,.0f} MB; {row['lines']:,} lines, a reason for "
        f"{row['needs_with_a_reason']:,} needs left short, {row['status']}"
    )
    return {"figure": figure, "command": COMMAND}


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description="A run of the app, from the database to stored proposals.")
    parser.add_argument("--needs", type=int, default=100_000)
    parser.add_argument("--resources", type=int, default=5_000)
    parser.add_argument("--seed", type=int, default=7)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        row = measured(asked.needs, asked.resources, seed=asked.seed, folder=Path(folder))
    print(json.dumps(row, ensure_ascii=False))
    if "remark" not in row:
        found = {"machine": machine(), "goals": {"3": goal(row)}, "rows": [row]}
        RESULTS.write_text(json.dumps(found, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    main()
