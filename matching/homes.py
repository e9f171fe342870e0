"""The best that a whole household could do under its caps: what makes the bound of hard parts tight.

What enters: a compiled problem, the prices of tier 1, and pairs. What leaves: for households with a price on a cap and
some hard rule, the most that their needs could keep together, and by how much that undercuts what the caps' prices
claim. Called by `relaxed` for the bound and by `neighbourhoods` to see who still loses; the judge does the same on its
own (`checker_homes`). A price on a cap lets a household mix plans: half of one lot and half of another just fill the
cap. The household cannot, so it is asked whole: for each need and each number of units what the need keeps after the
prices of stocks, earmarks and household maxima; then the needs are put together, cap by cap, the narrowest first.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np

from matching.compiled import Compiled
from matching.network import Ints, level_sizes, rank_table
from matching.parts import filled, receipts
from matching.prices import LimitPrices, pair_tolls
from matching.rules import column, counted, flag

MOST_UNITS = 1_000
"""Households that could receive more units under a cap are not asked whole: the table would be too long."""

SAFE = 2**40
"""Tolls from here on are not added up either."""

NEVER = -(2**60)

Blocks = Sequence[tuple[frozenset[int], Ints]]
"""Needs, and what they keep together if they receive exactly 0, 1, … units."""


class Homes:
    """Households by index, with the needs that stand under their caps; `prices` are those of tier 1."""

    def __init__(self, compiled: Compiled, prices: LimitPrices, *, pairs: Ints) -> None:
        self._compiled, self._prices = compiled, prices
        self._pairs = pairs[compiled.pair_most[pairs] > 0]
        self._known: dict[int, int | None] = {}
        self.needs = self._asked()

    def _asked(self) -> dict[int, Ints]:
        """The needs under a cap of each household that has a price on a cap, something hard, and no pin."""
        compiled, pairs = self._compiled, self._pairs
        priced = {home for (kind, _, home), price in self._prices.items() if kind == "household_cap" and price}
        if not priced:
            return {}
        names = [home in priced for home in compiled.household_ids]
        need, resource = compiled.pair_need[pairs], compiled.pair_resource[pairs]
        coarse = (column(compiled, "lot") > 1) | (column(compiled, "min_per_need") > 1)
        whole = flag(compiled, "one_provider") | flag(compiled, "all_or_nothing")
        hard = coarse[resource] | whole[need] | (compiled.pair_used[pairs] >= 0)
        chosen = np.array(names, dtype=np.bool_)
        chosen &= np.bincount(compiled.household[need[hard]], minlength=len(names)) > 0
        chosen[compiled.household[need[compiled.pair_least[pairs] > 0]]] = False
        found: dict[int, list[int]] = {}
        for at in np.unique(need[chosen[compiled.household[need]]]).tolist():
            if self._caps_of(at):
                found.setdefault(int(compiled.household[at]), []).append(at)
        return {home: np.array(needs, dtype=np.int64) for home, needs in found.items()}

    def _caps_of(self, need: int) -> list[int]:
        """The caps that a need stands under."""
        row = self._compiled.problem.needs[need]
        wide = self._caps_by_home.get("*", {}).get(row.category, [])
        return wide + self._caps_by_home.get(row.household_id, {}).get(row.category, [])

    @cached_property
    def _caps_by_home(self) -> dict[str, dict[str, list[int]]]:
        found: dict[str, dict[str, list[int]]] = {}
        for at, cap in enumerate(self._compiled.problem.caps):
            for category in cap.categories:
                found.setdefault(cap.household_id, {}).setdefault(category, []).append(at)
        return found

    def saved(self, best: Ints, units: Ints) -> int:
        """By how much the bound of the caps' prices falls when households are asked whole.

        `best` (N,) holds what each need keeps at all prices, `units` what an allowed plan gives to each pair: a
        household that reaches what its prices claim needs no asking. The answer does not depend on the plan.
        """
        kept, total = self.kept(units), 0
        for home, needs in self.needs.items():
            claimed = self.claimed(home, best)
            if claimed > int(kept[needs].sum()):
                worth = self.worth(home)
                total += 0 if worth is None else max(0, claimed - worth)
        return total

    def claimed(self, home: int, best: Ints) -> int:
        """What the prices of its caps say that a household could keep."""
        caps, name = self._compiled.problem.caps, self._compiled.household_ids[home]
        under = {at for need in self.needs[home].tolist() for at in self._caps_of(need)}
        prices = (self._prices.get(("household_cap", caps[at].cap_id, name), 0) * caps[at].max_units for at in under)
        return int(best[self.needs[home]].sum()) + sum(prices)

    def kept(self, units: Ints) -> Ints:
        """What each need keeps of the worth of its units after all tolls but its caps', shape (N,)."""
        compiled, some = self._compiled, np.flatnonzero(units)
        supply, share = self._tolls
        every = np.arange(len(compiled.need_ids), dtype=np.int64)
        levels = filled(compiled, needs=every, received=receipts(compiled, pairs=some, units=units[some]))
        kept = (levels * rank_table(compiled)[compiled.urgency]).sum(axis=1)
        paid = supply[some] * units[some] + share[some] * counted(compiled, pairs=some, units=units[some])
        np.subtract.at(kept, compiled.pair_need[some], paid)
        return np.asarray(kept, dtype=np.int64)

    @cached_property
    def _start(self) -> list[int]:
        """Where the pairs of each need begin, and where the last ones end."""
        every = np.arange(len(self._compiled.need_ids) + 1)
        starts: list[int] = np.searchsorted(self._compiled.pair_need[self._pairs], every).tolist()
        return starts

    @cached_property
    def _tolls(self) -> tuple[Ints, Ints]:
        """Tolls of every pair on what leaves the stock and on what the household receives, its caps left out."""
        ways = {limit: price for limit, price in self._prices.items() if limit[0] != "household_cap"}
        return pair_tolls(self._compiled, ways, pairs=np.arange(len(self._compiled.pair_need)))

    def worth(self, home: int) -> int | None:
        """The most that the household could keep; None if its caps cross or its amounts are too large."""
        if home not in self._known:
            self._known[home] = self._worth(self.needs[home].tolist())
        return self._known[home]

    def _worth(self, needs: list[int]) -> int | None:
        caps = self._compiled.problem.caps
        under = {need: self._caps_of(need) for need in needs}
        most = {
            need: min(int(self._compiled.open[need]), *(caps[at].max_units for at in under[need])) for need in needs
        }
        if max(most.values()) > MOST_UNITS:
            return None
        tables = [(frozenset({need}), self._table(need, most[need])) for need in needs]
        if any(table is None for _, table in tables):
            return None
        members = {at: frozenset(need for need in needs if at in under[need]) for row in under.values() for at in row}
        limits = sorted(((len(held), caps[at].max_units, at) for at, held in members.items()))
        return together(
            [(held, table) for held, table in tables if table is not None],
            [(members[at], limit) for _, limit, at in limits],
        )

    def _table(self, need: int, most: int) -> Ints | None:
        """What the need keeps if it receives exactly 0, 1, … `most` units; None if its tolls are too large."""
        compiled, wanted = self._compiled, int(self._compiled.open[need])
        pairs = self._pairs[self._start[need] : self._start[need + 1]]
        used, resource = compiled.pair_used[pairs], compiled.pair_resource[pairs]
        tolls, take = self._tolls[0][pairs] + self._tolls[1][pairs], np.where(used < 0, 1, np.maximum(used, 1))
        if (take >= SAFE).any() or (tolls >= SAFE // take).any():
            return None
        if (used >= 0).any():
            cost = least_cost([(int((tolls * used).min()), wanted, wanted, 1)], most, whole=True)
        else:
            lot, least = (column(compiled, name)[resource] for name in ("lot", "min_per_need"))
            first = -(-np.maximum(least, 1) // lot) * lot
            columns = (tolls, first, compiled.pair_most[pairs], lot)
            rows = list(zip(*(values.tolist() for values in columns), strict=True))
            cost = least_cost(rows, most, alone=bool(flag(compiled, "one_provider")[need]))
        if flag(compiled, "all_or_nothing")[need]:
            cost[1:wanted] = -NEVER
        sizes = np.minimum(level_sizes(compiled, np.array([need]))[0], most)
        gain = np.append(0, np.cumsum(np.repeat(rank_table(compiled)[compiled.urgency[need]], sizes)))[: most + 1]
        return np.asarray(np.where(cost < -NEVER, gain - cost, NEVER), dtype=np.int64)


def least_cost(
    rows: Sequence[tuple[int, int, int, int]], most: int, *, alone: bool = False, whole: bool = False
) -> Ints:
    """The least toll for exactly 0, 1, … `most` units from givers (toll, least, most, lot); -`NEVER` where none can.

    `alone`: from one giver; `whole`: the toll is that of all units together.

    >>> least_cost([(3, 1, 2, 1), (1, 2, 4, 2)], 4).tolist()
    [0, 3, 2, 5, 4]
    """
    cost = np.full(most + 1, -NEVER, dtype=np.int64)
    cost[0] = 0
    plain = sorted(row for row in rows if row[1:2] + row[3:] == (1, 1) and not alone and not whole)
    each = np.array([toll for toll, _, high, _ in plain for _ in range(min(high, most))][:most], dtype=np.int64)
    cost[1 : len(each) + 1] = np.cumsum(each)
    for toll, first, high, lot in (row for row in rows if alone or whole or row[1:2] + row[3:] != (1, 1)):
        before = cost.copy()
        for units in range(first, min(high, most) + 1, lot):
            paid = toll if whole else toll * units
            if alone or whole:
                cost[units] = min(int(cost[units]), paid)
            else:
                cost[units:] = np.minimum(cost[units:], before[: most + 1 - units] + paid)
    return np.minimum(cost, -NEVER)


def together(blocks: Blocks, caps: Sequence[tuple[frozenset[int], int]]) -> int | None:
    """The most that needs keep together: each block holds needs and what they keep by units, `caps` needs and units.

    The caps come narrowest first; None if they cross.

    >>> table = np.array([0, 5, 8])
    >>> together([(frozenset({1}), table), (frozenset({2}), table)], [(frozenset({1, 2}), 3)])
    13
    """
    for held, limit in caps:
        if any(block & held and not block <= held for block, _ in blocks):
            return None
        inside = [table[: limit + 1] for block, table in blocks if block <= held]
        merged = inside[0]
        for table in inside[1:]:
            merged = _merged(merged, table, limit=limit)
        blocks = [*((block, table) for block, table in blocks if not block <= held), (held, merged)]
    return sum(int(table.max()) for _, table in blocks)


def _merged(one: Ints, other: Ints, *, limit: int) -> Ints:
    """What two blocks keep together of each number of units up to the limit."""
    best = np.full(min(limit, len(one) + len(other) - 2) + 1, NEVER, dtype=np.int64)
    for units in np.flatnonzero(other > NEVER // 2).tolist():
        if units < len(best):
            reach = one[: len(best) - units]
            best[units : units + len(reach)] = np.maximum(best[units : units + len(reach)], reach + other[units])
    return best
