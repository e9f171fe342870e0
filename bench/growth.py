"""How the work of each step grows with the city: CPU seconds per phase at several sizes, and the power that fits.

What enters: sizes, on the command line. What leaves: a table, and `bench/results/growth.json`. Every size is one pure
component with the same number of resources per need; the phases are those of the certificate, their clock replaced by
the processor's, so that other work on the machine does not count.

    PYTHONPATH=. .venv/bin/python bench/growth.py --needs 12500 25000 50000
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from time import process_time

import numpy as np

from bench.measure import Row, in_a_child, machine
from matching import allocate, certify
from matching.generate import generate

RESULTS = Path(__file__).parent / "results" / "growth.json"
PATIENCE = 1_200.0


def phases(needs: int) -> Row:
    """CPU seconds of every phase of one run."""
    city = generate(needs, needs // 20, one_component=True, seed=7)
    certify.perf_counter = process_time
    said = allocate(city).certificate
    return {"needs": needs, "score": said.score, "phases": dict(said.seconds)}


def powers(rows: list[Row]) -> dict[str, float]:
    """For each phase the p with seconds ~ needs^p, by least squares on logarithms."""
    sizes = np.log([row["needs"] for row in rows])
    found = {}
    for phase in rows[0]["phases"]:
        seconds = np.array([row["phases"][phase] for row in rows])
        if len(rows) > 1 and (seconds > 0.05).all():
            found[phase] = round(float(np.polyfit(sizes, np.log(seconds), 1)[0]), 2)
    return found


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description="How the work of each step grows with the city.")
    parser.add_argument("--needs", type=int, nargs="*", default=[12_500, 25_000, 50_000])
    asked = parser.parse_args()
    rows: list[Row] = []
    for needs in asked.needs:
        row = in_a_child(lambda needs=needs: phases(needs), seconds=PATIENCE)
        print(row, flush=True)
        if "phases" in row:
            rows.append(row)
            told = {"machine": machine(), "rows": rows, "powers": powers(rows)}
            RESULTS.write_text(json.dumps(told, indent=2) + "\n", "utf-8")
    print(f"powers: {powers(rows)}; written: bench/results/growth.json")


if __name__ == "__main__":
    main()
