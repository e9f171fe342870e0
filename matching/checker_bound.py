"""The judge's bounds: what no plan can exceed, from the published prices alone.

What enters: a problem and a plan with prices. What leaves: `Priced`: prices by limit and tier, and the bound of the
whole and of every leading run of cells: Σ price·limit + Σ over needs of the most a need could score if every unit paid
the prices of its resource, its earmark and all above, its household's maximum and caps. Any prices ≥ 0 prove some
bound. Called by `checker`; `checker_unique` uses the prices of all tiers.

Where a need may combine resources, lots and minima only round the most that one can give, and exclusive groups are left
out: both can only raise the bound. A need with one provider or served by `units_used` gets its exact best.
"""

from __future__ import annotations

import numpy as np

from matching.checker_case import FAR, Case, Fault, Numbers, summed
from matching.model import Problem
from matching.plan import Plan

TIERS = 12
"""Coverage, promises, cost and the nine lots that SHA-256 holds."""


class Priced(Case):
    """A case with the prices that the plan publishes."""

    def __init__(self, problem: Problem, plan: Plan) -> None:
        super().__init__(problem, plan)
        self._read_prices()
        self._read_wishes()

    def _read_prices(self) -> None:
        """One row of prices per limit, one column per tier; `paid` sums them from a limit to the common sink."""
        rows: dict[tuple[int, int], int] = {}
        self.misplaced: list[Fault] = []
        for p in self.plan.prices:
            at = self.row(p.kind, p.id, home=p.household_id), p.tier - 1
            if not at[0] or not 0 <= at[1] < TIERS or at in rows:
                code = "price_twice" if at in rows else "price_of_nothing"
                self.misplaced.append(Fault(code, f"{p.kind} {p.id} {p.household_id} in tier {p.tier}"))
            rows[at] = p.price
        self.scale, steps = max(1, self.said.price_scale), 3 + len(self.problem.earmarks) + self.caps.shape[1]
        top, first = (max((abs(p) for (_, t), p in rows.items() if t < tiers), default=0) for tiers in (TIERS, 1))
        units = sum(self.open.tolist()) + sum(self.limits.tolist()) + 4 * len(self.needs) + 1
        small = (4 * self.policy.levels * self.scale + first * steps) * units + top * steps < 2**61
        tiers = max((tier + 1 for _, tier in rows if tier < TIERS), default=1)
        self.price = np.zeros((len(self.limits), tiers), np.int64 if small else object)
        for (row, tier), price in rows.items():
            if row and 0 <= tier < TIERS:
                self.price[row, tier] = price
        self.paid, step = self.price.copy(), self.above
        while step.any():
            self.paid, step = self.paid + self.price[step], self.above[step]
        ranks = self.policy.ranks()
        table = [[ranks[u, k + 1] * self.scale for k in range(self.policy.levels)] for u in range(4)]
        self.worth = np.array(table, self.price.dtype)[self.urgency]

    def _read_wishes(self) -> None:
        """What any cut of prices leaves of each need's wishes: cutting never changes the order of its tolls.

        Of what a need may combine, the pinned units come first, then the cheapest, until it would be full.
        """
        n, forced = self.pn, np.flatnonzero((self.used < 0) & (self.least > 0))
        reach = summed(n, self.most, size=len(self.needs))
        self.pinned = summed(n, self.least, size=len(self.needs)) > 0
        self.alone = np.flatnonzero(
            (self.most > 0)
            & ((self.used >= 0) | (self.one[n] > 0))
            & (~self.pinned[n] | (self.least > 0))
            & ((self.used < 0) | (self.least <= self.used))
        )
        fits = (self.used < 0) & (self.one[n] == 0) & ((self.whole == 0) | (reach >= self.open))[n]
        forced, pairs = (np.flatnonzero(fits & (x > 0)) for x in (self.least, self.most))
        part, amount = (
            np.append(forced, pairs),
            np.append(self.least[forced], np.maximum(self.most - self.least, 0)[pairs]),
        )
        toll, first = self.paid[self.node[part], 0], np.arange(len(part)) < len(forced)
        order = np.argsort((n[part] * 2 - first) * (toll.max(initial=0) + 1) + toll, kind="stable")
        part, amount, first = part[order], amount[order], first[order]
        before = np.cumsum(amount) - amount
        start = before - np.maximum.accumulate(np.where(np.diff(n[part], prepend=-1) > 0, before, 0))
        kept = start < self.open[n[part]]
        self.some, self.must = part[kept], (first | (self.whole[n[part]] > 0))[kept]
        self.inside = self.fill(n[self.some], (start + amount)[kept]) - self.fill(n[self.some], start[kept])
        self.slack = np.flatnonzero((self.price[:, 0] > 0) & (self.use < self.limits))
        place, reached = np.full(len(self.limits), -1), np.zeros((len(self.slack), len(self.sorts)), bool)
        place[self.slack] = np.arange(len(self.slack))
        for at in self.ways(np.arange(len(n))) if len(self.slack) else ():
            hit = np.flatnonzero(place[at] >= 0)
            reached[place[at[hit]], self.sort[n[hit]]] = True
        self.open_to = np.nonzero(reached)

    def run(self, last: int) -> tuple[Numbers, Numbers]:
        """Bound and score of the cells ranked `last` or better, by category, then (-1) of all.

        Σ cut price · (limit less what others took of it), for a category that is: what its own units pay, and what is
        left over; then the best response of each of its needs.
        """

        def cut(prices: Numbers) -> Numbers:
            return np.where(prices >= last * self.scale, prices, 0)

        def total(amounts: Numbers) -> Numbers:
            found = summed(self.sort, amounts, size=len(self.sorts) + 1)
            found[-1] = found.sum()
            return found

        (price, paid), lines = (self.price[:, 0], self.paid[:, 0]), np.flatnonzero(self.units)
        worth, caps, way = cut(self.worth), cut(price[self.caps]).sum(axis=1), cut(paid)
        price = np.where(np.arange(len(price)) < self.first[3], way - cut(paid - price), cut(price))
        n = self.pn[lines]
        own = summed(n, way[self.node[lines]] * self.units[lines] + caps[n] * self.counted[lines], size=len(self.needs))
        bound = total(self._best(worth, way=way, caps=caps) + own)
        left, (rows, sorts) = price * (self.limits - self.use), self.open_to
        bound += summed(sorts, left[self.slack[rows]], size=len(bound))
        bound[-1] += left.sum()
        most, score = (total((units * worth).sum(axis=1)) // self.scale for units in (self.size, self.filled))
        return np.minimum(bound // self.scale, most), score

    def _best(self, worth: Numbers, *, way: Numbers, caps: Numbers) -> Numbers:
        """The most that each need can keep of the worth of its units after paying for their way and its caps."""
        best = np.where(self.pinned, -FAR, 0).astype(worth.dtype)
        n = self.pn[self.some]
        margin = worth[n] - (way[self.node[self.some]] + caps[n])[:, None]
        best[n] = 0
        np.add.at(best, n, (self.inside * np.where(self.must[:, None], margin, np.maximum(margin, 0))).sum(axis=1))
        i = self.alone
        n, r, used, most, supply = self.pn[i], self.pr[i], self.used[i], self.most[i], way[self.node[i]]
        lot, fixed = np.where(used < 0, self.lot[r], 1), (self.whole[n] > 0) | (used >= 0)
        low = -(-np.maximum(np.maximum(self.least[i], self.floor[r]), 1) // lot) * lot
        pays = ((worth[n] > (supply + caps[n])[:, None]) * self.size[n]).sum(axis=1) // lot * lot
        for wish in (pays, pays + lot):
            units = np.where(fixed, self.open[n], np.clip(wish, low, most))
            fits = (used >= 0) | ((low <= units) & (units <= most) & (units % lot == 0))
            kept = (
                (worth[n] * self.fill(n, units)).sum(axis=1)
                - supply * np.where(used < 0, units, used)
                - caps[n] * units
            )
            np.maximum.at(best, n[fits], kept[fits])
        return np.where(self.pinned & (best > -FAR), best, np.maximum(best, 0))


def proven_bound(problem: Problem, plan: Plan) -> int:
    """The bound that the tier-1 prices prove, rounded down: a score is whole."""
    return int(Priced(problem, plan).run(1)[0][-1])
