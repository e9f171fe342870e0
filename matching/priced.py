"""Hard parts too large to solve exactly: a good plan, and prices that say how far from the best it can be at most.

What enters: a compiled problem and one large hard component. What leaves: its `Outcome`. Called by `solve`. The steps:
a divisible relaxation ► prices and bound ► exchanges that give whole providers and whole lots ► refill ► exact flow of
everything that is no hard choice ► refill, and who ranks higher takes over ► small pieces solved exactly ► refill and
who ranks higher ► with a large budget flows until none gains. An announced plan is kept, or the search starts from it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from time import monotonic

import numpy as np

from matching.compiled import Compiled
from matching.components import Component
from matching.exchange import exchanged
from matching.flow import NoFlow, whole_flow
from matching.limits import Limits
from matching.neighbourhoods import ROUND, improve
from matching.network import Ints, Network, build, carried, promised_units
from matching.outbid import Bids
from matching.parts import Outcome, score_of
from matching.plan import Price
from matching.prices import of_tier
from matching.refill import allowed, floors, refill, soft
from matching.relaxed import part_bound, prices_of, relaxed_flow
from matching.residual import State
from matching.rules import breaches

SECONDS_PER_PIECE, SECONDS_PER_PIECE_AND_PAIR, SECONDS_PER_PAIR = 0.03, 1e-8, 16e-6
"""What a piece costs, how that grows with the part, and what the flows cost: fixed numbers, taken on the safe side, so
that a plan does not depend on the machine's speed."""

ALWAYS, LAST, THOROUGH = 1.0, 0.15, 2.5
"""Seconds of flows that every part may have, whatever its budget; the share of them that comes last; and how many times
their cost the budget must hold before the plan is also flown at the end, until no flow gains."""

FEW = 100
"""Pairs of a small part for each piece that it may have whatever its budget."""

NEAR, FAR_WORSE = 0.001, 0.01
"""How near to its bound an announced plan need be brought, and by how much a start from nothing must beat it, both not
searched yet, to replace it."""

LONG, APART = 16, 2**28
"""Arcs of a usual chain of moves, and how far apart two tiers may be."""


def solve_large(
    compiled: Compiled, limits: Limits, part: Component, *, seconds: float, deadline: float, workers: int = 1
) -> Outcome | None:
    """A plan that keeps all rules, with prices; `seconds` is the share of the budget that the part has.

    None where rounding cannot keep the pins: the exact solver has to find a plan, or that there is none.
    """
    try:
        network, flow = relaxed_flow(compiled, limits, part)
    except NoFlow:
        return None
    prices = prices_of(network, flow)
    means = _means(seconds, pairs=len(part.pairs))
    start = _started(compiled, limits, part, units=carried(network, flow, pairs=part.pairs), prices=prices, means=means)
    if start is None:
        return None
    state, finished = start.state, True
    if not start.stands:
        until = deadline - means.flows * LAST
        finished = improve(
            state, of_tier(prices, 1), pieces=means.pieces, enough=start.enough, workers=workers, deadline=until
        )
        finished = finished and monotonic() < deadline
        _finish(state, thorough=means.thorough)
    bound = part_bound(compiled, part, prices, units=state.units)
    score = _score(state)
    return Outcome(
        pairs=part.pairs, units=state.units, score=score, bound=bound, prices=prices,
        proof="price" if bound == score else "none", finished=finished,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Means:
    """What a budget allows: seconds of `flows`, if it holds them; `thorough` flows; and how many pieces beside them."""

    flows: float
    settles: bool
    thorough: bool
    pieces: int


def _means(seconds: float, *, pairs: int) -> _Means:
    """By the part's size alone; a few pieces in any case, unless there is no budget at all."""
    flows, piece = SECONDS_PER_PAIR * pairs, SECONDS_PER_PIECE + SECONDS_PER_PIECE_AND_PAIR * pairs
    enough = max(ALWAYS, seconds)
    return _Means(
        flows=flows, settles=flows <= enough, thorough=THOROUGH * flows <= enough,
        pieces=max(min(ROUND, pairs // FEW), int((seconds - flows) / piece)) if seconds else 0,
    )  # fmt: skip


def _finish(state: State, *, thorough: bool) -> None:
    """Give out what is left, and leave nothing that a next run of the same problem and budget would add."""
    top_up(state)
    score = -1
    while thorough and score < _score(state):
        score = _score(state)
        _reopen(state)
        top_up(state)


def top_up(state: State) -> bool:
    """Give out what is left and let who ranks higher take over, until neither changes anything; True if one did."""
    before = state.units.copy()
    refill(state)
    bids = Bids(state)
    while bids.settle():
        mid = state.units.copy()
        refill(state)
        bids.notice(np.flatnonzero(state.units != mid))
    return not np.array_equal(before, state.units)


@dataclass(frozen=True, slots=True)
class _Start:
    """A plan to improve; `stands`: it was announced and is kept as it is; `enough` is a score to stop at."""

    state: State
    stands: bool = False
    enough: int | None = None


def _started(
    compiled: Compiled, limits: Limits, part: Component, *, units: Ints, prices: tuple[Price, ...], means: _Means
) -> _Start | None:
    """The better of two plans to start from: the divisible one made whole, and what was announced before.

    What was announced stays as it is if it keeps the rules, nothing more fits and nobody outbids anybody, so that the
    same input gives the same plan. If it only had to be mended, it is searched no further than to `NEAR` the bound:
    beyond that a search would break promises for very little. None if rounding cannot keep the pins.
    """
    old = _announced(compiled, limits, part, reopens=means.thorough)
    if old is not None:
        bound = part_bound(compiled, part, prices, units=old.state.units)
        old = replace(old, enough=bound - int(bound * NEAR))
        if _score(old.state) >= bound - int(bound * NEAR):
            return old
    fresh = _filled(compiled, limits, part, exchanged(compiled, limits, part, units), reopens=means.settles, bids=False)
    if old is not None and (fresh is None or _score(fresh) - _score(old.state) <= FAR_WORSE * _score(fresh)):
        return old
    return None if fresh is None else _Start(fresh)


def _announced(compiled: Compiled, limits: Limits, part: Component, *, reopens: bool) -> _Start | None:
    """What was announced before, mended where it has to be; None if nothing was, or if it cannot be mended."""
    known = promised_units(compiled, part.pairs)
    if not known.any():
        return None
    old = _filled(compiled, limits, part, np.minimum(known, compiled.pair_most[part.pairs]), reopens=reopens)
    if old is None:
        return None
    if breaches(compiled, limits, part, known):
        return _Start(old)
    same = State(compiled, limits, part, known)
    return _Start(same, stands=True) if _score(same) == _score(old) else _Start(old)


def _filled(
    compiled: Compiled, limits: Limits, part: Component, units: Ints, *, reopens: bool, bids: bool = True
) -> State | None:
    """These units cut down to what is allowed, with everything given out that still fits.

    A flow in between, if it `reopens`, gains most while few choices are made, and leaves fewer `bids` to settle: what
    is searched afterwards settles them in the end, what may stand as it is settles them now.
    """
    state = State(compiled, limits, part, np.zeros_like(units))
    state.change(np.arange(len(units)), allowed(state, units))
    if breaches(compiled, limits, part, state.units):
        return None
    if reopens:
        refill(state)
        _reopen(state)
    if bids:
        top_up(state)
    else:
        refill(state)
    return state


def _reopen(state: State) -> None:
    """Give the best flow to all pairs that no hard rule touches, with the hard choices as they are.

    It looks at coverage, then kept promises, then cheap delivery; nothing changes unless the score rises. Caps that
    cross are no flow: if one breaks, nothing changes either.
    """
    left = state.residual(soft(state))
    if not len(left.places):
        return
    network = build(
        replace(left.compiled, pair_least=floors(left)), left.limits, pairs=left.part.pairs, groups=left.part.groups
    )
    try:
        flow = whole_flow(network, costs=_folded(network), quick=True)
    except NoFlow:  # only while the pins are not met yet
        return
    before, score = state.units[left.places].copy(), _score(state)
    state.change(left.places, carried(network, flow, pairs=left.part.pairs))
    if breaches(state.compiled, state.limits, state.part, state.units) or _score(state) <= score:
        state.change(left.places, before)


def _score(state: State) -> int:
    return score_of(state.compiled, needs=state.part.needs, received=state.received)


def _folded(network: Network) -> Ints:
    """Coverage, promises and delivery cost in one number, as far apart as the flow solver's range allows."""
    ranks, kept, cost = network.costs
    dearest = int(cost.max(initial=0))
    if dearest * LONG >= APART:
        return ranks * LONG * 2 + kept
    return (ranks * LONG * 2 + kept) * (dearest * LONG + 1) + cost
