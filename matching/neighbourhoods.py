"""Improve an allowed plan of a large hard part by solving small pieces of it exactly.

What enters: a `State` with an allowed plan, the tolls of its pairs, and how many pieces to try. What leaves: the state,
never worse. Called by `priced`. A piece is a few resources that compete for the same needs, and the needs that lose
most on them; everything else stays fixed. Pieces follow the needs' regret and a seed: the result is always the same.
"""

from __future__ import annotations

from random import Random

import numpy as np

from matching.child import answers
from matching.hard import solve_exact
from matching.network import Ints, level_sizes, rank_table
from matching.prices import LimitPrices, pair_tolls
from matching.residual import State
from matching.responses import best_responses
from matching.rules import counted

RESOURCES, NEEDS, PAIRS = 4, 120, 1_000
"""The size of a piece."""

EFFORT = 0.25
"""Deterministic time of one piece, in CP-SAT's unit."""

PATIENCE = 20.0
"""Seconds after which a piece is given up."""


def improve(state: State, prices: LimitPrices, *, pieces: int, deadline: float) -> bool:
    """Solve so many pieces, in a child that can be killed; False if the deadline or a death got in the way."""
    search = _Search(state, prices)
    whole = True
    for change in answers(search.piece, range(pieces), deadline=deadline, patience=PATIENCE):
        if change is None:
            whole = False
        else:
            state.change(*change)
    return whole


class _Search:
    """Where to look: needs by falling regret, and the places of every need and resource."""

    def __init__(self, state: State, prices: LimitPrices) -> None:
        self.state = state
        self.of_need, self.of_resource = _Index(state.need), _Index(state.resource)
        self.regret = regrets(state, prices)
        order = np.argsort(-self.regret, kind="stable")
        self.seeds = order[self.regret[order] > 0]

    def piece(self, index: int) -> tuple[Ints, Ints]:
        """Solve one piece: the places and their new units; also applied to the state at hand."""
        none = np.zeros(0, dtype=np.int64)
        if not len(self.seeds):
            return none, none
        free = self._pick(int(self.seeds[index % len(self.seeds)]), Random(index))
        left = self.state.residual(free)
        if not len(left.places):
            return none, none
        start = self.state.units[left.places]
        found = solve_exact(left.compiled, left.limits, left.part, start=start, effort=EFFORT, depth=2)
        units = start if found is None else found.units
        self.state.change(left.places, units)
        return left.places, units

    def _pick(self, need: int, random: Random) -> Ints:
        """Places of the needs that share a few resources with `need`, those with most regret first."""
        state = self.state
        places = self.of_need.at(need)
        choice = sorted(places.tolist(), key=lambda place: (-int(state.units[place]), random.random()))
        resources = state.resource[np.array(choice[:RESOURCES])]
        near = np.concatenate([self.of_resource.at(resource) for resource in resources.tolist()])
        served = state.need[near[state.units[near] > 0]].tolist()
        waiting = state.need[near[np.argsort(-self.regret[state.need[near]], kind="stable")]].tolist()
        random.shuffle(served)
        needs = np.array(list(dict.fromkeys([need, *waiting[: NEEDS // 2], *served, *waiting]))[:NEEDS], dtype=np.int64)
        mine = np.concatenate([self.of_need.at(one) for one in needs.tolist()])
        kept = np.isin(state.resource[mine], resources) | (state.units[mine] > 0)
        return np.sort(mine[kept][:PAIRS])


class _Index:
    """The places of each value of an array."""

    def __init__(self, values: Ints) -> None:
        self.order = np.argsort(values, kind="stable")
        self.sorted = values[self.order]

    def at(self, value: int) -> Ints:
        """All places that hold `value`, ascending."""
        low, high = np.searchsorted(self.sorted, [value, value + 1])
        return self.order[low:high]


def regrets(state: State, prices: LimitPrices) -> Ints:
    """How much more each need could have gained at these prices by its own rules, shape (N,)."""
    compiled, pairs = state.compiled, state.part.pairs
    supply, household = pair_tolls(compiled, prices, pairs=pairs)
    best = best_responses(compiled, pairs=pairs, tolls=(supply, household)).worth
    gained = np.zeros(len(compiled.need_ids), dtype=np.int64)
    paid = supply * state.units + household * counted(compiled, pairs=pairs, units=state.units)
    np.add.at(gained, state.need, -paid)
    needs = np.arange(len(gained), dtype=np.int64)
    sizes = level_sizes(compiled, needs)
    below = np.cumsum(sizes, axis=1) - sizes
    levels = np.clip(state.received[:, None] - below, 0, sizes)
    gained += (levels * rank_table(compiled)[compiled.urgency]).sum(axis=1)
    return np.asarray(np.where(np.isin(needs, state.part.needs), best - gained, 0), dtype=np.int64)
