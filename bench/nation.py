"""A nation in rehearsal: how long, how many rounds, how close, how much memory, as the number of needs grows.

What enters: sizes, on the command line. What leaves: a table, and `bench/results/nation.json` with the machine and its
load. Every row is a made-up nation that is really written, solved on a local Dask cluster of processes, and judged from
its files; rows measured before of other sizes are kept. The line for 10,000,000 needs is extrapolated and says so: from
the largest nation solved, by how the work grew with the number of shards of one size. Never part of the tests.

    PYTHONPATH=. .venv/bin/python bench/nation.py --needs-per-shard 100000 --shards 10 --minutes 60
    PYTHONPATH=. .venv/bin/python bench/nation.py --sizes 5x10000 20x10000 40x10000
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from resource import RUSAGE_SELF, getrusage
from typing import Any

import numpy as np

from matching.cluster import DaskCrew, crew
from matching.generate_nation import write_nation_folder
from matching.nation import solve_nation
from matching.nation_check import check_nation

RESULTS = Path(__file__).parent / "results" / "nation.json"
SEED = 7
SHARED = 12
NATION = 10_000_000


def peak() -> int:
    """Bytes this process has held at most."""
    return getrusage(RUSAGE_SELF).ru_maxrss * 1024


class Timed:
    """A crew that books wall and CPU seconds (of all workers) per kind of work."""

    def __init__(self, inner: DaskCrew) -> None:
        self.inner = inner
        self.wall: dict[str, float] = {}
        self.cpu: dict[str, float] = {}

    def each(self, work: Callable[..., Any], tasks: Sequence[tuple[Any, ...]]) -> list[Any]:
        """`work(*task)` of every task, in order."""
        name, before, start = work.__name__, self._cpu(), time.perf_counter()
        found = self.inner.each(work, tasks)
        self.wall[name] = round(self.wall.get(name, 0.0) + time.perf_counter() - start, 1)
        self.cpu[name] = round(self.cpu.get(name, 0.0) + self._cpu() - before, 1)
        return found

    def _cpu(self) -> float:
        return float(sum(self.inner.client.run(time.process_time).values()))

    def peaks(self) -> list[int]:
        """Most bytes of each worker."""
        return sorted(self.inner.client.run(peak).values())


def row(shards: int, needs: int, *, workers: int, place: Path) -> dict[str, Any]:
    """One nation, made, solved and judged."""
    folder, out = place / "nation", place / "out"
    start = time.perf_counter()
    write_nation_folder(folder, shards=shards, needs=needs, resources=max(20, needs // 20), shared=SHARED, seed=SEED)
    made = time.perf_counter() - start
    trail = []
    start, used = time.perf_counter(), time.process_time()
    with crew("local", workers=workers) as inner:
        assert isinstance(inner, DaskCrew)
        timed = Timed(inner)
        found = solve_nation(folder, out, crew=timed, told=lambda state: trail.append((state.number, state.bound)))
        peaks = timed.peaks()
    wall, own = time.perf_counter() - start, time.process_time() - used
    start = time.perf_counter()
    faults = len(check_nation(folder, out))
    best = found["bound"]
    return {
        "shards": shards,
        "needs": found["needs"],
        "pairs": found["pairs"],
        "shared": SHARED,
        "workers": workers,
        "rounds": found["rounds"],
        "score": found["score"],
        "bound": found["bound"],
        "gap": found["gap"],
        "rounds_till_bound_within_0.05_percent": next(
            (number for number, bound in trail if bound - trail[-1][1] <= 5e-4 * best), None
        ),
        "faults": faults,
        "wall_s": round(wall, 1),
        "cpu_s": round(own + sum(timed.cpu.values()), 1),
        "wall_by_phase_s": timed.wall,
        "cpu_by_phase_s": timed.cpu | {"coordinator": round(own, 1)},
        "made_s": round(made, 1),
        "judged_s": round(time.perf_counter() - start, 1),
        "peak_bytes_of_workers": peaks,
        "peak_bytes_of_coordinator": peak(),
        "nation_sha256": found["nation_sha256"],
        "load_at_end": round(os.getloadavg()[0], 1),
    }


def fit(rows: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    """What 10,000,000 needs in shards as large as the largest solved would take: an extrapolation, no measurement.

    Work grows with the number of shards by an exponent, fitted through the rows whose shards have one size."""
    alike: dict[int, list[dict[str, Any]]] = {}
    for one in rows:
        alike.setdefault(one["needs"] // one["shards"], []).append(one)
    size, same = max(alike.items(), key=lambda group: len(group[1]))
    if len(same) < 3:  # a line through two points always fits
        return None
    shards = np.log([one["shards"] for one in same])
    exponents = {
        name: float(np.polyfit(shards, np.log([one[name] for one in same]), 1)[0]) for name in ("cpu_s", "pairs")
    }
    most = max(rows, key=lambda one: one["needs"])
    more = NATION / most["needs"]
    told = {name: round(most[name] * more**power) for name, power in exponents.items()}
    fitted = {"exponents_of_shards": exponents, "fitted_at_needs_per_shard": size, "from_needs": most["needs"]}
    return {"extrapolated": True, "needs": NATION, **fitted, **told}


def show(rows: Sequence[dict[str, Any]]) -> None:
    """Print the table."""
    print(
        f"{'needs':>10} {'shards':>6} {'pairs':>11} {'rounds':>6} {'gap':>9} {'CPU s':>8} {'wall s':>8} {'faults':>6}"
    )
    for one in rows:
        print(
            f"{one['needs']:>10} {one['shards']:>6} {one['pairs']:>11} {one['rounds']:>6} {one['gap']:>9.1e}"
            f" {one['cpu_s']:>8} {one['wall_s']:>8} {one['faults']:>6}"
        )
    line = fit(rows)
    if line:
        print(f"{NATION:>10} needs, EXTRAPOLATED from the largest above: {line['cpu_s']} CPU s, {line['pairs']} pairs")


def goal(rows: Sequence[dict[str, Any]]) -> dict[str, str]:
    """What the largest nation says to the goal, in a sentence."""
    most, line = max(rows, key=lambda one: one["needs"]), fit(rows)
    larger = f"; {NATION:,} needs, extrapolated, not solved: {line['cpu_s']:,} CPU s" if line else ""
    figure = (
        f"{most['needs']:,} needs, {most['pairs']:,} pairs, {most['shards']} shards, really solved: "
        f"gap {most['gap']:.1%} in {most['rounds']} rounds, judge found {most['faults']} faults, "
        f"{most['cpu_s']:,.0f} CPU s on {most['workers']} workers under a load of {most['load_at_end']}{larger}"
    )
    return {"figure": figure, "command": "bench/nation.py --needs-per-shard 100000 --shards 10 --minutes 45"}


def store(rows: Sequence[dict[str, Any]], *, note: str) -> None:
    """Write what has been measured so far."""
    machine = {
        "cores": os.cpu_count(),
        "platform": platform.platform(),
        "python": platform.python_version(),
        "packages": {name: version(name) for name in ("numpy", "scipy", "ortools", "highspy", "distributed")},
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    content = {"goals": {"6": goal(rows)}, "machine": machine, "note": note, "rows": rows, "fit": fit(rows)}
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text(json.dumps(content, indent=2) + "\n", "utf-8")


def known() -> list[dict[str, Any]]:
    """The rows that were measured before."""
    return list(json.loads(RESULTS.read_text("utf-8"))["rows"]) if RESULTS.exists() else []


def grown(shards: int, needs: int) -> list[tuple[int, int]]:
    """Sizes that grow, first in the size of shards, then in their number."""
    sizes = [(shards, max(100, needs // part)) for part in (50, 10, 1)]
    return sizes + [(shards * more, needs) for more in (2, 4, 8)]


def size(text: str) -> tuple[int, int]:
    """A size by its words: shards, x, needs in each."""
    shards, needs = text.split("x")
    return int(shards), int(needs)


def main() -> None:
    """Solve the sizes asked, or grow from small shards to large ones, then in shards, as far as the minutes allow."""
    parser = argparse.ArgumentParser(description="A nation of cities on a local cluster.")
    parser.add_argument("--needs-per-shard", type=int, default=100_000)
    parser.add_argument("--shards", type=int, default=10)
    parser.add_argument("--sizes", type=size, nargs="*", help="instead: shards x needs in each, such as 20x10000")
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    asked = parser.parse_args()
    end, last = time.monotonic() + 60 * asked.minutes, (0.0, 1)
    for shards, needs in asked.sizes or grown(asked.shards, asked.needs_per_shard):
        if time.monotonic() + 1.2 * last[0] * shards * needs / last[1] > end:
            break
        with tempfile.TemporaryDirectory(prefix="nation-") as place:
            if shutil.disk_usage(place).free < 4000 * shards * needs:
                break
            found = row(shards, needs, workers=asked.workers, place=Path(place))
        last = (found["made_s"] + found["wall_s"] + found["judged_s"], shards * needs)
        others = [one for one in known() if (one["shards"], one["needs"]) != (found["shards"], found["needs"])]
        rows = sorted([*others, found], key=lambda one: (one["needs"], one["shards"]))
        store(rows, note="rows with faults 0 were judged from their files; other work ran beside (see load_at_end)")
        show(rows)


if __name__ == "__main__":
    main()
