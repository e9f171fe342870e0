"""Tiny random problems against brute force and a second solver, counted (goal 1).

What enters: how many problems of each kind, on the command line. What leaves: a table, and
`bench/results/campaign.json`. A wrong plan ends the run with the seed in the message, so what is printed is what was
right. The same seeds are part of `make torture` (tests/matching/test_campaign.py).

    PYTHONPATH=. .venv/bin/python bench/campaign.py --misses 10000 --grown 2000 --hard 3000 --big 2000
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

from bench.measure import cpu_seconds, machine
from tests.matching.campaign import Tally, greedy_misses, grown_amounts, two_opinions

RESULTS = Path(__file__).parent / "results" / "campaign.json"
CHUNK = 250
COMMAND = "PYTHONPATH=. .venv/bin/python bench/campaign.py"


def chunks() -> Iterator[range]:
    """Ranges of seeds without end."""
    first = 0
    while True:
        yield range(first, first + CHUNK)
        first += CHUNK


def count(work: Callable[[range], Tally], *, wanted: int, pool: ProcessPoolExecutor | None) -> Tally:
    """Chunk after chunk, in the order of seeds, until so many problems were right."""
    seen, coming = Tally(), chunks()
    while seen.right < wanted:
        some = [next(coming) for _ in range(1 if pool is None else 4)]
        for tally in map(work, some) if pool is None else pool.map(work, some):
            seen.add(tally)
        print(f"\r{seen.right} of {wanted}", end="", file=sys.stderr, flush=True)
    return seen


def main() -> None:
    """Run the four campaigns, print, write."""
    parser = argparse.ArgumentParser(description="Tiny random problems against brute force and a second solver.")
    parser.add_argument("--misses", type=int, default=10_000, help="pure problems that greed misses")
    parser.add_argument("--grown", type=int, default=2_000, help="pure problems with amounts of 10^8 and more")
    parser.add_argument("--hard", type=int, default=3_000, help="hard problems")
    parser.add_argument("--big", type=int, default=2_000, help="hard problems with amounts of 10^7 to 10^10")
    parser.add_argument("--workers", type=int, default=1)
    asked = parser.parse_args()
    kinds: dict[str, tuple[Callable[[range], Tally], int]] = {
        "pure, greed misses": (greedy_misses, asked.misses),
        "pure, amounts of 10^8 to 10^10": (grown_amounts, asked.grown),
        "hard, HiGHS too": (partial(two_opinions, kind="hard"), asked.hard),
        "hard, amounts to 10^10, CP-SAT too": (partial(two_opinions, kind="big"), asked.big),
    }
    seen = {}
    with ProcessPoolExecutor(asked.workers) as pool:
        for name, (work, wanted) in kinds.items():
            seen[name] = count(work, wanted=wanted, pool=pool if asked.workers > 1 else None)
            print(f"\r{name}: {seen[name].right} right, 0 wrong, of {seen[name].tried} drawn", flush=True)
    RESULTS.write_text(json.dumps(told(seen), indent=2) + "\n", "utf-8")
    print(f"{cpu_seconds():.0f} CPU seconds; written: bench/results/campaign.json")


def told(seen: dict[str, Tally]) -> dict[str, object]:
    """The counts, the share of problems in which each rule binds, and the figure for the table of goals."""
    misses, *others = seen.values()
    shares = (
        {rule: round(100 * n / misses.right, 1) for rule, n in sorted(misses.binding.items())} if misses.right else {}
    )
    least = min(shares, key=shares.__getitem__) if shares else ""
    for rule, share in shares.items():
        print(f"  {rule} binds in {share} %")
    figure = (
        f"{misses.right:,} pure problems that greed misses and {others[0].right:,} with amounts of 10⁸–10¹⁰: 0 wrong; "
        f"the rarest rule ({least}) binds in {shares.get(least, 0)} %; "
        f"{others[1].right + others[2].right:,} hard ones equal brute force and a second solver: 0 wrong"
    )
    return {
        "machine": machine(),
        "cpu_seconds": round(cpu_seconds()),
        "campaigns": {
            n: {"right": t.right, "wrong": 0, "drawn": t.tried, "clashing_pins": t.clashes} for n, t in seen.items()
        },
        "binding_percent": shares,
        "goals": {"1": {"figure": figure, "command": COMMAND}},
    }


if __name__ == "__main__":
    main()
