"""The judge's look at whole households: by how much the bound falls when a household may not mix plans.

What enters: the judge's `Case`, what each need can keep at the prices, and the prices that count. What leaves: one
number to take off the bound. Called by `checker` only; shares no code with the solvers. Where a household cap has a
price, the price bound lets the household fill its cap with parts of several plans, such as half a lot. Here such a
household is asked as one: every number of units for every need, then all needs under a cap together, up to its limit.
No plan can give it more, so what its caps' prices claim beyond that comes off.
"""

from __future__ import annotations

import numpy as np

from matching.checker_case import Case
from matching.checker_numbers import Numbers, summed

LONGEST, DEAREST, NONE = 1_000, 2**40, -(2**60)
"""Most units of a need under its caps, highest toll that is added up, and the worth of what cannot be."""


def over_claimed(case: Case, best: Numbers, *, way: Numbers, caps: Numbers) -> int:
    """Σ over households of what their caps' prices claim beyond the best that the household could keep.

    `best` (N,) holds what each need keeps at all prices, `way` (M,) and `caps` (N, width) the prices that count.
    """
    if case.scale >= DEAREST // LONGEST or not (caps > 0).any():
        return 0
    lines = np.flatnonzero(case.units)
    kept = (case.filled * case.worth).sum(axis=1)
    kept = kept - summed(case.pn[lines], way[case.node[lines]] * case.units[lines], size=len(kept))
    pairs, total = np.flatnonzero(case.most > 0), 0
    n, r, homes = case.pn[pairs], case.pr[pairs], len(case.homes)
    bounds = np.searchsorted(n, np.arange(len(case.open) + 1))
    hard = (case.lot[r] > 1) | (case.floor[r] > 1) | (case.one[n] > 0) | (case.whole[n] > 0) | (case.used[pairs] >= 0)
    asked = (summed(case.home[n], hard.astype(np.int64), size=homes) > 0) & (
        summed(case.home[n], case.least[pairs], size=homes) == 0
    )
    priced = np.zeros(homes, bool)
    priced[case.home[(caps > 0).any(axis=1)]] = True
    under = np.unique(n[(asked & priced)[case.home[n]] & case.caps[n].any(axis=1)])
    order = under[np.argsort(case.home[under], kind="stable")]
    for needs in np.split(order, np.flatnonzero(np.diff(case.home[order])) + 1) if len(order) else ():
        rows, first = np.unique(case.caps[needs], return_index=True)
        prices = caps[needs].ravel()[first]
        claimed = int(best[needs].sum()) + sum(
            int(p) * int(case.limits[row]) for row, p in zip(rows, prices, strict=True)
        )
        if claimed > int(kept[needs].sum()):
            most = _most(case, needs, pairs=[pairs[bounds[n] : bounds[n + 1]] for n in needs.tolist()], way=way)
            total += 0 if most is None else max(0, claimed - most)
    return total


def _most(case: Case, needs: Numbers, *, pairs: list[Numbers], way: Numbers) -> int | None:
    """The most that the household of these needs, each with its pairs, keeps after paying for their way; None if it is
    not worked out."""
    blocks: list[tuple[set[int], Numbers]] = []
    for need, mine in zip(needs.tolist(), pairs, strict=True):
        held = case.caps[need][case.caps[need] > 0]
        length = min(int(case.open[need]), int(case.limits[held].min()))
        take = np.where(case.used[mine] < 0, 1, np.maximum(case.used[mine], 1))
        if length > LONGEST or max(take.tolist()) >= DEAREST:
            return None
        if any(t >= DEAREST // k for t, k in zip(way[case.node[mine]].tolist(), take.tolist(), strict=True)):
            return None
        blocks.append(({need}, _alone(case, need, pairs=mine, way=way, length=length)))
    chains = {row: {n for n in needs.tolist() if (case.caps[n] == row).any()} for row in np.unique(case.caps[needs])}
    chains.pop(0, None)
    for row in sorted(chains, key=lambda row: (len(chains[row]), case.limits[row])):
        room, held_by = int(case.limits[row]), chains[row]
        if any(block & held_by and block - held_by for block, _ in blocks):
            return None
        joined = np.zeros(1, np.int64)
        for block, table in blocks:
            if block <= held_by:
                sums = joined[:, None] + table[None, : room + 1]
                units = np.add.outer(np.arange(len(joined)), np.arange(sums.shape[1]))
                better = np.full(int(units.max()) + 1, NONE)
                np.maximum.at(better, units.ravel(), np.maximum(sums, NONE).ravel())
                joined = better[: room + 1]
        blocks = [(block, table) for block, table in blocks if not block <= held_by] + [(held_by, joined)]
    return sum(int(table.max()) for _, table in blocks)


def _alone(case: Case, need: int, *, pairs: Numbers, way: Numbers, length: int) -> Numbers:
    """What one need keeps if it receives exactly 0, 1, … units."""
    wanted, whole, alone = int(case.open[need]), case.whole[need] > 0, case.one[need] > 0
    cost, far = np.full(length + 1, -NONE), -NONE
    cost[0], r = 0, case.pr[pairs]
    plain = (case.lot[r] == 1) & (case.floor[r] <= 1) & (case.used[pairs] < 0) & (not alone)
    tolls = np.repeat(way[case.node[pairs[plain]]], np.minimum(case.most[pairs[plain]], length)).astype(np.int64)
    cheapest = np.cumsum(np.sort(tolls)[:length])
    cost[1 : len(cheapest) + 1] = cheapest
    for pair in pairs[~plain].tolist():
        toll, used, r = int(way[case.node[pair]]), int(case.used[pair]), case.pr[pair]
        lot, floor, before = int(case.lot[r]), int(case.floor[r]), cost.copy()
        units = [wanted] if used >= 0 else range(-(-max(floor, 1) // lot) * lot, int(case.most[pair]) + 1, lot)
        for amount in units:
            if amount > length:
                break
            paid = toll * (used if used >= 0 else amount)
            if alone or used >= 0:
                cost[amount] = min(int(cost[amount]), paid)
            else:
                cost[amount:] = np.minimum(cost[amount:], before[: length + 1 - amount] + paid)
    if whole:
        cost[1 : min(wanted, length + 1)] = far
    gain = (case.fill(np.full(length + 1, need), np.arange(length + 1)) * case.worth[need]).sum(axis=1)
    return np.where(cost < far, gain.astype(np.int64) - cost, NONE)
