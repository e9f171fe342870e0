"""The best that each need could do alone at given prices, by its own rules: the second half of the bound.

What enters: a compiled problem and the tolls of every pair. What leaves: per need the largest worth of units received
less tolls paid, and for needs with one provider the pair and the units that reach it. Called by `certify` for the bound
and by `priced` to choose providers. A need that may combine resources is treated as if lots and minima only rounded its
pairs: that can only raise the bound. Exclusive groups are left out for the same reason.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from matching.compiled import Compiled
from matching.network import Ints, level_sizes, rank_table
from matching.rules import column, flag

NEVER = -(2**62)
"""The worth of what a need may not choose."""


@dataclass(frozen=True, slots=True)
class Responses:
    """Per need: `worth` (N,); per pair: the worth and units of choosing this provider alone."""

    worth: Ints
    single_worth: Ints
    single_units: Ints


@dataclass(frozen=True, slots=True)
class _Group:
    """The pairs of some needs: `needs` (n,), `at` (pairs,) the place of each pair's need, `starts` its first pair."""

    pairs: Ints
    needs: Ints
    starts: Ints
    at: Ints
    sizes: Ints
    worth: Ints


def best_responses(compiled: Compiled, *, pairs: Ints, tolls: tuple[Ints, Ints], last: int = 1) -> Responses:
    """The best response of every need to tolls on what leaves the stock and on what the household receives.

    Ranks below `last` count as 0. `pairs` are sorted by need; O(pairs · (L + log(4·L))).
    """
    need, used = compiled.pair_need[pairs], compiled.pair_used[pairs] >= 0
    toll = tolls[0] + tolls[1]
    single = flag(compiled, "one_provider")[need] | used
    whole = flag(compiled, "all_or_nothing")[need]
    worth = np.zeros(len(compiled.need_ids), dtype=np.int64)
    for part in (~single & ~whole, ~single & whole):
        group = _group(compiled, pairs[part], last)
        found = (
            _combined(compiled, group, toll[part]) if not whole[part].any() else _entire(compiled, group, toll[part])
        )
        worth[group.needs] = found
    units, alone = np.zeros(len(pairs), dtype=np.int64), np.full(len(pairs), NEVER, dtype=np.int64)
    group = _group(compiled, pairs[single], last)
    alone[single], units[single] = _single(compiled, group, supply=tolls[0][single], household=tolls[1][single])
    if len(group.pairs):
        top = np.maximum.reduceat(alone[single], group.starts)
        pinned = np.add.reduceat(compiled.pair_least[group.pairs], group.starts) > 0
        worth[group.needs] = np.where(pinned, top, np.maximum(top, 0))
    return Responses(worth, alone, units)


def _group(compiled: Compiled, pairs: Ints, last: int) -> _Group:
    need = compiled.pair_need[pairs].astype(np.int64)
    needs, starts, at = np.unique(need, return_index=True, return_inverse=True)
    ranks = rank_table(compiled)[compiled.urgency[needs]]
    worth = np.where(ranks >= last, ranks, 0)
    return _Group(pairs, needs, starts, at, level_sizes(compiled, needs), worth)


def _combined(compiled: Compiled, group: _Group, tolls: Ints) -> Ints:
    """Worth less tolls where a need may draw on several resources: falling gains against rising tolls.

    The dual of that is convex in one number, the worth of the need's next unit, and least where its slope turns: found
    by halving for all needs at once. Pins are paid in any case.
    """
    if not len(group.pairs):
        return np.zeros(0, dtype=np.int64)
    least = compiled.pair_least[group.pairs]
    spare = np.maximum(compiled.pair_most[group.pairs] - least, 0)
    pinned = np.add.reduceat(least, group.starts)
    low, high = np.zeros(len(group.needs), dtype=np.int64), group.worth.max(axis=1)
    while (low < high).any():
        middle = (low + high) // 2
        slope = np.add.reduceat(np.where(tolls <= middle[group.at], spare, 0), group.starts) + pinned
        rising = slope >= (group.sizes * (group.worth > middle[:, None])).sum(axis=1)
        low, high = np.where(rising, low, middle + 1), np.where(rising, middle, high)
    margin = low[group.at] - tolls
    outlay = np.add.reduceat(margin * least + np.maximum(margin, 0) * spare, group.starts)
    best: Ints = (group.sizes * np.maximum(group.worth - low[:, None], 0)).sum(axis=1) + outlay
    return best


def _entire(compiled: Compiled, group: _Group, tolls: Ints) -> Ints:
    """The same where a need takes all or nothing: every unit is worth the same large amount, so all are filled."""
    if not len(group.pairs):
        return np.zeros(0, dtype=np.int64)
    far = int(tolls.max(initial=0)) + int(group.worth.max(initial=0)) + 1
    flat = _Group(group.pairs, group.needs, group.starts, group.at, group.sizes, np.full_like(group.worth, far))
    wanted, gain = group.sizes.sum(axis=1), (group.sizes * group.worth).sum(axis=1)
    worth = _combined(compiled, flat, tolls) - far * wanted + gain
    enough = np.add.reduceat(compiled.pair_most[group.pairs], group.starts) >= wanted
    pinned = np.add.reduceat(compiled.pair_least[group.pairs], group.starts) > 0
    return np.asarray(np.where(~enough, 0, np.where(pinned, worth, np.maximum(worth, 0))), dtype=np.int64)


def _single(compiled: Compiled, group: _Group, *, supply: Ints, household: Ints) -> tuple[Ints, Ints]:
    """Worth and units of each pair as its need's only provider; `NEVER` where pins or rules forbid it."""
    pairs, need = group.pairs, compiled.pair_need[group.pairs]
    resource, used, least = compiled.pair_resource[pairs], compiled.pair_used[pairs], compiled.pair_least[pairs]
    lot = column(compiled, "lot")[resource]
    low = -(-np.maximum(np.maximum(least, column(compiled, "min_per_need")[resource]), 1) // lot) * lot
    high, still_open, toll = compiled.pair_most[pairs], compiled.open[need], supply + household
    entire = flag(compiled, "all_or_nothing")[need]
    pays = _up_to(group, toll) // lot * lot
    worth, units = np.full(len(pairs), NEVER, dtype=np.int64), np.zeros(len(pairs), dtype=np.int64)
    for wish in (pays, pays + lot):
        choice = np.where(entire, still_open, np.clip(wish, low, np.maximum(low, high)))
        fits = (low <= choice) & (choice <= high) & (choice % lot == 0)
        value = np.where(fits, _gain(group, choice) - toll * choice, NEVER)
        worth, units = np.where(value > worth, value, worth), np.where(value > worth, choice, units)
    by_use = _gain(group, still_open) - supply * used - household * still_open
    worth = np.where(used < 0, worth, np.where((high > 0) & (least <= used), by_use, NEVER))
    pinned = np.zeros(len(group.needs), dtype=np.int64)
    np.add.at(pinned, group.at, least)
    worth = np.where((pinned[group.at] > 0) & (least == 0), NEVER, worth)
    return worth, np.where(used < 0, units, used)


def _up_to(group: _Group, tolls: Ints) -> Ints:
    """How many units of a need are worth more than the toll of each pair."""
    total = np.zeros(len(tolls), dtype=np.int64)
    for level in range(group.sizes.shape[1]):
        total += np.where(group.worth[group.at, level] > tolls, group.sizes[group.at, level], 0)
    return total


def _gain(group: _Group, units: Ints) -> Ints:
    """What so many units are worth to the need of each pair."""
    total, left = np.zeros(len(units), dtype=np.int64), units.copy()
    for level in range(group.sizes.shape[1]):
        size = group.sizes[group.at, level]
        total += group.worth[group.at, level] * np.minimum(left, size)
        left = np.maximum(left - size, 0)
    return total
