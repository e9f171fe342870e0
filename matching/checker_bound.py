"""The judge's bound: what no plan can exceed at the published prices, for all cells and for every leading run of them.

What enters: the judge's `Case`. What leaves: bound and score by category. Called by `checker` only; shares no code with
the solvers. Every unit pays the prices of its resource, its earmark and all above, its household's maximum and caps;
Σ price·limit + Σ over needs of the most a need could keep is what no plan can exceed, whatever the prices ≥ 0. Where
hard rules meet household caps, the household is asked as one instead (`checker_homes`). Parts of needs that pay the
same for units of the same worth are added up once, so that forty runs cost little more than one.
"""

from __future__ import annotations

import numpy as np

from matching.checker_case import Case
from matching.checker_homes import over_claimed
from matching.checker_numbers import FAR, Numbers, summed

Parts = tuple[Numbers, Numbers, Numbers]
"""What needs may combine: pairs, whether each has to be taken, and its units in every level."""


class Bounds:
    """What no plan can exceed, for the whole and for every leading run of cells.

    Where a need may combine resources, lots and minima only round the most that one can give, and exclusive groups are
    left out: both can only raise the bound. A need with one provider or served by `units_used` gets its exact best.
    """

    def __init__(self, case: Case) -> None:
        self.case, n, size = case, case.pn, len(case.needs)
        reach, pinned = (summed(n, units, size=size) for units in (case.most, case.least))
        self.pinned, free, entire = pinned > 0, (case.used < 0) & (case.one[n] == 0), case.whole > 0
        entire[n[case.used >= 0]] = True
        able = ~entire | (
            np.minimum(reach, np.where(case.caps > 0, case.limits[case.caps], FAR).min(1, initial=FAR)) >= case.open
        )
        self.alone = np.flatnonzero(able[n] & (case.most > 0) & ~free & ((case.least > 0) | ~self.pinned[n]))
        # what a need may combine: pinned units first, then the cheapest until it is full; cut prices keep this order
        free &= able[n]
        forced, others = (np.flatnonzero(free & (units > 0)) for units in (case.least, case.most))
        part, first = np.append(forced, others), np.arange(len(forced) + len(others)) < len(forced)
        amount = np.append(case.least[forced], np.maximum(case.most - case.least, 0)[others])
        toll = case.paid[case.node[part], 0]
        order = np.argsort((n[part] * 2 - first).astype(toll.dtype) * (toll.max(initial=0) + 1) + toll, kind="stable")
        part, amount, first = part[order], amount[order], first[order]
        before = np.cumsum(amount) - amount
        start = before - np.maximum.accumulate(np.where(np.diff(n[part], prepend=-1) > 0, before, 0))
        kept = start < case.open[n[part]]
        some, must, start = part[kept], (first | (case.whole[n[part]] > 0))[kept, None], start[kept]
        inside = case.fill(n[some], start + amount[kept]) - case.fill(n[some], start)
        self.single: Parts = some, must, inside
        self.joined: Parts = self._joined(some, must, inside)
        self.size, self.filled = (self._cells(units) for units in (case.size, case.filled))
        self.open_to = np.zeros((len(case.limits), len(case.sorts) + 1), bool)
        self.open_to[:, -1] = True
        for at in case.ways(np.arange(len(n))) if (case.price[case.use < case.limits, 0] > 0).any() else ():
            self.open_to[at, case.sort[n]] = True

    def _joined(self, some: Numbers, must: Numbers, inside: Numbers) -> Parts:
        """The same parts, those alike of needs that may take any of them as one part of the first such need."""
        case, n = self.case, self.case.pn[some]
        apart = self.pinned[n] | (case.whole[n] > 0)
        looks = [case.sort[n] * 4 + case.urgency[n], case.paid[case.node[some], 0], *case.price[case.caps[n], 0].T]
        look = np.where(apart, np.arange(1, len(n) + 1), 0)
        for values in looks:
            look = np.unique(look, return_inverse=True)[1] * (len(n) + 1) + np.unique(values, return_inverse=True)[1]
        order = np.argsort(look, kind="stable")
        first = np.flatnonzero(np.diff(look[order], prepend=-1))
        units = np.add.reduceat(inside[order], first, axis=0) if len(first) else inside
        return some[order[first]], must[order[first]], units

    def _cells(self, units: Numbers) -> Numbers:
        """The units of all needs of each category, urgency and level."""
        case = self.case
        kinds = case.sort * 4 + case.urgency
        found = np.zeros((len(case.sorts) * 4, units.shape[1]), np.int64)
        np.add.at(found, kinds, units)
        return found.reshape(-1, 4, units.shape[1])

    def run(self, last: int) -> tuple[Numbers, Numbers]:
        """Bound and score of the cells ranked `last` or better, by category, then (-1) of all.

        All cells together are bounded by whole households too, and beside the others no category gains more than all.

        Σ cut price · (limit less what others took of it), for a category that is: what its own units pay, and what is
        left over; then the best response of each of its needs.
        """
        case, supply = self.case, np.arange(len(self.case.limits)) < self.case.first_cap

        def cut(prices: Numbers) -> Numbers:
            return np.where(prices >= last * case.scale, prices, 0)

        def total(sorts: Numbers, amounts: Numbers) -> Numbers:
            found = summed(sorts, amounts, size=len(case.sorts) + 1)
            found[-1] = found.sum()
            return found

        price, paid, worth, lines = case.price[:, 0], case.paid[:, 0], cut(case.ranked), case.lines
        way, caps, n = cut(paid), cut(price[case.caps]).sum(axis=1), case.pn[lines]
        left = np.where(supply, way - cut(paid - price), cut(price)) * (case.limits - case.use)
        own = way[case.node[lines]] * case.units[lines] + caps[n] * case.counted
        best = self._best(self.single if last == 1 else self.joined, worth, way=way, caps=caps)
        bound = total(case.sort, best) + total(case.sort[n], own)
        some = np.flatnonzero(left)
        bound += (left[some, None] * self.open_to[some]).sum(axis=0)
        kinds = np.arange(len(case.sorts))
        most, score = (total(kinds, (x * worth).sum(axis=(1, 2))) // case.scale for x in (self.size, self.filled))
        if last == 1:
            bound[-1] -= over_claimed(case, best, way=way, caps=cut(price[case.caps]))
            most[:-1] = np.minimum(most[:-1], score[:-1] + bound[-1] // case.scale - score[-1])
        return np.minimum(bound // case.scale, most), score

    def _best(self, parts: Parts, ranked: Numbers, *, way: Numbers, caps: Numbers) -> Numbers:
        """The most that each need can keep of the worth of its units after paying for their way and its caps. Of joined
        parts it stands at the first need of each: their sum is told, not whose it is."""
        case, i, (some, must, inside) = self.case, self.alone, parts
        n, worth = case.pn[some], ranked[case.urgency[case.pn[some]]]
        best = np.where(self.pinned, -FAR, 0).astype(worth.dtype)
        margin = worth - (way[case.node[some]] + caps[n])[:, None]
        best[n] = 0
        np.add.at(best, n, (inside * np.where(must, margin, np.maximum(margin, 0))).sum(axis=1))
        n, r, used, most, toll = case.pn[i], case.pr[i], case.used[i], case.most[i], way[case.node[i]]
        lot, fixed = np.where(used < 0, case.lot[r], 1), (case.whole[n] > 0) | (used >= 0)
        low = -(-np.maximum(np.maximum(case.least[i], case.floor[r]), 1) // lot) * lot
        worth = ranked[case.urgency[n]]
        pays = ((worth > (toll + caps[n])[:, None]) * case.size[n]).sum(axis=1) // lot * lot
        for wish in (pays, pays + lot):
            units = np.where(fixed, case.open[n], np.clip(wish, low, most))
            fits = (used >= 0) | ((low <= units) & (units <= most) & (units % lot == 0))
            paid = toll * np.where(used < 0, units, used) + caps[n] * units
            np.maximum.at(best, n[fits], ((worth * case.fill(n, units)).sum(axis=1) - paid)[fits])
        return np.where(self.pinned & (best > -FAR), best, np.maximum(best, 0))
