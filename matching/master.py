"""What a nation's shards should pay for what they share, and how much each may take.

What enters: the answers of all parts to the prices asked so far, and the stocks. What leaves: the next prices to ask,
the best bound so far, and in the end whole quotas per part. Called by `nation_rounds`. It is Dantzig–Wolfe with one
convexity row per part: the master problem mixes the answers of each part so that the stocks suffice; HiGHS solves it,
its duals are the next prices. Shared resources that no part joins are priced apart: each strand has its own master. The
nation is one network flow, so whole prices are among the best; everything published is recomputed in whole numbers, and
the floats of the master only guide.

Complexity: one linear program of R resources + parts rows and (rounds · parts) columns per strand and round.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import highspy
import numpy as np
from numpy.typing import NDArray

from matching import highs
from matching.shards import Answer

SCALE = 64
"""Prices are asked in 1/64 of a rank: between whole prices the answer of a part is unique."""

PULL = 0.3
"""How far the next prices are drawn from the master's towards the best so far."""

CLOSE = 1e-10
"""Bound minus mixture, as a share of the mixture, that is taken for the rounding of floats."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Mix:
    """The master's optimum: `prices` (R,) in ranks, `score` in all, `shares` one weight per column."""

    prices: Floats
    score: float
    shares: Floats


@dataclass(slots=True)
class Master:
    """All answers of one strand: shared resources that some part of a shard joins, and the parts that touch them.

    `stocks` (R,) are those of the strand, `top` is the highest rank, `touches` says for each part which of the R
    resources its answers name.
    """

    stocks: tuple[int, ...]
    top: int
    touches: tuple[tuple[int, ...], ...]
    columns: list[tuple[int, Answer]] = field(default_factory=list)
    """(part, answer), each pair once."""
    asked: set[tuple[int, ...]] = field(default_factory=set)
    """Prices asked so far, in 1/SCALE of a rank."""
    bound: int | None = None
    """The least bound so far, times SCALE."""
    best: tuple[int, ...] = ()
    """The prices (in 1/SCALE) that prove it."""
    whole_bound: int = 0
    whole: tuple[int, ...] = ()
    """The same among whole prices, in ranks."""
    mix: Mix | None = None

    def hear(self, prices: tuple[int, ...], answers: Sequence[Answer]) -> None:
        """Book what the parts, in their order, answer to `prices` (in 1/SCALE of a rank)."""
        if prices in self.asked:
            return
        self.asked.add(prices)
        known = set(self.columns)
        self.columns += [column for column in enumerate(answers) if column not in known]
        bound = sum(price * stock for price, stock in zip(prices, self.stocks, strict=True)) + sum(
            SCALE * answer.score - sum(prices[r] * used for r, used in zip(touched, answer.used, strict=True))
            for touched, answer in zip(self.touches, answers, strict=True)
        )
        if self.bound is None or bound < self.bound:
            self.bound, self.best = bound, prices
        if all(price % SCALE == 0 for price in prices) and (not self.whole or bound < self.whole_bound * SCALE):
            self.whole_bound, self.whole = bound // SCALE, tuple(price // SCALE for price in prices)

    def blend(self) -> Mix:
        """The best mixture of the answers that the stocks allow; once no use at all was heard there is one."""
        base = self._base()
        gains = np.array([answer.score - base[part] for part, answer in self.columns], dtype=np.float64)
        size = max(1.0, float(gains.max(initial=0.0)))
        stocks = np.maximum(np.array(self.stocks, dtype=np.float64), 1.0)
        shares, duals, worth = _solved(_model(self, gains / size, stocks=stocks))
        prices = np.clip(np.abs(duals[: len(stocks)]) * size / stocks, 0, self.top)
        self.mix = Mix(prices, worth * size + sum(base.values()), shares)
        return self.mix

    def _base(self) -> dict[int, int]:
        """The least score of each part: taken off, so that the program sees only what sharing is worth."""
        least: dict[int, int] = {}
        for part, answer in self.columns:
            least[part] = min(answer.score, least.get(part, answer.score))
        return least

    def next(self, *, whole: bool) -> tuple[int, ...]:
        """The prices to ask next, in 1/SCALE; those already known if nothing is left to ask.

        Whole ones, which alone are published, take turns with the master's own, drawn a little towards the best so far,
        for they would swing otherwise.
        """
        mix = self.mix or self.blend()
        if self.whole_bound - mix.score <= max(0.5, CLOSE * mix.score):
            return tuple(price * SCALE for price in self.whole)
        pulled = (1 - PULL) * mix.prices + PULL * np.array(self.best) / SCALE
        wishes = [np.rint(mix.prices) * SCALE, np.rint(pulled * SCALE), np.rint(mix.prices * SCALE)]
        for wish in wishes if whole else (*wishes[1:], wishes[0]):
            prices = tuple(int(price) for price in wish.tolist())
            if prices not in self.asked:
                return prices
        return tuple(price * SCALE for price in self.whole)


def _model(master: Master, gains: Floats, *, stocks: Floats) -> highspy.HighsLp:
    """Rows: one per shared resource (use ≤ stock, as shares of the stock), then one per part (weights sum to 1)."""
    columns = master.columns
    rows = len(stocks) + len(master.touches)
    dense = np.zeros((len(columns), len(stocks) + 1))
    index = np.broadcast_to(np.arange(len(stocks) + 1), dense.shape).copy()
    for at, (part, answer) in enumerate(columns):
        touched = list(master.touches[part])
        dense[at, touched] = np.array(answer.used) / stocks[touched]
        dense[at, -1], index[at, -1] = 1.0, len(stocks) + part
    kept = dense != 0
    model = highspy.HighsLp()
    model.num_col_, model.num_row_ = len(columns), rows
    model.sense_ = highspy.ObjSense.kMaximize
    model.col_cost_ = gains
    model.col_lower_, model.col_upper_ = np.zeros(len(columns)), np.full(len(columns), highspy.kHighsInf)
    fixed = np.ones(rows - len(stocks))
    model.row_lower_ = np.concatenate([np.full(len(stocks), -highspy.kHighsInf), fixed])
    model.row_upper_ = np.concatenate([np.ones(len(stocks)), fixed])
    model.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    model.a_matrix_.start_ = np.concatenate([[0], np.cumsum(kept.sum(axis=1))]).astype(np.int32)
    model.a_matrix_.index_ = index[kept].astype(np.int32)
    model.a_matrix_.value_ = dense[kept]
    return model


def _solved(model: highspy.HighsLp) -> tuple[Floats, Floats, float]:
    """Weights, row duals and optimum; one thread and a fixed seed, so that the same answers give the same prices."""
    solver: Any = highs.solver()
    solver.silent()
    for name, value in (("threads", 1), ("random_seed", 0), ("solver", "simplex")):
        solver.setOptionValue(name, value)
    solver.passModel(model)
    solver.run()
    if solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
        raise ArithmeticError(f"the master problem ended as {solver.modelStatusToString(solver.getModelStatus())}")
    found = solver.getSolution()
    return np.array(found.col_value), np.array(found.row_dual), float(solver.getInfo().objective_function_value)


def quotas(master: Master) -> dict[tuple[int, int], int]:
    """Whole quotas near the mixture by (part, resource), in sum never more than the stock.

    The fractions left over go to the largest remainders; what stays free goes to parts that could still use it. No
    quota is below what pins force, because no answer is.
    """
    mix = master.mix or master.blend()
    found: dict[tuple[int, int], int] = {}
    for r, stock in enumerate(master.stocks):
        parts = [part for part, touched in enumerate(master.touches) if r in touched]
        place = {part: at for at, part in enumerate(parts)}
        wanted, most = np.zeros(len(parts)), np.zeros(len(parts), dtype=np.int64)
        least = np.full(len(parts), stock, dtype=np.int64)
        for weight, (part, answer) in zip(mix.shares.tolist(), master.columns, strict=True):
            if part in place:
                used, at = answer.used[master.touches[part].index(r)], place[part]
                wanted[at] += weight * used
                most[at], least[at] = max(used, most[at]), min(used, least[at])
        given = _dealt(wanted, stock=stock, least=least, most=np.minimum(most, stock))
        found |= {(part, r): units for part, units in zip(parts, given, strict=True)}
    return found


def _dealt(wanted: Floats, *, stock: int, least: NDArray[np.int64], most: NDArray[np.int64]) -> list[int]:
    """Whole numbers near `wanted` that sum to at most `stock`, between `least` and `most` where the stock allows."""
    near = np.where(np.abs(wanted - np.round(wanted)) < 1e-6, np.round(wanted), wanted)
    given = [max(low, int(x)) for low, x in zip(least.tolist(), np.floor(near).tolist(), strict=True)]
    fractions = (near - np.floor(near)).tolist()
    order = sorted(range(len(given)), key=lambda at: (-fractions[at], at))
    # Floats can overshoot by a unit or two: taken back from those with the smallest fraction.
    for at in reversed(order):
        back = min(max(0, sum(given) - stock), given[at] - int(least[at]))
        given[at] -= back
    for at in order:
        if fractions[at] > 0 and sum(given) < stock:
            given[at] += 1
    for at in order:
        given[at] += max(0, min(stock - sum(given), int(most[at]) - given[at]))
    return given
