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
from matching.model import FAR
from matching.network import announced_units
from matching.plan import Price, Reason
from matching.prices import of_tier, pair_tolls
from matching.standing import Standing

TIERS = ("only", "coverage", "stability", "cost", "hash")
ONLY, COVERAGE, STABILITY, COST, HASH = range(5)


def chosen(compiled: Compiled, stands: Standing, prices: Sequence[Price]) -> Iterator[Reason]:
    """One reason per line, by need and resource. O(E log E)."""
    served = np.zeros(len(compiled.need_ids), bool)
    served[compiled.pair_need[stands.units > 0]] = True
    pairs = np.flatnonzero(served[compiled.pair_need]).astype(np.int64)
    if not len(pairs):
        return
    outlay = [_outlay(compiled, prices, tier=tier, pairs=pairs) for tier in range(1, 4)]
    lines, rivals = _rivals(compiled, stands, pairs=pairs, outlay=outlay)
    extra = [column[rivals] - column[lines] for column in outlay]
    lines, rivals = pairs[lines], np.where(rivals < 0, -1, pairs[rivals])
    decided = _decided(compiled, stands, lines=lines, rivals=rivals, extra=extra)
    dearer = compiled.pair_cost[rivals] - compiled.pair_cost[lines]
    resource_price = {p.id: p.price for p in prices if p.tier == 1 and p.kind == "resource"}
    needs, goods = compiled.pair_need[lines].tolist(), compiled.pair_resource[lines].tolist()
    others = np.where(rivals < 0, -1, compiled.pair_resource[rivals]).tolist()
    numbers = (stands.units[lines], compiled.pair_least[lines], decided, dearer, extra[0])
    rows = zip(needs, goods, others, *(column.tolist() for column in numbers), strict=True)
    for need, resource, other, units, pinned, place, more, toll in rows:
        resource_id = compiled.resource_ids[resource]
        detail: dict[str, str | int] = {"units": units, "price": resource_price.get(resource_id, 0)}
        if pinned:
            detail["pinned"] = pinned
        detail["tier"] = TIERS[place]
        if other >= 0:
            detail |= {"runner_up": compiled.resource_ids[other], "extra_cost": more, "extra_price": toll}
        yield Reason(compiled.need_ids[need], resource_id, "chosen", detail)


def _decided(compiled: Compiled, stands: Standing, *, lines: Ints, rivals: Ints, extra: Sequence[Ints]) -> Ints:
    """Place in `TIERS` of what decided each line: the first tier in which the runner-up is dearer, else by swaps."""
    place = np.select([rivals < 0, *(column > 0 for column in extra)], [ONLY, COVERAGE, STABILITY, COST], HASH)
    open_ones = np.flatnonzero(place == HASH)
    place[open_ones] = _swapped(compiled, stands, lines=lines[open_ones], rivals=rivals[open_ones])
    return place


def _swapped(compiled: Compiled, stands: Standing, *, lines: Ints, rivals: Ints) -> Ints:
    """What decided where the prices do not tell: the runner-up may be used up though its price is 0.

    The hash if it has a unit to spare; else what the cheapest of the needs that could swap with this one says. Who
    could swap depends on the two resources alone, so each two are looked at once.
    """
    size = len(compiled.resource_ids)
    mine, theirs = compiled.pair_resource[lines].astype(np.int64), compiled.pair_resource[rivals].astype(np.int64)
    room = np.minimum(stands.stock_left, stands.earmark_room(np.arange(size)))
    both, which = np.unique(theirs * size + mine, return_inverse=True)
    cheapest = _cheapest_swaps(compiled, stands, theirs=both // size, mine=both % size)[which]
    extra = compiled.pair_cost[rivals] - compiled.pair_cost[lines] + cheapest
    cases = [room[theirs] > 0, cheapest == FAR, extra > 0]
    return np.asarray(np.select(cases, [HASH, COVERAGE, COST], HASH), np.int64)


def _cheapest_swaps(compiled: Compiled, stands: Standing, *, theirs: Ints, mine: Ints) -> Ints:
    """Least extra cost of moving a unit of any need from resource `theirs` to `mine`; FAR where none can move."""
    size = len(compiled.resource_ids)
    least = np.full(len(theirs), FAR, np.int64)
    lines = np.flatnonzero(stands.units > compiled.pair_least)
    lines = lines[np.argsort(compiled.pair_resource[lines], kind="stable")]
    edges = np.searchsorted(compiled.pair_resource[lines], np.arange(size + 1, dtype=compiled.pair_resource.dtype))
    count = edges[theirs + 1] - edges[theirs]
    swap = np.repeat(np.arange(len(theirs)), count)
    served = lines[np.arange(len(swap)) - np.repeat(count.cumsum() - count, count) + edges[theirs][swap]]
    keys = compiled.pair_need.astype(np.int64) * size + compiled.pair_resource
    wanted = compiled.pair_need[served].astype(np.int64) * size + mine[swap]
    at = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    fits = (keys[at] == wanted) & (compiled.pair_most[at] > stands.units[at])
    np.minimum.at(least, swap[fits], (compiled.pair_cost[at] - compiled.pair_cost[served])[fits])
    return least


def _outlay(compiled: Compiled, prices: Sequence[Price], *, tier: int, pairs: Ints) -> Ints:
    """What a unit of each pair costs in one tier."""
    supply, household = pair_tolls(compiled, of_tier(prices, tier), pairs=pairs)
    total = supply + household
    promised = [pair for pair, units in announced_units(compiled).items() if units > 0] if tier == 2 else []
    total -= np.isin(pairs, np.array(promised, np.int64), kind="sort") if promised else 0
    return total + compiled.pair_cost[pairs] if tier == 3 else total


def _rivals(compiled: Compiled, stands: Standing, *, pairs: Ints, outlay: Sequence[Ints]) -> tuple[Ints, Ints]:
    """Places (in `pairs`) of the lines, and of the cheapest other pair of the need with room; -1: there is none."""
    need, units = compiled.pair_need[pairs].astype(np.int64), stands.units[pairs]
    whole = (compiled.pair_used[pairs] >= 0) & (units > 0)
    fits = np.flatnonzero((compiled.pair_most[pairs] > units) & ~whole)
    size = len(compiled.need_ids)
    first, second = np.full(size, -1, np.int64), np.full(size, -1, np.int64)
    best = _least(fits, need=need, outlay=outlay)
    first[need[best]] = best
    rest = fits[first[need[fits]] != fits]
    best = _least(rest, need=need, outlay=outlay)
    second[need[best]] = best
    lines = np.flatnonzero(units > 0).astype(np.int64)
    mine = need[lines]
    return lines, np.where(first[mine] == lines, second[mine], first[mine]).astype(np.int64)


def _least(places: Ints, *, need: Ints, outlay: Sequence[Ints]) -> Ints:
    """Of ascending places, the one of each need with the least outlay; the first of several."""
    for column in outlay:
        start = np.flatnonzero(np.diff(need[places], prepend=-1))
        if not len(start):
            break
        least = np.minimum.reduceat(column[places], start)
        places = places[column[places] == np.repeat(least, np.diff(np.append(start, len(places))))]
    return places[np.flatnonzero(np.diff(need[places], prepend=-1))]
