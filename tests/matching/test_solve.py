"""The whole way from a problem to a plan: status, conflicts, order of input, workers, interruption."""

from __future__ import annotations

import os
from dataclasses import replace
from random import Random

import pytest

from matching import Problem, Progress, allocate
from matching.checker import check
from matching.child import beside
from matching.model import Announced, Ban, Pin
from matching.plan import Plan
from tests.matching.test_flow import need, problem, resource


def units(plan: Plan) -> dict[tuple[str, str], int]:
    return {(line.need_id, line.resource_id): line.units for line in plan.lines}


def district() -> Problem:
    """Forty needs of twenty households and twelve resources of three goods."""
    rng = Random(5)
    goods = ("coal", "food", "quilt")
    needs = [
        need(
            f"n{i:02}",
            gap=rng.randint(1, 9),
            urgency=rng.randrange(4),
            household=f"h{i // 2}",
            category=rng.choice(goods),
        )
        for i in range(40)
    ]
    resources = [
        resource(f"r{i:02}", stock=rng.randint(3, 15), category=goods[i % 3], unit_cost=rng.randint(0, 2))
        for i in range(12)
    ]
    return problem(needs, resources, levels=3)


def test_a_pure_problem_is_proven_best_and_the_only_best():
    plan = allocate(district())
    said = plan.certificate
    assert (said.status, said.gap, said.unique, said.lexicographic) == ("optimal", 0.0, True, "proven")
    assert said.components == {"pure": 3, "hard_small": 0, "hard_large": 0}
    assert said.proofs == {"price": 3, "solver": 0, "none": 0}
    assert said.gap_by_prefix == {"*": [0] * 12, "coal": [0] * 12, "food": [0] * 12, "quilt": [0] * 12}
    assert sum(said.coverage) == said.units == sum(units(plan).values())


def test_the_order_of_the_rows_and_the_number_of_workers_do_not_matter():
    given = district()
    rng = Random(1)
    shuffled = replace(
        given,
        needs=tuple(rng.sample(given.needs, len(given.needs))),
        resources=tuple(rng.sample(given.resources, len(given.resources))),
    )
    plans = [allocate(given), allocate(shuffled), allocate(given, workers=2), allocate(shuffled, workers=2)]
    assert len({plan.certificate.plan_sha256 for plan in plans}) == 1
    assert len({plan.prices for plan in plans}) == 1


@pytest.mark.parametrize("workers", [1, 2])
def test_progress_ends_with_all_pairs_decided_and_the_score_reached(workers: int):
    seen: list[Progress] = []
    plan = allocate(district(), workers=workers, progress=seen.append)
    assert [report.phase for report in seen][-1] == "done"
    assert seen[-1].done == seen[-1].total > 0
    assert seen[-1].score == seen[-1].bound == plan.certificate.score


def test_a_cancelled_run_says_so_and_keeps_the_pins():
    given = replace(district(), pins=(Pin("n00", "r02", 1),))
    rows = {row.need_id: row for row in given.needs}
    giver = next(row for row in given.resources if row.category == rows["n00"].category)
    given = replace(given, pins=(Pin("n00", giver.resource_id, 1),))
    plan = allocate(given, cancelled=lambda: True)
    assert plan.certificate.interrupted
    assert plan.certificate.status == "feasible"
    assert units(plan) == {("n00", giver.resource_id): 1}
    assert plan.certificate.bound >= allocate(given).certificate.score


def test_a_run_that_is_stopped_at_once_keeps_what_was_announced_as_far_as_the_limits_hold_it():
    given = problem(
        [
            need("a", gap=4),
            need("b", gap=4, urgency=3),
            need("c", gap=3),
            replace(need("d", gap=5), all_or_nothing=True),
        ],
        [resource("r", stock=6), resource("s", stock=3), resource("t", stock=5)],
        announced=(
            Announced("a", "r", 4), Announced("b", "r", 4), Announced("c", "s", 3), Announced("d", "t", 5),
        ),
    )  # fmt: skip
    plan = allocate(given, cancelled=lambda: True)
    # r has 6 of 8 left: whose last unit ranks lowest gives way. Everything else stays as it was announced.
    assert units(plan) == {("b", "r"): 4, ("c", "s"): 3, ("d", "t"): 5}
    assert (plan.certificate.interrupted, check(given, plan)) == (True, ())
    assert plan.certificate.bound >= allocate(given).certificate.score
    fewer = replace(given, needs=(need("a", gap=3), *given.needs[1:]), pins=(Pin("a", "r", 2),))
    pinned = allocate(fewer, cancelled=lambda: True)
    assert units(pinned)["a", "r"] >= 2
    assert check(fewer, pinned) == ()
    in_lots = problem([need("a", gap=4)], [resource("r", stock=6, lot=2)], pins=(Pin("a", "r", 3),))
    nothing_announced = allocate(in_lots, cancelled=lambda: True)
    assert (units(nothing_announced), check(in_lots, nothing_announced)) == ({("a", "r"): 4}, ())


def test_pins_that_contradict_each_other_are_named_and_nothing_is_given():
    pins = (Pin("a", "r", 2), Pin("b", "r", 2), Pin("c", "s", 1))
    given = problem(
        [need("a", gap=2), need("b", gap=2), need("c", gap=1)],
        [resource("r", stock=3), resource("s", stock=1)],
        pins=pins,
    )
    plan = allocate(given)
    assert plan.certificate.status == "infeasible"
    assert plan.certificate.conflict == ("a>r", "b>r")
    assert plan.lines == ()


def test_a_pin_on_a_banned_pair_is_a_conflict_of_one():
    given = problem([need("a", gap=2)], [resource("r", stock=3)], pins=(Pin("a", "r", 1),), bans=(Ban("a", "r"),))
    assert allocate(given).certificate.conflict == ("a>r",)


@pytest.mark.parametrize(
    "given", [problem([], []), problem([need("a", gap=1)], []), problem([], [resource("r", stock=1)])]
)
def test_nothing_to_give_or_nobody_in_need_is_an_optimal_empty_plan(given: Problem):
    plan = allocate(given)
    assert (plan.lines, plan.certificate.status, plan.certificate.bound) == ((), "optimal", 0)


def test_an_unchanged_problem_changes_nothing_when_its_plan_was_announced():
    given = district()
    plan = allocate(given)
    told = tuple(Announced(line.need_id, line.resource_id, line.units) for line in plan.lines)
    again = allocate(replace(given, announced=told))
    assert again.lines == plan.lines
    assert again.certificate.broken_units == 0


def test_the_proof_made_beside_the_reasons_is_the_proof_made_before_them():
    alone, beside_them = allocate(district(), workers=1), allocate(district(), workers=2)
    assert replace(alone.certificate, seconds={}) == replace(beside_them.certificate, seconds={})
    assert alone.reasons == beside_them.reasons


def test_a_child_that_is_lost_is_made_up_for():
    parent = os.getpid()

    def work() -> int:
        if os.getpid() != parent:
            os._exit(3)
        return 7

    for workers in (1, 2):
        with beside(work, workers=workers) as answer:
            assert answer() == 7


def test_what_is_done_beside_is_done_by_a_child():
    with beside(os.getpid, workers=2) as answer:
        assert answer() != os.getpid()
