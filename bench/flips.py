"""Whether reasons are true: lift what a reason names, solve again, and see whether the need gains (goal 9).

What enters: sizes of made-up cities and how many needs to try per code. What leaves: a table and
`bench/results/flips.json`: by class and by code, how many needs were tried and how many gained, in three kinds of flip.

*lifted*: every limit that the reasons of one need name grows by their `short_by`, which allows for all who come first.
*one unit*, in pure cities: where a stock alone keeps a need back and another need is named as the last one served, the
need must keep what it has and get one unit more. It gains if such a plan exists and what that costs others ranks no
higher than the cell that is named.
*first in line*: a need before which nobody else waits; the need that is named as the last one served gets its last
unit from outside the run, so that the unit it holds comes free for anyone.

    PYTHONPATH=. .venv/bin/python bench/flips.py
"""

from __future__ import annotations

import argparse
import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import product
from pathlib import Path
from random import Random

from bench.measure import cpu_seconds, machine
from matching.compiled import compile_problem
from matching.components import split
from matching.generate import generate
from matching.model import PastAid, Pin, Problem
from matching.plan import Plan, Reason
from matching.solve import allocate
from tests.matching.flips import LIFTED, SUPPLY, lifted

RESULTS = Path(__file__).parent / "results" / "flips.json"
COMMAND = "PYTHONPATH=. .venv/bin/python bench/flips.py"
LONG_AGO = date(1990, 1, 1)
FLIPS = ("lifted", "one unit", "first in line")
SHAPES = ("city", "county", "giants", "villages")


@dataclass(slots=True)
class Tally:
    """Tries and gains by (class, flip, code), and the flips that failed."""

    tried: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    gained: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    failed: list[dict[str, object]] = field(default_factory=list)

    def share(self, kind: str, flip: str) -> tuple[int, int]:
        """(gained, tried) of all codes together."""
        both = [sum(n for key, n in counts.items() if key[:2] == (kind, flip)) for counts in (self.gained, self.tried)]
        return both[0], both[1]


def part_of(problem: Problem, need_id: str) -> Problem:
    """The independent part in which a need lies, as a problem of its own; empty if nothing fits the need."""
    compiled = compile_problem(problem)
    place = compiled.need_ids.index(need_id)
    part = next((part for part in split(compiled) if place in part.needs), None)
    needs = {compiled.need_ids[at] for at in part.needs.tolist()} if part else {need_id}
    goods = {compiled.resource_ids[at] for at in part.resources.tolist()} if part else set()

    def inside(row: object) -> bool:
        return getattr(row, "need_id", "*") in {*needs, "*"} and getattr(row, "resource_id", "*") in {*goods, "*"}

    return replace(
        problem,
        needs=tuple(row for row in problem.needs if row.need_id in needs),
        resources=tuple(row for row in problem.resources if row.resource_id in goods),
        ledger=tuple(row for row in problem.ledger if row.need_id is None or row.need_id in needs),
        bans=tuple(filter(inside, problem.bans)),
        pins=tuple(filter(inside, problem.pins)),
        announced=tuple(filter(inside, problem.announced)),
    )


def received(plan: Plan, need_id: str) -> int:
    """Units that a need gets."""
    return sum(line.units for line in plan.lines if line.need_id == need_id)


def one_unit(problem: Problem, plan: Plan, rows: Sequence[Reason]) -> bool:
    """Whether the need can have one unit more of the resource that is named, at no higher price than is named."""
    first = rows[0]
    own = {line.resource_id: line.units for line in plan.lines if line.need_id == first.need_id}
    own[first.resource_id] = own.get(first.resource_id, 0) + 1
    pins = tuple(Pin(first.need_id, resource_id, units) for resource_id, units in own.items())
    was = allocate(part_of(problem, first.need_id)).certificate.score
    forced = allocate(part_of(replace(problem, pins=pins), first.need_id))
    ranks, detail = problem.policy.ranks(), first.detail
    gain = ranks[int(detail["next_urgency"]), int(detail["next_level"])]
    most = ranks[int(detail["urgency"]), int(detail["level"])]
    return forced.certificate.status != "infeasible" and forced.certificate.score - was >= gain - most


def flips(problem: Problem, plan: Plan, rows: Sequence[Reason]) -> Iterator[tuple[str, bool]]:
    """The kinds of flip that one need allows, each with whether the need gains."""
    need_id, first = rows[0].need_id, rows[0]
    before = received(plan, need_id)

    def gains(other: Problem) -> bool:
        return received(allocate(part_of(other, need_id)), need_id) > before

    other = lifted(problem, need_id=need_id, rows=rows)
    if other is not None:
        yield "lifted", gains(other)
    alone = "need" in first.detail and sum(row.detail["left"] == 0 for row in rows) == 1
    if alone and not any(row.one_provider for row in problem.needs):
        yield "one unit", one_unit(problem, plan, rows)
    if _first_in_line(rows):
        blocker = next(row for row in problem.needs if row.need_id == first.detail["need"])
        helped = PastAid(blocker.household_id, blocker.category, 1, LONG_AGO, "delivered", blocker.need_id)
        yield "first in line", gains(replace(problem, ledger=(*problem.ledger, helped)))


def _first_in_line(rows: Sequence[Reason]) -> bool:
    detail = rows[0].detail
    return len(rows) == 1 and rows[0].code in SUPPLY and detail["short_by"] == 1 and "need" in detail


def sampled(plan: Plan, *, count: int, seed: int) -> Iterator[tuple[str, list[Reason]]]:
    """Up to `count` needs for each code that stands first among a need's reasons, and of the first in line."""
    by_need: dict[str, list[Reason]] = defaultdict(list)
    for row in plan.reasons:
        if row.code != "chosen":
            by_need[row.need_id].append(row)
    by_code: dict[str, list[str]] = defaultdict(list)
    for need_id, rows in sorted(by_need.items()):
        if all(row.code in LIFTED for row in rows):
            by_code["first in line" if _first_in_line(rows) else rows[0].code].append(need_id)
    for code, needs in sorted(by_code.items()):
        for need_id in Random(f"{seed} {code}").sample(needs, min(count, len(needs))):
            yield need_id, by_need[need_id]


def flip_city(tally: Tally, problem: Problem, *, kind: str, name: str, count: int) -> None:
    """Solve a city, flip some needs of each code."""
    plan = allocate(problem)
    for need_id, rows in sampled(plan, count=count, seed=1):
        for flip, gained in flips(problem, plan, rows):
            key = (kind, flip, rows[0].code)
            tally.tried[key] += 1
            tally.gained[key] += gained
            if not gained:
                told = [[row.resource_id, row.code, dict(row.detail)] for row in rows]
                tally.failed.append({"city": name, "need": need_id, "flip": flip, "reasons": told})


def told(tally: Tally, *, command: str = COMMAND) -> dict[str, object]:
    """The table by class, flip and code, and the figure for the table of goals."""
    rows = [
        {"class": kind, "flip": flip, "code": code, "tried": tried, "gained": tally.gained[kind, flip, code]}
        for (kind, flip, code), tried in sorted(tally.tried.items())
    ]
    parts = []
    for kind in ("pure", "hard"):
        for flip in FLIPS:
            gained, tried = tally.share(kind, flip)
            if tried:
                parts.append(f"{kind}, {flip}: {gained:,} of {tried:,} needs gain ({gained / tried:.2%})")
    figure = "flip test, " + "; ".join(parts)
    return {"flips": rows, "failed": tally.failed, "goals": {"9": {"figure": figure, "command": command}}}


def main() -> None:
    """Flip every city, print, write what is known after each."""
    parser = argparse.ArgumentParser(description="Lift what reasons name, solve again, count who gains.")
    parser.add_argument("--needs", type=int, default=1_500)
    parser.add_argument("--resources", type=int, default=90)
    parser.add_argument("--hard-needs", type=int, default=400)
    parser.add_argument("--hard-resources", type=int, default=40)
    parser.add_argument("--budget", type=int, default=1, help="seconds for each hard part")
    parser.add_argument("--pure", type=int, default=12, help="needs per code in each pure city")
    parser.add_argument("--hard", type=int, default=6, help="needs per code in each hard city")
    parser.add_argument("--seeds", type=int, nargs="*", default=[7])
    asked = parser.parse_args()
    sizes = {"pure": (asked.needs, asked.resources), "hard": (asked.hard_needs, asked.hard_resources)}
    tally, cities = Tally(), list[dict[str, object]]()
    command = f"{COMMAND} --pure {asked.pure} --hard {asked.hard} --seeds {' '.join(map(str, asked.seeds))}"
    for seed, shape, (kind, hard, count) in product(
        asked.seeds, SHAPES, (("pure", 0.0, asked.pure), ("hard", 0.25, asked.hard))
    ):
        used, name = cpu_seconds(), f"{kind} {shape} {seed}"
        problem = generate(*sizes[kind], hard=hard, caps=1.0, seed=seed, shape=shape)
        problem = replace(problem, policy=replace(problem.policy, budget_s=asked.budget))
        flip_city(tally, problem, kind=kind, name=name, count=count)
        cities.append({"city": name, "cpu_seconds": round(cpu_seconds() - used, 1)})
        print(cities[-1], *(tally.share(kind, flip) for flip in FLIPS), flush=True)
        content = {"machine": machine(), "sizes": sizes, "cities": cities, **told(tally, command=command)}
        RESULTS.write_text(json.dumps(content, indent=2) + "\n", "utf-8")
    print(json.dumps(told(tally, command=command)["goals"], indent=2, ensure_ascii=False))


if __name__ == "__main__":
    main()
