"""The long campaigns of trust, part by part, each going on from where it stopped.

`PYTHONPATH=. python bench/trust.py --part tokens --minutes 30` runs the campaign of the suite in rounds, each from
another seed on fresh databases, until the part's goal or `--count` is reached, and adds each clean round to
`bench/results/trust.json`. A round in which anything is accepted, doubled, lost or shown too late fails in its test and
ends the run with an error: only clean rounds are counted. Without `--part` every part has its turn, least done first.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from time import monotonic

from bench.measure import Row, cpu_seconds, machine

RESULTS = Path(__file__).parent / "results" / "trust.json"
ROOT = Path(__file__).parents[1]
LIBRARIES = ("authlib", "cryptography", "flask", "joserfc", "sqlalchemy", "sqlmodel")
TESTS = "tests/marketplace/"


@dataclass(frozen=True, slots=True)
class Part:
    """One campaign: what is asked, its test, the tries it makes for each one of `count`, and the `count` of a round."""

    asked: int
    what: str
    test: str
    times: int
    round: int


LATE = "test_late_disclosures.py::test_nothing_is_disclosed_after_a_consent_ended_whoever_races"
RIVALS = "test_races.py::test_rival_approvals_and_withdrawals_never_double_overspend_or_come_late"
PARTS = {
    "tokens": Part(100_000, "hostile tokens, 0 accepted, 0 faults", "test_hostile_tokens.py", 8, 2_500),
    "mutants": Part(
        1_000_000, "mutants of a credential, 0 accepted",
        "test_credential_forgeries.py::test_no_mutant_is_accepted", 1, 100_000,
    ),
    "kills": Part(
        950, "kills while writing, 0 lost, doubled or orphaned",
        "test_notices.py::test_a_hundred_kills_lose_and_double_nothing", 1, 95,
    ),
    "kills-acts": Part(
        450, "kills in the middle of matches, consents and disclosures, each whole or not at all",
        "test_kills.py", 1, 45,
    ),
    "tamperings": Part(
        450, "tamperings of nine kinds, each named by its first bad row",
        "test_trail.py::test_each_of_nine_kinds_of_tampering_is_named_by_its_first_bad_row", 9, 10,
    ),
    "late-sqlite": Part(
        20_000, "acts that met: looks against ends of a consent (SQLite), 0 late", f"{LATE}[sqlite]", 5, 200,
    ),
    "late-postgres": Part(20_000, "the same on PostgreSQL", f"{LATE}[postgres]", 5, 200),
    "rivals-sqlite": Part(
        20_000, "acts that met: rival approvals and withdrawals (SQLite), 0 doubled, overspent or late",
        f"{RIVALS}[sqlite]", 5, 400,
    ),
    "rivals-postgres": Part(20_000, "the same on PostgreSQL", f"{RIVALS}[postgres]", 5, 400),
    "canaries": Part(
        50, "marked people through the house and its error paths, 0 marks found outside sealed columns",
        "test_canary_sweep.py::test_no_mark_of_fifty_people_is_found_outside_the_sealed_columns", 50, 1,
    ),
    "walk": Part(
        100_000, "steps of a walk over consents, 0 apart from the model",
        "test_consent_walk.py::test_the_house_never_shows_more_or_less_than_the_model_allows", 500, 20,
    ),
}  # fmt: skip


def kept() -> dict[str, Row]:
    """What was seen so far, by part."""
    known: dict[str, Row] = json.loads(RESULTS.read_text("utf-8")) if RESULTS.exists() else {}
    return {name: row for name, row in known.items() if name in PARTS}


def a_round(part: Part, count: int, *, seed: int) -> Row:
    """One campaign on fresh databases; raises if it finds anything."""
    with tempfile.TemporaryDirectory() as folder:
        tally, used = Path(folder) / "tally", cpu_seconds()
        told = {"CAMPAIGN_COUNT": str(count), "CAMPAIGN_SEED": str(seed), "CAMPAIGN_TALLY": str(tally)}
        asked = [sys.executable, "-m", "pytest", TESTS + part.test, "-q", "--no-header", "-x", "-p", "no:cacheprovider"]
        subprocess.run(asked, cwd=ROOT, env=os.environ | told, check=True, stdout=subprocess.DEVNULL)
        lines = [json.loads(line) for line in tally.read_text("utf-8").splitlines()]
    row: Row = {"rounds": 1, "cpu_seconds": round(cpu_seconds() - used, 1)}
    for line in lines:
        row |= {name: row.get(name, 0) + value for name, value in line.items()}
    return row


def keep(name: str, row: Row) -> Row:
    """Add a clean round to the sums of its part."""
    with RESULTS.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two parts may run side by side
        return _add(name, row)


def _add(name: str, row: Row) -> Row:
    known = kept()
    before = known.get(name, {})
    summed = {key: round(before.get(key, 0) + value, 1) for key, value in row.items()}
    versions = {"sqlite": sqlite3.sqlite_version} | {library: version(library) for library in LIBRARIES}
    known[name] = summed | {"asked": PARTS[name].asked, "machine": machine() | {"packages": versions}}
    RESULTS.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n", "utf-8")
    return known[name]


def run(name: str, *, goal: int, until: float) -> None:
    """Rounds until the goal is reached or the time is over."""
    part, done = PARTS[name], kept().get(name, {"tried": 0, "rounds": 0})
    while done["tried"] < goal and monotonic() < until:
        count = min(part.round, -(-(goal - int(done["tried"])) // part.times))
        row = a_round(part, count, seed=1 + int(done["rounds"]))
        done = keep(name, row)
        print(name, row, "of", goal, "done", done["tried"], flush=True)


def table(told: dict[str, Row]) -> str:
    """The campaigns in Markdown, for docs/trust.md."""
    lines = ["| campaign | asked | tried, all well | rounds | CPU s | last round |", "|---|---:|---:|---:|---:|---|"]
    for name, part in PARTS.items():
        row = told.get(name, {"tried": 0, "rounds": 0, "cpu_seconds": 0})
        at = row["machine"]["measured_at"][:16].replace("T", " ") if "machine" in row else "not run"
        figures = f"{part.asked:,} | {row['tried']:,.0f} | {row['rounds']:.0f} | {row['cpu_seconds']:,.0f}"
        lines.append(f"| {part.what} | {figures} | {at} |")
    return "\n".join(lines)


def main() -> None:
    """The parts that were asked for, one after another."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--part", choices=list(PARTS), action="append")
    parser.add_argument("--count", type=int, help="how many tries in all, the kept ones included; else the part's goal")
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--afresh", action="store_true", help="forget what was kept of these parts")
    asked = parser.parse_args()
    until, names = monotonic() + asked.minutes * 60, asked.part or list(PARTS)
    if asked.afresh:
        left = {name: row for name, row in kept().items() if name not in names}
        RESULTS.write_text(json.dumps(left, indent=1, sort_keys=True) + "\n", "utf-8")
    for name in sorted(names, key=lambda one: kept().get(one, {"tried": 0})["tried"] / PARTS[one].asked):
        run(name, goal=asked.count or PARTS[name].asked, until=until)
    print(table(kept()))


if __name__ == "__main__":
    main()
