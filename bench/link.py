"""Who is who: our linking beside Splink and recordlinkage, a Chinese register full of traps, and a million people.

What enters: a folder with the data sets FEBRL 1–4 and fake_1000, name counts and street names (`--data`). What leaves:
a printed table and `bench/results/link.json`. The rivals are judged at the threshold that is best for them, which needs
the truth; our band "same" is judged as it stands, and our list at its best threshold beside it.

    PYTHONPATH=. python bench/link.py --data DIR [--part sets] [--part growth --largest 300000]
"""

from __future__ import annotations

import argparse
import csv
import json
import logging
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from bench.link_rivals import Columns, Pairs, recordlinkage, splink
from bench.measure import Row, in_a_child, machine
from bench.people import read_names, register
from bench.strangers import strangers
from matching.identity import link

FEBRL = {
    "given_name": "given_name",
    "surname": "surname",
    "date_of_birth": "birth_date",
    "address_1": "address",
    "suburb": "district",
    "postcode": "postcode",
    "soc_sec_id": "id_number",
}
FAKE = {"first_name": "given_name", "surname": "surname", "dob": "birth_date", "city": "district", "email": "email"}
SIZES = (10_000, 30_000, 100_000, 300_000, 1_000_000)
RESULT = Path(__file__).parent / "results" / "link.json"


def read(
    paths: list[Path], names: dict[str, str], *, truth: Callable[[dict[str, str]], str]
) -> tuple[Columns, list[str]]:
    """Columns under the known names, and the true person of each row."""
    rows: list[dict[str, str]] = []
    for path in paths:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows += list(csv.DictReader(file, skipinitialspace=True))
    return {known: [(row[own] or "").strip() for row in rows] for own, known in names.items()}, [
        truth(row) for row in rows
    ]


def ours(columns: Columns) -> tuple[Pairs, np.ndarray]:
    """Our pairs, and which of them are in the band "same"."""
    found = link(columns)
    return (found.a, found.b, found.score), found.same


def judged(pairs: Pairs, truth: list[Any], *, same: np.ndarray | None = None) -> Row:
    """Precision, recall and F1 at the best threshold and, for us, of the band as it stands."""
    total = sum(count * (count - 1) // 2 for count in Counter(truth).values())
    code = np.unique(np.array(truth), return_inverse=True)[1]
    right = code[pairs[0]] == code[pairs[1]]
    order = np.argsort(-pairs[2], kind="stable")
    hits, listed = np.cumsum(right[order]), np.arange(1, len(order) + 1)
    last = np.flatnonzero(np.diff(pairs[2][order], append=-np.inf))
    best = last[np.argmax(2 * hits[last] / (listed[last] + total))]
    row = {"true_pairs": total} | _figures(int(hits[best]), int(listed[best]), total)
    if same is not None:
        band = _figures(int(right[same].sum()), int(same.sum()), total)
        row |= {f"same_{name}": value for name, value in band.items()}
        row |= {"review": int((~same).sum()), "review_right": int(right[~same].sum())}
    return row


def _figures(hits: int, listed: int, total: int) -> Row:
    return {
        "precision": round(hits / max(1, listed), 5),
        "recall": round(hits / total, 5),
        "f1": round(2 * hits / (listed + total), 5),
    }


def _one(name: str, columns: Columns, truth: list[Any], *, method: str) -> Row:
    def work() -> Row:
        warnings.simplefilter("ignore")
        logging.disable(logging.CRITICAL)
        if method == "shanqiao":
            pairs, same = ours(columns)
            return judged(pairs, truth, same=same)
        rival = {"splink": splink, "recordlinkage": recordlinkage}[method]
        return judged(rival(columns), truth)

    row = {"data": name, "rows": len(truth), "method": method} | in_a_child(work, seconds=1800)
    print({key: value for key, value in row.items() if key != "true_pairs"}, flush=True)
    return row


def known_sets(data: Path) -> list[Row]:
    """FEBRL 1–4 with and without the number, fake_1000, by every method."""
    rows = []
    for name in ("1", "2", "3", "4"):
        files = ["dataset4a", "dataset4b"] if name == "4" else [f"dataset{name}"]
        paths = [data / "febrl" / f"{file}.csv" for file in files]
        columns, truth = read(paths, FEBRL, truth=lambda row: row["rec_id"].split("-")[1])
        bare = {known: cells for known, cells in columns.items() if known != "id_number"}
        for title, table in ((f"FEBRL {name}", columns), (f"FEBRL {name}, no number", bare)):
            rows += [_one(title, table, truth, method=method) for method in ("shanqiao", "splink", "recordlinkage")]
    columns, truth = read([data / "splink_fake1000" / "fake_1000.csv"], FAKE, truth=lambda row: row["cluster"])
    return rows + [_one("fake_1000", columns, truth, method=m) for m in ("shanqiao", "splink", "recordlinkage")]


def chinese(data: Path) -> list[Row]:
    """A made-up register with homonyms, twins, families on one telephone and partners' dirty lists."""
    names, rows = read_names(data), []
    for size, copies, numbers in ((20_000, 0.1, True), (20_000, 0.1, False), (50_000, 0.3, True)):
        columns, truth = register(names, size, copies=copies, seed=11)
        table = columns if numbers else {name: cells for name, cells in columns.items() if name != "id_number"}
        title = f"Chinese register, {copies:.0%} again" + ("" if numbers else ", no number")
        rows.append(_one(title, table, truth, method="shanqiao"))
    return rows


def untouched(data: Path) -> list[Row]:
    """Data that nobody tuned by: the same register from a fresh seed, and another one with other slips."""
    names, rows = read_names(data), []
    for title, made in (("the same habits, fresh seed", register), ("other habits", strangers)):
        columns, truth = made(names, 20_000, copies=0.1, seed=20_261_126)
        bare = {name: cells for name, cells in columns.items() if name != "id_number"}
        for told, table in ((title, columns), (f"{title}, no number", bare)):
            rows.append(_one(told, table, truth, method="shanqiao"))
    return rows


def growth(data: Path, sizes: tuple[int, ...]) -> list[Row]:
    """Time against size, two in a hundred written twice."""
    names, rows = read_names(data), []
    for size in sizes:
        columns, truth = register(names, size * 50 // 51, copies=0.02, seed=3)
        rows.append(_one("growth", columns, truth, method="shanqiao"))
    return rows


def _goal(told: dict[str, Any]) -> Row:
    """The row of docs/goals.md."""
    best: dict[str, dict[str, float]] = {}
    for row in told.get("sets", []):
        best.setdefault(row["data"], {})[row["method"]] = row["f1"]
    won = [name for name, f1 in best.items() if f1["shanqiao"] >= max(f1.values())]
    lost = sorted(set(best) - set(won))
    chinese = [row for row in told.get("chinese", []) if "no number" not in row["data"]]
    largest = max(told.get("growth", []), key=lambda row: int(row["rows"]), default=None)
    said = [
        f"at least the better on {len(won)} of {len(best)} tables" + (f" (not on {', '.join(lost)})" if lost else "")
    ]
    said += [f"{row['data']}: “same” {row['same_precision']:.4f} at {row['same_recall']:.4f}" for row in chinese]
    if largest is not None:
        said.append(f"{largest['rows']:,} rows: {largest['cpu_seconds']:.0f} CPU s, {largest['memory_mb']:.0f} MB")
    return {"figure": "; ".join(said), "command": "PYTHONPATH=. python bench/link.py --data DIR"}


def main() -> None:
    """Measure what is asked; parts not asked for keep their last figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--part", choices=("sets", "chinese", "untouched", "growth"), action="append")
    parser.add_argument("--smallest", type=int, default=SIZES[0], help="smaller tables keep their last figures")
    parser.add_argument("--largest", type=int, default=SIZES[-1], help="the largest table of the growth part")
    asked = parser.parse_args()
    parts = asked.part or ["sets", "chinese", "untouched", "growth"]
    told: dict[str, Any] = json.loads(RESULT.read_text("utf-8")) if RESULT.exists() else {}
    if "sets" in parts:
        told["sets"] = known_sets(asked.data)
    if "chinese" in parts:
        told["chinese"] = chinese(asked.data)
    if "untouched" in parts:
        told["untouched"] = untouched(asked.data)
    if "growth" in parts:
        rows = growth(asked.data, tuple(size for size in SIZES if asked.smallest <= size <= asked.largest))
        fresh = {row["rows"] for row in rows}
        kept = [row for row in told.get("growth", []) if row["rows"] not in fresh]
        told["growth"] = sorted(kept + rows, key=lambda row: int(row["rows"]))
    told |= {"machine": machine(), "goals": {"who": _goal(told)}}
    RESULT.write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
