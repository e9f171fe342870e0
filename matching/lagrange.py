"""Prices on being placed: a bound on plain assignment that needs no solver, and what it rules out.

What enters: `Bins`, prices to begin with, a plan if there is one, and an effort. What leaves: the best plan found, the
bound, and the entries that a better plan may still use. Called by `bounding`. With a price on placing each need, every
bin is filled on its own, exactly; the prices plus what the bins gain bound every plan, whatever the prices are. They
are moved by subgradients, and fillings are repaired into plans. All sums of the bound are whole numbers: prices count
in 1/`SCALE`, so anyone with the prices can add it up again.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from math import inf
from time import monotonic

import numpy as np
from numpy.typing import NDArray

from matching.bins import Bins, Table, fill, forced, useful
from matching.network import Ints
from matching.parts import UNKNOWN
from matching.shifting import polished, repaired

SCALE = 1024
"""Prices count in this part of a unit of value."""

BIN, ITEM, CELL, MOVE = 4e-5, 3e-6, 1.5e-9, 2e-8
"""Effort of a bin, of an item in it, of an item and a unit of room, of mending a plan per two needs: about seconds."""

REPAIR = 5
"""A filling in so many becomes a plan; more where it nearly is one."""

PATIENCE, SHORTEST = 12, 0.003
"""Fillings without a better bound after which the steps become shorter, and steps too short to matter."""

RULE = 60
"""Fillings after which the bound is asked again what it rules out."""


@dataclass(frozen=True, slots=True)
class Filling:
    """What each bin takes at some prices: the bound they make (in 1/`SCALE`), and its parts."""

    total: int
    gain: Table
    """(N, K + 1) value less price"""
    taken: NDArray[np.bool_]
    """(N, K + 1)"""
    effort: float


@dataclass(slots=True)
class Search:
    """The state of the search; `bins` loses entries that no plan better than `plan` uses."""

    bins: Bins
    prices: Ints
    plan: Ints | None
    best: int = -1
    total: int = UNKNOWN
    at: Ints = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    spent: float = 0.0

    @property
    def bound(self) -> int:
        """What no plan is worth more than."""
        return max(self.best, self.total // SCALE)

    @property
    def proven(self) -> bool:
        """Whether nothing is worth more than the plan."""
        return self.plan is not None and self.bound == self.best


def search(asked: Bins, *, prices: Ints, plan: Ints | None, effort: float, until: float = inf) -> Search:
    """Prices, plan and bound after so much effort, or as soon as the bound is reached."""
    state = Search(asked, prices, None, at=prices)
    if plan is not None and asked.fits(plan):
        _offer(state, plan)
    length, waited, turn = 1.0, 0, 0
    way = np.zeros(len(prices), dtype=np.float64)
    while not state.proven and state.spent < effort and length > SHORTEST and monotonic() < until:
        filling = filled_at(state.bins, state.prices)
        state.spent += filling.effort
        waited += 1
        if filling.total < state.total:
            waited = waited if state.total - filling.total < SCALE // 100 else 0
            state.total, state.at = filling.total, state.prices
        if waited > PATIENCE:
            length, waited, state.prices, way = length * 0.7, 0, state.at, way * 0
        times = filling.taken.sum(axis=1)
        if turn % REPAIR == 0 or (times == 1).mean() > 0.97:
            _repair(state, filling)
        turn += 1
        if turn % RULE == 0:
            _rule_out(state)
        way = 1.0 - times + 0.5 * way
        square = float(way @ way)
        if not square:
            break
        aim = state.best * SCALE if state.plan is not None else round(0.99 * state.total)
        state.prices = state.prices - np.rint(length * max(filling.total - aim, SCALE) / square * way).astype(np.int64)
    _rule_out(state)
    return state


def filled_at(asked: Bins, prices: Ints) -> Filling:
    """Every bin filled on its own; O(entries · room)."""
    gain = np.where(asked.can, asked.value * SCALE - prices[:, None], 0)
    taken = np.zeros(gain.shape, dtype=np.bool_)
    taken[:, -1] = gain[:, -1] > 0
    total, effort = int(prices.sum()) + int(gain[taken[:, -1], -1].sum()), BIN
    for place, room in enumerate(asked.room.tolist()):
        items = useful(gain[:, place], asked.weight[:, place], room=room)
        more, mine = fill(gain[items, place], asked.weight[items, place], room=room)
        total, effort = total + more, effort + BIN + len(items) * (ITEM + CELL * room)
        taken[items[mine], place] = True
    return Filling(total, gain, taken, effort)


def _offer(state: Search, plan: Ints) -> None:
    worth = state.bins.worth(plan)
    if worth > state.best:
        state.plan, state.best = plan, worth


def _repair(state: Search, filling: Filling) -> None:
    """Make a plan of a filling; the entries that are ruled out lead to no better one."""
    plan = repaired(state.bins, filling.taken, liking=filling.gain)
    state.spent += MOVE * len(state.prices) ** 2
    if plan is not None:
        _offer(state, polished(state.bins, plan))
        state.spent += 20 * MOVE * len(state.prices) ** 2


def _rule_out(state: Search) -> None:
    """Drop the entries that no better plan uses; where a need keeps none, the plan is proven."""
    if state.plan is None or state.proven:
        return
    filling = filled_at(state.bins, state.at)
    can = still_possible(state.bins, filling, best=state.best)
    state.spent += 3 * filling.effort
    if not can.any(axis=1).all():
        state.total = state.best * SCALE
    state.bins = replace(state.bins, can=can)


def still_possible(asked: Bins, filling: Filling, *, best: int) -> NDArray[np.bool_]:
    """The entries that a plan worth more than `best` may use, by this bound; O(entries · room).

    Using an entry changes its own bin, and leaves the need out of all others; not using it changes its own bin.
    """
    entering, leaving = np.zeros_like(filling.gain), np.zeros_like(filling.gain)
    entering[:, -1], leaving[:, -1] = (-filling.gain[:, -1]).clip(0), filling.gain[:, -1].clip(0)
    for place, room in enumerate(asked.room.tolist()):
        items = np.flatnonzero(asked.can[:, place])
        gain, weight = filling.gain[items, place], asked.weight[items, place]
        now, _ = fill(gain[gain > 0], weight[gain > 0], room=room)
        inside, outside = forced(gain, weight, room=room)
        entering[items, place], leaving[items, place] = now - inside, now - outside
    used = filling.total - entering - (leaving.sum(axis=1)[:, None] - leaving)
    possible: NDArray[np.bool_] = asked.can & (used // SCALE > best)
    needed: NDArray[np.bool_] = asked.can & ((filling.total - leaving) // SCALE <= best)
    possible[needed.any(axis=1)] &= needed[needed.any(axis=1)]
    return possible
