"""Whole families to places: proven assignment beside what a clerk would do.

What enters: numbers of families and places, how much room there is, and seeds. What leaves: a table, and
`bench/results/families.json` with the machine and the versions. The city is ours: families of one to seven, districts,
some who need no stairs; places with room for so many people; the value of a family in a place is how well it fits. The
clerk takes the families one after the other, by arrival or the largest first, and gives each the best place with room.
Never part of the tests.

    PYTHONPATH=. .venv/bin/python bench/families.py --families 100 400 --places 20 --seconds 60
"""

from __future__ import annotations

import argparse
import json
from datetime import date
from itertools import product
from pathlib import Path
from random import Random
from time import perf_counter

from measure import cpu_seconds, machine

from matching import allocate
from matching.checker import check
from matching.compiled import compile_problem
from matching.model import Candidate, Need, Policy, Problem, Resource

RESULTS = Path(__file__).parent / "results" / "families.json"
ANYONE = frozenset({"*"})
DISTRICTS = tuple(f"d{i}" for i in range(8))
SIZES = (1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 5, 6, 7)


def city(families: int, places: int, *, seed: int, room: float) -> Problem:
    """Families and places; together the places have room for a share `room` of all people."""
    rng = Random(f"families:{seed}")
    sizes = [rng.choice(SIZES) for _ in range(families)]
    homes = [rng.choice(DISTRICTS) for _ in range(families)]
    needs = tuple(
        Need(
            f"f{i:04}", f"h{i:04}", homes[i], "home", "person", gap=sizes[i], urgency=rng.randrange(4),
            consented=ANYONE, tags=frozenset({"no_stairs"}) if rng.random() < 0.2 else frozenset(),
        )
        for i in range(families)
    )  # fmt: skip
    shares = [rng.uniform(0.5, 1.5) for _ in range(places)]
    resources = tuple(
        Resource(
            f"p{j:02}", f"o{j % 5}", "home", "person", stock=max(7, int(room * sum(sizes) * share / sum(shares))),
            districts=frozenset({"*"}) if rng.random() < 0.5 else frozenset(rng.sample(DISTRICTS, 4)),
            tags_none=frozenset({"no_stairs"}) if rng.random() < 0.3 else frozenset(),
        )
        for j, share in enumerate(shares)
    )  # fmt: skip
    near = {(home, r.resource_id): rng.randrange(40) for home in DISTRICTS for r in resources}
    pairs = tuple(
        Candidate(n.need_id, r.resource_id, value=10 * n.gap + fit + rng.randrange(30), units_used=n.gap)
        for n in needs
        for r in resources
        for fit in [near[n.district, r.resource_id]]
    )
    policy = Policy(as_of=date(2026, 1, 1), levels=1, objective="value")
    return Problem(policy=policy, needs=needs, resources=resources, pairs=pairs)


def clerk(problem: Problem, *, largest_first: bool) -> int:
    """Value if each family in turn takes the best place that still has room for it."""
    compiled = compile_problem(problem)
    room, value = compiled.stock.tolist(), 0
    turns = sorted(range(len(compiled.need_ids)), key=lambda n: (-int(compiled.open[n]) if largest_first else 0, n))
    for need in turns:
        mine = range(*compiled.pairs_of(need).indices(len(compiled.pair_need)))
        fits = [p for p in mine if compiled.pair_used[p] <= room[compiled.pair_resource[p]]]
        if fits:
            best = max(fits, key=lambda p: int(compiled.pair_value[p]))
            room[compiled.pair_resource[best]] -= int(compiled.pair_used[best])
            value += int(compiled.pair_value[best])
    return value


def measured(families: int, places: int, *, seed: int, room: float, seconds: float) -> dict[str, object]:
    """One city, solved and judged, beside the clerk."""
    problem = city(families, places, seed=seed, room=room)
    before, start = cpu_seconds(), perf_counter()
    plan = allocate(problem, budget_s=seconds)
    wall, cpu = perf_counter() - start, cpu_seconds() - before
    assert check(problem, plan) == (), "the judge refuses the plan"
    said = plan.certificate
    short = said.value_bound - said.value
    first, largest = (clerk(problem, largest_first=order) for order in (False, True))
    return {
        "families": families, "places": places, "seed": seed, "value": said.value, "bound": said.value_bound,
        "proof": said.value_proof, "room": room, "bound_gap_percent": round(100 * short / said.value_bound, 4),
        "families_served": said.households_served, "seconds": round(wall, 2), "cpu_seconds": round(cpu, 2),
        "interrupted": said.interrupted,
        "first_come_loses_percent": round(100 * (said.value - first) / said.value, 2),
        "largest_first_loses_percent": round(100 * (said.value - largest) / said.value, 2),
        "phases": dict(said.seconds),
    }  # fmt: skip


def goals(rows: list[dict[str, object]], *, command: str, left: int) -> dict[str, object]:
    """One line for docs/goals.md: how many are proven, and how far the rest is from its bound."""
    told = []
    for families, room in sorted({(int(str(row["families"])), float(str(row["room"]))) for row in rows}):
        mine = [row for row in rows if (row["families"], row["room"]) == (families, room)]
        proven = [row for row in mine if row["proof"]]
        worst = max(float(str(row["bound_gap_percent"])) for row in mine)
        cpu = sorted(float(str(row["cpu_seconds"])) for row in mine)
        told.append(
            f"{families} families, room for {room:.0%} of the people: {len(proven)} of {len(mine)} seeds proven, "
            f"worst gap to the bound {worst} %, median {cpu[len(cpu) // 2]} and most {cpu[-1]} CPU seconds"
        )
    figure = f"whole families to {rows[0]['places']} places: {'; '.join(told)}" + (
        f"; {left} more were not run" if left else ""
    )
    return {"value": {"figure": figure, "command": command}}


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description="Whole families to places, proven, beside greedy ways.")
    parser.add_argument("--families", type=int, nargs="*", default=[100, 400])
    parser.add_argument("--places", type=int, default=20)
    parser.add_argument("--room", type=float, nargs="*", default=[0.9, 1.1], help="room for this share of all people")
    parser.add_argument("--seeds", type=int, nargs="*", default=[1, 2, 3])
    parser.add_argument("--seconds", type=float, default=60.0, help="the budget of each")
    asked = parser.parse_args()
    columns = (
        "families",
        "room",
        "seed",
        "value",
        "bound",
        "proof",
        "seconds",
        "cpu_seconds",
        "first_come_loses_percent",
    )
    print(" ".join(f"{name:>12}" for name in columns))
    rows = []
    for families in asked.families:
        for room, seed in product(asked.room, asked.seeds):
            row = measured(families, asked.places, seed=seed, room=room, seconds=asked.seconds)
            rows.append(row)
            print(" ".join(f"{row[name]!s:>12}" for name in columns), flush=True)
            _write(rows, asked)
    print("written: bench/results/families.json")


def _write(rows: list[dict[str, object]], asked: argparse.Namespace) -> None:
    numbers = {"families": asked.families, "places": [asked.places], "seeds": asked.seeds, "seconds": [asked.seconds]}
    asked_for = len(asked.families) * len(asked.room) * len(asked.seeds)
    numbers = {**numbers, "room": asked.room}
    options = " ".join(f"--{name} {' '.join(f'{x:g}' for x in given)}" for name, given in numbers.items())
    told = {
        "goals": goals(rows, command=f"bench/families.py {options}", left=asked_for - len(rows)),
        "machine": machine(),
        "rows": rows,
    }
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text(json.dumps(told, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    main()
