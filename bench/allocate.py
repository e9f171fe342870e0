"""The allocator beside other ways to solve the same problem: score, gap, seconds, CPU seconds, memory (goals 4, 5).

What enters: sizes, on the command line. What leaves: a table, and `bench/results/allocate.json` with the machine, the
versions and how many times as long the others took as we. Every method runs in its own process on the same generated
problem after the same filtering; its time counts from the filtered pairs to the units, building its model included.
A method that passes its limit is killed and said to be cut; so is what the total of `--minutes` leaves no time for.
The results are written after every method. Run by `make bench`; never part of the tests.

    PYTHONPATH=. .venv/bin/python bench/allocate.py --pure 4000 20000 --hard 4000 --limit 120 --minutes 60
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from time import monotonic

from bench.contenders import FLOW_ONLY, METHODS, OURS, WHOLE, Instance
from bench.measure import Row, in_a_child, machine

RESULTS = Path(__file__).parent / "results" / "allocate.json"
COMMAND = "PYTHONPATH=. .venv/bin/python bench/allocate.py"
GRACE = 1.3
"""How far beyond its own limit a method may go before it is killed: to build its model and to stop."""
COLUMNS = {"seconds": 9, "cpu_seconds": 12, "memory_mb": 10, "score": 13, "bound": 13, "gap": 10}
ASKED = {"HiGHS simplex": 4, "HiGHS IPM": 15, "GLOP": 30, "networkx": 50, "CP-SAT, 1 worker": 100}
"""Goal 4: how many times as long as ours each must take, at least."""
SMALL = frozenset({"networkx", "CP-SAT, 1 worker"})
"""Goal 4 asks for these on the smallest pure problem, for the others on the largest."""


def compare(at: Instance, *, size: Row, until: float, skipped: frozenset[str]) -> list[Row]:
    """Every method on one problem, while there is time."""
    print(f"\n{size['kind']}: {size['needs']} needs, {size['resources']} resources, {size['pairs']} eligible pairs")
    print(f"{'method':<28}" + "".join(f"{name:>{width}}" for name, width in COLUMNS.items()) + "  remark")
    rows: list[Row] = []
    for name in (name for name in METHODS if name not in skipped):
        left = until - monotonic()
        most = min(left, GRACE * max(at.limit, at.budget) + 60 if name == WHOLE else GRACE * at.limit + 5)
        found: Row = {"remark": "left out: no time left"}
        if left > 0:
            found = in_a_child(lambda name=name: METHODS[name](at).__dict__, seconds=most)
        row = size | {"method": name} | dict.fromkeys(COLUMNS) | found
        rows.append(row | {"gap": gap(row["score"], row["bound"])})
        _print(rows[-1])
    best = min((row["bound"] for row in rows if row["bound"] is not None), default=None)
    return [row | {"gap_to_best": gap(row["score"], best)} for row in rows]


def _print(row: Row) -> None:
    def cell(name: str) -> str:
        value = row[name]
        return "" if value is None else f"{100 * value:.4f}%" if name.startswith("gap") else str(value)

    print(
        f"{row['method']:<28}"
        + "".join(f"{cell(name):>{width}}" for name, width in COLUMNS.items())
        + f"  {row['remark']}",
        flush=True,
    )


def gap(score: object, bound: object) -> float | None:
    """(bound − score) / bound."""
    if not isinstance(score, int) or not isinstance(bound, int):
        return None
    return (bound - score) / bound if bound else 0.0


def ratios(rows: list[Row]) -> list[Row]:
    """How many times our CPU seconds and seconds each method took on the same pure problem.

    One that was cut or found no optimum in time would have taken longer: `at_least` is true then.
    """
    found: list[Row] = []
    pure = [row for row in rows if row["kind"] == "pure"]
    for ours in (row for row in pure if row["method"] == OURS and row["seconds"] is not None):
        for row in (row for row in pure if row["needs"] == ours["needs"] and row["method"] in ASKED):
            if str(row["remark"]).startswith(("left out", "died")):
                continue
            cut = row["remark"] != "optimal"
            times = {name: round(row[name] / max(ours[name], 0.001), 1) for name in ("cpu_seconds", "seconds")}
            found.append(
                {"needs": ours["needs"], "method": row["method"], "at_least": cut, "asked": ASKED[str(row["method"])]}
                | times
            )
    return found


def goals(rows: list[Row], times: list[Row], *, budget: float) -> Row:
    """What was seen of goals 4 and 5."""
    found: Row = {}
    sizes = [row["needs"] for row in times]
    told = [
        f"{row['method']} {'> ' if row['at_least'] else ''}{row['cpu_seconds']}× at {row['needs']:,} needs"
        f" (asked {row['asked']}×)"
        for row in times
        if row["needs"] == (min(sizes) if row["method"] in SMALL else max(sizes))
    ]
    if told:
        found["4"] = {"figure": "CPU seconds against ours: " + "; ".join(told), "command": COMMAND}
    hard = [row for row in rows if row["kind"] == "hard"]
    parts = [
        _hard_figure(ours, {row["method"]: row for row in hard if row["needs"] == ours["needs"]}, budget=budget)
        for ours in hard
        if ours["method"] == WHOLE and ours["score"] is not None
    ]
    return found | ({"5": {"figure": "; ".join(parts), "command": COMMAND}} if parts else {})


def _hard_figure(ours: Row, same: dict[str, Row], *, budget: float) -> str:
    text = f"{ours['needs']:,} needs: gap {percent(ours['gap'])} at {budget:.0f} s, {ours['memory_mb']} MB"
    naive = same.get("greedy", {}).get("score")
    if naive is not None:
        text += f", {percent((ours['bound'] - ours['score']) / max(1, ours['bound'] - naive))} of greedy's gap is left"
    single = same.get("CP-SAT, 1 worker")
    if single:
        text += f", CP-SAT monolith: {single['remark']}" + (f", gap {percent(single['gap'])}" if single["gap"] else "")
    return text


def percent(share: float) -> str:
    """Three places, as a text."""
    return f"{100 * share:.3f} %"


def arguments() -> argparse.Namespace:
    """What the command line asks for."""
    parser = argparse.ArgumentParser(description="The allocator beside other ways to solve the same problem.")
    parser.add_argument("--pure", type=int, nargs="*", default=[4_000, 20_000], help="numbers of needs, pure problems")
    parser.add_argument("--hard", type=int, nargs="*", default=[4_000], help="numbers of needs, a quarter hard")
    parser.add_argument("--parts", action="store_true", help="a city of many components instead of one")
    parser.add_argument("--limit", type=float, default=60.0, help="seconds for each other method")
    parser.add_argument("--budget", type=float, default=10.0, help="seconds for the hard parts of our whole run")
    parser.add_argument("--minutes", type=float, default=30.0, help="for everything")
    parser.add_argument("--without", nargs="*", default=[], choices=list(METHODS), help="methods to leave out")
    parser.add_argument("--seed", type=int, default=7)
    return parser.parse_args()


def main() -> None:
    """Measure, print, write after every problem."""
    asked = arguments()
    until = monotonic() + 60 * asked.minutes
    rows: list[Row] = []
    for needs, hard in [(n, 0.0) for n in asked.pure] + [(n, 0.25) for n in asked.hard]:
        at = Instance(needs, hard=hard, joined=not asked.parts, seed=asked.seed, limit=asked.limit, budget=asked.budget)
        size: Row = {
            "kind": "hard" if hard else "pure",
            "needs": len(at.compiled.need_ids),
            "resources": len(at.compiled.resource_ids),
            "pairs": len(at.compiled.pair_need),
            "components": len(at.parts),
        }
        skipped = frozenset(asked.without) | (FLOW_ONLY if hard else frozenset())
        rows += compare(at, size=size, until=until, skipped=skipped)
        write(rows, asked)


def write(rows: list[Row], asked: argparse.Namespace) -> None:
    """The rows so far, as JSON."""
    times = ratios(rows)
    settings = {"limit_s": asked.limit, "budget_s": asked.budget, "seed": asked.seed, "one_component": not asked.parts}
    told = {"machine": machine(), "settings": settings, "rows": rows, "ratios": times}
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text(json.dumps(told | {"goals": goals(rows, times, budget=asked.budget)}, indent=2) + "\n", "utf-8")
    print("\nwritten: bench/results/allocate.json")


if __name__ == "__main__":
    main()
