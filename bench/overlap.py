"""Ten million allocations against rival givers, in memory: are the rules against helping twice ever broken?

Households ask for goods, devices and courses over twelve years. A government feed gives as it likes; 500 rival givers
with little stock ask the house, which asks `matching.overlap_judge`, the judge of runs and approvals, each time. Then
a second program, which knows only the list of all aid, sorts it and counts violations. Locks and databases are not in
it: `bench/races.py` has them. Prints a table and writes results/overlap.json.
Usage: PYTHONPATH=. python bench/overlap.py [--allocations 10000000] [--seed 7]
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import time
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from bench.measure import machine
from marketplace.ledger.book import rule_of
from marketplace.reference.duplicate_rules import list_duplicate_rules
from matching.overlap_judge import judge
from matching.overlap_rules import Asked, Given, Rule

RESULTS = Path(__file__).parent / "results" / "overlap.json"
YEARS, START = 12, date(2020, 1, 1)
GIVERS = 500
ALWAYS = ("FORBID_OFFSET", "CONFLICT_OF_INTEREST")


@dataclass(frozen=True, slots=True)
class Kind:
    """A category with a waiting time, and the house's rules that look at it."""

    category: str
    days: int
    rules: tuple[Rule, ...]


def kinds() -> list[Kind]:
    """Every category that has a waiting time in the house's own table."""
    house = [rule_of(row) for row in list_duplicate_rules()]
    return [
        Kind(category, rule.days, tuple(r for r in house if category in r.categories or r.kind in ALWAYS))
        for rule in house
        if rule.kind == "COOLDOWN"
        for category in sorted(rule.categories)
    ]


def simulate(wanted: int, *, seed: int) -> dict[str, Any]:
    """Household by household until `wanted` pieces of aid are given by the house; counts, and all aid as columns."""
    rng, known = random.Random(seed), kinds()
    stock = [stock_of(wanted)] * GIVERS
    columns = (array("q"), array("i"), array("i"))
    made = {"asked": 0, "given": 0, "rival": 0}
    key = 0
    while made["given"] < wanted:
        kind = known[key % len(known)]
        for day, who in _years_of(rng, kind, stock=stock, made=made):
            for column, value in zip(columns, (key, day, who), strict=True):
                column.append(value)
        key += 1
    return made | {"columns": [np.frombuffer(column, dtype=column.typecode) for column in columns]}


def _years_of(rng: random.Random, kind: Kind, *, stock: list[int], made: dict[str, int]) -> Iterator[tuple[int, int]]:
    """One household and category: rivals and a feed (-1) come as they like, the house asks its judge each time."""
    past: list[Given] = []
    day = rng.randrange(kind.days)
    while day < YEARS * 365:
        who = rng.randrange(-GIVERS // 8, GIVERS)
        on = START + timedelta(days=day)
        if who < 0:
            made["rival"] += 1
            past.append(Given("h", kind.category, 1, on))
            yield day, -1
        else:
            made["asked"] += 1
            asked = Asked("h", kind.category, 1, on, open_units=1, giver=str(who))
            if stock[who] and judge(asked, past=past, rules=kind.rules).allowed:
                stock[who] -= 1
                made["given"] += 1
                past.append(Given("h", kind.category, 1, on, giver=str(who)))
                yield day, who
        day += rng.randrange(kind.days // 5, kind.days * 6 // 5)


def stock_of(wanted: int) -> int:
    """What each giver has: a little more than its share of what will be given."""
    return wanted // GIVERS * 51 // 50 + 1


def violations(columns: list[Any], *, stock: int) -> dict[str, int]:
    """Count, from the list of all aid alone: cool-offs broken by the house, givers over their stock."""
    key, day, who = columns
    days = np.array([kind.days for kind in kinds()])
    order = np.lexsort((who >= 0, day, key))
    key, day, who = key[order], day[order], who[order]
    same = key[1:] == key[:-1]
    near = day[1:] - day[:-1] < days[key[1:] % len(days)]
    over = np.bincount(who[who >= 0], minlength=GIVERS) > stock
    return {"cool_off": int((same & near & (who[1:] >= 0)).sum()), "over_allocation": int(over.sum())}


def main() -> None:
    """Simulate, count, print, keep."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--allocations", type=int, default=10_000_000)
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    begun, cpu = time.perf_counter(), time.process_time()
    made = simulate(options.allocations, seed=options.seed)
    stock = stock_of(options.allocations)
    found = violations(made.pop("columns"), stock=stock)
    result = {
        "allocations": made["given"],
        "tried": made["asked"],
        "refused": made["asked"] - made["given"],
        "rival_aid": made["rival"],
        "over_allocation": found["over_allocation"],
        "cool_off_violations": found["cool_off"],
        "seconds": round(time.perf_counter() - begun, 1),
        "cpu_seconds": round(time.process_time() - cpu, 1),
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }
    for name, value in result.items():
        print(f"{name:>22} {value:>14,}")
    figure = (
        f"in memory: {made['given']:,} allocations of {made['asked']:,} asked for, beside {made['rival']:,} of rivals; "
        f"{found['over_allocation']} over-allocated, {found['cool_off']} waiting times broken"
    )
    result |= {"goals": {"once": {"figure": figure, "command": "PYTHONPATH=. python bench/overlap.py"}}}
    result |= {"machine": machine()}
    RESULTS.write_text(json.dumps(result, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
