"""Three ways behind one interface: which whole servings are worth most?

What enters: `Servings`, a plan to start from and an effort. What leaves: an `Answer`: the servings chosen and a bound
on the value of any plan. Called by `assign`, in a child process that can be killed. `bound` is ours (`bounding`),
`highs` (`programs`) and `cp_sat` are solvers. All run on one thread with a fixed seed and count their work instead of
the clock, so the same question always has the same answer. Nothing they say is believed here: `assign` checks each plan
against the rules, and each bound against the plans of the others.
"""

from __future__ import annotations

from math import floor, inf, isfinite
from time import monotonic
from typing import Protocol

import numpy as np
from ortools.sat.python import cp_model

from matching.bounding import by_bound
from matching.constraints import SAFE_SUM
from matching.eligibility import Bools
from matching.hard import EXACT_FLOAT, solver_of
from matching.parts import UNKNOWN
from matching.programs import by_core, by_highs
from matching.servings import Answer, Servings


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
    known = model.widest < SAFE_SUM and limit < EXACT_FLOAT
    chosen = np.array([bool(solver.value(variable)) for variable in every], dtype=np.bool_)
    return Answer(chosen, model.base + floor(limit + 1e-6) if known else UNKNOWN, monotonic() >= until)


ASSIGNERS: dict[str, Assigner] = {"bound": by_bound, "core": by_core, "highs": by_highs, "cp_sat": by_cp_sat}
"""In the order in which they are asked: each starts from the best plan before it."""
