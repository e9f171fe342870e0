"""Extremes that a real year brings sooner or later: the right status and no crash."""

from __future__ import annotations

from dataclasses import replace

import pytest

from matching import Plan, Problem, allocate
from matching.checker import check
from matching.model import LARGEST, Cap, Earmark, Pin
from tests.matching.test_flow import need, problem, resource


def crowd(count: int, *, gap: int = 3) -> Problem:
    return problem(
        [need(f"n{i:04}", gap=gap, urgency=i % 4) for i in range(count)], [resource("r", stock=gap * count // 2)]
    )


def judged(given: Problem) -> Plan:
    plan = allocate(given, budget_s=4)
    assert check(given, plan) == ()
    return plan


def test_two_thousand_needs_on_one_resource_are_proven_best():
    assert judged(crowd(2_000)).certificate.unique


def test_one_giant_donor_covers_everyone():
    given = crowd(200)
    plan = judged(replace(given, resources=(resource("r", stock=LARGEST),)))
    assert plan.certificate.units == 600
    assert plan.prices == ()


def test_every_unit_can_be_pinned():
    given = problem([need(f"n{i}", gap=2) for i in range(9)], [resource("r", stock=18)])
    plan = judged(replace(given, pins=tuple(Pin(f"n{i}", "r", 2) for i in range(9))))
    assert plan.certificate.status == "optimal"


@pytest.mark.parametrize("single", [False, True])
def test_the_largest_amounts_and_costs_are_added_up_exactly(single: bool):
    needs = [replace(need(f"n{i}", gap=LARGEST - i, urgency=i % 4), one_provider=single) for i in range(6)]
    givers = [resource(f"r{i}", stock=LARGEST, unit_cost=LARGEST - i) for i in range(4)]
    plan = judged(problem(needs, givers, levels=10))
    assert (
        plan.certificate.cost == sum(line.units * (LARGEST - int(line.resource_id[1:])) for line in plan.lines) > 2**63
    )


def test_nothing_fits_through_a_fund_or_a_cap_of_nothing():
    given = problem([need("a", gap=2)], [resource("r", stock=5, earmark="e")], earmarks=(Earmark("e", None, 0),))
    assert judged(given).lines == ()
    capped = problem([need("a", gap=2)], [resource("r", stock=5)], caps=(Cap("c", frozenset({"food"}), 0),))
    assert judged(capped).lines == ()


def test_a_resource_without_stock_and_a_need_without_a_gap_change_nothing():
    given = problem([need("a", gap=2), need("z", gap=0)], [resource("r", stock=1), resource("s", stock=0)])
    assert [(line.need_id, line.resource_id, line.units) for line in judged(given).lines] == [("a", "r", 1)]
