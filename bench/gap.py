"""Jobs to agents: the public generalised assignment instances, solved as problems by value.

What enters: a folder of instances as text (agents and jobs; a line of costs per agent; a line of what each job takes
per agent; the capacities) with the best known values in `bounds.csv`. What leaves: a table, and
`bench/results/gap.json` with the machine and the versions. Each instance is asked twice, every job served each time: at
the least cost, and at the greatest profit, which is written as what is missing to the largest profit there is. The gap
is taken on the cost or profit itself, not on the values that it is written as. The instances are not part of the
repository: they are those of the OR-Library (Beasley) and of Yagiura, with the best known values as collected in
AssignmentProblems.jl. Never part of the tests.

    PYTHONPATH=. .venv/bin/python bench/gap.py --data DIR --seconds 30 --only 'c05*'
"""

from __future__ import annotations

import argparse
import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from time import perf_counter

from measure import cpu_seconds, machine

from matching import allocate
from matching.checker import check
from matching.least_cost import LeastCost
from matching.model import Candidate, Need, Pair, Policy, Problem, Resource

RESULTS = Path(__file__).parent / "results" / "gap.json"
ANYONE = frozenset({"*"})


@dataclass(frozen=True, slots=True)
class Instance:
    """One public instance; `cost` and `takes` by (job, agent)."""

    name: str
    jobs: tuple[str, ...]
    room: dict[str, int]
    cost: dict[Pair, int]
    takes: dict[Pair, int]


def read(path: Path) -> Instance:
    """One instance from its text."""
    numbers = iter(map(int, path.read_text("ascii").split()))
    agents, jobs = ([f"{letter}{i:03}" for i in range(next(numbers))] for letter in "aj")
    cost = {(job, agent): next(numbers) for agent in agents for job in jobs}
    takes = {(job, agent): next(numbers) for agent in agents for job in jobs}
    return Instance(path.stem, tuple(jobs), {agent: next(numbers) for agent in agents}, cost, takes)


def problem(instance: Instance, values: dict[Pair, int]) -> Problem:
    """The instance as a problem folder would hold it: jobs are needs of one unit, agents are resources."""
    return Problem(
        policy=Policy(as_of=date(2026, 1, 1), levels=1, objective="value"),
        needs=tuple(Need(job, job, "d", "job", "hour", gap=1, urgency=1, consented=ANYONE) for job in instance.jobs),
        resources=tuple(Resource(agent, "o", "job", "hour", stock=room) for agent, room in instance.room.items()),
        pairs=tuple(
            Candidate(*pair, value=values[pair], units_used=max(1, units)) for pair, units in instance.takes.items()
        ),
    )


def solved(instance: Instance, *, sense: str, known: int, seconds: float) -> dict[str, object]:
    """One row: what was reached, what was proven, and how far both are from the best known."""
    dearest = max(instance.cost.values()) if sense == "most profit" else 0
    costs = {pair: dearest - profit for pair, profit in instance.cost.items()} if dearest else instance.cost
    asked = LeastCost.of(costs)
    before, start = cpu_seconds(), perf_counter()
    given = problem(instance, dict(asked.values))
    plan = allocate(given, budget_s=seconds)
    wall, cpu = perf_counter() - start, cpu_seconds() - before
    assert check(given, plan) == (), "the judge refuses the plan"
    said = plan.certificate
    found, bound = asked.cost(said) if asked.all_served(said) else None, asked.least(said)
    if dearest:
        found, bound = (None if found is None else asked.needs * dearest - found), asked.needs * dearest - bound
    return {
        "instance": instance.name, "sense": sense, "agents": len(instance.room), "jobs": len(instance.jobs),
        "served": len(plan.lines), "found": found, "bound": bound, "best_known": known,
        "gap_percent": percent(found, known), "bound_gap_percent": percent(found, bound),
        "proof": said.value_proof, "interrupted": said.interrupted,
        "seconds": round(wall, 2), "cpu_seconds": round(cpu, 2),
    }  # fmt: skip


def percent(found: int | None, other: int) -> float | None:
    """How far what was found is from another number, in percent of that; None where not every job is served."""
    return None if found is None else round(100 * abs(found - other) / max(1, other), 4)


def rows(folder: Path, *, only: str, seconds: float, small_seconds: float) -> Iterator[dict[str, object]]:
    """Every instance, once for each sense of which the best known value is told."""
    with (folder / "bounds.csv").open(newline="") as file:
        bounds = {row["instance"]: row for row in csv.DictReader(file)}
    for path in sorted(folder.glob(f"{only}.txt")):
        if path.stem in bounds:
            instance, known = read(path), bounds[path.stem]
            budget = small_seconds if path.stem.startswith("c") else seconds
            yield solved(instance, sense="least cost", known=int(known["min_ub"]), seconds=budget)
            yield solved(instance, sense="most profit", known=int(known["max_lb"]), seconds=budget)


def summary(found: list[dict[str, object]]) -> dict[str, object]:
    """How many are proven, and the worst gap, of the small ones (c…) and of the others."""
    told: dict[str, object] = {}
    for name, chosen in (
        ("small", [row for row in found if str(row["instance"]).startswith("c")]),
        ("large", [row for row in found if not str(row["instance"]).startswith("c")]),
    ):
        told[name] = {
            "asked": len(chosen),
            "proven": sum(row["found"] == row["bound"] for row in chosen),
            "by_our_bound": sum(row["proof"] == "bound" for row in chosen),
            "by_both": sum(row["proof"] in ("both", "sums") for row in chosen),
            "worst_gap_percent": max(
                (100.0 if row["gap_percent"] is None else float(str(row["gap_percent"])) for row in chosen), default=0.0
            ),
            "most_seconds": max((float(str(row["seconds"])) for row in chosen), default=0.0),
            "most_cpu_seconds": max((float(str(row["cpu_seconds"])) for row in chosen), default=0.0),
        }
    return told


def goals(found: list[dict[str, object]], *, seconds: float, small_seconds: float) -> dict[str, object]:
    """One line for docs/goals.md."""
    told = {
        name: f"{of['proven']} of {of['asked']} proven ({of['by_our_bound']} by our own bound), worst gap to the best "
        f"known {of['worst_gap_percent']} %"
        for name, of in summary(found).items()
        if isinstance(of, dict)
    }
    figure = (
        f"public assignment instances, least cost and most profit: small (15–60 jobs, {small_seconds:g} s) "
        f"{told['small']}; large (100–200 jobs, {seconds:g} s) {told['large']}"
    )
    command = f"bench/gap.py --data DIR --seconds {seconds:g} --small-seconds {small_seconds:g}"
    return {"value": {"figure": figure, "command": command}}


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description="Generalised assignment instances, solved as problems by value.")
    parser.add_argument("--data", type=Path, required=True, help="the folder with the instances and bounds.csv")
    parser.add_argument("--seconds", type=float, default=30.0, help="the budget of each")
    parser.add_argument("--small-seconds", type=float, default=10.0, help="the budget of each with at most 60 jobs")
    parser.add_argument("--only", default="*", help="names of instances, as a glob")
    asked = parser.parse_args()
    columns = ("instance", "sense", "found", "bound", "best_known", "gap_percent", "proof", "seconds", "cpu_seconds")
    print(" ".join(f"{name:>12}" for name in columns))
    found = []
    budgets = {"seconds": asked.seconds, "small_seconds": asked.small_seconds}
    for row in rows(asked.data, only=asked.only, **budgets):
        found.append(row)
        print(" ".join(f"{row[name]!s:>12}" for name in columns), flush=True)
        content = {
            "goals": goals(found, **budgets),
            "machine": machine(),
            **budgets,
            "summary": summary(found),
            "rows": found,
        }
        RESULTS.parent.mkdir(parents=True, exist_ok=True)
        RESULTS.write_text(json.dumps(content, indent=2) + "\n", "utf-8")
    print(json.dumps(summary(found), indent=2))
    print("written: bench/results/gap.json")


if __name__ == "__main__":
    main()
