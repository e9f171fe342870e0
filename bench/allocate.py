"""The allocator beside other ways to solve the same problem: seconds, memory, score.

What enters: sizes, on the command line. What leaves: a table, and `bench/results/allocate.json` with the machine and
the versions. Every method runs in its own process on the same generated problem after the same filtering; its time
counts from the filtered pairs to the units, building its model included. Run by `make bench`; never part of the tests.

    .venv/bin/python bench/allocate.py --pure 1000 4000 --hard 1000 4000 --limit 60
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path
from time import perf_counter

import numpy as np

from matching import allocate
from matching.compiled import compile_problem
from matching.components import Component, split
from matching.flow import whole_flow
from matching.generate import generate
from matching.limits import shared_limits
from matching.network import Ints, Network, build
from matching.parts import receipts, score_of
from matching.refill import allowed, refill
from matching.residual import State

RESULTS = Path(__file__).parent / "results" / "allocate.json"
SEED = 7
NETWORKX_NEEDS = 1_000
"""networkx is asked up to this size: beyond, one run takes minutes."""


class Instance:
    """One generated problem, filtered; all its components as one."""

    def __init__(self, needs: int, *, hard: float, limit: float) -> None:
        self.problem = generate(needs, max(20, needs // 20), hard=hard, one_component=True, seed=SEED)
        self.compiled = compile_problem(self.problem)
        self.limits = shared_limits(self.compiled)
        self.limit = limit
        parts = split(self.compiled, self.limits)
        names = ("needs", "resources", "pairs", "earmarks", "groups", "shares")
        self.whole = Component(
            **{name: np.sort(np.concatenate([getattr(part, name) for part in parts])) for name in names},
            hard=any(part.hard for part in parts),
        )

    def network(self) -> Network:
        """The flow network of everything."""
        return build(self.compiled, self.limits, pairs=self.whole.pairs, groups=self.whole.groups)

    def score(self, units: Ints) -> int:
        """The score of units per pair of `whole`."""
        received = receipts(self.compiled, pairs=self.whole.pairs, units=units)
        return score_of(self.compiled, needs=self.whole.needs, received=received)


Answer = tuple[int, int | None, str]
"""Score, bound (None: none given) and a remark."""


def whole_run(at: Instance) -> Answer:
    """Everything `allocate` does: filtering again, all tiers, prices, bound, reasons, certificate."""
    said = allocate(at.problem, budget_s=at.limit).certificate
    return said.score, said.bound, f"{said.status}, unique {said.unique}"


def coverage(at: Instance) -> Answer:
    """Tier 1 alone as one network: what the other flow solvers are asked for."""
    network = at.network()
    score = -int((network.costs[0] * whole_flow(network, costs=network.costs[0])).sum())
    return score, score, "tier 1 as one network"


def highs(at: Instance, *, method: str) -> Answer:
    """The same network as a linear program in HiGHS, one thread."""
    import highspy

    network = at.network()
    arcs, supply = len(network.tail), float(network.upper[-1])
    model = highspy.HighsLp()
    model.num_col_, model.num_row_ = arcs, network.nodes
    model.col_cost_ = network.costs[0].astype(np.float64)
    model.col_lower_, model.col_upper_ = network.lower.astype(np.float64), network.upper.astype(np.float64)
    balance = np.zeros(network.nodes)
    balance[:2] = supply, -supply
    model.row_lower_ = model.row_upper_ = balance
    model.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    model.a_matrix_.start_ = np.arange(0, 2 * arcs + 1, 2)
    model.a_matrix_.index_ = np.stack([network.tail, network.head], axis=1).ravel()
    model.a_matrix_.value_ = np.tile([1.0, -1.0], arcs)
    solver = highspy.Highs()
    for name, value in {
        "log_to_console": False,
        "output_flag": False,
        "solver": method,
        "threads": 1,
        "time_limit": at.limit,
    }.items():
        solver.setOptionValue(name, value)
    solver.passModel(model)
    solver.run()
    done = solver.getModelStatus() == highspy.HighsModelStatus.kOptimal
    score = round(-solver.getInfo().objective_function_value) if done else 0
    return score, score if done else None, "optimal" if done else "time is up"


def networkx_simplex(at: Instance) -> Answer:
    """The same network in networkx."""
    import networkx

    network = at.network()
    graph = networkx.MultiDiGraph()
    room = int(network.upper[-1])
    graph.add_nodes_from(range(network.nodes), demand=0)
    graph.nodes[0]["demand"], graph.nodes[1]["demand"] = -room, room
    rows = (network.tail, network.head, network.upper, network.costs[0])
    for tail, head, most, cost in zip(*(row.tolist() for row in rows), strict=True):
        graph.add_edge(tail, head, capacity=most, weight=cost)
    score = -int(networkx.network_simplex(graph)[0])
    return score, score, "optimal"


def cp_sat(at: Instance) -> Answer:
    """All rules in one CP-SAT model, one worker, coverage only."""
    from ortools.sat.python import cp_model

    from matching.constraints import build as model_of
    from matching.constraints import tiers

    made = model_of(at.compiled, at.limits, at.whole)
    made.aim(next(tier for tier in tiers(at.compiled, at.whole, made) if tier.name == "score"))
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.max_time_in_seconds = at.limit
    status = solver.solve(made.model)
    if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        return 0, None, "no plan found"
    score = at.score(made.units(made.read(solver)))
    return score, int(solver.best_objective_bound), "optimal" if status == cp_model.OPTIMAL else "time is up"


def greedy(at: Instance) -> Answer:
    """Whoever gains most per unit next, until nothing fits: no look ahead."""
    state = State(at.compiled, at.limits, at.whole, np.zeros(len(at.whole.pairs), dtype=np.int64))
    state.change(np.arange(len(state.units)), allowed(state, state.units))
    refill(state)
    return at.score(state.units), None, ""


METHODS: dict[str, Callable[[Instance], Answer]] = {
    "shanqiao, whole run": whole_run,
    "shanqiao, coverage": coverage,
    "HiGHS simplex": lambda at: highs(at, method="simplex"),
    "HiGHS IPM": lambda at: highs(at, method="ipm"),
    "networkx": networkx_simplex,
    "CP-SAT monolith": cp_sat,
    "greedy": greedy,
}
FLOW_ONLY = ("shanqiao, coverage", "HiGHS simplex", "HiGHS IPM", "networkx")


def measured(name: str, at: Instance) -> dict[str, object]:
    """One method in a process of its own: its answer, seconds and the memory it needed on top of the problem."""
    here, there = get_context("fork").Pipe(duplex=False)

    def run() -> None:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        start = perf_counter()
        score, bound, remark = METHODS[name](at)
        seconds = perf_counter() - start
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        row = {"seconds": round(seconds, 3), "cpu_seconds": round(cpu_seconds(), 3)}
        row |= {"memory_mb": round((peak - before) / 1024, 1)}
        there.send(row | {"score": score, "bound": bound, "remark": remark})

    child = get_context("fork").Process(target=run)
    child.start()
    there.close()
    try:
        answer: dict[str, object] = here.recv()
    except EOFError:
        answer = {
            "seconds": None,
            "cpu_seconds": None,
            "memory_mb": None,
            "score": None,
            "bound": None,
            "remark": "died",
        }
    child.join()
    return {"method": name} | answer


def cpu_seconds() -> float:
    """Processor time of this process and of its children that have ended: the fair figure on a busy machine."""
    both = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(used.ru_utime + used.ru_stime for used in both)


def compare(needs: int, *, hard: float, limit: float) -> list[dict[str, object]]:
    """Every method on one problem."""
    at = Instance(needs, hard=hard, limit=limit)
    size = {
        "kind": "hard" if hard else "pure",
        "needs": len(at.compiled.need_ids),
        "resources": len(at.compiled.resource_ids),
        "pairs": len(at.compiled.pair_need),
    }
    skipped = set(FLOW_ONLY) if hard else {"networkx"} if needs > NETWORKX_NEEDS else set()
    print(f"\n{size['kind']}: {needs} needs, {size['resources']} resources, {size['pairs']} eligible pairs")
    print(f"{'method':<22}{'seconds':>10}{'CPU':>9}{'MB':>9}{'score':>14}{'bound':>14}  remark")
    rows = []
    for name in [name for name in METHODS if name not in skipped]:
        row = measured(name, at)
        rows.append(size | row)
        cells = [
            "" if row[key] is None else row[key] for key in ("seconds", "cpu_seconds", "memory_mb", "score", "bound")
        ]
        print(
            f"{name:<22}{cells[0]:>10}{cells[1]:>9}{cells[2]:>9}{cells[3]:>14}{cells[4]:>14}  {row['remark']}",
            flush=True,
        )
    return rows


def machine() -> dict[str, object]:
    """Where and with what this was measured."""
    return {
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1),
        "platform": platform.platform(),
        "python": platform.python_version(),
        "packages": {name: version(name) for name in ("numpy", "scipy", "ortools", "highspy", "networkx")},
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description="The allocator beside other ways to solve the same problem.")
    parser.add_argument("--pure", type=int, nargs="*", default=[1_000, 4_000], help="numbers of needs, pure problems")
    parser.add_argument("--hard", type=int, nargs="*", default=[1_000, 4_000], help="numbers of needs, a quarter hard")
    parser.add_argument("--limit", type=float, default=15.0, help="seconds for each method that has a limit")
    asked = parser.parse_args()
    rows: list[dict[str, object]] = []
    for sizes, hard in ((asked.pure, 0.0), (asked.hard, 0.25)):
        for needs in sizes:
            rows += compare(needs, hard=hard, limit=asked.limit)
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text(json.dumps({"machine": machine(), "rows": rows}, indent=2) + "\n", "utf-8")
    print("\nwritten: bench/results/allocate.json")


if __name__ == "__main__":
    main()
