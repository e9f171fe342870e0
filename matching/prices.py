"""Prices of the shared limits: what one more unit of each would add to the plan.

What enters: a solved network, or the rows of `prices.csv`. What leaves: `Price` rows for all four kinds of limit and
every tier, what they are worth in all, and the toll that a unit of each pair pays. Together with the best response of
every need (`responses`) this is the bound. Called by `pure`, `priced` and `certify`; the judge computes the same bound
on its own.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from matching.compiled import Compiled
from matching.flow import Flow
from matching.limits import usable_stock
from matching.network import Ints, Limit, Network
from matching.plan import Price

LimitPrices = dict[Limit, int]
"""Price of each shared limit in one tier; a limit that is not named costs nothing."""


def shadow(network: Network, solved: Flow) -> list[Price]:
    """Prices of one solved network: how far the potential rises over a limit that is used up.

    The prices of a limit form a vector over the tiers whose first entry that is not 0 is positive; a limit with room
    left has none.
    """
    found: list[Price] = []
    for arc, (kind, name, household) in network.limits.items():
        if solved.flow[arc] < network.upper[arc]:
            continue
        tail, head = int(network.tail[arc]), int(network.head[arc])
        rises = [int(levels[head] - levels[tail]) for levels in solved.potentials]
        if next((rise for rise in rises if rise), 0) > 0:
            found += [Price(tier, kind, name, household, rise) for tier, rise in enumerate(rises, 1) if rise]
    return found


def of_tier(prices: Iterable[Price], tier: int) -> LimitPrices:
    """The prices of one tier by limit."""
    return {(row.kind, row.id, row.household_id): row.price for row in prices if row.tier == tier}


def limit_sizes(compiled: Compiled) -> dict[tuple[str, str], int]:
    """Size of each limit by (kind, id): a maximum per household and a cap have one size for all households.

    Of a resource in lots only whole lots count: no plan can give more. Not where a need takes `units_used`.
    """
    problem = compiled.problem
    usable = usable_stock(compiled).tolist()
    sizes = {("resource", name): units for name, units in zip(compiled.resource_ids, usable, strict=True)}
    sizes |= {("earmark", row.earmark): row.budget for row in problem.earmarks}
    sizes |= {
        ("max_per_household", row.resource_id): row.max_per_household
        for row in problem.resources
        if row.max_per_household is not None
    }
    return sizes | {("household_cap", row.cap_id): row.max_units for row in problem.caps}


def limits_worth(compiled: Compiled, prices: LimitPrices) -> int:
    """Σ price·limit, the first half of the bound."""
    sizes = limit_sizes(compiled)
    return sum(price * sizes[kind, name] for (kind, name, _), price in prices.items())


def pair_tolls(compiled: Compiled, prices: LimitPrices, *, pairs: Ints) -> tuple[Ints, Ints]:
    """What a unit of each pair pays at these prices, shape (len(pairs),) twice.

    The first toll falls on the units that leave the stock (resource and earmarks), the second on the units that the
    household receives (its maximum with this resource, its caps); they differ only where `units_used` is given.
    """
    supply = _supply_tolls(compiled, prices)[compiled.pair_resource[pairs]]
    return supply, _household_tolls(compiled, prices, pairs=pairs)


def _supply_tolls(compiled: Compiled, prices: LimitPrices) -> Ints:
    above = {row.earmark: row.parent or None for row in compiled.problem.earmarks}

    def toll(earmark: str | None) -> int:
        total = 0
        while earmark:
            total += prices.get(("earmark", earmark, ""), 0)
            earmark = above[earmark]
        return total

    rows = compiled.problem.resources
    return np.array(
        [prices.get(("resource", row.resource_id, ""), 0) + toll(row.earmark) for row in rows], dtype=np.int64
    )


def _household_tolls(compiled: Compiled, prices: LimitPrices, *, pairs: Ints) -> Ints:
    toll = np.zeros(len(pairs), dtype=np.int64)
    need = compiled.pair_need[pairs]
    for kind in ("max_per_household", "household_cap"):
        if not any(limit[0] == kind for limit in prices):
            continue
        if kind == "household_cap":
            toll += cap_tolls(compiled, cap_rows(compiled, prices))[need]
            continue
        resource, household = compiled.pair_resource[pairs], compiled.household[need]
        places = {name: at for at, name in enumerate(compiled.resource_ids)}
        homes = {name: at for at, name in enumerate(compiled.household_ids)}
        width = len(homes)
        rows = sorted((places[r] * width + homes[h], p) for (k, r, h), p in prices.items() if k == kind)
        keys = np.array([key for key, _ in rows], dtype=np.int64)
        worth = np.array([price for _, price in rows], dtype=np.int64)
        wanted = resource.astype(np.int64) * width + household
        at = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
        toll += np.where((keys[at] == wanted) & (compiled.pair_used[pairs] < 0), worth[at], 0)
    return toll


def cap_rows(compiled: Compiled, prices: LimitPrices) -> tuple[Ints, Ints]:
    """Every (need, price of a household cap that it falls under), two arrays side by side."""
    categories = {cap.cap_id: cap.categories for cap in compiled.problem.caps}
    by_home: dict[str, list[tuple[frozenset[str], int]]] = {}
    for (kind, name, home), price in prices.items():
        if kind == "household_cap":
            by_home.setdefault(home, []).append((categories[name], price))
    rows = [
        (at, price)
        for at, need in enumerate(compiled.problem.needs)
        for group, price in by_home.get(need.household_id, ())
        if need.category in group
    ]
    table = np.array(rows, dtype=np.int64).reshape(-1, 2)
    return table[:, 0], table[:, 1]


def cap_tolls(compiled: Compiled, rows: tuple[Ints, Ints]) -> Ints:
    """What a unit of each need pays to its household's caps, shape (N,)."""
    tolls = np.zeros(len(compiled.need_ids), dtype=np.int64)
    np.add.at(tolls, *rows)
    return tolls
