"""Hard parts too large to solve exactly: a good plan, and prices that say how far from the best it can be at most.

What enters: a compiled problem and one large hard component. What leaves: its `Outcome`. Called by `solve`. The steps:
a divisible relaxation ► prices and bound ► one provider for each need that wants one ► exact flow again ► whole lots
and minima ► refill ► exact flow of everything that is no hard choice ► refill ► small pieces solved exactly.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from matching.compiled import Compiled
from matching.components import Component
from matching.flow import NoFlow, optimum, whole_flow
from matching.limits import Limits
from matching.neighbourhoods import improve
from matching.network import Ints, Network, build
from matching.parts import Outcome, receipts, score_of
from matching.prices import LimitPrices, of_tier, pair_tolls
from matching.refill import allowed, floors, refill, round_up, soft, tied
from matching.relaxed import part_bound, prices_of, relaxed_flow
from matching.residual import State
from matching.responses import best_responses
from matching.rules import breaches, column, flag

PIECES_PER_SECOND = 3
"""Pieces to solve per second of the budget: a fixed number, so that a plan does not depend on the machine's speed."""


def solve_large(compiled: Compiled, limits: Limits, part: Component, *, pieces: int, deadline: float) -> Outcome | None:
    """A plan that keeps all rules, with prices; `pieces` is the number of neighbourhoods to solve.

    None where rounding cannot keep the pins: the exact solver has to find a plan, or that there is none.
    """
    try:
        network, flow = relaxed_flow(compiled, limits, part)
        prices = prices_of(network, flow)
        state = _rounded(compiled, limits, part, units=_by_pair(network, flow, part), prices=of_tier(prices, 1))
    except NoFlow:
        return None
    if breaches(compiled, limits, part, state.units):
        return None
    bound = part_bound(compiled, part, prices)
    refill(state)
    _reopen(state)
    refill(state)
    finished = improve(state, of_tier(prices, 1), pieces=pieces, deadline=deadline)
    refill(state)
    _reopen(state, settle=True)
    score = score_of(compiled, needs=part.needs, received=receipts(compiled, pairs=part.pairs, units=state.units))
    return Outcome(
        pairs=part.pairs, units=state.units, score=score, bound=bound, prices=prices,
        proof="price" if bound == score else "none", finished=finished,
    )  # fmt: skip


def _by_pair(network: Network, flow: Ints, part: Component) -> Ints:
    """Units per place of the part."""
    units = np.zeros(len(part.pairs), dtype=np.int64)
    carries = network.pair >= 0
    np.add.at(units, np.searchsorted(part.pairs, network.pair[carries]), flow[carries])
    return units


def _rounded(compiled: Compiled, limits: Limits, part: Component, *, units: Ints, prices: LimitPrices) -> State:
    """Settle on the providers that the flow prefers, round their lots, and let the flow of the rest adapt."""
    blank = State(compiled, limits, part, np.zeros_like(units))
    tolls = pair_tolls(compiled, prices, pairs=part.pairs)
    alone = best_responses(compiled, pairs=part.pairs, tolls=tolls).single_worth
    kept = replace(part, pairs=part.pairs[tied(blank, units, alone)])
    network, flow = relaxed_flow(compiled, limits, kept)
    wanted = np.zeros_like(units)
    wanted[np.searchsorted(part.pairs, kept.pairs)] = _by_pair(network, flow, kept)
    state = State(compiled, limits, part, allowed(blank, wanted))
    chosen = flag(compiled, "one_provider")[state.need] | (column(compiled, "min_per_need")[state.resource] > 1)
    free = np.setdiff1d(soft(state), np.flatnonzero(chosen))
    state.change(free, compiled.pair_least[part.pairs[free]])
    round_up(state, wanted)
    _reopen(state)
    return state


def _reopen(state: State, *, settle: bool = False) -> None:
    """Give the best flow to all pairs that no hard rule touches, with the hard choices as they are.

    `settle` also decides stability, cost and ties. Caps that cross are no flow: if one breaks, nothing changes.
    """
    left = state.residual(soft(state))
    if not len(left.places):
        return
    compiled = replace(left.compiled, pair_least=floors(left))
    network = build(compiled, left.limits, pairs=left.part.pairs, groups=left.part.groups)
    try:
        flow = optimum(network, compiled).flow if settle else whole_flow(network, costs=network.costs[0])
    except NoFlow:  # only while the pins are not met yet
        return
    before = state.units[left.places].copy()
    state.change(left.places, _by_pair(network, flow, left.part))
    if breaches(state.compiled, state.limits, state.part, state.units):
        state.change(left.places, before)
