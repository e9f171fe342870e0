"""Whole cities through the command line, as anybody would run them: solve, then the judge.

What enters: sizes, seeds and shapes, on the command line. What leaves: a table, and `bench/results/city.json` with the
machine and the versions. Every step is a process of its own; reading and writing files counts. Part of `make bench`.

    .venv/bin/python bench/city.py --needs 100000 --resources 5000 --cases parts whole hard --seeds 7
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

from measure import machine

RESULTS = Path(__file__).parent / "results" / "city.json"
CASES = {
    "parts": ("plain, by components", []),
    "whole": ("plain, one component", ["--one-component"]),
    "hard": ("a quarter one-provider, a fifth in lots, one component", ["--hard", "0.25", "--one-component"]),
}
COMMAND = "bench/city.py"
CITY = ("case", "seed", "shape", "needs", "resources")
"""What names a city among the rows."""


def step(*words: str) -> dict[str, float]:
    """Run `python -m matching` with these words: seconds, processor seconds with all children, peak MB, exit code."""
    start = perf_counter()
    child = subprocess.Popen([sys.executable, "-m", "matching", *words], stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    return {
        "seconds": round(perf_counter() - start, 1),
        "cpu_seconds": round(used.ru_utime + used.ru_stime, 1),
        "memory_mb": round(used.ru_maxrss / 1024),
        "exit": child.returncode,
    }


def measured(case: str, *, asked: argparse.Namespace, seed: int, shape: str, folder: Path) -> dict[str, object]:
    """One city: made, solved, judged."""
    name, words = CASES[case]
    city, out = folder / f"{case}-{shape}-{seed}", folder / f"{case}-{shape}-{seed}.out"
    size = ["--needs", str(asked.needs), "--resources", str(asked.resources), "--seed", str(seed), "--shape", shape]
    step("generate", str(city), *size, *words)
    solved = step("solve", str(city), "--out", str(out), "--budget", str(asked.budget))
    judged = step("check", str(city), str(out))
    said = json.loads((out / "certificate.json").read_text("utf-8"))
    kept = ("status", "score", "bound", "gap", "unique", "lexicographic", "components", "interrupted", "seconds")
    return {
        "case": case, "name": name, "seed": seed, "shape": shape, "needs": asked.needs, "resources": asked.resources,
        "solve": solved, "check": judged, "largest_prefix_gap": _largest(said),
        **{key: said[key] for key in kept},
        "measured_at": machine()["measured_at"], "load": machine()["load"],
    }  # fmt: skip


def kept_beside(rows: list[dict[str, object]]) -> list[dict[str, object]]:
    """These rows, and what was measured before of other cities: a part measured again does not take away the rest."""
    known = json.loads(RESULTS.read_text("utf-8"))["rows"] if RESULTS.exists() else []
    named = {tuple(str(row[key]) for key in CITY) for row in rows}
    rest = [row for row in known if tuple(str(row[key]) for key in CITY) not in named]
    return sorted([*rest, *rows], key=lambda row: (list(CASES).index(str(row["case"])), str(row["shape"]), row["seed"]))


def _largest(said: dict[str, dict[str, list[int]]]) -> float:
    """The largest gap of a leading run of all categories, as a share of the whole bound."""
    return max(said["gap_by_prefix"]["*"]) / max(1, int(str(said["bound"])))


def told(row: dict[str, object]) -> str:
    """A line of the table."""
    solve, check, phases = row["solve"], row["check"], row["seconds"]
    assert isinstance(solve, dict)
    assert isinstance(check, dict)
    assert isinstance(phases, dict)
    listed = ", ".join(f"{name} {seconds:.1f}" for name, seconds in phases.items())
    return (
        f"{row['case']:<6} seed {row['seed']} {row['shape']:<9} gap {float(str(row['gap'])):.4%}  {row['status']}, "
        f"unique {row['unique']}  solve {solve['seconds']} s ({solve['cpu_seconds']} CPU s, {solve['memory_mb']} MB)  "
        f"check {check['seconds']} s, exit {check['exit']}  [{listed}]"
    )


def goals(rows: list[dict[str, object]]) -> dict[str, dict[str, str]]:
    """What these cities say of goals 2, 3 and 5."""
    found: dict[str, list[str]] = {"2": [], "3": [], "5": []}
    for row in rows:
        solve, check = row["solve"], row["check"]
        assert isinstance(solve, dict)
        assert isinstance(check, dict)
        place = f"{row['case']}, seed {row['seed']}, {row['shape']} ({str(row['measured_at'])[:16].replace('T', ' ')})"
        found["2"].append(f"{place}: judged in {check['seconds']} s with reading, exit {check['exit']}")
        what = f"{place}: gap {float(str(row['gap'])):.4%}, {row['status']}, unique {row['unique']}"
        phases = row["seconds"]
        assert isinstance(phases, dict)
        what += f", widest prefix {float(str(row['largest_prefix_gap'])):.2%}, hard parts {phases['hard']:.1f} s"
        found["5" if row["case"] == "hard" else "3"].append(
            f"{what}, in all {solve['seconds']} s, {solve['memory_mb']} MB"
        )
    return {goal: {"figure": "; ".join(texts), "command": COMMAND} for goal, texts in found.items() if texts}


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description="Whole cities through the command line.")
    parser.add_argument("--needs", type=int, default=100_000)
    parser.add_argument("--resources", type=int, default=5_000)
    parser.add_argument("--budget", type=float, default=60.0)
    parser.add_argument("--cases", nargs="*", choices=sorted(CASES), default=["parts", "whole", "hard"])
    parser.add_argument("--seeds", type=int, nargs="*", default=[7])
    parser.add_argument("--shapes", nargs="*", default=["city"])
    asked = parser.parse_args()
    rows: list[dict[str, object]] = []
    with tempfile.TemporaryDirectory() as folder:
        for shape in asked.shapes:
            for seed in asked.seeds:
                for case in asked.cases:
                    rows.append(measured(case, asked=asked, seed=seed, shape=shape, folder=Path(folder)))
                    print(told(rows[-1]), flush=True)
    rows = kept_beside(rows)
    found = {"machine": machine(), "goals": goals(rows), "rows": rows}
    RESULTS.write_text(json.dumps(found, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    main()
