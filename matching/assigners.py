"""Two solvers behind one interface: which whole servings are worth most?

What enters: `Servings`, a plan to start from and an effort. What leaves: an `Answer`: the servings chosen and a bound
on the value of any plan. Called by `assign`, in a child process that can be killed. Both run on one thread with a fixed
seed and count their work instead of the clock, so the same question always has the same answer. Nothing they say is
believed here: `assign` checks each plan against the rules, and each bound against the plans of the other.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import floor, gcd, inf, isfinite
from time import monotonic
from typing import Any, Protocol

import highspy
import numpy as np
from ortools.sat.python import cp_model

from matching.constraints import SAFE_SUM
from matching.eligibility import Bools
from matching.hard import EXACT_FLOAT, UNKNOWN, solver_of
from matching.servings import Servings

PRECISE_SUM = 2**40
"""HiGHS counts in floats: beyond this its bound says nothing about whole numbers."""

LOOK = 2e-6
"""Effort that HiGHS is charged for each column whenever it looks whether it should stop: about a second in all."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The chosen columns (None: no plan found), and what no plan is worth more than; `late`: the clock stopped it."""

    chosen: Bools | None
    bound: int
    late: bool = False


class Assigner(Protocol):
    """Solves the choice of servings as far as the effort goes: about so many seconds, counted in work.

    `until` is the moment (`time.monotonic`) by which it has to hand in what it has.
    """

    def __call__(self, model: Servings, *, start: Bools | None, effort: float, until: float = inf) -> Answer:
        """The best choice found."""
        ...


def by_cp_sat(model: Servings, *, start: Bools | None, effort: float, until: float = inf) -> Answer:
    """By CP-SAT; its bound counts while the weights of every row add up to less than 2³⁰ (it has overflown beyond)."""
    asked = cp_model.CpModel()
    every = [asked.new_bool_var("") for _ in model.places]
    for row in model.rows:
        held = cp_model.LinearExpr.weighted_sum([every[c] for c in row.columns.tolist()], row.weights.tolist())
        asked.add(held == row.limit if row.full else held <= row.limit)
    for column in np.flatnonzero(model.must).tolist():
        asked.add(every[column] == 1)
    asked.maximize(cp_model.LinearExpr.weighted_sum(every, model.values.tolist()))
    for variable, chosen in zip(every, () if start is None else start.tolist(), strict=start is not None):
        asked.add_hint(variable, chosen)
    solver = solver_of(effort=effort)
    if isfinite(until):
        solver.parameters.max_time_in_seconds = max(0.0, until - monotonic())
    if solver.solve(asked) not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        return Answer(None, UNKNOWN, monotonic() >= until)
    limit = solver.best_objective_bound
    known = _widest(model) < SAFE_SUM and limit < EXACT_FLOAT
    chosen = np.array([bool(solver.value(variable)) for variable in every], dtype=np.bool_)
    return Answer(chosen, model.base + floor(limit + 1e-6) if known else UNKNOWN, monotonic() >= until)


class _Silent(highspy.Highs):
    """HiGHS greets on standard output when callbacks are enabled, which its constructor does."""

    def enableCallbacks(self) -> None:
        """Be silent first."""
        self.silent()
        super().enableCallbacks()  # type: ignore[no-untyped-call]


def by_highs(model: Servings, *, start: Bools | None, effort: float, until: float = inf) -> Answer:
    """By HiGHS, a branch and cut on linear programs; its bound is rounded down with some slack for its floats."""
    divisor = gcd(*model.values.tolist()) or 1
    solver = _highs(model, divisor=divisor)
    if start is not None:
        hint = highspy.HighsSolution()
        hint.col_value = start.astype(np.float64).tolist()
        solver.setSolution(hint)
    looks = iter(range(int(effort / LOOK / max(500, len(model.places)))))

    def look(event: Any) -> None:
        if next(looks, None) is None or monotonic() >= until:
            event.interrupt()

    solver.cbMipInterrupt += look
    solver.run()
    said = solver.getInfo()
    if said.primal_solution_status != highspy.SolutionStatus.kSolutionStatusFeasible:
        return Answer(None, UNKNOWN, monotonic() >= until)
    limit = said.mip_dual_bound
    sums = int(model.values.sum()) // divisor
    known = isfinite(limit) and max(sums, _widest(model)) < PRECISE_SUM
    bound = model.base + floor(limit + 1e-3 + 1e-12 * abs(limit)) * divisor if known else UNKNOWN
    return Answer(np.array(solver.getSolution().col_value) > 0.5, bound, monotonic() >= until)


def _highs(model: Servings, *, divisor: int) -> highspy.Highs:
    """The linear program; values are divided by their common divisor, so a gap below 1 is a proof."""
    program = highspy.HighsLp()
    columns, rows = len(model.places), len(model.rows)
    program.sense_ = highspy.ObjSense.kMaximize
    program.num_col_, program.num_row_ = columns, rows
    program.col_cost_ = (model.values // divisor).astype(np.float64)
    program.col_lower_, program.col_upper_ = model.must.astype(np.float64), np.ones(columns)
    program.row_lower_ = np.array([row.limit if row.full else -highspy.kHighsInf for row in model.rows])
    program.row_upper_ = np.array([row.limit for row in model.rows], dtype=np.float64)
    none = [np.zeros(0, dtype=np.int64)]
    program.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    program.a_matrix_.start_ = np.cumsum([0, *(len(row.columns) for row in model.rows)])
    program.a_matrix_.index_ = np.concatenate([row.columns for row in model.rows] or none)
    program.a_matrix_.value_ = np.concatenate([row.weights for row in model.rows] or none).astype(np.float64)
    program.integrality_ = [highspy.HighsVarType.kInteger] * columns
    solver = _Silent()  # type: ignore[no-untyped-call]
    for name, value in {
        "output_flag": False,
        "threads": 1,
        "random_seed": 7,
        "mip_rel_gap": 0.0,
        "mip_abs_gap": 0.9,
    }.items():
        solver.setOptionValue(name, value)
    solver.passModel(program)
    return solver


def _widest(model: Servings) -> int:
    return max((int(abs(row.weights).sum()) for row in model.rows), default=0)


ASSIGNERS: dict[str, Assigner] = {"highs": by_highs, "cp_sat": by_cp_sat}
"""In the order in which they are asked: each starts from the best plan before it."""
