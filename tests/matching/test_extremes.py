"""Problems at the edge: nothing to give, nobody to give to, one giver, everything pinned, the largest amounts."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import date

import pytest

from bench.pathologies import cases, seen
from matching.checker import check
from matching.model import LARGEST, Need, Pin, Policy, Problem, Resource
from matching.plan import Plan
from matching.solve import allocate

ANYBODY = frozenset("*")


def need(place: int, gap: int = 3, **more) -> Need:
    return Need(f"n{place:05}", f"h{place // 2}", "d", "rice", "kg", gap, place % 4, consented=ANYBODY, **more)


def resource(place: int, stock: int, **more) -> Resource:
    return Resource(f"r{place}", "o", "rice", "kg", stock, **more)


def problem(needs: list[Need], resources: list[Resource], **tables) -> Problem:
    return Problem(Policy(as_of=date(2026, 7, 1)), tuple(needs), tuple(resources), **tables)


def judged(case: Problem) -> Plan:
    plan = allocate(case, budget_s=20)
    assert check(case, plan) == ()
    return plan


@pytest.mark.parametrize(
    "case",
    [
        problem([], []),
        problem([need(i) for i in range(5)], []),
        problem([], [resource(1, 9)]),
        problem([need(i) for i in range(5)], [resource(1, 0)]),
        problem([need(i, gap=0) for i in range(5)], [resource(1, 9)]),
    ],
)
def test_where_nothing_can_be_given_the_empty_plan_is_the_best(case):
    plan = judged(case)
    assert plan.lines == ()
    assert (plan.certificate.status, plan.certificate.gap) == ("optimal", 0.0)


MANY = 100_000 if os.environ.get("TORTURE") == "1" else 1_000


@pytest.mark.parametrize("name", list(cases(1)))
def test_every_pathology_has_the_status_it_must_have(name: str):
    case, status, units = cases(MANY)[name]
    found = seen(case)
    assert (found["status"], found["units"], found["faults"]) == (status, units, 0)
    assert (found["conflict"] > 0) == (status == "infeasible")


def test_one_giver_with_more_than_enough_covers_everybody():
    plan = judged(problem([need(i) for i in range(3000)], [resource(1, LARGEST)]))
    assert plan.certificate.units == 9000


def test_many_needs_on_one_small_resource_get_all_of_it():
    plan = judged(problem([need(i) for i in range(5000)], [resource(1, 777)]))
    assert plan.certificate.units == 777
    assert plan.certificate.unique


def test_a_plan_that_is_pinned_in_full_is_the_pins():
    needs = [need(i) for i in range(50)]
    pins = tuple(Pin(n.need_id, "r1", 3) for n in needs)
    plan = judged(problem(needs, [resource(1, 150)], pins=pins))
    assert [line.units for line in plan.lines] == [3] * 50


def test_pins_that_pass_the_stock_are_reported_with_a_smallest_set():
    needs = [need(i) for i in range(50)]
    pins = tuple(Pin(n.need_id, "r1", 3) for n in needs)
    plan = judged(problem(needs, [resource(1, 149)], pins=pins))
    assert plan.lines == ()
    assert (plan.certificate.status, len(plan.certificate.conflict)) == ("infeasible", 50)


@pytest.mark.parametrize("terms", [{}, {"lot": 10**9}, {"min_per_need": 10**11}])
def test_the_largest_amounts_are_counted_exactly(terms):
    needs = [need(i, gap=LARGEST) for i in range(6)]
    plan = judged(problem(needs, [resource(i, LARGEST, **terms) for i in range(3)]))
    assert plan.certificate.units == 3 * LARGEST


def test_the_largest_amounts_with_one_provider_are_counted_exactly():
    needs = [replace(need(i, gap=LARGEST), one_provider=True) for i in range(6)]
    plan = judged(problem(needs, [resource(i, LARGEST - i) for i in range(3)]))
    assert plan.certificate.units == 3 * LARGEST - 3
