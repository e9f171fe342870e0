"""The allocator and the other ways to solve the same problem, each as one function.

What enters: an `Instance`, one generated problem that is filtered and split once for all. What leaves: score, bound and
a remark. Called by `bench/allocate.py`, each in a process of its own. Every method solves the same pieces one after the
other and builds its own model from the filtered pairs; that counts as its time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.sparse import csr_array

from matching import allocate
from matching.compiled import compile_problem
from matching.components import Component, split
from matching.flow import total, whole_flow
from matching.generate import generate
from matching.limits import shared_limits
from matching.network import Ints, Network, build
from matching.parts import receipts, score_of
from matching.pure import batches
from matching.refill import allowed, refill
from matching.residual import State

FINE = 1_000
"""Parts of a rank in which the duals of a fractional solver are rounded to whole prices."""


@dataclass(frozen=True)
class Answer:
    """Score (None: none that is whole), bound (None: none given) and a remark."""

    score: int | None
    bound: int | None
    remark: str = ""


class Instance:
    """One generated problem, filtered and split. `limit` is for the others, `budget` for our whole run."""

    def __init__(self, needs: int, *, hard: float, joined: bool, seed: int, limit: float, budget: float) -> None:
        self.problem = generate(needs, max(20, needs // 20), hard=hard, one_component=joined, seed=seed)
        self.compiled = compile_problem(self.problem)
        self.limits = shared_limits(self.compiled)
        self.limit, self.budget = limit, budget
        self.parts = split(self.compiled, self.limits)

    @cached_property
    def whole(self) -> Component:
        """All components as one."""
        names = ("needs", "resources", "pairs", "earmarks", "groups", "shares")
        return Component(
            **{name: np.sort(np.concatenate([getattr(part, name) for part in self.parts])) for name in names},
            hard=any(part.hard for part in self.parts),
        )

    def networks(self) -> list[Network]:
        """The flow networks of the pieces that are solved together."""
        found = []
        for piece in batches(self.parts):
            pairs, groups = (np.sort(np.concatenate([getattr(p, name) for p in piece])) for name in ("pairs", "groups"))
            found.append(build(self.compiled, self.limits, pairs=pairs, groups=groups))
        return found

    def score(self, units: Ints) -> int:
        """The score of units per pair of `whole`."""
        received = receipts(self.compiled, pairs=self.whole.pairs, units=units)
        return score_of(self.compiled, needs=self.whole.needs, received=received)


def whole_run(at: Instance) -> Answer:
    """Everything `allocate` does: filtering again, all tiers, prices, bound, reasons, certificate."""
    said = allocate(at.problem, budget_s=at.budget).certificate
    return Answer(said.score, said.bound, f"{said.status}, unique {said.unique}")


def coverage(at: Instance) -> Answer:
    """Tier 1 alone: what the other flow solvers are asked for."""
    score = -sum(total(net.costs[0] * whole_flow(net, costs=net.costs[0])) for net in at.networks())
    return Answer(score, score, "optimal")


def summed(at: Instance, solve: Callable[[Network], Answer]) -> Answer:
    """One linear program after the other, until one has no answer."""
    scores, bounds, remark = 0, 0, "optimal"
    for net in at.networks():
        found = solve(net)
        if found.bound is None:
            return found
        scores, bounds, remark = scores + (found.score or 0), bounds + found.bound, found.remark
    return Answer(None if remark == "bound only" else scores, bounds, remark)


def _balance(network: Network) -> np.ndarray:
    balance = np.zeros(network.nodes)
    balance[:2] = float(network.upper[-1]), -float(network.upper[-1])
    return balance


def highs(at: Instance, *, method: str) -> Answer:
    """The same networks as linear programs in HiGHS, one thread."""
    import highspy

    def solve(network: Network) -> Answer:
        arcs = len(network.tail)
        model = highspy.HighsLp()
        model.num_col_, model.num_row_ = arcs, network.nodes
        model.col_cost_ = network.costs[0].astype(np.float64)
        model.col_lower_, model.col_upper_ = network.lower.astype(np.float64), network.upper.astype(np.float64)
        model.row_lower_ = model.row_upper_ = _balance(network)
        model.a_matrix_.format_ = highspy.MatrixFormat.kColwise
        model.a_matrix_.start_ = np.arange(0, 2 * arcs + 1, 2)
        model.a_matrix_.index_ = np.stack([network.tail, network.head], axis=1).ravel()
        model.a_matrix_.value_ = np.tile([1.0, -1.0], arcs)
        solver = highspy.Highs()
        settings = {"output_flag": False, "log_to_console": False, "solver": method, "threads": 1}
        for name, value in (settings | {"time_limit": at.limit}).items():
            solver.setOptionValue(name, value)
        solver.passModel(model)
        solver.run()
        if solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
            return Answer(None, None, "time is up")
        score = round(-solver.getInfo().objective_function_value)
        return Answer(score, score, "optimal")

    return summed(at, solve)


def or_tools(at: Instance, *, method: str) -> Answer:
    """The same networks in GLOP or PDLP; of PDLP only the bound that its duals prove, in whole prices."""
    from ortools.linear_solver.python.model_builder_helper import ModelBuilderHelper, ModelSolverHelper, SolveStatus

    def solve(network: Network) -> Answer:
        arcs = len(network.tail)
        places = np.arange(arcs)
        signs = np.concatenate([np.ones(arcs), -np.ones(arcs)])
        ends = (np.concatenate([network.tail, network.head]), np.concatenate([places, places]))
        matrix = csr_array((signs, ends), shape=(network.nodes, arcs))
        balance, costs = _balance(network), network.costs[0].astype(np.float64)
        model = ModelBuilderHelper()
        bounds = network.lower.astype(np.float64), network.upper.astype(np.float64)
        model.fill_model_from_sparse_data(*bounds, costs, balance, balance, matrix)
        solver = ModelSolverHelper(method)
        solver.set_time_limit_in_seconds(at.limit)
        solver.solve(model)
        if not solver.has_response() or solver.status() not in (SolveStatus.OPTIMAL, SolveStatus.FEASIBLE):
            return Answer(None, None, "time is up")
        if method == "PDLP":
            levels = -np.rint(np.asarray(solver.dual_values()) * FINE).astype(np.int64)
            proven = max(_least(network, costs=network.costs[0] * FINE, levels=side) for side in (levels, -levels))
            return Answer(None, int(-proven // FINE), "bound only")
        score = round(-solver.objective_value())
        return Answer(score, score, "optimal")

    return summed(at, solve)


def _least(network: Network, *, costs: Ints, levels: Ints) -> int:
    """What every flow costs at least, whatever the prices at the nodes: weak duality in whole numbers."""
    reduced = costs + levels[network.tail] - levels[network.head]
    most = np.minimum(network.upper, network.upper[-1])
    cheapest = network.lower * np.maximum(reduced, 0) + most * np.minimum(reduced, 0)
    return total(cheapest) - int(network.upper[-1]) * int(levels[0] - levels[1])


def networkx_simplex(at: Instance) -> Answer:
    """The same networks in networkx."""
    import networkx

    def solve(network: Network) -> Answer:
        graph = networkx.MultiDiGraph()
        room = int(network.upper[-1])
        graph.add_nodes_from(range(network.nodes), demand=0)
        graph.nodes[0]["demand"], graph.nodes[1]["demand"] = -room, room
        rows = (network.tail, network.head, network.upper, network.costs[0])
        for tail, head, most, cost in zip(*(row.tolist() for row in rows), strict=True):
            graph.add_edge(tail, head, capacity=most, weight=cost)
        score = -int(networkx.network_simplex(graph)[0])
        return Answer(score, score, "optimal")

    return summed(at, solve)


def cp_sat(at: Instance, *, workers: int) -> Answer:
    """All rules in one CP-SAT model, coverage only."""
    from ortools.sat.python import cp_model

    from matching.constraints import build as model_of
    from matching.constraints import tiers

    made = model_of(at.compiled, at.limits, at.whole)
    made.aim(next(tier for tier in tiers(at.compiled, at.whole, made) if tier.name == "score"))
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = workers
    solver.parameters.max_time_in_seconds = at.limit
    status = solver.solve(made.model)
    if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        return Answer(None, None, "no plan in time")
    score = at.score(made.units(made.read(solver)))
    remark = "optimal" if status == cp_model.OPTIMAL else "time is up"
    return Answer(score, int(solver.best_objective_bound), remark)


def greedy(at: Instance) -> Answer:
    """Whoever gains most per unit next, until nothing fits: no look ahead."""
    state = State(at.compiled, at.limits, at.whole, np.zeros(len(at.whole.pairs), dtype=np.int64))
    state.change(np.arange(len(state.units)), allowed(state, state.units))
    refill(state)
    return Answer(at.score(state.units), None)


OURS = "shanqiao, coverage by parts"
WHOLE = "shanqiao, whole run"
METHODS: dict[str, Callable[[Instance], Answer]] = {
    WHOLE: whole_run,
    OURS: coverage,
    "greedy": greedy,
    "HiGHS simplex": lambda at: highs(at, method="simplex"),
    "HiGHS IPM": lambda at: highs(at, method="ipm"),
    "GLOP": lambda at: or_tools(at, method="GLOP"),
    "PDLP": lambda at: or_tools(at, method="PDLP"),
    "networkx": networkx_simplex,
    "CP-SAT, 1 worker": lambda at: cp_sat(at, workers=1),
    "CP-SAT, 2 workers": lambda at: cp_sat(at, workers=2),
}
FLOW_ONLY = frozenset({OURS, "HiGHS simplex", "HiGHS IPM", "GLOP", "PDLP", "networkx"})
"""These solve pure problems only."""
