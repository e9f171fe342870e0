"""Turn a divisible plan into an allowed one, and fill what is left over by falling gain.

What enters: a `State` and a flow that ignores lots, minima, providers and groups. What leaves: the state with an
allowed plan. Called by `priced`. Everything is ordered by gain and then by place, so the result is always the same.
"""

from __future__ import annotations

from heapq import heapify, heappop, heappush

import numpy as np
from numpy.typing import NDArray

from matching.model import FAR
from matching.network import Ints, level_sizes, rank_table
from matching.residual import Places, Residual, State
from matching.rules import column, flag


def allowed(state: State, units: Ints) -> Ints:
    """The given units cut down to whole lots, minima, one provider, one of a group, all or nothing.

    A pinned pair is rounded up to its pin: if that passes a limit, the caller's check will tell.
    """
    compiled, pairs = state.compiled, state.part.pairs
    pinned = compiled.pair_least[pairs]
    used, most = compiled.pair_used[pairs], compiled.pair_most[pairs]
    lot, least = column(compiled, "lot")[state.resource], column(compiled, "min_per_need")[state.resource]
    single = flag(compiled, "one_provider")[state.need] | (used >= 0)
    units = np.where(single & ~_largest(state.need, pinned, units, lot), 0, units)
    units[_outdone(state, units + pinned * 2.0**40)] = 0
    plain = units // lot * lot
    plain = np.where(plain < least, 0, plain)
    plain = np.where(pinned > 0, np.maximum(plain, -(-np.maximum(pinned, least) // lot) * lot), plain)
    units = np.where(used < 0, plain, np.where(((units == most) & (units > 0)) | (pinned > 0), used, 0))
    received = np.zeros(len(compiled.need_ids), dtype=np.int64)
    np.add.at(received, state.need, units)
    partial = flag(compiled, "all_or_nothing") & (received < compiled.open)
    return np.asarray(np.where(partial[state.need] & (used < 0), 0, units), dtype=np.int64)


def soft(state: State) -> Ints:
    """The places whose amounts are a plain flow as long as the hard choices stay: whole lots are not among them.

    A need with one provider keeps it, a household keeps its one resource of a group, and a pair with a minimum keeps
    at least that: `floors` says how much.
    """
    compiled, pairs = state.compiled, state.part.pairs
    needs = flag(compiled, "all_or_nothing")[state.need] | (compiled.pair_used[pairs] >= 0)
    lots = column(compiled, "lot")[state.resource] > 1
    chosen = flag(compiled, "one_provider")[state.need] | (column(compiled, "min_per_need")[state.resource] > 1)
    chosen[state.rivals] = True
    return np.flatnonzero(~needs & ~lots & (~chosen | (state.units > 0)))


def floors(left: Residual) -> Ints:
    """What each pair of a residual of soft places must get at least: its pin, or its minimum."""
    least = column(left.compiled, "min_per_need")[left.compiled.pair_resource]
    return np.asarray(np.maximum(left.compiled.pair_least, np.where(least > 1, least, 0)), dtype=np.int64)


def _outdone(state: State, worth: NDArray[np.float64]) -> Ints:
    """Places of resources that their household may not draw on because it gets more of a rival resource."""
    places = state.rivals
    sums, at = np.unique(np.stack([state.rival[places], state.resource[places]]), axis=1, return_inverse=True)
    total = np.bincount(at.reshape(-1), weights=worth[places], minlength=sums.shape[1])
    order = np.lexsort((sums[1], -total, sums[0]))
    best = np.full(int(sums[0].max(initial=-1)) + 1, -1, dtype=np.int64)
    best[sums[0][order][::-1]] = sums[1][order][::-1]
    outdone: Ints = places[best[state.rival[places]] != state.resource[places]]
    return outdone


def _largest(need: Ints, worth: Ints, units: Ints, lot: Ints) -> NDArray[np.bool_]:
    """Whether each place is the best of its need: by worth, then in use, then small lots, then units, then place."""
    order = np.lexsort((np.arange(len(need)), -units, lot, units <= 0, -worth, need))
    first = np.ones(len(need), dtype=np.bool_)
    first[1:] = need[order][1:] != need[order][:-1]
    best = np.zeros(len(need), dtype=np.bool_)
    best[order[first]] = True
    return best


def refill(state: State) -> None:
    """Give what is left to whoever gains most per unit, in the smallest allowed steps, until nothing fits."""
    filler = Filler(state)
    heap, gone = filler.hopes(), set[int]()
    heapify(heap)
    plain = state.plain
    while heap:
        known, place = heappop(heap)
        resource = plain.resource[place]
        if resource in gone:
            continue
        take, gain = filler.offer(place)
        if gain <= 0:
            if plain.given[resource] >= plain.stock[resource] and filler.used[place] < 0:
                gone.add(resource)
            continue
        if gain >= -known:
            filler.add(place, take)
            _, gain = filler.offer(place)
        if gain > 0:
            heappush(heap, (-gain, place))


class Filler:
    """One step at a time: how much the next step of a pair is worth now, and whether it still fits everywhere."""

    def __init__(self, state: State) -> None:
        self.state, compiled = state, state.compiled
        pairs = state.part.pairs
        self.used, self.most = compiled.pair_used[pairs], compiled.pair_most[pairs]
        self.lot = column(compiled, "lot")[state.resource]
        self.least = column(compiled, "min_per_need")[state.resource]
        self.single = flag(compiled, "one_provider")[state.need] | (self.used >= 0)
        self.whole = flag(compiled, "all_or_nothing")[state.need]
        needs = np.arange(len(compiled.need_ids), dtype=np.int64)
        self.sizes, self.ranks = level_sizes(compiled, needs), rank_table(compiled)[compiled.urgency]
        self.ends = np.cumsum(self.sizes, axis=1)
        self.end: list[list[int]] = self.ends.tolist()
        self.rank: list[list[int]] = self.ranks.tolist()
        self.provider: dict[int, int] = {}
        held = np.flatnonzero((state.units > 0) & self.single)
        self.provider.update(zip(state.need[held].tolist(), held.tolist(), strict=True))
        self.rivals = Places(state.rival[state.rivals])

    def candidates(self, places: Ints, *, more: Ints | None = None) -> Ints:
        """Those of the places where the next step may fit, as far as arrays can tell, if resources had `more` units."""
        state, compiled = self.state, self.state.compiled
        short = compiled.open - state.received
        places = places[short[state.need[places]] > 0]
        need, resource = state.need[places], state.resource[places]
        units, used, most, lot = state.units[places], self.used[places], self.most[places], self.lot[places]
        first = -(-np.maximum(self.least[places], 1) // lot) * lot
        first = np.where(used >= 0, used, np.where(units > 0, lot, first))
        left = (compiled.stock - state.given + (0 if more is None else more))[resource]
        household = np.full(len(compiled.need_ids), FAR, dtype=np.int64)
        slack = (state.limits.group_limit - state.grouped)[state.member_group]
        np.minimum.at(household, state.member_need, slack)
        wish = short[need]
        ceiling = np.minimum(wish, household[need])
        share = np.append(state.limits.share_limit - state.shared[:-1], FAR)[state.share[places]]
        provider = np.full(len(compiled.need_ids), -1, dtype=np.int64)
        provider[list(self.provider)] = list(self.provider.values())
        free = ~self.single[places] | (provider[need] < 0) | (provider[need] == places)
        plain = (first <= np.minimum(ceiling, share)) & (units + first <= most)
        whole = (units == 0) & (most > 0) & (wish <= ceiling)
        fits: Ints = places[free & (first <= left) & np.where(used < 0, plain, whole)]
        return fits

    def hopes(self) -> list[tuple[float, int]]:
        """Minus the most that the next step of each candidate could gain per unit, and its place."""
        state = self.state
        stocked = (state.given < state.compiled.stock)[state.resource]
        places = self.candidates(np.flatnonzero(stocked | (self.used == 0)))
        need = state.need[places]
        unfilled = self.ends[need] > state.received[need][:, None]
        best = np.where(unfilled.any(axis=1), self.ranks[need, unfilled.argmax(axis=1)], 0).astype(np.float64)
        for at in np.flatnonzero(self.used[places] >= 0).tolist():
            best[at] = self.offer(int(places[at]))[1]
        return [(-gain, at) for gain, at in zip(best.tolist(), places.tolist(), strict=True) if gain > 0]

    def step(self, place: int, *, more: int = 0) -> tuple[int, int]:
        """What the next step takes from the stock and counts for the need; (0, 0) if it does not fit.

        A step is the least allowed amount, or as much as fits into the need's level if that is more. `more` units of
        the resource are counted on beside those that are left.
        """
        plain = self.state.plain
        need, have, most = plain.need[place], plain.units[place], int(self.most[place])
        wish = plain.open[need] - plain.received[need]
        if wish <= 0 or most == 0 or (self.single[place] and self.provider.get(need, place) != place):
            return 0, 0
        supply, household = self.room(place)
        supply += more
        used, lot = int(self.used[place]), int(self.lot[place])
        if used >= 0:
            return (used, wish) if have == 0 and used <= supply and wish <= household else (0, 0)
        first = lot if have else -(-max(int(self.least[place]), 1) // lot) * lot
        room = min(supply, household, wish, most - have) // lot * lot
        if self.whole[place]:
            return (wish, wish) if wish == room and wish >= first else (0, 0)
        take = min(room, max(first, self._level_left(need) // lot * lot))
        return (take, take) if take >= first else (0, 0)

    def _level_left(self, need: int) -> int:
        got = self.state.plain.received[need]
        return next((end - got for end in self.end[need] if end > got), 0)

    def room(self, place: int) -> tuple[int, int]:
        """Units that the supply side and the household's limits still allow this pair."""
        state, plain = self.state, self.state.plain
        resource, need, share = plain.resource[place], plain.need[place], plain.share[place]
        supply = plain.stock[resource] - plain.given[resource]
        for mark in plain.above(resource):
            supply = min(supply, plain.budget[mark] - plain.spent[mark])
        household = plain.share_limit[share] - plain.shared[share] if share >= 0 else FAR
        for group in state.group_of.get(need, ()):
            household = min(household, plain.group_limit[group] - plain.grouped[group])
        if state.rival[place] >= 0:
            rivals = state.rivals[self.rivals.at(int(state.rival[place]))]
            if (state.units[rivals[state.resource[rivals] != resource]] > 0).any():
                return 0, 0
        return supply, household

    def offer(self, place: int) -> tuple[int, float]:
        """What the next step takes, and the rank it gains per unit taken; 0 if none fits."""
        take, count = self.step(place)
        return take, self.worth(self.state.plain.need[place], count) / max(1, take) if count else 0.0

    def worth(self, need: int, count: int) -> int:
        """What so many units more score for the need."""
        got, total = self.state.plain.received[need], 0
        goal = got + count
        for end, rank in zip(self.end[need], self.rank[need], strict=True):
            if end > got:
                upto = min(end, goal)
                total += rank * (upto - got)
                got = upto
                if got == goal:
                    break
        return total

    def add(self, place: int, units: int) -> None:
        """Give so many units more, or take them back."""
        self.state.give(place, units)
        if self.single[place]:
            need = self.state.plain.need[place]
            self.provider[need] = place
            if not self.state.plain.units[place]:
                del self.provider[need]
