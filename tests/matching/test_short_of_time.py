"""A budget that is too short for the exact solver still gives a plan, and the certificate says so."""

from __future__ import annotations

from matching.checker import check
from matching.generate import generate
from matching.solve import allocate


def test_a_part_that_is_not_finished_in_time_is_planned_roughly_and_counts_as_interrupted():
    problem = generate(300, 50, hard=0.3, one_component=True, seed=1)
    plan = allocate(problem, budget_s=0.01)
    assert plan.certificate.interrupted
    assert plan.certificate.gap < 0.1
    assert plan.certificate.units > 0
    assert check(problem, plan) == ()
