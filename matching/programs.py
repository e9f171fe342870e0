"""The choice of whole servings as a program for HiGHS: solved as it is, or its linear relaxation for prices.

What enters: `Servings`. What leaves: an `Answer`, or a price per row. Called by `assigners` and `bounding`. One thread,
a fixed seed, and work that is counted instead of the clock: the same question always has the same answer.
"""

from __future__ import annotations

from dataclasses import replace
from math import floor, gcd, inf, isfinite
from time import monotonic
from typing import Any

import highspy
import numpy as np
from numpy.typing import NDArray

from matching import highs
from matching.eligibility import Bools
from matching.parts import UNKNOWN
from matching.servings import Answer, Servings

PRECISE_SUM = 2**40
"""HiGHS counts in floats: beyond this its bound says nothing about whole numbers."""

CORE = 2
"""Servings per need that are looked at first."""

LOOK = 2e-6
"""Effort that HiGHS is charged for each column whenever it looks whether it should stop: about a second in all."""


def by_core(model: Servings, *, start: Bools | None, effort: float, until: float = inf) -> Answer:
    """By HiGHS among the servings that the linear relaxation likes best, and those of the start: a good plan early.

    It proves nothing, but what a good plan rules out nobody has to look at.
    """
    loss = _losses(model)
    near = np.zeros(len(model.places), dtype=np.bool_)
    near[np.argsort(loss, kind="stable")[: CORE * len(np.unique(model.need))]] = True
    near |= model.must | (model.places < 0) | (False if start is None else start)
    return replace(by_highs(model, start=start, effort=effort, until=until, among=near), bound=UNKNOWN)


def by_highs(
    model: Servings, *, start: Bools | None, effort: float, until: float = inf, among: Bools | None = None
) -> Answer:
    """By HiGHS, a branch and cut on linear programs; its bound is rounded down with some slack for its floats."""
    divisor = gcd(*model.values.tolist()) or 1
    solver = _highs(model, divisor=divisor, among=among)
    if start is not None:
        hint = highspy.HighsSolution()
        hint.col_value = start.astype(np.float64).tolist()
        solver.setSolution(hint)
    asked = len(model.places) if among is None else int(among.sum())
    looks = iter(range(int(effort / LOOK / max(500, asked))))

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
    known = isfinite(limit) and max(sums, model.widest) < PRECISE_SUM
    bound = model.base + floor(limit + 1e-3 + 1e-12 * abs(limit)) * divisor if known else UNKNOWN
    return Answer(np.array(solver.getSolution().col_value) > 0.5, bound, monotonic() >= until)


def _highs(model: Servings, *, divisor: int, among: Bools | None = None) -> highspy.Highs:
    """The linear program; values are divided by their common divisor, so a gap below 1 is a proof."""
    program = highspy.HighsLp()
    columns, rows = len(model.places), len(model.rows)
    program.sense_ = highspy.ObjSense.kMaximize
    program.num_col_, program.num_row_ = columns, rows
    program.col_cost_ = (model.values // divisor).astype(np.float64)
    program.col_lower_, program.col_upper_ = model.must.astype(np.float64), np.ones(columns)
    if among is not None:
        program.col_upper_ = among.astype(np.float64)
    program.row_lower_ = np.array([row.limit if row.full else -highspy.kHighsInf for row in model.rows])
    program.row_upper_ = np.array([row.limit for row in model.rows], dtype=np.float64)
    none = [np.zeros(0, dtype=np.int64)]
    program.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    program.a_matrix_.start_ = np.cumsum([0, *(len(row.columns) for row in model.rows)])
    program.a_matrix_.index_ = np.concatenate([row.columns for row in model.rows] or none)
    program.a_matrix_.value_ = np.concatenate([row.weights for row in model.rows] or none).astype(np.float64)
    program.integrality_ = [highspy.HighsVarType.kInteger] * columns
    solver = highs.solver(mip_abs_gap=0.9)
    solver.passModel(program)
    return solver


def relaxed_prices(model: Servings) -> NDArray[np.float64]:
    """The price of each row's limit where servings may be split, in the values' common divisor; shape (rows,)."""
    prices = np.array(_relaxed(model).row_dual, dtype=np.float64)
    return prices if len(prices) == len(model.rows) else np.zeros(len(model.rows))


def _losses(model: Servings) -> NDArray[np.float64]:
    """What the relaxation loses at least with each serving; shape (columns,)."""
    gains = np.array(_relaxed(model).col_dual, dtype=np.float64)
    return -gains if len(gains) == len(model.places) else np.zeros(len(model.places))


def _relaxed(model: Servings) -> Any:
    solver = _highs(model, divisor=gcd(*model.values.tolist()) or 1)
    program = solver.getLp()
    program.integrality_ = []
    solver.passModel(program)
    solver.run()
    return solver.getSolution()
