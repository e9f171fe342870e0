"""Who comes into a full register: what `marketplace.households.comparing` sees of them, copies and newcomers alike.

What enters: a folder with name counts and street names (`--data`), sizes, how many come. What leaves: a printed row of
counts for each size and way of coming in (one by one, 200 at a time), and `bench/results/arrivals.json`. Whoever comes
in is compared as in the house: with those who share a key that no more than twenty share, by `link` with the size of
the register. Half of those who come are in the register already, as `bench.people` dirties them; the others are not,
but most of their homes are.

    PYTHONPATH=. python -m bench.arrivals --data DIR [--size 30000 --size 300000]
"""

from __future__ import annotations

import argparse
import json
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path
from random import Random

from bench.measure import Row, machine
from bench.people import COLUMNS, Names, dirty, read_names, register
from bench.people import Register as People
from matching.identity import link
from matching.identity_keys import search_keys

CROWDED = 20
"""As in `marketplace.households.comparing`, which a bench does not import."""

RESULT = Path(__file__).parent / "results" / "arrivals.json"
Cells = list[str]


class Full:
    """A register that finds people by their keys, as the keyed traces of the house do."""

    def __init__(self, rows: list[Cells]) -> None:
        self.rows = rows
        self.people: dict[str, list[int]] = defaultdict(list)
        for at, keys in enumerate(_keys(rows)):
            for key in keys:
                self.people[key].append(at)

    def met_by(self, came: list[Cells]) -> list[int]:
        """Rows of the register that share a key with one of these."""
        asked = Counter(key for keys in _keys(came) for key in keys)
        found = {key: self.people.get(key, []) for key in asked}
        return sorted({at for key, rows in found.items() if len(rows) + asked[key] <= CROWDED for at in rows})


def _keys(rows: list[Cells]) -> Iterable[list[str]]:
    return ([f"{use}|{text}" for use, text in keys.items()] for keys in search_keys(_columns(rows)))


def _columns(rows: list[Cells]) -> dict[str, Cells]:
    return dict(zip(COLUMNS, map(list, zip(*rows, strict=True)), strict=True))


def arrivals(names: Names, size: int, *, come: int, seed: int) -> list[Row]:
    """A row for each way of coming in."""
    columns, _ = register(names, size + come, copies=0, seed=seed)
    rows = list(map(list, zip(*columns.values(), strict=True)))
    people, draw = People(names, size + come, seed=seed).people, Random(seed + 2)
    new = set(draw.sample(range(len(rows)), come))
    stay = [at for at in range(len(rows)) if at not in new]
    full = Full([rows[at] for at in stay])
    again = draw.sample(range(len(stay)), come)
    came = [(dirty(people[stay[at]], names, draw), at) for at in again]
    came += [(dirty(people[at], names, draw) if draw.random() < 0.5 else rows[at], -1) for at in sorted(new)]
    draw.shuffle(came)
    return [_counted(full, came, batch=batch) for batch in (1, 200)]


def _counted(full: Full, came: list[tuple[Cells, int]], *, batch: int) -> Row:
    told: Counter[str] = Counter()
    for start in range(0, len(came), batch):
        some = came[start : start + batch]
        met = full.met_by([row for row, _ in some])
        told["unmet"] += sum(true >= 0 and true not in set(met) for _, true in some)
        told += _said(full, some, met) if met else Counter()
    copies = sum(true >= 0 for _, true in came)
    row: Row = {"register": len(full.rows), "batch": batch, "copies": copies, "newcomers": len(came) - copies}
    listed = told["same"] + told["review"]
    words = ("same", "review", "unmet", "false_same", "false_review", "newcomers_asked")
    return row | {word: told[word] for word in words} | {"unlisted": copies - listed - told["unmet"]}


def _said(full: Full, some: list[tuple[Cells, int]], met: list[int]) -> Counter[str]:
    found = link(_columns([row for row, _ in some] + [full.rows[at] for at in met]), population=len(full.rows))
    told: Counter[str] = Counter()
    asked: set[int] = set()
    for at, (one, two) in enumerate(zip(found.a.tolist(), found.b.tolist(), strict=True)):
        if one >= len(some):
            continue
        true = some[one][1]
        right = two >= len(some) and met[two - len(some)] == true
        told[("" if right else "false_") + ("same" if found.same[at] else "review")] += 1
        asked |= {one} if true < 0 else set()
    told["newcomers_asked"] = len(asked)
    return told


def main() -> None:
    """Measure the sizes that are asked for and write all rows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--size", type=int, action="append", help="people in the register")
    parser.add_argument("--come", type=int, default=150, help="copies, and as many newcomers")
    asked = parser.parse_args()
    names, rows = read_names(asked.data), []
    for size in asked.size or [30_000, 300_000]:
        for row in arrivals(names, size, come=asked.come, seed=77):
            print(row, flush=True)
            rows.append(row)
    RESULT.write_text(json.dumps({"rows": rows, "machine": machine()}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
