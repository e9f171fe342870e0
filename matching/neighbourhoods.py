"""Improve an allowed plan of a large hard part by solving small pieces of it exactly.

What enters: a `State` with an allowed plan, the tolls of its pairs, and how many pieces to try. What leaves: the state,
never worse. Called by `priced`. A piece is a few resources that compete for the same needs, and the needs that lose
most on them; everything else stays fixed. Pieces are drawn by what needs lose, with a seed: always the same ones.
"""

from __future__ import annotations

from random import Random

import numpy as np

from matching.child import answers
from matching.hard import solve_exact
from matching.network import Ints, rank_table
from matching.parts import filled
from matching.prices import LimitPrices, pair_tolls
from matching.residual import State
from matching.responses import best_responses
from matching.rules import counted

RESOURCES, NEEDS, PAIRS = 4, 120, 1_000
"""The size of a piece."""

EFFORT = 0.06
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
    """Where to look: needs drawn by their loss, and the places of every need, resource and household."""

    def __init__(self, state: State, prices: LimitPrices) -> None:
        self.state = state
        self.of_need, self.of_resource = _Index(state.need), _Index(state.resource)
        self.of_household = _Index(state.compiled.household[state.part.needs])
        self.loss = losses(state, prices).astype(np.float64)

    def piece(self, index: int) -> tuple[Ints, Ints]:
        """Solve one piece: the places and their new units; also applied to the state at hand."""
        none = np.zeros(0, dtype=np.int64)
        total = np.cumsum(self.loss)
        if not total[-1] > 0:
            return none, none
        random = Random(index)
        seed = int(np.searchsorted(total, random.random() * total[-1], side="right"))
        needs, free = self._pick(min(seed, len(total) - 1), random)
        left = self.state.residual(free)
        if not len(left.places):
            return none, none
        start = self.state.units[left.places]
        found = solve_exact(left.compiled, left.limits, left.part, start=start, effort=EFFORT, only=("score", "kept"))
        units = start if found is None else found.units
        if np.array_equal(units, start):
            self.loss[needs[: NEEDS // 4]] *= 0.7
            self.loss[seed] *= 0.3
        self.state.change(left.places, units)
        return left.places, units

    def _pick(self, seed: int, random: Random) -> tuple[Ints, Ints]:
        """Needs that share a household or a few resources with `seed`, those that lose most first; and their places."""
        state = self.state
        family = state.part.needs[self.of_household.at(int(state.compiled.household[seed]))].tolist()
        places = np.concatenate([self.of_need.at(need) for need in (seed, *family)])
        choice = sorted(
            places.tolist(), key=lambda place: (state.need[place] != seed, -state.units[place], random.random())
        )
        resources = np.array(list(dict.fromkeys(state.resource[choice].tolist()))[:RESOURCES])
        near = np.concatenate([self.of_resource.at(resource) for resource in resources.tolist()])
        served = state.need[near[state.units[near] > 0]].tolist()
        losing = state.need[near[np.argsort(-self.loss[state.need[near]], kind="stable")]].tolist()
        random.shuffle(served)
        first = dict.fromkeys([seed, *family, *losing[: NEEDS // 2], *served, *losing])
        needs = np.array(list(first)[:NEEDS], dtype=np.int64)
        mine = np.concatenate([self.of_need.at(need) for need in needs.tolist()])
        kept = np.isin(state.resource[mine], resources) | (state.units[mine] > 0)
        return needs, np.sort(mine[kept][:PAIRS])


class _Index:
    """The places of each value of an array."""

    def __init__(self, values: Ints) -> None:
        self.order = np.argsort(values, kind="stable")
        self.sorted = values[self.order]

    def at(self, value: int) -> Ints:
        """All places that hold `value`, ascending."""
        low, high = np.searchsorted(self.sorted, [value, value + 1])
        return self.order[low:high]


def losses(state: State, prices: LimitPrices) -> Ints:
    """What each need loses against the bound, shape (N,): its regret, and what is left of its household's caps."""
    compiled, limits, part = state.compiled, state.limits, state.part
    loss = np.maximum(_regrets(state, prices), 0)
    for group in part.groups.tolist():
        cap = compiled.problem.caps[limits.group_cap[group]].cap_id
        price = prices.get(("household_cap", cap, compiled.household_ids[limits.group_household[group]]), 0)
        loss[limits.needs_of(group)] += price * max(0, int(limits.group_limit[group] - state.grouped[group]))
    return loss


def _regrets(state: State, prices: LimitPrices) -> Ints:
    """How much more each need could have gained at these prices by its own rules, shape (N,)."""
    compiled, pairs = state.compiled, state.part.pairs
    supply, household = pair_tolls(compiled, prices, pairs=pairs)
    regret = best_responses(compiled, pairs=pairs, tolls=(supply, household)).worth.copy()
    np.add.at(regret, state.need, supply * state.units + household * counted(compiled, pairs=pairs, units=state.units))
    needs = state.part.needs
    levels = filled(compiled, needs=needs, received=state.received)
    regret[needs] -= (levels * rank_table(compiled)[compiled.urgency[needs]]).sum(axis=1)
    return regret
