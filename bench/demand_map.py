"""What two published weeks of the demand map give away, by method of publishing: the trial behind the public map.

A made-up city of 41 districts and 12 kinds changes by some households each week; an outsider lays each week beside the
one before (`marketplace.offers.differencing`). Counted are small cells known exactly, cells known to have changed by
exactly one household where exactly one did, hidden cells, and the mean error of the shown ones. Run
`PYTHONPATH=. python bench/demand_map.py [--out FILE]`.
"""

from __future__ import annotations

import json
import random
import sys
import time
from collections.abc import Callable
from pathlib import Path

from marketplace.offers.demand import published
from marketplace.offers.differencing import CITY, LEAST, Table, attack

Counts = dict[str, dict[str, int]]


def _raw(counts: Counts) -> Table:
    return {kind: dict(row) for kind, row in counts.items()}


def _hidden(counts: Counts) -> Table:
    return {kind: {place: number for place, number in row.items() if number >= LEAST} for kind, row in counts.items()}


def _with_totals(counts: Counts) -> Table:
    return {kind: {**_hidden(counts)[kind], CITY: sum(row.values())} for kind, row in counts.items()}


METHODS: dict[str, Callable[[Counts], Table]] = {
    "raw": _raw,
    "hide under 10": _hidden,
    "hide under 10, exact totals": _with_totals,
    "hide under 10, round to 5, no totals (ours)": published,
}


def simulate(
    *,
    seed: int = 11,
    districts: int = 41,
    kinds: int = 12,
    households: int = 30_000,
    weeks: int = 52,
    changes: int = 150,
) -> dict[str, dict[str, float]]:
    """Method ► what the attack finds over all weeks."""
    pick = random.Random(seed)
    size = {str(place): pick.gammavariate(3, 1) for place in range(districts)}
    weight = {f"K{kind}": pick.expovariate(1) for kind in range(kinds)}
    counts: Counts = {kind: dict.fromkeys(size, 0) for kind in weight}
    for kind in pick.choices(list(weight), list(weight.values()), k=households):
        counts[kind][pick.choices(list(size), list(size.values()))[0]] += 1
    found = {
        name: dict.fromkeys(("small", "single", "of_single", "hidden", "cells", "error", "shown"), 0.0)
        for name in METHODS
    }
    for _week in range(weeks):
        before = {kind: dict(row) for kind, row in counts.items()}
        for _change in range(changes):
            row, place = counts[pick.choice(list(counts))], pick.choice(list(size))
            row[place] = max(0, row[place] + pick.choice((-1, 1)))
        ones = {(k, p) for k, row in counts.items() for p in row if abs(row[p] - before[k][p]) == 1}
        for name, method in METHODS.items():
            _count(found[name], method(before), method(counts), counts=counts, ones=ones)
    for told in found.values():
        told["mean_error"] = round(told.pop("error") / max(1, told.pop("shown")), 2)
        told["hidden_share"] = round(told.pop("hidden") / told.pop("cells"), 3)
    return found


def _count(told: dict[str, float], before: Table, after: Table, *, counts: Counts, ones: set[tuple[str, str]]) -> None:
    finds = attack(before, after, districts=next(iter(counts.values())))
    told["small"] += sum(counts[kind].get(place, 0) > 0 for kind, place in finds.small if place != CITY)
    told["single"] += len(ones & set(finds.single))
    told["of_single"] += len(ones)
    for kind, row in counts.items():
        for place, number in row.items():
            told["cells"] += 1
            shown = after.get(kind, {}).get(place)
            told["hidden"] += shown is None
            if shown is not None:
                told["shown"] += 1
                told["error"] += abs(shown - number)


def main() -> None:
    """Print the table and, with --out, write it."""
    begun = time.process_time()
    found = simulate()
    print(f"{'method':46} small  single  of  hidden  mean error")
    for name, told in found.items():
        print(
            f"{name:46} {told['small']:5.0f} {told['single']:6.0f} {told['of_single']:5.0f} "
            f"{told['hidden_share']:6.1%} {told['mean_error']:8.2f}"
        )
    print(f"CPU seconds: {time.process_time() - begun:.1f}")
    if "--out" in sys.argv:
        Path(sys.argv[sys.argv.index("--out") + 1]).write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
