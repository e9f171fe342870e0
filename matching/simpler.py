"""Two simpler ways to hand out the same resources, under the same rules: greedy, and first come, first served.

What enters: a compiled problem, its limits and one part. What leaves: units per pair of the part, allowed by every
rule. Called by `matching.beside`, to say what the plan is worth against them. Plain whole numbers of Python: the loops
touch one pair at a time, where arrays would only cost.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from matching.compiled import Compiled
from matching.components import Component
from matching.limits import Limits
from matching.model import FAR
from matching.network import Ints
from matching.refill import allowed
from matching.residual import State
from matching.rules import column, flag


def greedy(compiled: Compiled, limits: Limits, part: Component) -> Ints:
    """Cell by cell in the policy's order, needs and their resources by id, as much as fits: no look ahead.

    O(needs · levels + pairs · levels), most of which find nothing left and are struck off.
    """
    desk = _Desk(compiled, limits, part)
    levels = compiled.problem.policy.levels
    queues: list[list[int]] = [[] for _ in range(4)]
    for need in desk.places:
        queues[int(compiled.urgency[need])].append(need)
    gap, past = compiled.gap.tolist(), compiled.past.tolist()
    for urgency, level in compiled.problem.policy.order:
        for need in queues[urgency]:
            desk.fill(need, -(-gap[need] * level // levels) - past[need])
        queues[urgency] = [need for need in queues[urgency] if desk.places[need] and desk.open[need]]
    return np.array(desk.units, dtype=np.int64)


def first_come(compiled: Compiled, limits: Limits, part: Component, *, order: Sequence[int]) -> Ints:
    """Need after need in the given order (indices), each gets all that it can get of its resources by id. O(pairs)."""
    desk = _Desk(compiled, limits, part)
    for need in order:
        if need in desk.places:
            desk.fill(need, FAR)
    return np.array(desk.units, dtype=np.int64)


class _Desk:
    """What is left everywhere while units are handed out one pair after the other; pins are met first."""

    def __init__(self, compiled: Compiled, limits: Limits, part: Component) -> None:
        state = State(compiled, limits, part, np.zeros(len(part.pairs), dtype=np.int64))
        self.need, self.resource = state.need.tolist(), state.resource.tolist()
        self.used, self.most = compiled.pair_used[part.pairs].tolist(), compiled.pair_most[part.pairs].tolist()
        self.lot, self.least = column(compiled, "lot").tolist(), column(compiled, "min_per_need").tolist()
        self.stock, self.open = compiled.stock.tolist(), compiled.open.tolist()
        self.got = [0] * len(self.open)
        self.mark, self.above = limits.resource_earmark.tolist(), limits.earmark_parent.tolist()
        self.budget = limits.earmark_budget.tolist()
        self.share, self.share_left = state.share.tolist(), limits.share_limit.tolist()
        self.groups, self.group_left = state.group_of, limits.group_limit.tolist()
        self.single, self.whole = flag(compiled, "one_provider").tolist(), flag(compiled, "all_or_nothing").tolist()
        self.provider: dict[int, int] = {}
        self.rival = {place: int(state.rival[place]) for place in state.rivals.tolist()}
        self.holder: dict[int, int] = {}
        self.units = [0] * len(self.need)
        self.places: dict[int, list[int]] = {}
        for place, need in enumerate(self.need):
            self.places.setdefault(need, []).append(place)
        pinned = allowed(state, state.units)
        for place in np.flatnonzero(pinned).tolist():
            self.give(place, int(pinned[place]))

    def fill(self, need: int, target: int) -> None:
        """Give the need as much as fits until it has `target` units of this run; strike off what is used up."""
        if target <= self.got[need] or not self.open[need]:
            return
        dry = False
        for place in self.places[need]:
            take = self.step(place, target - self.got[need])
            if take:
                self.give(place, take)
            dry = dry or not self.stock[self.resource[place]]
            if self.got[need] >= target or not self.open[need]:
                break
        if dry:
            self.places[need] = [place for place in self.places[need] if self.stock[self.resource[place]]]

    def step(self, place: int, wish: int) -> int:
        """What the pair can take towards `wish`: whole lots, at least the minimum, 0 if a rule forbids it."""
        need, resource = self.need[place], self.resource[place]
        if not self.stock[resource] or not self._free(place, need, resource):
            return 0
        supply, household = self._supply(resource), self._household(place, need)
        if self.used[place] >= 0:
            fits = not self.got[need] and self.most[place] and self.used[place] <= supply
            return self.used[place] if fits and self.open[need] <= household else 0
        lot = self.lot[resource]
        first = lot if self.units[place] else -(-max(self.least[resource], 1) // lot) * lot
        room = min(supply, household, self.open[need], self.most[place] - self.units[place]) // lot * lot
        if self.whole[need]:
            return room if room == self.open[need] and room >= first else 0
        take = min(room, max(first, wish // lot * lot))
        return take if take >= first else 0

    def _free(self, place: int, need: int, resource: int) -> bool:
        """Whether neither another provider nor another resource of an exclusive group stands in the way."""
        single = self.single[need] or self.used[place] >= 0
        if single and self.provider.get(need, place) != place:
            return False
        key = self.rival.get(place)
        return key is None or self.holder.get(key, resource) == resource

    def _supply(self, resource: int) -> int:
        left, mark = self.stock[resource], self.mark[resource]
        while mark >= 0:
            left, mark = min(left, self.budget[mark]), self.above[mark]
        return int(left)

    def _household(self, place: int, need: int) -> int:
        left = self.share_left[self.share[place]] if self.share[place] >= 0 else FAR
        for group in self.groups.get(need, ()):
            left = min(left, self.group_left[group])
        return int(left)

    def give(self, place: int, units: int) -> None:
        """Book the units everywhere."""
        need, resource = self.need[place], self.resource[place]
        count = self.open[need] if self.used[place] >= 0 else units
        self.units[place] += units
        self.got[need] += count
        self.open[need] -= count
        self.stock[resource] -= units
        mark = self.mark[resource]
        while mark >= 0:
            self.budget[mark] -= units
            mark = self.above[mark]
        if self.share[place] >= 0:
            self.share_left[self.share[place]] -= units
        for group in self.groups.get(need, ()):
            self.group_left[group] -= count
        self.provider[need] = place
        if place in self.rival:
            self.holder[self.rival[place]] = resource
