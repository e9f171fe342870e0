"""Needs that take all or nothing, in prices and bound: worked by hand, and the same with the judge."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from matching import allocate
from matching.checker import check, proven_bound
from matching.compiled import compile_problem
from matching.components import split
from matching.entire import even_costs, possible
from matching.generate import generate
from matching.limits import shared_limits
from matching.model import Cap, Problem
from matching.network import build
from matching.rules import breaches
from matching.small import _begin, _outcome, _searched, _take, solve_small
from tests.matching.rows import need, problem, resource
from tests.matching.test_pieces import one_part


def beyond_its_cap() -> Problem:
    """One need of 10 that takes all or nothing stands under a cap of 6; another takes what there is."""
    big = need("big", gap=10, urgency=3, household="h", all_or_nothing=True)
    return problem(
        [big, need("small", gap=10, urgency=0)],
        [resource("r", stock=10)],
        caps=(Cap("c", frozenset({"bed"}), 6, "h"),),
    )


def test_a_need_that_its_cap_can_never_fill_claims_nothing_in_the_bound():
    # The other need takes all 10: 5·2 + 5·1 = 15. Six units of the urgent one would seem to be worth 5·8 + 1·7 = 47.
    plan = allocate(beyond_its_cap())
    assert (plan.certificate.score, plan.certificate.bound, plan.certificate.status) == (15, 15, "optimal")
    assert check(beyond_its_cap(), plan) == ()
    assert proven_bound(beyond_its_cap(), plan) == 15


def test_pairs_of_needs_that_nothing_can_fill_carry_nothing_and_all_others_stay():
    compiled = compile_problem(beyond_its_cap())
    assert possible(compiled).pair_most.tolist() == [0, 10]
    wider = compile_problem(replace(beyond_its_cap(), caps=()))
    assert possible(wider).pair_most.tolist() == [10, 10]


def test_in_the_relaxation_every_unit_of_such_a_need_is_worth_their_mean():
    # urgency 3 in two levels of two units: (2·8 + 2·7) / 4 = 7.5, in whole ranks 7. The other: 2 and 1.
    needs = [need("all", gap=4, urgency=3, all_or_nothing=True), need("part", gap=4, urgency=0)]
    compiled, limits, part = one_part(problem(needs, [resource("r", stock=5)]))
    network = build(compiled, limits, pairs=part.pairs, groups=part.groups)
    assert sorted(network.costs[0][network.costs[0] < 0].tolist()) == [-8, -7, -2, -1]
    even = even_costs(network, compiled).costs[0]
    assert sorted(even[even < 0].tolist()) == [-7, -7, -2, -1]


def test_a_small_part_that_the_clock_stops_keeps_the_plan_that_was_begun():
    compiled = compile_problem(generate(200, 20, hard=0.3, one_component=True, seed=5))
    limits = shared_limits(compiled)
    part = max(split(compiled, limits), key=lambda part: len(part.pairs))
    begun = _begin(compiled, limits, part, least=0)
    begun.seconds = 10.0
    _take(begun, _searched(compiled, limits, begun, nodes=400))
    kept = _outcome(compiled, limits, begun, None)
    assert begun.units is not None
    assert np.array_equal(kept.units, begun.units)
    assert not kept.finished
    assert not breaches(compiled, limits, part, kept.units)
    stopped = solve_small(compiled, limits, [part], seconds=10.0, deadline=0.0)
    assert isinstance(stopped, list)
    (rough,) = stopped
    assert not rough.finished
    assert rough.score < kept.score
