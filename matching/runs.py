"""How far each leading run of cells is from its own best, where no flow proves it to be best.

What enters: the pairs, units and tier-1 prices of hard parts (or of parts nobody had time for). What leaves: for each
leading run of the policy's cells, a bound minus the score of the run. Called by `certify`. The bound of a run is that
of the whole with later ranks 0 and prices cut down to what the run is worth; it is honest for any prices.
"""

from __future__ import annotations

import numpy as np

from matching.compiled import Compiled
from matching.network import Ints, level_sizes, rank_table
from matching.parts import filled, receipts
from matching.prices import LimitPrices, limits_worth, pair_tolls
from matching.responses import best_responses

MOST = 4_000_000
"""Pairs times runs up to which every run is bounded by its own prices."""


def run_gaps(compiled: Compiled, *, pairs: Ints, units: Ints, prices: LimitPrices) -> list[int]:
    """Bound minus score of every leading run, the first cell's first; `pairs` ascending. O(runs · pairs)."""
    needs = np.unique(compiled.pair_need[pairs]).astype(np.int64)
    ranks = rank_table(compiled)[compiled.urgency[needs]]
    sizes, got = (
        level_sizes(compiled, needs),
        filled(compiled, needs=needs, received=receipts(compiled, pairs=pairs, units=units)),
    )
    runs = len(compiled.problem.policy.order)
    whole = _bound(compiled, pairs=pairs, prices=prices, last=1)
    gaps = []
    for last in range(runs, 0, -1):
        worth = np.where(ranks >= last, ranks, 0)
        most = min(whole, int((sizes * worth).sum()))
        if len(pairs) * runs <= MOST:
            most = min(most, _bound(compiled, pairs=pairs, prices=cut(compiled, prices, last=last), last=last))
        gaps.append(most - int((got * worth).sum()))
    return gaps


def _bound(compiled: Compiled, *, pairs: Ints, prices: LimitPrices, last: int) -> int:
    tolls = pair_tolls(compiled, prices, pairs=pairs)
    best = best_responses(compiled, pairs=pairs, tolls=tolls, last=last)
    return limits_worth(compiled, prices) + int(best.worth.sum())


def cut(compiled: Compiled, prices: LimitPrices, *, last: int) -> LimitPrices:
    """The prices with everything below rank `last` taken as nothing.

    What a unit pays on its way from the fund to the household is cut as a whole, so that it stays a sum of prices ≥ 0.
    """
    above = {row.earmark: row.parent or None for row in compiled.problem.earmarks}
    paid: dict[str | None, int] = {None: 0}

    def fund(name: str | None) -> int:
        if name not in paid:
            paid[name] = fund(above[name] if name else None) + prices.get(("earmark", name or "", ""), 0)
        return paid[name]

    def worth(amount: int) -> int:
        return amount if amount >= last else 0

    marks = {row.resource_id: row.earmark or None for row in compiled.problem.resources}
    found: LimitPrices = {}
    for (kind, name, household), price in prices.items():
        if kind == "earmark":
            start = fund(above[name])
        elif kind == "household_cap":
            start = 0
        else:
            start = fund(marks[name]) + (prices.get(("resource", name, ""), 0) if kind == "max_per_household" else 0)
        found[kind, name, household] = worth(start + price) - worth(start)
    return found
