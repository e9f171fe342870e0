"""One problem, one plan: the same SHA-256 whatever the order of rows and the number of processes (goal 8).

What enters: sizes and repeats, on the command line. What leaves: a table, and `bench/results/repeats.json`. Every
repeat shuffles all tables of the generated problem and takes 1, 2 or 16 processes in turn.

    PYTHONPATH=. .venv/bin/python bench/repeats.py --needs 2000 --repeats 20
"""

from __future__ import annotations

import argparse
import json
from dataclasses import fields, replace
from pathlib import Path
from random import Random

from bench.measure import Row, cpu_seconds, machine
from matching import allocate
from matching.generate import generate
from matching.model import Problem

RESULTS = Path(__file__).parent / "results" / "repeats.json"
COMMAND = "PYTHONPATH=. .venv/bin/python bench/repeats.py"
WORKERS = (1, 2, 16)


def shuffled(problem: Problem, *, seed: int) -> Problem:
    """The same problem with the rows of every table in another order."""
    rng = Random(seed)
    tables = {}
    for field in fields(problem):
        rows = getattr(problem, field.name)
        if isinstance(rows, tuple):
            tables[field.name] = tuple(rng.sample(rows, len(rows)))
    return replace(problem, **tables)


def hashes(problem: Problem, *, repeats: int, budget: float) -> dict[str, int]:
    """How often each plan hash came out; a run that was interrupted counts apart, for no promise holds for it."""
    found: dict[str, int] = {}
    for turn in range(repeats):
        said = allocate(shuffled(problem, seed=turn), workers=WORKERS[turn % len(WORKERS)], budget_s=budget).certificate
        name = "interrupted" if said.interrupted else said.plan_sha256
        found[name] = found.get(name, 0) + 1
    return found


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(
        description="The same plan whatever the order of rows and the number of processes."
    )
    parser.add_argument("--needs", type=int, nargs="*", default=[2_000])
    parser.add_argument("--repeats", type=int, default=20)
    parser.add_argument("--budget", type=float, default=2.0, help="of hard runs: their effort follows from it alone")
    asked = parser.parse_args()
    rows: list[Row] = []
    for needs in asked.needs:
        for hard in (0.0, 0.25):
            for joined in (False, True):
                city = generate(needs, max(20, needs // 20), hard=hard, one_component=joined, seed=7)
                found = hashes(city, repeats=asked.repeats, budget=asked.budget)
                rows.append(
                    {"needs": needs, "kind": "hard" if hard else "pure", "one_component": joined, "hashes": found}
                )
                print(rows[-1], flush=True)
    told = [
        f"{row['needs']:,} needs, {row['kind']}{', one component' if row['one_component'] else ''}: "
        f"{len(row['hashes'].keys() - {'interrupted'})} plan in {sum(row['hashes'].values())} runs, "
        f"{row['hashes'].get('interrupted', 0)} stopped by the clock"
        for row in rows
    ]
    goal = {"figure": "; ".join(told) + "; rows shuffled, 1, 2 and 16 processes", "command": COMMAND}
    RESULTS.write_text(json.dumps({"machine": machine(), "rows": rows, "goals": {"8": goal}}, indent=2) + "\n", "utf-8")
    print(f"{cpu_seconds():.0f} CPU seconds; written: bench/results/repeats.json")


if __name__ == "__main__":
    main()
