"""How long a preview takes, and whether it says what a new run would.

What enters: sizes of made-up cities. What leaves: a table and `bench/results/whatif.json`: seconds (wall and CPU) of
random overrides of each kind on a city whose plan is laid out already, and, on smaller cities, the change of coverage
beside that of a new run from scratch. With `--city FOLDER PLAN` instead: the same times on a whole city that was solved
before, with bans of the used-up resources that serve most needs, in `bench/results/whatif_city.json`.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from random import Random
from statistics import median
from time import monotonic, process_time

from bench.measure import machine
from matching.compiled import Compiled, compile_problem
from matching.folder import read_plan, read_problem
from matching.generate import generate
from matching.model import Ban, Pin, Problem, levels_first
from matching.parts import coverage
from matching.plan import Line
from matching.solve import allocate
from matching.standing import standing
from matching.whatif import More, Reserve, Try, preview, ready

RESULTS = Path(__file__).parent / "results" / "whatif.json"
COMMAND = "PYTHONPATH=. .venv/bin/python bench/whatif.py"
CITY = RESULTS.with_name("whatif_city.json")
KINDS = ("pin", "ban", "wide_ban", "reserve", "more", "less")


@dataclass(frozen=True, slots=True)
class Timed:
    """Seconds of `tries` overrides of one kind on one city, and how many were exact, in conflict, or changed."""

    city: str
    kind: str
    tries: int
    p50: float
    p95: float
    most: float
    cpu_p95: float
    cpu_most: float
    exact: int
    conflicts: int
    losers: int


def drawn(rng: Random, compiled: Compiled, lines: tuple[Line, ...], *, kind: str) -> Try:
    """A random override that is likely to change something."""
    line = rng.choice(lines)
    pair = rng.randrange(len(compiled.pair_need))
    need_id = compiled.need_ids[compiled.pair_need[pair]]
    resource_id = compiled.resource_ids[compiled.pair_resource[pair]]
    good = next(r for r in compiled.problem.resources if r.resource_id == line.resource_id)
    if kind == "pin":
        most = max(1, min(int(compiled.pair_most[pair]), 40))
        return Try(pins=(Pin(need_id, resource_id, rng.randint(1, most)),))
    if kind == "ban":
        return Try(bans=(Ban(line.need_id, line.resource_id),))
    if kind == "wide_ban":
        return Try(bans=(Ban(*rng.choice((("*", line.resource_id), (line.need_id, "*")))),))
    if kind == "reserve":
        district = next(n.district for n in compiled.problem.needs if n.need_id == need_id)
        return Try(reserves=(Reserve(resource_id, district, max(1, good.stock // 3)),))
    units = max(1, good.stock // 4)
    return Try(more=(More(line.resource_id, units if kind == "more" else -units),))


def timed(city: str, compiled: Compiled, lines: tuple[Line, ...], *, kind: str, tries: int) -> Timed:
    """Preview `tries` random overrides."""
    rng = Random(f"{city} {kind}")
    asked = [drawn(rng, compiled, lines, kind=kind) for _ in range(tries)]
    return measured(city, compiled, lines, kind=kind, asked=asked)


def measured(city: str, compiled: Compiled, lines: tuple[Line, ...], *, kind: str, asked: Sequence[Try]) -> Timed:
    """Preview these overrides."""
    wall, cpu, seen = [], [], []
    for tried in asked:
        start, used = monotonic(), process_time()
        seen.append(preview(compiled, lines, tried=tried))
        wall.append(monotonic() - start)
        cpu.append(process_time() - used)
    last = max(0, round(0.95 * len(asked)) - 1)
    return Timed(
        city=city,
        kind=kind,
        tries=len(asked),
        p50=round(median(wall), 3),
        p95=round(sorted(wall)[last], 3),
        most=round(max(wall), 3),
        cpu_p95=round(sorted(cpu)[last], 3),
        cpu_most=round(max(cpu), 3),
        exact=sum(one.exact for one in seen),
        conflicts=sum(bool(one.conflict) for one in seen),
        losers=sum(len(one.losers) for one in seen),
    )


def giants(compiled: Compiled, lines: tuple[Line, ...]) -> list[str]:
    """Resources that are used up, those that serve most needs first."""
    left = standing(compiled, lines).stock_left.tolist()
    empty = {name for name, units in zip(compiled.resource_ids, left, strict=True) if not units}
    serves = Counter(line.resource_id for line in lines if line.resource_id in empty)
    return [name for name, _ in sorted(serves.items(), key=lambda row: (-row[1], row[0]))]


def whole_city(folder: Path, out: Path, *, tries: int) -> None:
    """Measure previews of a solved city, print, write."""
    start = process_time()
    compiled, lines = compile_problem(read_problem(folder)), tuple(read_plan(out).lines)
    read = round(process_time() - start, 2)
    start = process_time()
    best = ready(compiled, lines).best
    once = {"read_and_compiled": read, "laid_out": round(process_time() - start, 2)}
    rows = []
    for kind in KINDS:
        rows.append(timed(folder.name, compiled, lines, kind=kind, tries=tries))
        print(asdict(rows[-1]), flush=True)
    bans = [Try(bans=(Ban("*", name),)) for name in giants(compiled, lines)[:tries]]
    rows.append(measured(folder.name, compiled, lines, kind="giant_ban", asked=bans))
    start = process_time()
    preview(compiled, lines, tried=Try(order=levels_first(compiled.problem.policy.levels)))
    once["other_order"] = round(process_time() - start, 2)
    cpu, slow = max(row.cpu_p95 for row in rows[:-1]), rows[-1].cpu_most
    told = (
        f"override preview in a city of {len(compiled.need_ids):,} needs, {len(compiled.pair_need):,} pairs, CPU: "
        f"p95 of the slowest kind {cpu:.2f} s; ban of the {len(bans)} largest used-up resources at most {slow:.2f} s; "
        f"another order of the cells {once['other_order']:.1f} s; once per run {once['read_and_compiled']:.1f} s "
        f"to read and {once['laid_out']:.1f} s to lay out"
    )
    content = {
        "machine": machine(),
        "goals": {"9": {"figure": told, "command": f"{COMMAND} --city FOLDER PLAN --tries {tries}"}},
        "needs": len(compiled.need_ids),
        "plan_is_best": best,
        "cpu_seconds_once": once,
        "previews": [asdict(row) for row in rows],
    }
    CITY.write_text(json.dumps(content, indent=2) + "\n", "utf-8")
    print(told)


def fresh(of: Problem, tried: Try) -> Problem:
    """The problem that a new run after the override would get (reserves have no rows of their own)."""
    more = {row.resource_id: row.units for row in tried.more}
    goods = tuple(replace(r, stock=max(0, r.stock + more.get(r.resource_id, 0))) for r in of.resources)
    policy = replace(of.policy, order=tried.order or of.policy.order)
    bans = {(row.need_id, row.resource_id): row for row in (*of.bans, *tried.bans)}
    return replace(of, policy=policy, resources=goods, pins=(*of.pins, *tried.pins), bans=tuple(bans.values()))


def compared(shape: str, *, needs: int, resources: int, tries: int) -> dict[str, object]:
    """Previews beside new runs of one pure city: how often the score and how often every cell is the same.

    Where household caps join needs, several plans may have the best score and fill different cells.
    """
    problem = generate(needs, resources, seed=11, shape=shape)
    lines, compiled = allocate(problem).lines, compile_problem(problem)
    rng, seen = Random(shape), Counter[str]()
    for kind in ("pin", "ban", "wide_ban", "more", "less", "order"):
        for _ in range(1 if kind == "order" else tries):
            order = Try(order=levels_first(problem.policy.levels))
            tried = order if kind == "order" else drawn(rng, compiled, lines, kind=kind)
            found, plan = preview(compiled, lines, tried=tried), allocate(fresh(problem, tried))
            seen["tries"] += 1
            if plan.certificate.status == "infeasible" or found.conflict:
                agreed = plan.certificate.status == "infeasible" and bool(found.conflict)
                seen.update({"equal": agreed, "same_cells": agreed})
                continue
            after = compile_problem(fresh(problem, Try(order=tried.order)))
            base = coverage(after, standing(after, lines).received)
            cells = [was + change for was, change in zip(base, found.coverage, strict=True)]
            score = sum(rank * units for rank, units in enumerate(reversed(cells), 1))
            seen["equal"] += found.exact and score == plan.certificate.score
            seen["same_cells"] += found.exact and tuple(cells) == plan.certificate.coverage
    return {"shape": shape, "needs": needs, "resources": resources, **seen}


def figure(needs: int, *, rows: Sequence[Timed], same: Sequence[dict[str, object]]) -> str:
    """What the table of goals says of previews."""
    parts = []
    for city in ("pure", "hard"):
        mine = [row for row in rows if row.city == city]
        wall, cpu = max(row.p95 for row in mine), max(row.cpu_p95 for row in mine)
        parts.append(f"{city}: p95 of the slowest kind {wall:.2f} s, {cpu:.2f} s CPU")
    equal, cells, tries = (sum(int(str(row[name])) for row in same) for name in ("equal", "same_cells", "tries"))
    told = f"override preview in one piece of {needs:,} needs, " + "; ".join(parts)
    return f"{told}; {equal} of {tries} previews have the score of a new run, {cells} the same units in every cell"


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description="Previews of overrides: how fast, and how true.")
    parser.add_argument("--needs", type=int, default=20_000)
    parser.add_argument("--resources", type=int, default=1_000)
    parser.add_argument("--tries", type=int, default=50, help="overrides of each kind")
    parser.add_argument("--small", type=int, default=600, help="needs of the cities that are solved again")
    parser.add_argument("--city", type=Path, nargs=2, help="a problem folder and its solved plan")
    asked = parser.parse_args()
    if asked.city:
        whole_city(*asked.city, tries=asked.tries)
        return
    rows: list[Timed] = []
    laid: dict[str, float] = {}
    for city, hard in (("pure", 0.0), ("hard", 0.25)):
        problem = generate(asked.needs, asked.resources, hard=hard, one_component=True, seed=7)
        lines, compiled = allocate(problem).lines, compile_problem(problem)
        start = process_time()
        ready(compiled, lines)
        laid[city] = round(process_time() - start, 2)
        print(f"{city}: {asked.needs} needs, {len(compiled.pair_need)} pairs; laid out in {laid[city]} s CPU")
        for kind in KINDS:
            rows.append(timed(city, compiled, lines, kind=kind, tries=asked.tries))
            print(asdict(rows[-1]), flush=True)
        order = Try(order=levels_first(problem.policy.levels))
        start = monotonic()
        preview(compiled, lines, tried=order)
        laid[f"{city} other order"] = round(monotonic() - start, 2)
        print(f"{city}: another order {laid[f'{city} other order']} s", flush=True)
    same = [compared(shape, needs=asked.small, resources=60, tries=8) for shape in ("city", "county", "giants")]
    print(same)
    command = f"{COMMAND} --needs {asked.needs} --resources {asked.resources} --tries {asked.tries}"
    told = {
        "machine": machine(),
        "goals": {"9": {"figure": figure(asked.needs, rows=rows, same=same), "command": command}},
        "needs": asked.needs,
        "resources": asked.resources,
        "seconds_once": laid,
        "previews": [asdict(row) for row in rows],
        "against_new_runs": same,
    }
    RESULTS.write_text(json.dumps(told, indent=2) + "\n", "utf-8")
    print("written: bench/results/whatif.json")


if __name__ == "__main__":
    main()
