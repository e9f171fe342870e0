"""Ten million allocations against rival givers, in memory: are the rules against helping twice ever broken?

A city of households asks for goods, services and money over three years. Each day rivals and a government feed give
aid that the ledger learns of at once; the house then allocates: the cool-off, the stock of each giver and the gap of
each need are asked again at the moment of writing, exactly as approval does. Afterwards a second program, which knows
only the list of all aid, sorts it and counts violations. Prints a table and writes results/overlap.json.
Usage: PYTHONPATH=. python bench/overlap.py [--allocations 10000000] [--seed 7]
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from pathlib import Path
from typing import Any

import numpy as np

from marketplace.ledger.rules import rule_of
from marketplace.reference.duplicate_rules import list_duplicate_rules

RESULTS = Path(__file__).parent / "results" / "overlap.json"
DAYS = 3 * 365
GIVERS = 500


def cool_offs() -> np.ndarray[Any, np.dtype[np.int64]]:
    """Days to wait for each category that has a cool-off, from the house's own table."""
    rules = [rule_of(row) for row in list_duplicate_rules() if row.kind == "COOLDOWN"]
    return np.array([rule.days for rule in rules for _category in sorted(rule.categories)], dtype=np.int64)


def simulate(wanted: int, *, seed: int) -> dict[str, Any]:
    """Allocate until `wanted` pieces of aid are given by the house; returns counts, and all aid as columns."""
    rng, days = np.random.default_rng(seed), cool_offs()
    kinds, households = len(days), max(1000, wanted // 20)
    last = np.full(households * kinds, -10_000, dtype=np.int32)
    stock = np.full(GIVERS, wanted // GIVERS * 51 // 50 + 1, dtype=np.int64)
    parts: list[Any] = []
    asked = given = rival = 0
    per_day = wanted // 300 + 1
    for today in range(DAYS * 4):
        if given >= wanted:
            break
        feed = rng.choice(households * kinds, size=per_day // 20 + 1)
        last[feed] = today
        parts.append((feed, np.full(len(feed), today), np.full(len(feed), -1)))
        rival += len(feed)
        tries = rng.integers(0, households * kinds, size=per_day * 3)
        giver = rng.integers(0, GIVERS, size=len(tries))
        asked += len(tries)
        key, who = _allowed(tries, giver, last=last, stock=stock, days=days, today=today)
        last[key] = today
        np.subtract.at(stock, who, 1)
        given += len(key)
        parts.append((key, np.full(len(key), today), who))
    columns = [np.concatenate([part[i] for part in parts]) for i in range(3)]
    return {"asked": asked, "given": given, "rival": rival, "stock_left": int(stock.min()), "columns": columns}


def _allowed(
    tries: Any, giver: Any, *, last: Any, stock: Any, days: Any, today: int
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Of the rival tries of a day the first for each household and kind whose wait is over, as far as stock goes."""
    key, first = np.unique(tries, return_index=True)
    who = giver[first]
    free = today - last[key] >= days[key % len(days)]
    key, who = key[free], who[free]
    order = np.argsort(who, kind="stable")
    key, who = key[order], who[order]
    starts = np.searchsorted(who, np.arange(GIVERS))
    place = np.arange(len(who)) - starts[who]
    within = place < stock[who]
    return key[within], who[within]


def violations(columns: list[Any], *, stock: int) -> dict[str, int]:
    """Count, from the list of all aid alone: cool-offs broken by the house, givers over their stock."""
    key, day, who = columns
    days = cool_offs()
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
    stock = options.allocations // GIVERS * 51 // 50 + 1
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
    RESULTS.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
