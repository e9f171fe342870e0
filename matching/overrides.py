"""Force overrides into the present flow, and repair what they upset.

What enters: a `Present` and the pins, bans, reserves, stocks and bounds to try. What leaves: a `Trial`, whose `units`
are the plan after the change, or the knowledge that there is no such plan. Called by `matching.whatif`.

A change first only upsets nodes: too much here, too little there. `settle` then leads every surplus away and fetches
what is lacking. In hard parts the choices that stand are kept; where nothing else gives way, a line that a hard rule
holds is cut whole, the one whose last unit ranks lowest.
"""

from __future__ import annotations

from collections import Counter

import numpy as np
from numpy.typing import NDArray

from matching.network import Ints
from matching.present import GROUND, Present
from matching.reroute import Reroute
from matching.rules import column, flag


class Trial:
    """Overrides being tried on one plan. Stocks grow first, then pins and bans: each widens or narrows arcs."""

    def __init__(self, now: Present) -> None:
        self.now, self.compiled, self.route = now, now.compiled, Reroute(now)
        self.upset: Counter[int] = Counter()
        self.fixed = now.fixed.copy()
        floor = column(self.compiled, "min_per_need")[self.compiled.pair_resource]
        self.floor = np.where((floor > 1) & (now.units > 0) & ~self.fixed, floor, 0)
        self.whole = np.where(self.compiled.pair_used >= 0, now.units, 0)
        self.pinned = self.compiled.pair_least.copy()
        self.barred = np.zeros(len(now.units), bool)
        self.grown = np.zeros(len(self.compiled.stock), np.int64)
        self._feeds: Ints | None = None

    def units(self) -> Ints:
        """Units of every pair, shape (E,)."""
        arcs, flow = self.now.arcs_of, self.route.flow
        plain = sum(np.where(arcs[:, at] >= 0, flow[arcs[:, at]], 0) for at in (0, 1))
        return np.asarray(plain + self.whole, dtype=np.int64)

    def more(self, resource: int, units: int) -> None:
        """Change a stock; it cannot fall below 0."""
        arc = int(self.now.stock_arc[resource])
        if arc < 0:
            return
        units = max(units, -int(self.compiled.stock[resource] + self.grown[resource]))
        self.grown[resource] += units
        if units > 0:
            self._upset(arc, *self.route.widen(arc, units))
        else:
            self._upset(arc, *self.route.narrow(arc, high=int(self.route.high[arc]) + units))

    def reserve(self, resource: int, *, inside: NDArray[np.bool_], units: int) -> bool:
        """Keep units for the needs `inside` (N,); tell whether a shared household maximum blurs the border."""
        node, last = int(self.route.head[self.now.stock_arc[resource]]), len(self.now.flow)
        arcs = np.flatnonzero(self.route.tail[:last] == node)
        pair = self.now.network.pair[arcs]
        direct = pair >= 0
        out = np.zeros(len(arcs), bool)
        out[direct] = ~inside[self.compiled.pair_need[pair[direct]]]
        mixed = False
        for at in np.flatnonzero(~direct).tolist():
            under = self.now.network.pair[self.route.tail[:last] == self.route.head[arcs[at]]]
            within = inside[self.compiled.pair_need[under]]
            out[at], mixed = not within.all(), mixed or bool(within.any() and not within.all())
        if out.any():
            arc = self.route.split_node(node, arcs[out])
            room = int(self.route.high[self.now.stock_arc[resource]]) - units
            self._upset(arc, *self.route.narrow(arc, high=max(0, room)))
        return mixed

    def ban(self, pairs: Ints) -> None:
        """Close these pairs; whoever takes all or nothing gives up the rest too."""
        self.barred[pairs] = True
        for pair in pairs.tolist():
            self._clear(pair)

    def pin(self, pair: int, units: int) -> bool:
        """Give the pair at least so many units; False if the pair alone can never carry them."""
        target = max(units, int(self.pinned[pair]))
        self.pinned[pair] = target
        if not self.fixed[pair]:
            return self._lift(pair, max(target, int(self.floor[pair])), exactly=False)
        need, resource = int(self.compiled.pair_need[pair]), int(self.compiled.pair_resource[pair])
        lot, least = (int(column(self.compiled, name)[resource]) for name in ("lot", "min_per_need"))
        target = -(-max(target, least) // lot) * lot
        where = self.compiled.pairs_of(need)
        others = [other for other in range(where.start, where.stop) if other != pair]
        whole = bool(flag(self.compiled, "all_or_nothing")[need]) or self.compiled.pair_used[pair] >= 0
        rivals = self._rivals(pair)
        if whole or flag(self.compiled, "one_provider")[need]:
            rivals += others
        for other in rivals:
            if self.pinned[other]:
                return False
            self._clear(other)
        if self.compiled.pair_used[pair] >= 0:
            return units <= self.compiled.pair_used[pair] and self._serve(pair, served=True)
        return self._lift(pair, int(self.compiled.open[need]) if whole else target, exactly=True)

    def unpin(self, pair: int) -> None:
        """Forget a pin of the plan, to learn whether it stands in the way."""
        self.pinned[pair] = 0
        for arc in self.now.arcs_of[pair].tolist():
            if arc >= 0 and not self.fixed[pair]:
                self._upset(arc, *self.route.loosen(arc, low=0))

    def settle(self) -> bool:
        """Lead away and fetch until nothing is upset; False if that cannot be."""
        while True:
            self._pass()
            stuck = [node for node, units in self.upset.items() if units and node != GROUND]
            if not stuck:
                return True
            if not any(self._thaw(node) for node in sorted(stuck)):
                return False

    def _pass(self) -> None:
        """Fetch and lead away in turn, as long as that helps: each may open ways for the other."""
        left, before = self._amiss(), 0
        while left and (not before or left < before):
            before = left
            for sign in (-1, 1):
                mine = {node: units * sign for node, units in self.upset.items() if units * sign > 0}
                still = self.route.fill(mine) if sign < 0 else self.route.drain(mine)
                for node in mine:
                    self.upset[node] = sign * still.get(node, 0)
            left = self._amiss()

    def _amiss(self) -> int:
        return sum(abs(units) for node, units in self.upset.items() if node != GROUND)

    def _upset(self, arc: int, at_tail: int, at_head: int) -> None:
        self.upset[int(self.route.tail[arc])] += at_tail
        self.upset[int(self.route.head[arc])] += at_head

    def _lift(self, pair: int, units: int, *, exactly: bool) -> bool:
        if units > int(self._room(pair)):
            return False
        left = units
        for arc in self.now.arcs_of[pair].tolist():
            if arc >= 0:
                widest = int(self.now.network.upper[arc])
                low = min(left, widest)
                left -= low
                high = low if exactly else None
                self._upset(arc, *self.route.narrow(arc, low=low, high=high))
        return left == 0

    def _room(self, pair: int) -> int:
        arcs = self.now.arcs_of[pair]
        return 0 if self.barred[pair] else int(self.now.network.upper[arcs[arcs >= 0]].sum())

    def _clear(self, pair: int) -> None:
        """Take every unit from a pair and close it."""
        need = int(self.compiled.pair_need[pair])
        if self.whole[pair]:
            self._serve(pair, served=False)
        held = any(self.route.flow[arc] for arc in self.now.arcs_of[pair].tolist() if arc >= 0)
        for arc in self.now.arcs_of[pair].tolist():
            if arc >= 0:
                self._upset(arc, *self.route.narrow(arc, low=0, high=0))
        if held and self.now.hard[need] and flag(self.compiled, "all_or_nothing")[need]:
            where = self.compiled.pairs_of(need)
            for other in range(where.start, where.stop):
                self._clear(other)

    def _serve(self, pair: int, *, served: bool) -> bool:
        """Serve a need by `units_used`, or no longer: its units are no flow, so the limits above shrink or grow."""
        used, open_units = int(self.compiled.pair_used[pair]), int(self.compiled.open[self.compiled.pair_need[pair]])
        if served and self.barred[pair]:
            return False
        change = (used if served else 0) - int(self.whole[pair])
        counted = (open_units if served else 0) - (open_units if self.whole[pair] else 0)
        self.whole[pair] += change
        node = int(self.route.head[self.now.stock_arc[self.compiled.pair_resource[pair]]])
        while node != GROUND:
            arc = int(self.feeds[node])
            self._widen(arc, -change)
            node = int(self.now.tail[arc])
        for arc in self.now.caps_over(int(self.compiled.pair_need[pair])):
            self._widen(arc, -counted)
        return True

    def _widen(self, arc: int, units: int) -> None:
        if units >= 0:
            self._upset(arc, *self.route.widen(arc, units))
        else:
            self._upset(arc, *self.route.narrow(arc, high=int(self.route.high[arc]) + units))

    def _rivals(self, pair: int) -> list[int]:
        """Pairs with units through which the household draws on another resource of the same exclusive group."""
        rows, home = self.compiled.problem.resources, self.compiled.household[self.compiled.pair_need[pair]]
        name = rows[self.compiled.pair_resource[pair]].exclusive_group
        if name is None:
            return []
        found = []
        for need in np.flatnonzero(self.compiled.household == home).tolist():
            where = self.compiled.pairs_of(need)
            for other in range(where.start, where.stop):
                theirs = int(self.compiled.pair_resource[other])
                if theirs != self.compiled.pair_resource[pair] and rows[theirs].exclusive_group == name:
                    found.append(other)
        return found

    @property
    def feeds(self) -> Ints:
        """The one arc by which each node of the supply side is fed, shape (nodes,); -1 elsewhere."""
        if self._feeds is None:
            self._feeds = np.full(len(self.route.levels), -1, np.int64)
            for arc, name in self.now.network.limits.items():
                if name[0] != "household_cap":
                    self._feeds[self.now.head[arc]] = arc
            for arc in range(len(self.now.flow), len(self.route.flow)):
                self._feeds[self.route.head[arc]] = arc
        return self._feeds

    def _thaw(self, node: int) -> bool:
        """Cut the least line that a hard rule holds and that passes this node or, failing that, the nearest limit."""
        lines = np.flatnonzero((self.fixed | (self.floor > 0)) & (self.units() > 0) & (self.pinned == 0))
        if not len(lines):
            return False
        lines = lines[np.argsort(self.now.last_rank[self.compiled.pair_need[lines]], kind="stable")]
        arcs = np.max(self.now.arcs_of[lines], axis=1)
        surplus = self.upset[node] > 0
        ways = [self.route.head[arcs]] if surplus else [self.route.tail[arcs]]
        follow = self.now.drains if surplus else self.feeds
        ends = self.route.head if surplus else self.route.tail
        while (ways[-1] != GROUND).any():
            step = follow[ways[-1]]
            ways.append(np.where((ways[-1] == GROUND) | (step < 0), GROUND, ends[step]))
        while node != GROUND:
            passes = np.logical_or.reduce([way == node for way in ways])
            if passes.any():
                self._clear(int(lines[passes.argmax()]))
                return True
            node = int(ends[follow[node]]) if follow[node] >= 0 else GROUND
        return False
