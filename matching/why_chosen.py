"""Why this one: for every line of a plan the tier that decided it, and what the next best choice would have cost.

What enters: a compiled problem, where the plan leaves everyone, and the prices of all tiers. What leaves: one reason
`chosen` per line. Called by `matching.explain`.

A unit of a pair costs, tier by tier, the prices of the limits it uses plus, for stability, one less if the unit was
announced, and for the third tier the delivery. The runner-up is the need's other eligible pair with room and the
least such vector; the first tier in which it is dearer decided.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from matching.compiled import Compiled
from matching.eligibility import Ints
from matching.network import announced_units
from matching.plan import Price, Reason
from matching.prices import of_tier, pair_tolls
from matching.standing import Standing

TIERS = ("coverage", "stability", "cost")


def chosen(compiled: Compiled, stands: Standing, prices: Sequence[Price]) -> Iterator[Reason]:
    """One reason per line, by need and resource. O(E log E)."""
    served = np.unique(compiled.pair_need[stands.units > 0])
    pairs = np.flatnonzero(np.isin(compiled.pair_need, served)).astype(np.int64)
    if not len(pairs):
        return
    outlay = [_outlay(compiled, prices, tier=tier, pairs=pairs) for tier in range(1, 4)]
    lines, rivals = _rivals(compiled, stands, pairs=pairs, outlay=outlay)
    swaps = _Swaps(compiled, stands)
    resource_price = {p.id: p.price for p in prices if p.tier == 1 and p.kind == "resource"}
    for line, rival in zip(lines.tolist(), rivals.tolist(), strict=True):
        pair = int(pairs[line])
        resource_id = compiled.resource_ids[int(compiled.pair_resource[pair])]
        detail: dict[str, str | int] = {"units": int(stands.units[pair]), "price": resource_price.get(resource_id, 0)}
        if compiled.pair_least[pair]:
            detail["pinned"] = int(compiled.pair_least[pair])
        if rival < 0:
            detail["tier"] = "only"
        else:
            other = int(pairs[rival])
            extra = [int(column[rival] - column[line]) for column in outlay]
            tier = next((name for name, more in zip(TIERS, extra, strict=True) if more > 0), "hash")
            detail["tier"] = swaps.tier(pair, other) if tier == "hash" else tier
            detail["runner_up"] = compiled.resource_ids[int(compiled.pair_resource[other])]
            detail["extra_cost"] = int(compiled.pair_cost[other] - compiled.pair_cost[pair])
            detail["extra_price"] = extra[0]
        yield Reason(compiled.need_ids[int(compiled.pair_need[pair])], resource_id, "chosen", detail)


class _Swaps:
    """What decided where the prices do not tell: the runner-up may be used up though its price is 0."""

    def __init__(self, compiled: Compiled, stands: Standing) -> None:
        self.compiled, self.stands = compiled, stands
        self.keys = compiled.pair_need.astype(np.int64) * len(compiled.resource_ids) + compiled.pair_resource
        lines = np.flatnonzero(stands.units > compiled.pair_least)
        by = np.argsort(compiled.pair_resource[lines], kind="stable")
        resource = compiled.pair_resource[lines][by]
        places = np.arange(len(compiled.resource_ids) + 1, dtype=resource.dtype)
        room = np.minimum(stands.stock_left, stands.earmark_room(np.arange(len(compiled.resource_ids))))
        self.spare = room > 0
        self.lines, self.start = lines[by], np.searchsorted(resource, places)

    def tier(self, pair: int, other: int) -> str:
        """`hash` if the runner-up has a unit to spare; else by the needs that could swap with this one."""
        compiled, stands = self.compiled, self.stands
        mine, theirs = int(compiled.pair_resource[pair]), int(compiled.pair_resource[other])
        if self.spare[theirs]:
            return "hash"
        served = self.lines[self.start[theirs] : self.start[theirs + 1]]
        wanted = compiled.pair_need[served].astype(np.int64) * len(compiled.resource_ids) + mine
        at = np.minimum(np.searchsorted(self.keys, wanted), len(self.keys) - 1)
        fits = (self.keys[at] == wanted) & (compiled.pair_most[at] > stands.units[at])
        if not fits.any():
            return "coverage"
        cost = compiled.pair_cost
        extra = cost[other] - cost[pair] + (cost[at] - cost[served])[fits].min()
        return "cost" if extra > 0 else "hash"


def _outlay(compiled: Compiled, prices: Sequence[Price], *, tier: int, pairs: Ints) -> Ints:
    """What a unit of each pair costs in one tier."""
    supply, household = pair_tolls(compiled, of_tier(prices, tier), pairs=pairs)
    total = supply + household
    if tier == 2:
        promised = announced_units(compiled)
        total -= np.array([promised.get(pair, 0) > 0 for pair in pairs.tolist()], np.int64)
    return total + compiled.pair_cost[pairs] if tier == 3 else total


def _rivals(compiled: Compiled, stands: Standing, *, pairs: Ints, outlay: Sequence[Ints]) -> tuple[Ints, Ints]:
    """Places (in `pairs`) of the lines, and of the cheapest other pair of the need with room; -1: there is none."""
    need, units = compiled.pair_need[pairs], stands.units[pairs]
    whole = (compiled.pair_used[pairs] >= 0) & (units > 0)
    room = (compiled.pair_most[pairs] > units) & ~whole
    order = np.lexsort((pairs, *reversed(outlay), ~room, need))
    start = np.flatnonzero(np.diff(need[order], prepend=-1))
    first = np.append(order, -1)[start]
    second = np.append(order, -1)[np.minimum(start + 1, len(order))]
    second = np.where((second >= 0) & (need[second] == need[first]) & room[second], second, -1)
    first = np.where(room[first], first, -1)
    lines = np.flatnonzero(units > 0).astype(np.int64)
    group = np.searchsorted(need[order[start]], need[lines])
    return lines, np.where(first[group] == lines, second[group], first[group]).astype(np.int64)
