"""Rival givers at once: approvals, reports, a government feed and releases by five processes, round after round.

`PYTHONPATH=. python bench/races.py --engine sqlite` runs the race of the suite, each round from another seed, until
100,000 acts were tried on one database, going on from the rounds that were kept, and writes the sums to
`bench/results/races.json`. A round that finds one unit too many, or one approval within the waiting time of other aid,
ends the run with an error: only clean rounds are counted.
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

from bench.measure import Row, cpu_seconds, machine

RESULTS = Path(__file__).parent / "results" / "races.json"
ROOT = Path(__file__).parents[1]
TEST = "tests/marketplace/test_overlap_races.py"
NAME = "test_rival_givers_a_reporting_giver_and_a_government_feed_never_give_the_same_twice"


def a_round(engine: str, acts: int, tally: Path, *, seed: int) -> Row:
    """One race on a fresh database; raises if it finds anything."""
    used = cpu_seconds()
    asked = [sys.executable, "-m", "pytest", f"{TEST}::{NAME}[{engine}]", "-q", "--no-header"]
    told = {"RACE_ACTS": str(acts), "RACE_TALLY": str(tally), "RACE_SEED": str(seed)}
    subprocess.run(asked, cwd=ROOT, env=os.environ | told, check=True, stdout=subprocess.DEVNULL)
    row: Row = json.loads(tally.read_text("utf-8").splitlines()[-1])
    return row | {"cpu_seconds": round(cpu_seconds() - used, 1)}


def kept() -> dict[str, Row]:
    """What was measured so far, by engine."""
    known: dict[str, Row] = json.loads(RESULTS.read_text("utf-8")) if RESULTS.exists() else {}
    return known


def keep(engine: str, row: Row) -> Row:
    """Add a clean round to the sums of its engine; returns them."""
    known = kept()
    summed = ("acts", "reserved", "reported", "released", "refused_by_rule", "over_allocated", "violations")
    before = known.get(engine, {"rounds": 0})
    total = {name: round(before.get(name, 0) + row[name], 1) for name in (*summed, "cpu_seconds")}
    fixed = {name: row[name] for name in ("processes", "givers", "households")}
    known[engine] = fixed | {"rounds": before["rounds"] + 1} | total | {"machine": machine()}
    RESULTS.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n", "utf-8")
    return known[engine]


def main() -> None:
    """Rounds until the acts are done or the minutes have passed; the sums are written after each round."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--acts", type=int, default=100_000)
    parser.add_argument("--round", type=int, default=10_000)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--engine", choices=("sqlite", "postgres"), required=True)
    parser.add_argument("--afresh", action="store_true", help="forget the rounds of this engine that were kept")
    asked = parser.parse_args()
    if asked.afresh and RESULTS.exists():
        RESULTS.write_text(json.dumps({name: row for name, row in kept().items() if name != asked.engine}), "utf-8")
    done, ends = kept().get(asked.engine, {"acts": 0, "rounds": 0}), monotonic() + asked.minutes * 60
    with tempfile.TemporaryDirectory() as folder:
        while done["acts"] < asked.acts and monotonic() < ends:
            row = a_round(asked.engine, asked.round, Path(folder) / "tally", seed=done["rounds"])
            done = keep(asked.engine, row)
            print(row, flush=True)


if __name__ == "__main__":
    main()
