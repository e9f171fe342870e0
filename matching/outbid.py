"""Let a need that ranks higher take units over from needs that rank lower, resource by resource.

What enters: a `State` with an allowed plan. What leaves: the state with a plan in which no need could gain more by its
next step on a resource than those lose who hold that resource now. Called by `priced` as the last step of a plan, and
before an announced plan is kept: where nobody outbids anybody, a next run of the same problem finds nothing to change.
Stocks and earmarks do not notice, for the units stay with their resource. Every step raises the score, so it ends.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from matching.network import Ints
from matching.refill import Filler
from matching.residual import Places, State
from matching.rules import counted

NOBODY = 2**62


@dataclass(frozen=True, slots=True)
class _Holders:
    """Who holds units of a resource: places, how many units each would give up first, and what that loses."""

    places: Ints
    chunks: Ints
    losses: Ints


class Bids:
    """What the next unit of each need would score and what its last unit does; kept up to date step by step."""

    def __init__(self, state: State) -> None:
        self.state, self.filler = state, Filler(state)
        self.of_need, self.of_resource = Places(state.need), Places(state.resource)
        self.ends = self.filler.ends
        self.pinned = state.compiled.pair_least[state.part.pairs]
        self.keep = np.maximum(self.filler.least, self.pinned)
        self.entire = self.filler.whole | (self.filler.used >= 0)
        every = np.arange(len(self.ends))
        self.next, self.last = self._ranks(every, state.received + 1), self._ranks(every, state.received)
        self.clock = 1
        self.tried = np.zeros(len(state.units), dtype=np.int64)
        self.need_moved, self.resource_moved = np.ones(len(self.ends), np.int64), np.ones(len(state.given), np.int64)

    def settle(self) -> bool:
        """Go through all who rank higher than somebody on a resource, until no one gains; True if anyone did.

        Each pass is O(pairs · levels), and each bid O(holders of the resource · levels).
        """
        changed = False
        while sum(map(self.take, self.bidders())):
            changed = True
        return changed

    def notice(self, places: Ints) -> None:
        """Units were given at these places by somebody else."""
        for place in places[self.filler.single[places]].tolist():
            self.filler.provider[int(self.state.need[place])] = place
        if len(places):
            self._moved(places)

    def bidders(self) -> list[int]:
        """Places whose next unit may outrank the last unit of somebody on the same resource, the highest rank first.

        A bid that failed is not made again before something moves at its need or at its resource.
        """
        state = self.state
        least = np.full(len(state.given), NOBODY, dtype=np.int64)
        held = np.flatnonzero(state.units)
        np.minimum.at(least, state.resource[held], self.last[state.need[held]])
        places = np.flatnonzero(self.next[state.need] > least[state.resource])
        moved = np.maximum(self.need_moved[state.need[places]], self.resource_moved[state.resource[places]])
        places = self.filler.candidates(places[moved > self.tried[places]], more=state.given)
        best: list[int] = places[np.argsort(-self.next[state.need[places]], kind="stable")].tolist()
        return best

    def take(self, place: int) -> bool:
        """Let the need take its next step here, at the cost of those that rank lowest; False if nothing is gained."""
        self.tried[place] = self.clock
        need = int(self.state.need[place])
        holders = self._holders(place) if self.filler.step(place, more=NOBODY)[1] else None
        if holders is None:
            return False
        units, count = self.filler.step(place, more=int(holders.chunks.sum()))
        short = max(0, units - self.filler.room(place)[0])
        givers = self._enough(holders, short)
        if not count or self.filler.worth(need, count) <= int(givers.losses.sum()):
            return False
        for at, chunk in zip(givers.places.tolist(), givers.chunks.tolist(), strict=True):
            self.filler.add(at, -chunk)
        self.filler.add(place, units)
        self._moved(np.append(givers.places, place))
        if units < givers.chunks.sum():
            self.resource_moved[self._under_one_budget(int(self.state.resource[place]))] = self.clock
        return True

    def _moved(self, places: Ints) -> None:
        """Note where a bid may come out otherwise now: what these needs are worth, and what they leave to others."""
        self.clock += 1
        state, needs = self.state, np.unique(self.state.need[places])
        self.next[needs] = self._ranks(needs, state.received[needs] + 1)
        self.last[needs] = self._ranks(needs, state.received[needs])
        held = np.concatenate([self.of_need.at(need) for need in needs.tolist()])
        self.resource_moved[state.resource[held[state.units[held] > 0]]] = self.clock
        self.resource_moved[state.resource[places]] = self.need_moved[needs] = self.clock
        rivals = state.rival[places[state.rival[places] >= 0]].tolist()
        for beside in (state.rivals[self.filler.rivals.at(rival)] for rival in rivals):
            self.need_moved[state.need[beside]] = self.clock
        for need in needs.tolist():
            for group in state.group_of.get(need, ()):
                self.need_moved[state.limits.needs_of(group)] = self.clock

    def _under_one_budget(self, resource: int) -> Ints:
        """The resources that may give more when this one gives less: those below the same topmost earmark."""
        limits, top = self.state.limits, -1
        mark = int(limits.resource_earmark[resource])
        while mark >= 0:
            top, mark = mark, int(limits.earmark_parent[mark])
        return self.state.marks[top] if top >= 0 else np.array([resource])

    def _enough(self, holders: _Holders, short: int) -> _Holders:
        """The first holders who together give so many units, the last of them no more lots than it must."""
        upto = int(np.searchsorted(np.cumsum(holders.chunks), short)) + 1 if short else 0
        places, chunks = holders.places[:upto], holders.chunks[:upto].copy()
        if upto:
            last, lot = int(places[-1]), int(self.filler.lot[places[-1]])
            fewer = -(-(short - int(chunks[:-1].sum())) // lot) * lot
            if not self.entire[last] and self.state.units[last] - fewer >= max(1, self.keep[last]):
                chunks[-1] = min(fewer, chunks[-1])
        return _Holders(places, chunks, self._losses(places, chunks))

    def _holders(self, place: int) -> _Holders | None:
        """Other needs on the resource whose units score less than the next one here.

        The least loss per unit first, then the largest: that breaks few links.
        """
        state, below = self.state, int(self.next[self.state.need[place]])
        places = self.of_resource.at(int(state.resource[place]))
        places = places[(state.units[places] > 0) & (state.need[places] != state.need[place])]
        places = places[self.last[state.need[places]] < below]
        if not len(places):
            return None
        chunks = self._chunks(places)
        losses = self._losses(places, chunks)
        fits = (chunks > 0) & (losses < below * chunks)
        places, chunks, losses = places[fits], chunks[fits], losses[fits]
        order = np.lexsort((-chunks, losses / chunks))
        return _Holders(places[order], chunks[order], losses[order])

    def _chunks(self, places: Ints) -> Ints:
        """What each place gives up first: its last level, or a lot, or all of it; 0 if it may give up nothing."""
        state, lot = self.state, self.filler.lot[places]
        units, need = state.units[places], state.need[places]
        got = state.received[need][:, None]
        below = np.where(self.ends[need] < got, self.ends[need], 0).max(axis=1)
        level = np.maximum(np.minimum(got[:, 0] - below, units) // lot * lot, lot)
        all_of_it = np.where(self.pinned[places] > 0, 0, units)
        alone = state.received[need] == counted(state.compiled, pairs=state.part.pairs[places], units=units)
        part = np.where(units - level >= np.maximum(self.keep[places], 1), level, all_of_it)
        return np.where(self.entire[places], np.where(alone, all_of_it, 0), part)

    def _losses(self, places: Ints, chunks: Ints) -> Ints:
        """What the needs lose if the places give up so many units."""
        state, need = self.state, self.state.need[places]
        pairs, units = state.part.pairs[places], state.units[places]
        fewer = counted(state.compiled, pairs=pairs, units=units)
        fewer = fewer - counted(state.compiled, pairs=pairs, units=units - chunks)
        got, starts = state.received[need][:, None], self.ends[need] - self.filler.sizes[need]
        lost = np.minimum(self.ends[need], got) - np.maximum(starts, got - fewer[:, None])
        total: Ints = (np.maximum(lost, 0) * self.filler.ranks[need]).sum(axis=1)
        return total

    def _ranks(self, needs: Ints, position: Ints) -> Ints:
        """The rank of the unit at this position of each need, from 1; 0 where the need has no such unit."""
        ends, ranks = self.ends[needs], self.filler.ranks[needs]
        level = (ends < position[:, None]).sum(axis=1)
        inside = (level < ends.shape[1]) & (position > 0)
        found: Ints = np.where(inside, ranks[np.arange(len(level)), np.minimum(level, ends.shape[1] - 1)], 0)
        return found
