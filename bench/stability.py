"""How much of an announced plan survives a change of the city (goal 7).

What enters: a size, on the command line. What leaves: a table, and `bench/results/stability.json`. A generated city is
solved; 1 % of its needs leave, 2 % arrive, 0.5 % of its resources die; it is solved again with the old plan announced
and without. Beside them, for pure cities up to a size, what another solver (HiGHS) finds on the same network with the
score held: the least number of broken units, and a number of links that no plan breaks fewer than; and the unchanged
city once more. Two forms of each city: in parts, and as one component.

    PYTHONPATH=. .venv/bin/python bench/stability.py --needs 20000
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, linprog, milp
from scipy.sparse import csr_array, diags_array, hstack, vstack

from bench.change import announced, changed
from bench.measure import Row, cpu_seconds, in_a_child, machine
from matching import allocate
from matching.compiled import Compiled, compile_problem
from matching.components import split
from matching.generate import generate
from matching.generate_shapes import SHAPES
from matching.limits import shared_limits
from matching.model import Problem
from matching.network import Network, announced_units, build
from matching.plan import Plan

RESULTS = Path(__file__).parent / "results" / "stability.json"
COMMAND = "PYTHONPATH=. .venv/bin/python bench/stability.py"
PROVABLE = 5_000
"""Needs up to which the second solver is asked for the least number of broken units."""
SEARCH = 60.0
"""Seconds that it may look for the fewest broken links; its bound holds whenever it is stopped."""
PATIENCE = 1_800.0


def least_broken(problem: Problem, *, score: int) -> int:
    """The fewest broken units of any plan with this score, by HiGHS on the network of the whole pure problem."""
    compiled, network = _whole(problem)
    balance, flows = _balance(network)
    found = linprog(
        network.costs[1], A_eq=vstack([flows, csr_array(network.costs[0][None, :].astype(float))]),
        b_eq=np.append(balance, -float(score)),
        bounds=np.stack([network.lower, network.upper], axis=1), method="highs",
    )  # fmt: skip
    return sum(announced_units(compiled).values()) + round(found.fun)


def fewest_links(problem: Problem, *, score: int) -> int:
    """A number of links that no plan with this score breaks fewer than, whatever it does to the units, by HiGHS."""
    _, network = _whole(problem)
    balance, flows = _balance(network)
    kept = np.flatnonzero(network.costs[1] < 0)
    arcs, links = len(network.tail), len(kept)
    units = network.upper[kept].astype(float)
    whole = csr_array((np.ones(links), (np.arange(links), kept)), shape=(links, arcs))
    ranks = csr_array(network.costs[0][None, :].astype(float))
    found = milp(
        np.append(np.zeros(arcs), np.ones(links)),
        integrality=np.append(np.zeros(arcs), np.ones(links)),
        bounds=Bounds(np.append(network.lower, np.zeros(links)), np.append(network.upper, np.ones(links))),
        constraints=[
            LinearConstraint(hstack([flows, csr_array((network.nodes, links))]), balance, balance),
            LinearConstraint(hstack([ranks, csr_array((1, links))]), -float(score), -float(score)),
            LinearConstraint(hstack([whole, diags_array(units)]), units, np.inf),
        ],
        options={"time_limit": SEARCH},
    )
    return 0 if found.mip_dual_bound is None else ceil(found.mip_dual_bound - 1e-6)


def _whole(problem: Problem) -> tuple[Compiled, Network]:
    compiled = compile_problem(problem)
    limits = shared_limits(compiled)
    parts = split(compiled, limits)
    pairs, groups = (np.sort(np.concatenate([getattr(part, name) for part in parts])) for name in ("pairs", "groups"))
    return compiled, build(compiled, limits, pairs=pairs, groups=groups)


def _balance(network: Network) -> tuple[Any, Any]:
    """What flows in less what flows out at each node, as numbers and as a matrix of nodes by arcs."""
    arcs = len(network.tail)
    places, ones = np.arange(arcs), np.ones(arcs)
    ends = (np.concatenate([network.tail, network.head]), np.concatenate([places, places]))
    balance = np.zeros(network.nodes)
    balance[:2] = float(network.upper[-1]), -float(network.upper[-1])
    return balance, csr_array((np.concatenate([ones, -ones]), ends), shape=(network.nodes, arcs))


def links_broken(problem: Problem, plan: Plan) -> int:
    """Announced links of which at least one unit was taken away."""
    given = {(line.need_id, line.resource_id): line.units for line in plan.lines}
    return sum(given.get((a.need_id, a.resource_id), 0) < a.units for a in problem.announced)


def measured(problem: Problem, *, hard: bool, seed: int, budget: float) -> Row:
    """One city, before and after."""
    first = allocate(problem, budget_s=budget)
    again = allocate(_with(problem, first), budget_s=budget)
    after = changed(problem, lines=first.lines, seed=seed)
    kept = allocate(after, budget_s=budget)
    free = allocate(_with(after, None), budget_s=budget)
    broken = links_broken(after, kept)
    row: Row = {
        "announced_links": len(after.announced),
        "announced_units": sum(a.units for a in after.announced),
        "broken_units": kept.certificate.broken_units,
        "broken_links": broken,
        "broken_links_share": broken / max(1, len(after.announced)),
        "broken_links_if_not_asked": links_broken(after, free),
        "same_coverage": kept.certificate.coverage == free.certificate.coverage,
        "score_change": (kept.certificate.score - free.certificate.score) / max(1, free.certificate.score),
        "cost_change": (kept.certificate.cost - free.certificate.cost) / max(1, free.certificate.cost),
        "changes_if_nothing_changes": len(set(first.lines) ^ set(again.lines)),
        "gap": kept.certificate.gap,
        "interrupted": [plan.certificate.interrupted for plan in (first, again, kept, free)],
    }
    if not hard and len(problem.needs) <= PROVABLE:
        row["least_broken_units_by_highs"] = least_broken(after, score=kept.certificate.score)
        row["no_plan_breaks_fewer_links_by_highs"] = fewest_links(after, score=kept.certificate.score)
    return row


def _with(problem: Problem, plan: Plan | None) -> Problem:
    return replace(problem, announced=() if plan is None else announced(plan.lines))


def main() -> None:
    """Measure a pure and a hard city, print, write."""
    parser = argparse.ArgumentParser(description="How much of an announced plan survives a change of the city.")
    parser.add_argument("--needs", type=int, nargs="*", default=[1_000, 4_000, 20_000])
    parser.add_argument("--hard", type=int, nargs="*", default=[1_000, 4_000, 20_000], help="a quarter of them hard")
    parser.add_argument("--joined", type=int, nargs="*", default=[0, 1], help="1: one component, all in one unit")
    parser.add_argument("--shape", choices=sorted(SHAPES), default="city")
    parser.add_argument("--budget", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=7)
    asked = parser.parse_args()
    rows: list[Row] = []
    cities = [(n, 0.0, bool(j)) for n in asked.needs for j in asked.joined]
    cities += [(n, 0.25, bool(j)) for n in asked.hard for j in asked.joined]
    for needs, hard, joined in cities:
        city = generate(
            needs, max(20, needs // 20), hard=hard, one_component=joined, seed=asked.seed, shape=asked.shape
        )
        found = in_a_child(
            lambda city=city, hard=hard: measured(city, hard=bool(hard), seed=asked.seed, budget=asked.budget),
            seconds=PATIENCE,
        )
        kind = "hard" if hard else "pure"
        about: Row = {"kind": kind, "needs": needs, "shape": asked.shape, "one_component": joined, "seed": asked.seed}
        rows.append(about | {"budget": asked.budget} | found)
        print(json.dumps(rows[-1], indent=1), flush=True)
        RESULTS.write_text(json.dumps({"machine": machine(), "rows": rows} | goals(rows), indent=2) + "\n", "utf-8")
    print(f"{cpu_seconds():.0f} CPU seconds; written: bench/results/stability.json")


def goals(rows: list[Row]) -> Row:
    """What was seen of goal 7."""
    said = []
    for row in (row for row in rows if "broken_units" in row):
        text = f"{row['needs']:,} needs, {row['kind']}{', one component' if row['one_component'] else ''}: "
        text += f"{row['broken_units']:,} broken units"
        if "least_broken_units_by_highs" in row:
            text += f" (HiGHS: {row['least_broken_units_by_highs']:,} at least)"
        text += f", {row['broken_links']:,} links = {row['broken_links_share']:.2%}"
        text += f" ({row['broken_links_if_not_asked']:,} if not asked for"
        if row.get("no_plan_breaks_fewer_links_by_highs"):
            text += f"; no plan with this coverage breaks fewer than {row['no_plan_breaks_fewer_links_by_highs']:,}"
        text += "), same coverage" if row["same_coverage"] else f"), score {row['score_change']:+.4%}"
        text += f", cost {row['cost_change']:+.2%}; unchanged city: {row['changes_if_nothing_changes']} changes"
        if any(row["interrupted"]):
            text += "; a run was stopped by the clock, so the score is a rough one"
        said.append(text)
    return {"goals": {"7": {"figure": "; ".join(said), "command": COMMAND}}} if said else {}


if __name__ == "__main__":
    main()
