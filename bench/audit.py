"""What the chain costs: verifying a million rows, a disclosure with all its questions, and how long a caller waits.

Each figure stands beside a plain loop of the same run on the same machine: hashing the same bytes without reading them
from a table; inserting one row in a transaction of its own without consent, ruling or chain. The ratio is what trust
costs; the seconds are CPU seconds, so that a busy machine does not spoil them. Run
`PYTHONPATH=. python bench/audit.py [--rows N] [--looks N] [--out FILE]`; the figures go to `bench/results/audit.json`.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

from sqlalchemy import text

from bench.measure import Row, machine
from marketplace import audit
from marketplace.actors import SYSTEM
from marketplace.app import create_app
from marketplace.calendar import utc_now
from marketplace.config import Settings, demo_settings
from marketplace.db import Database
from marketplace.decisions import service as decisions
from marketplace.wiring import open_database
from tests.marketplace.match_scene import Scene, a_scene
from tests.marketplace.partner_scene import let_in

RESULTS = Path(__file__).parent / "results" / "audit.json"
AT_ONCE = 5_000
ENTRY = audit.Entry("share:disclose", object_ref="match-1", purpose="GOODS", decision="permit", fields=("name",))


def seconds_of(work: Callable[[], object]) -> float:
    """CPU seconds of this process for the work."""
    begun = time.process_time()
    work()
    return time.process_time() - begun


def per_second(count: int, seconds: float) -> int:
    """How many in a CPU second."""
    return round(count / max(seconds, 1e-9))


def chain(database: Database, rows: int, *, first: int) -> Row:
    """Beside the first rows that stand there write these, verify them, and hash as many rows in a plain loop."""

    def write() -> None:
        for start in range(0, rows, AT_ONCE):
            with database.transaction() as session:
                audit.record_many(session, (ENTRY,) * min(AT_ONCE, rows - start), actor=SYSTEM, now=utc_now())

    def verify() -> None:
        with database.reading() as session:
            told = audit.verify(session)
        assert (told.rows, told.fault) == (first + rows, ""), told

    sample = json.dumps(["x" * 200, 1]).encode()

    def plain() -> None:
        prev = b"0" * 64
        for _ in range(rows):
            prev = sha256(b"\0" + prev + sample).hexdigest().encode()

    wrote, verified, hashed = seconds_of(write), seconds_of(verify), seconds_of(plain)
    return {
        "rows": rows,
        "write_per_cpu_second": per_second(rows, wrote),
        "verify_cpu_seconds": round(verified, 2),
        "verify_per_cpu_second": per_second(first + rows, verified),
        "plain_hash_per_cpu_second": per_second(rows, hashed),
        "verify_against_plain_hash": round(verified / hashed, 1),
    }


def acts(database: Database, count: int) -> Row:
    """Acts of one row each, every one in a transaction of its own with all its locks and its commit to the disk."""

    def act() -> None:
        for _ in range(count):
            with database.transaction() as session:
                audit.record(session, ENTRY, actor=SYSTEM, now=utc_now())

    return {"acts": count, "acts_per_cpu_second": per_second(count, seconds_of(act))}


def disclosures(database: Database, scene: Scene, match_id: str, looks: int) -> Row:
    """Looks at one consented match, each with its ruling, row and chain, beside bare inserts."""
    with database.transaction() as session:
        session.execute(text("CREATE TABLE plain (n INTEGER PRIMARY KEY, said TEXT NOT NULL)"))

    def look() -> None:
        for _ in range(looks):
            with database.transaction() as session:
                decisions.see_recipient(session, match_id, actor=scene.giver, now=utc_now())

    def plain() -> None:
        for n in range(looks):
            with database.transaction() as session:
                session.execute(text("INSERT INTO plain VALUES (:n, 'name')"), {"n": n})

    looked, inserted = seconds_of(look), seconds_of(plain)
    return {
        "looks": looks,
        "looks_per_cpu_second": per_second(looks, looked),
        "plain_inserts_per_cpu_second": per_second(looks, inserted),
        "look_against_plain_insert": round(looked / inserted, 1),
    }


def waiting(database: Database, settings: Settings, scene: Scene, match_id: str, looks: int) -> Row:
    """CPU milliseconds of one call over the partner API that opens a field, beside a call that only says it is well."""
    with database.transaction() as session:
        machine_of = let_in(session, session.merge(scene.organisation))
    app = create_app(settings, database=database)
    api, spent, bare = machine_of.caller(app), [], []
    for _ in range(looks):
        begun = time.process_time()
        answer = api.post(f"/matches/{match_id}/recipient", {"purpose": "GOODS"})
        spent.append(time.process_time() - begun)
        assert answer.status_code == 200, answer.text
        begun = time.process_time()
        api.client.get("/api/v1/keys")
        bare.append(time.process_time() - begun)
    return {
        "calls": looks,
        "p50_cpu_ms": _at(spent, 50),
        "p95_cpu_ms": _at(spent, 95),
        "bare_p95_cpu_ms": _at(bare, 95),
        "p95_against_bare": round(_at(spent, 95) / max(_at(bare, 95), 0.001), 1),
    }


def _at(values: list[float], percent: int) -> float:
    ordered = sorted(values)
    return round(1000 * ordered[min(len(ordered) - 1, len(ordered) * percent // 100)], 2)


def figure(told: Row) -> str:
    """The figures in one sentence, with the size that was really run."""
    rows, looks, calls, single = told["chain"], told["disclosures"], told["waiting"], told["acts"]
    return (
        f"{rows['rows']:,} rows: verified in {rows['verify_cpu_seconds']} CPU s "
        f"({rows['verify_per_cpu_second']:,} a CPU second), written at {rows['write_per_cpu_second']:,} a CPU second, "
        f"{AT_ONCE:,} in a transaction; acts of one row in a transaction each: {single['acts_per_cpu_second']:,} a CPU "
        f"second over {single['acts']:,}; one look with its ruling and rows in a transaction of its own: "
        f"{looks['looks_per_cpu_second']:,} a CPU second over {looks['looks']:,}; a field opened over the partner API: "
        f"p95 {calls['p95_cpu_ms']} ms CPU over {calls['calls']:,} calls, one after the other"
    )


def command(asked: argparse.Namespace) -> str:
    """How to see them again."""
    return f"PYTHONPATH=. python bench/audit.py --rows {asked.rows} --looks {asked.looks}"


def main() -> None:
    """Measure, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--looks", type=int, default=1_000)
    parser.add_argument("--out", type=Path, default=RESULTS)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as two:
        database = open_database(demo_settings(Path(one), seed=1))
        told: Row = {"acts": acts(database, asked.looks), "chain": chain(database, asked.rows, first=asked.looks)}
        database.close()
        settings = demo_settings(Path(two), seed=2)
        database = open_database(settings)
        with database.transaction() as session:
            scene = a_scene(session, now=utc_now())
            match_id = scene.in_delivery(session, utc_now()).id
        told["disclosures"] = disclosures(database, scene, match_id, asked.looks)
        told["waiting"] = waiting(database, settings, scene, match_id, asked.looks)
        database.close()
    told["goals"] = {"audit": {"figure": figure(told), "command": command(asked)}}
    told["machine"] = machine()
    asked.out.write_text(json.dumps(told, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    for part in ("acts", "chain", "disclosures", "waiting"):
        print(part, told[part])


if __name__ == "__main__":
    main()
