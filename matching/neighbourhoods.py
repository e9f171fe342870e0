"""Improve an allowed plan of a large hard part by solving small pieces of it exactly.

What enters: a `State` with an allowed plan, the prices, and how many pieces to try. What leaves: the state,
never worse. Called by `priced`. A piece is a few resources that compete for the same needs, and the needs that lose
most on them; everything else stays fixed. The pieces of a round share no resource they are about and no household, so
several children solve them at once; their answers are taken in order, and one that no longer fits is dropped. Pieces
are drawn by what needs lose, with a seed: always the same ones, however many children there are.
"""

from __future__ import annotations

from random import Random
from time import monotonic

import numpy as np

from matching.child import Crew
from matching.entire import possible
from matching.homes import Homes
from matching.network import Ints, rank_table
from matching.parts import filled, score_of
from matching.pieces import MANY, solve_piece
from matching.prices import LimitPrices, pair_tolls
from matching.residual import Places, State
from matching.responses import best_responses
from matching.rules import column, counted

RESOURCES, NEEDS, PAIRS = 4, 40, 300
"""The size of a piece: in the time of one of twice that, three of these gain more."""

ROUND = 24
"""Most pieces of a round."""

PATIENCE = 20.0
"""Seconds after which a piece is given up."""

LARGE = 6
"""How many usual pieces one about large amounts (money) counts for: it takes that much longer."""

DEAR = 2
"""How many ranks a unit must gain before a promised one is given up for it."""

Changes = list[tuple[Ints, Ints]]
"""Places and their new units."""


def improve(
    state: State, prices: LimitPrices, *, pieces: int, workers: int, deadline: float, enough: int | None = None
) -> bool:
    """Go through so many pieces, round by round, or until the score is `enough`: then promises are dear on the way.

    False if the deadline or the death of a child got in the way.
    """
    if not pieces or _reached(state, enough):
        return True
    search = _Search(state, prices, dear=0 if enough is None else DEAR)
    whole, news, number = True, Changes(), 0
    with Crew(search.learn, search.solve, size=workers) as crew:
        while pieces > 0 and not _reached(state, enough) and (tasks := search.within(search.draw(number), pieces)):
            if monotonic() >= deadline:
                return False
            answers = crew.ask(news, [free for _, free in tasks], deadline=deadline, patience=PATIENCE)
            whole = whole and all(answer is not None for answer in answers)
            news = [change for task, answer in zip(tasks, answers, strict=True) for change in search.take(task, answer)]
            pieces, number = pieces - sum(search.toil(free) for _, free in tasks), number + 1
    return whole


def _reached(state: State, enough: int | None) -> bool:
    part = state.part
    return enough is not None and score_of(state.compiled, needs=part.needs, received=state.received) >= enough


class _Search:
    """Where to look: needs drawn by their loss, and the places of every need, resource and household."""

    def __init__(self, state: State, prices: LimitPrices, *, dear: int) -> None:
        self.state, self.dear = state, dear
        compiled, pairs = possible(state.compiled), state.part.pairs
        lot = column(compiled, "lot")[compiled.pair_resource[pairs]]
        self.many = np.where(compiled.pair_used[pairs] < 0, compiled.pair_most[pairs] // lot, 1)
        self.of_need, self.of_resource = Places(state.need), Places(state.resource)
        self.homes = compiled.household
        self.of_household = Places(self.homes[state.part.needs])
        self.supply, self.household = pair_tolls(compiled, prices, pairs=pairs)
        self.best = best_responses(compiled, pairs=pairs, tolls=(self.supply, self.household)).worth
        self.prices, self.asked = prices, Homes(compiled, prices, pairs=pairs)
        self.loss = np.zeros(len(compiled.need_ids), dtype=np.int64)
        self.patience = np.ones(len(compiled.need_ids))

    def learn(self, news: Changes) -> None:
        """Bring the state up to date."""
        for places, units in news:
            self.state.change(places, units)

    def solve(self, free: Ints) -> tuple[Ints, Ints]:
        """The places of one piece and their new units."""
        left = self.state.residual(free)
        if not len(left.places):
            return left.places, left.places
        return left.places, solve_piece(left, self.state.units[left.places], dear=self.dear).units

    def take(self, task: tuple[int, Ints], answer: tuple[Ints, Ints] | None) -> Changes:
        """Apply an answer if it changes anything and still fits; a need that gains nothing is asked less often."""
        if answer is not None:
            places, units = answer
            before = self.state.units[places].copy()
            self.state.change(places, units)
            if not self.state.fits(places):
                self.state.change(places, before)
            elif not np.array_equal(before, units):
                return [(places, units)]
        self.patience[task[0]] *= 0.3
        return []

    def draw(self, number: int) -> list[tuple[int, Ints]]:
        """The pieces of one round: (need it starts from, free places)."""
        self.loss = self.losses()
        total = np.cumsum(self.loss * self.patience)
        random = Random(number)
        tasks: list[tuple[int, Ints]] = []
        taken: set[int] = set()
        homes: set[int] = set()
        for _ in range(4 * ROUND if total[-1] > 0 else 0):
            seed = int(np.searchsorted(total, random.random() * total[-1], side="right"))
            resources = self._rivals(min(seed, len(total) - 1), random)
            if taken.isdisjoint(resources.tolist()):
                needs = self._needs(min(seed, len(total) - 1), resources, random)
                needs = needs[~np.isin(self.homes[needs], list(homes))]
                taken.update(resources.tolist())
                homes.update(self.homes[needs].tolist())
                tasks.append((seed, self._places(needs, resources)))
            if len(tasks) == ROUND:
                break
        return [task for task in tasks if len(task[1])]

    def within(self, tasks: list[tuple[int, Ints]], pieces: int) -> list[tuple[int, Ints]]:
        """As many of them, in order, as `pieces` allow; one in any case."""
        toil = np.cumsum([self.toil(free) for _, free in tasks])
        return tasks[: max(1, int(np.searchsorted(toil, pieces, side="right")))]

    def toil(self, free: Ints) -> int:
        """How many usual pieces a piece counts for: more where it is about large amounts, which take longer."""
        return LARGE if self.many[free].max(initial=0) > MANY else 1

    def losses(self) -> Ints:
        """What each need loses against the bound, shape (N,): its regret, and what its limits leave unused."""
        state, part = self.state, self.state.part
        compiled, limits = state.compiled, state.limits
        got = counted(compiled, pairs=part.pairs, units=state.units)
        loss = self.best.copy()
        some = np.flatnonzero(state.units)
        np.add.at(loss, state.need[some], (self.supply * state.units + self.household * got)[some])
        levels = filled(compiled, needs=part.needs, received=state.received)
        loss[part.needs] -= (levels * rank_table(compiled)[compiled.urgency[part.needs]]).sum(axis=1)
        for group in part.groups[(limits.group_limit > state.grouped)[part.groups]].tolist():
            cap = compiled.problem.caps[limits.group_cap[group]].cap_id
            price = self.prices.get(("household_cap", cap, compiled.household_ids[limits.group_household[group]]), 0)
            loss[limits.needs_of(group)] += price * int(limits.group_limit[group] - state.grouped[group])
        return self._whole_homes(np.maximum(loss, 0))

    def _whole_homes(self, loss: Ints) -> Ints:
        """A household that is asked whole loses what it could keep less what it keeps: all its needs share that."""
        given = np.zeros(len(self.state.compiled.pair_need), dtype=np.int64)
        given[self.state.part.pairs] = self.state.units
        kept = self.asked.kept(given)
        for home, needs in self.asked.needs.items():
            if loss[needs].any():
                worth = self.asked.worth(home)
                if worth is not None:
                    loss[needs] = max(0, worth - int(kept[needs].sum()))
        return loss

    def _rivals(self, seed: int, random: Random) -> Ints:
        """A few resources of the need and of its household, those that it draws on first."""
        state = self.state
        family = state.part.needs[self.of_household.at(int(self.homes[seed]))].tolist()
        places = np.concatenate([self.of_need.at(need) for need in (seed, *family)])
        choice = sorted(
            places.tolist(), key=lambda place: (state.need[place] != seed, -state.units[place], random.random())
        )
        return np.array(list(dict.fromkeys(state.resource[choice].tolist()))[:RESOURCES], dtype=np.int64)

    def _needs(self, seed: int, resources: Ints, random: Random) -> Ints:
        """Needs of the household, those that lose most on the resources, and some that are served by them."""
        state = self.state
        family = state.part.needs[self.of_household.at(int(self.homes[seed]))].tolist()
        near = np.concatenate([self.of_resource.at(resource) for resource in resources.tolist()])
        served = state.need[near[state.units[near] > 0]].tolist()
        losing = state.need[near[np.argsort(-self.loss[state.need[near]], kind="stable")]].tolist()
        random.shuffle(served)
        first = dict.fromkeys([seed, *family, *losing[: NEEDS // 2], *served, *losing])
        return np.array(list(first)[:NEEDS], dtype=np.int64)

    def _places(self, needs: Ints, resources: Ints) -> Ints:
        """Their pairs with the resources, and whatever they draw on now."""
        if not len(needs):
            return needs
        mine = np.concatenate([self.of_need.at(need) for need in needs.tolist()])
        kept = np.isin(self.state.resource[mine], resources) | (self.state.units[mine] > 0)
        return np.sort(mine[kept][:PAIRS])
