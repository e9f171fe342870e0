"""The goals of the allocator, each with the figure that was seen and the command that prints it.

What enters: every `bench/results/*.json`. A bench that measures a goal puts a key "goals" at the top of its file:
``{"goals": {"4": {"figure": "…", "command": "…"}}}``; several benches may speak to one goal. What leaves: a table in
Markdown that says of each figure when, under what load and with which seeds it was seen, and whether the solver has
changed since; a goal that no bench has measured says so. Called by `scripts/figures.py` for `docs/goals.md`.

    PYTHONPATH=. .venv/bin/python bench/goals.py
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from bench.measure import solver

RESULTS = Path(__file__).parent / "results"
OF_THE_SOLVER = frozenset(("1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "value"))
"""Goals whose figures are the allocator's: one measured with other code than today's is marked."""
GOALS = {
    "1": "Exact: 10,000 random pure problems that greed misses equal brute force, each rule binding in ≥ 5 % of them; "
    "5,000 hard ones, amounts of 10⁹ among them, equal brute force and a second solver",
    "2": "The judge refuses every one of ≥ 30 kinds of planted faults, and judges a city in ≤ 5 s",
    "3": "Pure city, 100,000 needs × 5,000 resources: gap 0 in every prefix and category, unique, "
    "≤ 15 s by components, ≤ 30 s as one, ≤ 1.5 GB; database to stored proposals with reasons ≤ 120 s, ≤ 6 GB",
    "4": "Same components, same optimum, our build time counted: ≥ 4× HiGHS simplex, ≥ 15× HiGHS IPM, ≥ 30× GLOP at "
    "20,000 needs; ≥ 100× a CP-SAT monolith, ≥ 50× networkx at 4,000",
    "5": "Hard city in one component: gap ≤ 0.15 % at 60 s, ≤ 0.06 % at 10 min, ≤ 4 GB, ≤ 15 % of greedy's gap left; "
    "4,000 needs ≤ 0.08 % in 10 s",
    "6": "Nation rehearsal: 10⁷ needs, ≥ 2.6·10⁸ pairs, ≥ 100 shards: gap ≤ 0.05 % in ≤ 20 rounds; a lost "
    "worker changes nothing",
    "7": "Stability when 1 % leave, 2 % arrive, 0.5 % of resources die: the least broken units (pure), "
    "≤ 0.6 % of announced links, same coverage, ≤ +1 % cost; unchanged input: 0 changes",
    "8": "Same plan SHA-256 over 20 repeats, shuffled input, 1, 2 and 16 processes",
    "9": "Quote p99 ≤ 50 ms; a reason for every need, city reasons ≤ 20 s; flip test ≥ 99.9 % pure, ≥ 95 % hard; "
    "override preview ≤ 2 s",
    "10": "Pathologies: no supply, no needs, one giant donor, 10⁵ needs on one resource, all pins, contradictory pins, "
    "10¹² amounts: right status, no crash",
    "audit": "The log with all of it on: 1,000,000 rows verified ≤ 10 s; ≥ 2,000 audited acts a second; a field opened "
    "over the partner API p95 ≤ 50 ms at 50 calls a second",
    "desk": "The desk: dry run of a file of 10,000 rows ≤ 5 s, a report of 50,000 rows as XLSX, its memory",
    "lists": "The desk's lists over 100,000 rows, first, middle and last page: ≤ 300 ms",
    "cases": "Supervision of a year of 1,000 applications a day, and of 88,000 households with 586,000 items: overdue "
    "board and monthly report ≤ 300 ms",
    "watch": "The watch over 1,550,000 people with ≥ 50,000,000 facts of a year: a night of all rules ≤ 10 min, "
    "≤ 8 GB, one day ≤ 60 s, search ≤ 100 ms",
    "once": "Never twice: ≥ 100,000 allocations by 5 processes with rival givers and a government feed on each "
    "database, 10,000,000 allocations in "
    "memory: nothing over-allocated, no waiting time broken",
    "who": "Who is who: at least the better of recordlinkage and Splink on FEBRL 1–4 with and without the number and "
    "on fake_1000; band “same” precision ≥ 0.995 at recall ≥ 0.75; 1,000,000 people in ≤ 10 minutes, ≤ 8 GB",
    "value": "Objective by value: small public assignment instances proven, ≤ 0.3 % from best known in 30 s with 200 "
    "jobs; several hundred families to twenty places proven in seconds",
}


def measured(folder: Path = RESULTS) -> Iterator[tuple[str, str, str, str]]:
    """(goal, figure, command, when) of every bench in the folder, in the order of goals, then of files."""
    found = []
    for path in sorted(folder.glob("*.json")):
        told = json.loads(path.read_text("utf-8"))
        goals = told.get("goals") if isinstance(told, dict) else None
        for goal, row in (goals if isinstance(goals, dict) else {}).items():
            figure, command = (row.get("figure"), row.get("command")) if isinstance(row, dict) else (row, None)
            if goal in GOALS and figure:
                found.append((goal, str(figure), str(command or f"bench/results/{path.name}"), _when(told, goal)))
    yield from sorted(found, key=lambda row: list(GOALS).index(row[0]))


def _when(told: dict[str, Any], goal: str) -> str:
    """Date, load and seeds as far as the bench wrote them down, and whether the solver is another one now."""
    machine, rows = told.get("machine") or {}, told.get("rows")
    at = str(machine.get("measured_at", ""))
    seeds = {row["seed"] for row in rows if row.get("seed") is not None} if isinstance(rows, list) else set()
    said = [at[:16].replace("T", " ") or "no date"]
    said += [f"load {machine['load']}"] if machine.get("load") is not None else []
    said += [f"seed {', '.join(map(str, sorted(seeds)))}"] if seeds else []
    older = goal in OF_THE_SOLVER and machine.get("solver") != _today()
    return "; ".join([*said, *(["**older solver**"] if older else [])])


@cache
def _today() -> str:
    return solver()


def table(folder: Path = RESULTS) -> str:
    """The goals in Markdown; a row for each figure, one that says "not measured" where there is none."""
    lines = ["| # | Goal | Figure seen | Measured | Command |", "|---:|---|---|---|---|"]
    figures = list(measured(folder))
    for goal, words in GOALS.items():
        mine = [(figure, when, f"`{command}`") for number, figure, command, when in figures if number == goal]
        for place, row in enumerate(mine or [("not measured", "", "")]):
            first = (goal, words) if not place else ("", "")
            lines.append(f"| {' | '.join([*first, *map(_cell, row)])} |")
    return "\n".join(lines)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


if __name__ == "__main__":
    print(table())
