"""The best score of a tiny problem by two solvers of their own, with a model that the package does not use.

In: a `Problem`. Out: the best score, or None where nothing keeps the pins. One Boolean for each thing that a need may
receive (`receipts`), one of them for each need, and the shared limits as sums: HiGHS for small amounts, CP-SAT (whole
numbers, no presolve) for large ones, which HiGHS would see through its tolerances only. Called by the campaigns.
"""

from __future__ import annotations

from collections import defaultdict

import numpy as np
from ortools.sat.python import cp_model
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import lil_array

from matching.model import Problem
from tests.matching.oracle import Shared
from tests.matching.receipts import receipts

Rows = list[tuple[dict[int, int], int, int]]
"""Coefficients by column, least and most."""


def _model(problem: Problem) -> tuple[list[int], Rows] | None:
    """The score of each column (receipts, then who holds an exclusive group) and the rows; None if a need has none."""
    shared = Shared(problem)
    scores: list[int] = []
    rows: Rows = []
    limits: dict[tuple[str, ...], dict[int, int]] = defaultdict(dict)
    drawn: dict[tuple[str, str, str], list[int]] = defaultdict(list)
    for need in problem.needs:
        found = receipts(problem, need=need)
        if not found:
            return None
        rows.append(({len(scores) + place: 1 for place in range(len(found))}, 1, 1))
        for receipt in found:
            for key, units in shared.uses(need=need, receipt=receipt).items():
                limits[key][len(scores)] = units
            for group in shared.groups(need=need, receipt=receipt):
                drawn[group].append(len(scores))
            scores.append(receipt.objective[1])
    rows += [(columns, 0, shared.limits[key]) for key, columns in limits.items()]
    holders: dict[tuple[str, str], dict[int, int]] = defaultdict(dict)
    for (household, name, _), columns in drawn.items():
        holders[household, name][len(scores)] = 1
        rows += [({column: 1, len(scores): -1}, -1, 0) for column in columns]
        scores.append(0)
    return scores, rows + [(columns, 0, 1) for columns in holders.values()]


def by_highs(problem: Problem) -> int | None:
    """The best score by HiGHS's branch and bound, recomputed in whole numbers from the columns that it chose."""
    made = _model(problem)
    if made is None or not made[0]:
        return None if made is None else 0
    scores, rows = made
    matrix = lil_array((len(rows), len(scores)))
    for place, (columns, _, _) in enumerate(rows):
        for column, amount in columns.items():
            matrix[place, column] = amount
    between = LinearConstraint(matrix.tocsr(), [low for _, low, _ in rows], [high for _, _, high in rows])
    found = milp(
        -np.array(scores, dtype=float), integrality=np.ones(len(scores)), bounds=Bounds(0, 1), constraints=between,
        options={"mip_rel_gap": 0.0},
    )  # fmt: skip
    if found.x is None:
        return None
    chosen = np.rint(found.x).astype(int)
    assert all(low <= sum(chosen[c] * a for c, a in columns.items()) <= high for columns, low, high in rows)
    return int(sum(score for score, taken in zip(scores, chosen, strict=True) if taken))


def by_cp_sat(problem: Problem) -> int | None:
    """The best score by CP-SAT over the same columns."""
    made = _model(problem)
    if made is None or not made[0]:
        return None if made is None else 0
    scores, rows = made
    model = cp_model.CpModel()
    taken = [model.new_bool_var("") for _ in scores]
    for columns, low, high in rows:
        model.add_linear_constraint(sum(taken[c] * a for c, a in columns.items()), low, high)
    model.maximize(sum(t * s for t, s in zip(taken, scores, strict=True)))
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.cp_model_presolve = False
    status = solver.solve(model)
    if status == cp_model.INFEASIBLE:
        return None
    assert status == cp_model.OPTIMAL
    chosen = [solver.value(variable) for variable in taken]
    assert all(low <= sum(chosen[c] * a for c, a in columns.items()) <= high for columns, low, high in rows)
    return sum(s for s, c in zip(scores, chosen, strict=True) if c)
