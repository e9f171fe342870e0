"""The first assigner, and the only one that is ours: prices, fillings, repairs; and a narrower question for the others.

What enters: `Servings` (with a plan to start from) and an effort. What leaves: an `Answer` with the best plan, a bound
in whole numbers, and the same question without the servings that no better plan uses. Called by `assign` through
`assigners`. Where some rule does not fit plain assignment (see `bins`) it says nothing.
"""

from __future__ import annotations

from dataclasses import replace
from math import gcd, inf
from time import monotonic

import numpy as np

from matching.bins import Bins, bins
from matching.eligibility import Bools
from matching.lagrange import SCALE, search
from matching.network import Ints
from matching.parts import UNKNOWN
from matching.programs import relaxed_prices
from matching.servings import Answer, Row, Servings, serves_one

PRECISE_VALUES = 2**40
"""Sums of values beyond this leave no room in 64 bits for `SCALE`, nor for what must not be given up."""


def by_bound(model: Servings, *, start: Bools | None, effort: float, until: float = inf) -> Answer:
    """By prices on the needs: the best repaired plan, and a bound that rests on no solver's word."""
    asked = bins(model)
    if asked is None or int(model.values.sum()) >= PRECISE_VALUES:
        return Answer(None, UNKNOWN)
    divisor = gcd(*model.values.tolist()) or 1
    asked = replace(asked, value=asked.value // divisor)
    prices = _first_prices(model, asked)
    plan = None if start is None else asked.placed(start)
    found = search(asked, prices=prices, plan=plan, effort=effort, until=until)
    if found.plan is None:
        return Answer(None, UNKNOWN, monotonic() >= until)
    chosen = asked.chosen(found.plan, columns=len(model.places))
    narrower = None if found.proven else narrowed(model, found.bins, plan=found.plan)
    return Answer(chosen, model.base + found.bound * divisor, monotonic() >= until, narrower)


def _first_prices(model: Servings, asked: Bins) -> Ints:
    """What each need is worth to the linear relaxation: its best value less the price of the room, in 1/`SCALE`."""
    rows = relaxed_prices(model)
    rent = np.array([price for row, price in zip(model.rows, rows, strict=True) if not serves_one(model, row)] + [0.0])
    left = np.where(asked.can, asked.value - rent * asked.weight, -np.inf)
    prices: Ints = np.rint(left.max(axis=1) * SCALE).astype(np.int64)
    return prices


def narrowed(model: Servings, asked: Bins, *, plan: Ints) -> Servings:
    """The question with only those servings that a better plan may use, and those of the plan itself."""
    can = asked.can.copy()
    can[np.arange(len(plan)), plan] = True
    kept = np.zeros(len(model.places), dtype=np.bool_)
    kept[asked.column[can & (asked.column >= 0)]] = True
    out = can[:, -1] & (asked.column[:, -1] < 0)
    needs = np.unique(model.need)[~out & ~can[:, -1]]
    place = np.cumsum(kept) - 1
    rows = []
    for row in model.rows:
        mine = kept[row.columns]
        if mine.any():
            full = row.full or (serves_one(model, row) and bool(np.isin(model.need[row.columns[0]], needs)))
            rows.append(Row(place[row.columns[mine]].astype(np.int64), row.weights[mine], row.limit, full))
    return replace(
        model, places=model.places[kept], need=model.need[kept], values=model.values[kept], takes=model.takes[kept],
        must=model.must[kept], helper=model.helper[kept], rows=tuple(rows),
    )  # fmt: skip
