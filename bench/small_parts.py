"""Small hard parts: how many are proven optimal, and in how many processor seconds.

What enters: how many cities and their largest size, on the command line. What leaves: a table, and
`bench/results/small_parts.json`. Each city is one hard part of 60 to 300 needs with every kind of rule; it is solved in
a process of its own. Proven: the prices close the gap, or HiGHS or CP-SAT says so.

    PYTHONPATH=. .venv/bin/python bench/small_parts.py --cities 24
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

from bench.measure import Row, in_a_child, machine
from matching import allocate
from matching.checker import check
from matching.generate import generate

RESULTS = Path(__file__).parent / "results" / "small_parts.json"
SIZES = (60, 100, 150, 200, 250, 300)
BUDGET, PATIENCE = 600.0, 600.0


def solved(needs: int, *, seed: int) -> Row:
    """One city and what its certificate says; a run is proven if every hard part of it is."""
    city = generate(needs, needs // 10, hard=0.25, one_component=True, seed=seed)
    plan = allocate(city, budget_s=BUDGET)
    said = plan.certificate
    proven = not said.proofs.get("none", 0) and not said.interrupted
    return {"needs": needs, "seed": seed, "proven": proven, "gap": said.gap, "faults": len(check(city, plan))}


def summary(rows: list[Row], command: str) -> Row:
    """The row of goal 5."""
    whole = [row for row in rows if "proven" in row]
    proven, seconds = sum(row["proven"] for row in whole), [row["cpu_seconds"] for row in rows]
    figure = (
        f"small hard parts of 60 to 300 needs: {proven} of {len(rows)} proven optimal, "
        f"p95 {np.percentile(seconds, 95):.1f} CPU s, most {max(seconds):.1f}; {sum(r['faults'] for r in whole)} faults"
    )
    return {"5": {"figure": figure, "command": command}}


def main() -> None:
    """Measure, print, write after every city."""
    parser = argparse.ArgumentParser(description="Small hard parts proven optimal.")
    parser.add_argument("--cities", type=int, default=24)
    asked = parser.parse_args()
    rows: list[Row] = []
    for seed in range(asked.cities):
        needs = SIZES[seed % len(SIZES)]
        row = in_a_child(lambda needs=needs, seed=seed: solved(needs, seed=seed), seconds=PATIENCE)
        rows.append({"needs": needs, "seed": seed} | row)
        print(rows[-1], flush=True)
        goals = summary(rows, f"PYTHONPATH=. .venv/bin/python bench/small_parts.py --cities {len(rows)}")
        RESULTS.write_text(json.dumps({"machine": machine(), "goals": goals, "rows": rows}, indent=2) + "\n", "utf-8")
    print(f"{summary(rows, '')['5']['figure']}; written: bench/results/small_parts.json")


if __name__ == "__main__":
    main()
