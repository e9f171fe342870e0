"""The staged flow on instances small enough to work out by hand."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from matching.compiled import Compiled, compile_problem
from matching.components import split
from matching.flow import NegativeCycle, NoFlow, optimum, potentials_of, tie_hash, whole_flow
from matching.limits import shared_limits
from matching.model import Announced, Cap, Earmark, Need, Pin, Policy, Problem, Resource
from matching.network import Network, build
from matching.prices import shadow

ANYONE = frozenset({"*"})


def need(name: str, *, gap: int, urgency: int = 1, household: str = "", category: str = "food") -> Need:
    return Need(name, household or f"h-{name}", "d1", category, "kg", gap, urgency, consented=ANYONE)


def resource(name: str, *, stock: int, category: str = "food", **terms: object) -> Resource:
    return Resource(name, "o1", category, "kg", stock, **terms)  # type: ignore[arg-type]


def problem(needs: list[Need], resources: list[Resource], *, levels: int = 2, **rows: object) -> Problem:
    policy = Policy(as_of=date(2026, 3, 1), levels=levels)
    return Problem(policy, tuple(needs), tuple(resources), **rows)  # type: ignore[arg-type]


def solved(given: Problem) -> tuple[Compiled, Network, dict[tuple[str, str], int], bool]:
    compiled = compile_problem(given)
    limits = shared_limits(compiled)
    parts = split(compiled, limits)
    pairs = np.sort(np.concatenate([part.pairs for part in parts]))
    groups = np.sort(np.concatenate([part.groups for part in parts]))
    network = build(compiled, limits, pairs=pairs, groups=groups)
    flow = optimum(network, compiled)
    units: dict[tuple[str, str], int] = {}
    for arc in np.flatnonzero((network.pair >= 0) & (flow.flow > 0)).tolist():
        pair = network.pair[arc]
        ids = compiled.need_ids[compiled.pair_need[pair]], compiled.resource_ids[compiled.pair_resource[pair]]
        units[ids] = units.get(ids, 0) + int(flow.flow[arc])
    return compiled, network, units, flow.unique


def prices_of(given: Problem) -> dict[tuple[int, str, str], int]:
    compiled, network, _, _ = solved(given)
    return {(row.tier, row.kind, row.id): row.price for row in shadow(network, optimum(network, compiled))}


def test_the_first_half_of_a_lower_urgency_waits_for_all_of_a_higher_one():
    # Two levels, urgency first: cells 3/1, 3/2, 2/1 … rank 8, 7, 6 …; five units: all four go to urgency 3.
    _, _, units, unique = solved(
        problem([need("a", gap=4, urgency=3), need("b", gap=4, urgency=2)], [resource("r", stock=5)])
    )
    assert units == {("a", "r"): 4, ("b", "r"): 1}
    assert unique


def test_equal_needs_share_by_level_before_either_is_full():
    # Same urgency: level 1 of both (2 + 2) is worth more than level 2 of either.
    _, _, units, _ = solved(problem([need("a", gap=4), need("b", gap=4)], [resource("r", stock=4)]))
    assert units == {("a", "r"): 2, ("b", "r"): 2}


def test_a_promise_is_kept_before_delivery_gets_cheaper():
    dear, cheap = resource("dear", stock=2, unit_cost=9), resource("cheap", stock=2, unit_cost=1)
    given = [need("a", gap=2)]
    assert solved(problem(given, [dear, cheap]))[2] == {("a", "cheap"): 2}
    promised = (Announced("a", "dear", 1),)
    assert solved(problem(given, [dear, cheap], announced=promised))[2] == {("a", "cheap"): 1, ("a", "dear"): 1}


def test_a_tie_is_broken_by_the_published_hash_alone():
    pair = [need("a", gap=1), need("b", gap=1)]
    winner = min("ab", key=lambda name: tie_hash("shanqiao", need_id=name, resource_id="r"))
    _, _, units, unique = solved(problem(pair, [resource("r", stock=1)]))
    assert units == {(winner, "r"): 1}
    assert unique


def test_a_pin_takes_units_that_urgency_would_have_given_elsewhere():
    given = problem(
        [need("a", gap=2, urgency=3), need("b", gap=2, urgency=0)], [resource("r", stock=2)], pins=(Pin("b", "r", 1),)
    )
    assert solved(given)[2] == {("a", "r"): 1, ("b", "r"): 1}


def test_pins_beyond_the_stock_have_no_flow():
    given = problem(
        [need("a", gap=2), need("b", gap=2)], [resource("r", stock=2)], pins=(Pin("a", "r", 2), Pin("b", "r", 1))
    )
    with pytest.raises(NoFlow):
        solved(given)


def test_the_price_of_a_stock_is_the_rank_of_the_last_unit_served():
    # Ranks with two levels: urgency 1 has 4 and 3. Stock 3 of gaps 2 + 2: ranks 4, 4, 3 are filled, the next is a 3.
    assert prices_of(problem([need("a", gap=2), need("b", gap=2)], [resource("r", stock=3)]))[1, "resource", "r"] == 3


def test_a_stock_with_units_left_has_no_price():
    assert prices_of(problem([need("a", gap=2)], [resource("r", stock=3)])) == {}


def test_a_tight_earmark_carries_the_price_and_not_the_ample_stock_below_it():
    given = problem(
        [need("a", gap=4)], [resource("r", stock=4, earmark="e")], earmarks=(Earmark("e", None, 3),), levels=1
    )
    prices = prices_of(given)
    assert prices[1, "earmark", "e"] == 2  # ranks with one level: urgency 3 has 4, 2 has 3, 1 has 2, 0 has 1
    assert (1, "resource", "r") not in prices


def test_a_household_maximum_is_priced_where_two_needs_share_it():
    # Stock 10 would do for both; the household may take 5. One level: urgency 1 has rank 2.
    pair = [need("a", gap=4, household="h"), need("b", gap=4, household="h")]
    prices = prices_of(problem(pair, [resource("r", stock=10, max_per_household=5)], levels=1))
    assert prices == {(1, "max_per_household", "r"): 2} | {k: v for k, v in prices.items() if k[0] > 1}


def test_a_household_cap_counts_what_several_needs_receive():
    pair = [need("a", gap=4, household="h", urgency=2), need("b", gap=4, household="h", category="coal")]
    given = problem(
        pair,
        [resource("r", stock=9), resource("s", stock=9, category="coal")],
        caps=(Cap("c", frozenset({"food", "coal"}), 5),),
        levels=1,
    )
    assert solved(given)[2] == {("a", "r"): 4, ("b", "s"): 1}
    assert prices_of(given)[1, "household_cap", "c"] == 2


def test_a_flow_that_is_not_the_best_is_found_out():
    _, network, _, _ = solved(
        problem([need("a", gap=2, urgency=3), need("b", gap=2, urgency=0)], [resource("r", stock=2)])
    )
    worst = whole_flow(network, costs=-network.costs[0])
    with pytest.raises(NegativeCycle):
        potentials_of(network, worst, arcs=np.arange(len(worst)), costs=network.costs[0])


def test_amounts_of_a_trillion_do_not_overflow():
    _, _, units, _ = solved(problem([need("a", gap=10**12), need("b", gap=10**12)], [resource("r", stock=10**12)]))
    assert units == {("a", "r"): 5 * 10**11, ("b", "r"): 5 * 10**11}
