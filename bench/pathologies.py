"""Problems at the edge, each with the status it must have (goal 10).

What enters: how many needs stand for "very many", on the command line. What leaves: a table, and
`bench/results/pathologies.json`: status, units, what the judge says, seconds. Called by hand, by `make bench`, and with
small numbers by tests/matching/test_pathologies.py.

    PYTHONPATH=. .venv/bin/python bench/pathologies.py --needs 100000
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import replace
from datetime import date
from pathlib import Path

from bench.measure import Row, in_a_child, machine
from matching import allocate
from matching.checker import check
from matching.model import LARGEST, Need, Pin, Policy, Problem, Resource

RESULTS = Path(__file__).parent / "results" / "pathologies.json"
COMMAND = "PYTHONPATH=. .venv/bin/python bench/pathologies.py"
PINNED = 300
"""Needs in the cases with pins: a minimal contradicting set is looked for one pin at a time."""

Case = tuple[Problem, str, int]
"""The problem, the status it must have and the units it must give."""


def _need(place: int, *, gap: int = 3, single: bool = False) -> Need:
    return Need(
        f"n{place:06}",
        f"h{place // 2}",
        "d",
        "rice",
        "kg",
        gap,
        place % 4,
        consented=frozenset("*"),
        one_provider=single,
    )


def _resource(place: int, *, stock: int, lot: int = 1) -> Resource:
    return Resource(f"r{place}", "o", "rice", "kg", stock, lot=lot, min_per_need=lot)


def _problem(needs: list[Need], resources: list[Resource], **tables: tuple[Pin, ...]) -> Problem:
    return Problem(Policy(as_of=date(2026, 7, 1)), tuple(needs), tuple(resources), **tables)  # type: ignore[arg-type]


def cases(many: int) -> dict[str, Case]:
    """Every pathology by name; `many` needs where the number is the point."""
    crowd = [_need(i) for i in range(many)]
    few = [_need(i) for i in range(PINNED)]
    pins = tuple(Pin(need.need_id, "r1", 3) for need in few)
    rich = [_need(i, gap=LARGEST) for i in range(6)]
    return {
        "no supply": (_problem(crowd, []), "optimal", 0),
        "no stock": (_problem(crowd, [_resource(1, stock=0)]), "optimal", 0),
        "no needs": (_problem([], [_resource(1, stock=9)]), "optimal", 0),
        "nothing at all": (_problem([], []), "optimal", 0),
        "one giant donor": (_problem(crowd, [_resource(1, stock=LARGEST)]), "optimal", 3 * many),
        "very many needs, one resource": (_problem(crowd, [_resource(1, stock=many)]), "optimal", many),
        "all pins": (_problem(few, [_resource(1, stock=3 * PINNED)], pins=pins), "optimal", 3 * PINNED),
        "contradictory pins": (_problem(few, [_resource(1, stock=3 * PINNED - 1)], pins=pins), "infeasible", 0),
        "a pin that no rule allows": (
            _problem(few, [replace(_resource(1, stock=9), category="oil")], pins=pins[:1]), "infeasible", 0,
        ),
        "amounts of 10^12": (_problem(rich, [_resource(i, stock=LARGEST) for i in range(3)]), "optimal", 3 * LARGEST),
        "amounts of 10^12, one giver each": (
            _problem(
                [replace(need, one_provider=True) for need in rich], [_resource(i, stock=LARGEST) for i in range(3)]
            ), "optimal", 3 * LARGEST,
        ),
        "amounts of 10^12 in lots of 10^9": (
            _problem(rich, [_resource(i, stock=LARGEST, lot=10**9) for i in range(3)]), "optimal", 3 * LARGEST,
        ),
    }  # fmt: skip


def seen(problem: Problem) -> Row:
    """What the allocator answers and the judge says to it."""
    plan = allocate(problem, budget_s=20)
    said = plan.certificate
    conflict = len(said.conflict)
    return {"status": said.status, "units": said.units, "faults": len(check(problem, plan)), "conflict": conflict}


def main() -> None:
    """Solve every case, print, write; exit 1 if any is not as it must be."""
    parser = argparse.ArgumentParser(description="Problems at the edge: the right status and no crash.")
    parser.add_argument("--needs", type=int, default=100_000)
    asked = parser.parse_args()
    rows: list[Row] = []
    for name, (problem, status, units) in cases(asked.needs).items():
        row = in_a_child(lambda problem=problem: seen(problem), seconds=600)
        right = (row.get("status"), row.get("units"), row.get("faults")) == (status, units, 0)
        rows.append({"case": name, "right": right} | row)
        print(f"{name:<36}{'right' if right else 'WRONG':<8}{row}", flush=True)
    good = sum(row["right"] for row in rows)
    figure = (
        f"{good} of {len(rows)} cases right (status, units, judge), {asked.needs:,} needs on one resource among them"
    )
    told = {"machine": machine(), "rows": rows, "goals": {"10": {"figure": figure, "command": COMMAND}}}
    RESULTS.write_text(json.dumps(told, indent=2) + "\n", "utf-8")
    print("written: bench/results/pathologies.json")
    sys.exit(0 if good == len(rows) else 1)


if __name__ == "__main__":
    main()
