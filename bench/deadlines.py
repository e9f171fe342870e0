"""How long the board of deadlines takes over 100,000 running clocks: each filter of it, its counts and its last page.

What enters: the number of clocks. What leaves: a table, and `bench/results/deadlines.json` with the machine. The rows
are drawn at random and put in directly, as many ended ones beside them; the page is asked through the real app, so its
templates count too. Processor seconds, the best of five. Never part of the tests.

    PYTHONPATH=. .venv/bin/python bench/deadlines.py --clocks 100000
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from time import process_time
from typing import Any

from sqlalchemy import insert

from bench.measure import machine
from marketplace.accounts import service as accounts
from marketplace.actors import Role
from marketplace.app import create_app
from marketplace.clocks.models import Clock
from marketplace.clocks.steps import STEPS
from marketplace.config import demo_settings
from marketplace.db import new_id
from marketplace.reference.districts import current
from marketplace.wiring import open_database

RESULTS = Path(__file__).parent / "results" / "deadlines.json"
CHUNK = 5_000
TRIES = 5
PAGES = {
    "all": "",
    "late": "?state=late",
    "at risk": "?state=at_risk",
    "one step": "?step=deliver",
    "a district": "?district=500103",
    "calls": "?group=calls",
    "the last page": "?page={last}",
}


def rows(many: int, *, now: datetime) -> Iterator[dict[str, Any]]:
    """So many running clocks, and as many that have ended."""
    pick, places, steps = Random(7), [d.code for d in current(now.date())], list(STEPS.values())
    for n in range(2 * many):
        step, due = pick.choice(steps), now + timedelta(hours=pick.randint(-48, 400))
        yield {
            "id": new_id(),
            "step": step.code,
            "object_ref": f"object-{n}",
            "side": step.side,
            "district_code": pick.choice(places),
            "started_at": now - timedelta(days=9),
            "due_at": due,
            "remind_at": due if n % 2 else None,
            "reminders": 0,
            "ended_at": None if n % 2 else now,
            "outcome": "" if n % 2 else "done",
        }


def measure(many: int) -> dict[str, float]:
    """Page ► milliseconds of the processor, the best of a few tries."""
    now = datetime.now(UTC)
    with tempfile.TemporaryDirectory() as folder:
        settings = demo_settings(Path(folder), seed=7)
        database = open_database(settings)
        drawn = list(rows(many, now=now))
        with database.transaction() as session:
            for start in range(0, len(drawn), CHUNK):
                session.execute(insert(Clock), drawn[start : start + CHUNK])
            account = accounts.create_account(session, "bench", display_name="bench", role=Role.APPROVER, now=now)
            token = accounts.open_for_account(session, account, now=now)
        client = create_app(settings, database=database).test_client()
        client.set_cookie("sid", token)
        told = {}
        for name, query in PAGES.items():
            path, taken = "/deadlines/" + query.format(last=many // 25), []
            for _try in range(TRIES):
                begun = process_time()
                assert client.get(path).status_code == 200, path
                taken.append(1000 * (process_time() - begun))
            told[name] = round(min(taken), 1)
        database.close()
    return told


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description="How long the board of deadlines takes.")
    parser.add_argument("--clocks", type=int, default=100_000)
    many = parser.parse_args().clocks
    told = measure(many)
    for name, milliseconds in told.items():
        print(f"{name:>15}: {milliseconds:7.1f} ms")
    figure = (
        f"board of deadlines over {many:,} running clocks, {len(told)} views: at most {max(told.values()):.0f} ms CPU"
    )
    goals = {"lists": {"figure": figure, "command": "PYTHONPATH=. .venv/bin/python bench/deadlines.py"}}
    kept = {"goals": goals, "machine": machine(), "clocks": many, "ms": told}
    RESULTS.write_text(json.dumps(kept, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    main()
