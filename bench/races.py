"""Rival givers at once: approvals, reports, a government feed and releases by five processes, round after round.

`python bench/races.py --acts 100000 --round 10000 --engine sqlite` runs the race of the suite until that many acts were
tried on one database, and writes `bench/results/races.json`. A round that finds one unit too many, or one approval
within the waiting time of other aid, ends the run with an error: only clean rounds are counted.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from time import monotonic

from measure import Row, cpu_seconds, machine

RESULTS = Path(__file__).parent / "results" / "races.json"
ROOT = Path(__file__).parents[1]
TEST = "tests/marketplace/test_overlap_races.py"
NAME = "test_rival_givers_a_reporting_giver_and_a_government_feed_never_give_the_same_twice"


def a_round(engine: str, acts: int, tally: Path) -> Row:
    """One race on a fresh database; raises if it finds anything."""
    used = cpu_seconds()
    asked = [sys.executable, "-m", "pytest", f"{TEST}::{NAME}[{engine}]", "-q", "--no-header"]
    told = {"RACE_ACTS": str(acts), "RACE_TALLY": str(tally)}
    subprocess.run(asked, cwd=ROOT, env=os.environ | told, check=True, stdout=subprocess.DEVNULL)
    row: Row = json.loads(tally.read_text("utf-8").splitlines()[-1])
    return row | {"cpu_seconds": round(cpu_seconds() - used, 1)}


def keep(engine: str, rows: list[Row]) -> None:
    """Write the sums of one engine beside those of the other."""
    known = json.loads(RESULTS.read_text("utf-8")) if RESULTS.exists() else {}
    summed = ("acts", "reserved", "reported", "released", "refused_by_rule", "over_allocated", "violations")
    total = {name: sum(row[name] for row in rows) for name in (*summed, "cpu_seconds")}
    fixed = {name: rows[0][name] for name in ("processes", "givers", "households")}
    known[engine] = fixed | {"rounds": len(rows)} | total | {"machine": machine()}
    RESULTS.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n", "utf-8")


def main() -> None:
    """Rounds until the acts are done or the minutes have passed; the sums are written after each round."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--acts", type=int, default=100_000)
    parser.add_argument("--round", type=int, default=10_000)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--engine", choices=("sqlite", "postgres"), required=True)
    asked = parser.parse_args()
    rows: list[Row] = []
    ends = monotonic() + asked.minutes * 60
    with tempfile.TemporaryDirectory() as folder:
        while sum(row["acts"] for row in rows) < asked.acts and monotonic() < ends:
            rows.append(a_round(asked.engine, asked.round, Path(folder) / "tally"))
            keep(asked.engine, rows)
            print(rows[-1], flush=True)


if __name__ == "__main__":
    main()
