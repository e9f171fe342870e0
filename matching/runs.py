"""How far each leading run of cells is from its own best, category by category.

What enters: a compiled problem, the units of every pair and the tier-1 prices. What leaves: for each category and each
leading run of the policy's cells, a bound minus the score of the run. Called by `certify`. The bound of a run is that
of the whole with later ranks 0 and the prices cut down to what the run is worth. `ALL` stands for all categories
together; for one category, what the others have taken from a shared limit stays with them, so that its gap says how
much more it could reach beside them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from matching.compiled import Compiled
from matching.entire import possible
from matching.network import Ints, Limit, level_sizes, rank_table
from matching.parts import filled, receipts
from matching.prices import LimitPrices, cap_rows, cap_tolls, limit_sizes, pair_tolls
from matching.responses import best_responses
from matching.rules import column, counted, flag

ALL = "*"

Gaps = dict[str, list[int]]
"""Category (or `ALL`) ► one gap per leading run of cells."""


def no_gaps(compiled: Compiled) -> Gaps:
    """A gap of 0 for every run of every category with an open need."""
    open_ones = {need.category for need, units in zip(compiled.problem.needs, compiled.open, strict=True) if units}
    return {name: [0] * len(compiled.problem.policy.order) for name in (ALL, *sorted(open_ones))}


def run_gaps(compiled: Compiled, *, units: Ints, prices: LimitPrices, apart: int) -> Gaps:
    """Bound minus score of every leading run, the first cell's first, by category. O(E log E + runs · kept pairs).

    `units` (E,) holds what each pair gives, `apart` is how far the plan is from its bound: no category of the whole run
    is further from its own, for beside the others it can reach no more than all can together.
    """
    gaps, compiled = no_gaps(compiled), possible(compiled)
    tolls = _Tolls(compiled, prices)
    pairs = tolls.pairs = _worthwhile(compiled, tolls.whole())
    place = {name: at for at, name in enumerate(gaps)}
    category = np.array([place.get(need.category, 0) for need in compiled.problem.needs], dtype=np.int64)
    needs = np.flatnonzero(compiled.open > 0).astype(np.int64)
    received = receipts(compiled, pairs=np.arange(len(units)), units=units)
    sizes, got = level_sizes(compiled, needs), filled(compiled, needs=needs, received=received)
    ranks = rank_table(compiled)[compiled.urgency[needs]]
    rooms = _Rooms(compiled, units=units, prices=prices, place=place)

    def total(values: Ints, of: Ints) -> Ints:
        sums = np.zeros(len(gaps), dtype=np.int64)
        np.add.at(sums, of, values)
        sums[0] = sums.sum()
        return sums

    for run, last in enumerate(range(len(compiled.problem.policy.order), 0, -1)):
        worth = np.where(ranks >= last, ranks, 0)
        best = best_responses(compiled, pairs=pairs, tolls=tolls.cut(last), last=last).worth
        most = np.minimum(rooms.worth(last) + total(best, category), total((sizes * worth).sum(1), category[needs]))
        short = most - total((got * worth).sum(1), category[needs])
        for name, at in place.items():
            gaps[name][run] = int(short[at])
    return gaps | {name: [*gap[:-1], min(gap[-1], apart)] for name, gap in gaps.items()}


def worth_to(amounts: Ints, last: int) -> Ints:
    """Amounts below rank `last` taken as nothing."""
    return np.where(amounts >= last, amounts, 0)


class _Tolls:
    """What a unit of each pair pays, and what is left of that when it is cut for one run.

    What it pays on its way from the fund to the household is cut as a whole, so that it stays a sum of prices ≥ 0;
    each household cap is cut on its own.
    """

    def __init__(self, compiled: Compiled, prices: LimitPrices) -> None:
        self.pairs = np.flatnonzero(compiled.pair_most > 0).astype(np.int64)
        self.compiled = compiled
        ways = {limit: price for limit, price in prices.items() if limit[0] != "household_cap"}
        everywhere = np.arange(len(compiled.pair_need))
        self._supply, self._share = pair_tolls(compiled, ways, pairs=everywhere)
        self._need, self._cap = cap_rows(compiled, prices)

    def whole(self) -> Ints:
        """The full toll of each pair but for its need's caps, shape (E,)."""
        return self._supply + self._share

    def cut(self, last: int) -> tuple[Ints, Ints]:
        """Tolls of `pairs` on what leaves the stock and on what the household receives."""
        supply = worth_to(self._supply[self.pairs], last)
        caps = cap_tolls(self.compiled, (self._need, worth_to(self._cap, last)))
        way = worth_to(self.whole()[self.pairs], last)
        return supply, way - supply + caps[self.compiled.pair_need[self.pairs]]


@dataclass(frozen=True, slots=True)
class _Room:
    """What one priced limit leaves to one category: `start` is what is paid on the way before it."""

    category: int
    start: int
    price: int
    room: int


class _Rooms:
    """Every priced limit, as far as a category can use it beside what the others have taken."""

    def __init__(self, compiled: Compiled, *, units: Ints, prices: LimitPrices, place: dict[str, int]) -> None:
        self._compiled, self._prices, self._place = compiled, prices, place
        self._above = {row.earmark: row.parent or None for row in compiled.problem.earmarks}
        self._marks = {row.resource_id: row.earmark or None for row in compiled.problem.resources}
        self._paid: dict[str | None, int] = {None: 0}
        rows = [row for part in (self._all(), self._supply(units), self._homes(units)) for row in part]
        table = np.array([(r.category, r.start, r.price, r.room) for r in rows], dtype=np.int64).reshape(-1, 4)
        self._category, self._before, self._price, self._room = table.T

    def worth(self, last: int) -> Ints:
        """Σ cut price · room by category."""
        sums = np.zeros(len(self._place), dtype=np.int64)
        price = worth_to(self._before + self._price, last) - worth_to(self._before, last)
        np.add.at(sums, self._category, price * self._room)
        return sums

    def _fund(self, name: str | None) -> int:
        """The prices of an earmark and of all above it."""
        if name not in self._paid:
            above = self._fund(self._above[name] if name else None)
            self._paid[name] = above + self._prices.get(("earmark", name or "", ""), 0)
        return self._paid[name]

    def _all(self) -> Iterator[_Room]:
        """Every limit in its whole size, for all categories together."""
        sizes = limit_sizes(self._compiled)
        for (kind, name, home), price in self._prices.items():
            yield _Room(0, self._start((kind, name, home)), price, sizes[kind, name])

    def _start(self, limit: Limit) -> int:
        """What is paid before a limit is reached."""
        kind, name, _ = limit
        if kind == "earmark":
            return self._fund(self._above[name])
        if kind == "household_cap":
            return 0
        fund = self._fund(self._marks[name])
        return fund if kind == "resource" else fund + self._prices.get(("resource", name, ""), 0)

    def _supply(self, units: Ints) -> Iterator[_Room]:
        """Stocks, maxima of one household, and earmarks."""
        rows = self._compiled.problem.resources
        given = np.zeros(len(rows), dtype=np.int64)
        np.add.at(given, self._compiled.pair_resource, units)
        under: dict[str, Counter[str]] = {}
        for row, amount in zip(rows, given.tolist(), strict=True):
            mark = self._marks[row.resource_id]
            while mark:
                under.setdefault(mark, Counter())[row.category] += amount
                mark = self._above[mark]
        by_id, sizes = {row.resource_id: row for row in rows}, limit_sizes(self._compiled)
        for limit, price in self._prices.items():
            kind, name, _ = limit
            if kind == "earmark":
                used = under.get(name, Counter())
                for category in used.keys() & self._place.keys():
                    room = sizes[kind, name] - used.total() + used[category]
                    yield _Room(self._place[category], self._start(limit), price, room)
            elif kind != "household_cap" and by_id[name].category in self._place:
                yield _Room(self._place[by_id[name].category], self._start(limit), price, sizes[kind, name])

    def _homes(self, units: Ints) -> Iterator[_Room]:
        """Household caps."""
        compiled = self._compiled
        caps = {cap.cap_id: cap for cap in compiled.problem.caps}
        capped = {home for kind, _, home in self._prices if kind == "household_cap"}
        some = np.arange(len(units))
        got = np.zeros(len(compiled.need_ids), dtype=np.int64)
        np.add.at(got, compiled.pair_need, counted(compiled, pairs=some, units=units))
        used: dict[str, Counter[str]] = {}
        for need, amount in zip(compiled.problem.needs, got.tolist(), strict=True):
            if need.household_id in capped:
                used.setdefault(need.household_id, Counter())[need.category] += amount
        for (kind, name, home), price in self._prices.items():
            if kind == "household_cap":
                mine = {c: amount for c, amount in used[home].items() if c in caps[name].categories}
                for category in mine.keys() & self._place.keys():
                    room = caps[name].max_units - sum(mine.values()) + mine[category]
                    yield _Room(self._place[category], 0, price, room)


def _worthwhile(compiled: Compiled, toll: Ints) -> Ints:
    """The pairs that can be part of some need's best response, whatever the cut: cutting never changes their order.

    A need that may combine resources wants the cheapest until they could fill it; one with a single provider wants the
    cheapest of those that are alike. Pins and pairs of needs served by `units_used` all stay.
    """
    pairs = np.flatnonzero(compiled.pair_most > 0).astype(np.int64)
    need, resource = compiled.pair_need[pairs].astype(np.int64), compiled.pair_resource[pairs]
    most, pinned = compiled.pair_most[pairs], compiled.pair_least[pairs] > 0
    single = flag(compiled, "one_provider")[need]
    terms = np.stack([column(compiled, "lot"), column(compiled, "min_per_need")])
    alike = np.where(single, np.unique(terms, axis=1, return_inverse=True)[1].reshape(-1)[resource], 0)
    order = np.lexsort((pairs, toll[pairs], np.where(single, most, 0), alike, need))
    first = np.concatenate([[True], np.diff(need[order]) != 0]) if len(order) else np.zeros(0, np.bool_)
    before = np.cumsum(most[order]) - most[order]
    start = np.maximum.accumulate(np.where(first, before, 0))
    plenty = before - start >= compiled.open[need[order]]
    same = ~first
    same[1:] &= (alike[order][1:] == alike[order][:-1]) & (most[order][1:] == most[order][:-1])
    dropped = np.where(single[order], same, plenty) & ~pinned[order] & (compiled.pair_used[pairs][order] < 0)
    return np.sort(pairs[order[~dropped]])
