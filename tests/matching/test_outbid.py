"""Who ranks higher takes over from who ranks lower, and where nobody can, a plan stands."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bench.change import announced
from bench.stability import links_broken
from matching import allocate
from matching.compiled import Compiled, compile_problem
from matching.components import split
from matching.generate import generate
from matching.limits import shared_limits
from matching.model import Problem
from matching.network import carried
from matching.outbid import Bids
from matching.parts import score_of
from matching.priced import top_up
from matching.refill import allowed
from matching.relaxed import relaxed_flow
from matching.residual import State
from matching.rules import breaches
from tests.matching.rows import need, problem, resource
from tests.matching.tiny import tiny


def states(of: Problem) -> list[State]:
    """An empty plan of each part."""
    compiled = compile_problem(of)
    limits = shared_limits(compiled)
    return [State(compiled, limits, part, np.zeros(len(part.pairs), np.int64)) for part in split(compiled, limits)]


def given(state: State) -> dict[str, int]:
    """What each need has."""
    return {name: int(units) for name, units in zip(state.compiled.need_ids, state.received, strict=True) if units}


def put(state: State, compiled: Compiled, need_id: str, units: int) -> None:
    """Give units of the only resource."""
    (place,) = np.flatnonzero(state.need == compiled.need_ids.index(need_id))
    state.add(np.array([place]), np.array([units]))


@pytest.mark.parametrize(
    ("terms", "wanted", "left"),
    [
        # ranks with two levels, urgency first: 3 has 8 and 7, 1 has 4 and 3. The newcomer's four units score
        # 8 + 8 + 7 + 7 = 30, the holder's 4 + 4 + 3 + 3 = 14.
        ({}, 4, 0),
        ({"lot": 2, "min_per_need": 2}, 4, 0),
        # a lot of three does not fit twice into four: the newcomer takes 8 + 8 + 7 for 4 + 4 + 3, and one lot is all.
        ({"lot": 3, "min_per_need": 3}, 3, 0),
        # at most two for each need: the holder keeps its lower two
        ({"max_per_need": 2}, 2, 2),
    ],
)
def test_the_more_urgent_need_takes_over_what_its_rules_allow(terms, wanted, left):
    of = problem([need("late", gap=4, urgency=3), need("old", gap=4, urgency=1)], [resource("r", stock=4, **terms)])
    (state,) = states(of)
    start = 3 if terms.get("lot") == 3 else 2 if "max_per_need" in terms else 4
    put(state, state.compiled, "old", start)
    Bids(state).settle()
    top_up(state)
    assert given(state) == {name: units for name, units in (("late", wanted), ("old", left)) if units}


def test_a_need_that_must_have_all_is_not_left_with_a_part():
    of = problem(
        [need("late", gap=2, urgency=3), need("old", gap=4, urgency=2, all_or_nothing=True)], [resource("r", stock=4)]
    )
    (state,) = states(of)
    put(state, state.compiled, "old", 4)
    before = score_of(state.compiled, needs=state.part.needs, received=state.received)
    top_up(state)
    assert given(state) in ({"late": 2}, {"old": 4})
    assert score_of(state.compiled, needs=state.part.needs, received=state.received) >= before


def test_on_tiny_hard_problems_every_rule_is_kept_the_score_never_falls_and_it_ends():
    raised = 0
    for seed in range(150):
        for state in states(replace(tiny(seed, kind="hard"), pins=())):
            for place in np.flatnonzero(state.part.pairs >= 0)[::-1].tolist():  # a bad start: the last pair first
                most = int(state.compiled.pair_most[state.part.pairs[place]])
                units = int(state.compiled.pair_used[state.part.pairs[place]])
                state.add(np.array([place]), np.array([units if units >= 0 and most else most]))
                if breaches(state.compiled, state.limits, state.part, state.units):
                    state.change(np.array([place]), np.array([0]))
            before = score_of(state.compiled, needs=state.part.needs, received=state.received)
            top_up(state)
            after = score_of(state.compiled, needs=state.part.needs, received=state.received)
            assert not breaches(state.compiled, state.limits, state.part, state.units), seed
            assert after >= before, seed
            raised += after > before
            assert not top_up(state), seed
    assert raised > 20


@pytest.mark.parametrize("seed", range(3))
def test_one_round_of_bids_leaves_nothing_to_bid_for(seed):
    compiled = compile_problem(generate(800, 50, hard=0.5, one_component=True, seed=seed))
    limits = shared_limits(compiled)
    part = max(split(compiled, limits), key=lambda part: len(part.pairs))
    network, flow = relaxed_flow(compiled, limits, part)
    state = State(compiled, limits, part, np.zeros(len(part.pairs), np.int64))
    state.change(np.arange(len(part.pairs)), allowed(state, carried(network, flow, pairs=part.pairs)))
    assert top_up(state)
    assert not top_up(state)


def test_an_urgent_newcomer_is_served_and_hardly_anybody_else_notices():
    city = generate(1_500, 100, hard=0.25, one_component=True, seed=7)
    first = allocate(city, budget_s=2)
    got = {line.need_id: line for line in first.lines}
    model = next(n for n in city.needs if n.need_id in got and n.urgency == 3 and n.one_provider)
    new = replace(model, need_id="newcomer", household_id="newcomer")
    told = replace(city, needs=(*city.needs, new), announced=announced(first.lines))
    again = allocate(told, budget_s=2)
    assert any(line.need_id == "newcomer" for line in again.lines)
    assert links_broken(told, again) <= 0.02 * len(first.lines)
