"""The objective by value: brute force, both solvers, and what happens when one of them does not tell the truth."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from matching import Plan, Problem, allocate, assign
from matching.assigners import ASSIGNERS, Assigner
from matching.bins import bins
from matching.checker import check
from matching.compiled import compile_problem
from matching.components import split
from matching.least_cost import LeastCost
from matching.limits import shared_limits
from matching.model import Candidate, Pin, Policy
from matching.opening import greedy, tightened
from matching.parts import UNKNOWN
from matching.rules import breaches
from matching.servings import Answer, Servings, servings
from tests.matching.campaign import many, served_value
from tests.matching.oracle import best, is_minimal_conflict
from tests.matching.placements import placements
from tests.matching.test_flow import need, problem, resource
from tests.matching.test_hard import units

SEEDS = range(many(12, torture=1_000))


SOLVERS = tuple(row for row in assign.ROUNDS if row[0] != "bound")


@pytest.fixture
def solvers_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Our own bound would prove these small problems before a solver is asked."""
    monkeypatch.setattr(assign, "ROUNDS", SOLVERS)


def by_value(given: Problem) -> Problem:
    return replace(given, policy=replace(given.policy, objective="value"))


def models(given: Problem) -> list[Servings]:
    compiled = compile_problem(given)
    limits = shared_limits(compiled)
    found = [servings(compiled, limits, part) for part in split(compiled, limits)]
    return [model for model in found if model is not None and len(model.places)]


@pytest.mark.parametrize("chunk", range(4))
def test_families_go_where_they_are_worth_most_then_by_score_promises_and_cost(chunk: int):
    for seed in SEEDS[chunk::4]:
        given = placements(seed)
        plan, known = allocate(given), best(given)
        faults = check(given, plan)
        assert not faults, f"{seed}: {faults[0]}"
        said = plan.certificate
        if known is None:
            pins = {tuple(name.split(">")) for name in said.conflict}
            assert said.status == "infeasible", f"{seed}: nothing keeps these pins"
            assert is_minimal_conflict(given, pairs=pins), f"{seed}: {pins}"  # type: ignore[arg-type]
            continue
        assert said.value == served_value(given, plan), seed
        assert (said.value, said.score, -said.broken_units, -said.cost) == known.objective, seed
        assert said.value_bound >= said.value, seed
        assert (said.status == "optimal") == (said.bound == said.score and said.value_bound == said.value), seed


@pytest.mark.usefixtures("solvers_alone")
def test_the_random_families_meet_every_sort_of_rule_and_most_values_are_proven_by_both_solvers():
    count = many(20, torture=400)
    proofs = [allocate(placements(seed)).certificate.value_proof for seed in range(count)]
    assert proofs.count("both") >= count // 5
    assert proofs.count("") <= count // 10
    rows = [row for seed in range(count) for model in models(placements(seed)) for row in model.rows]
    assert any((row.weights < 0).any() for row in rows), "no household that must choose one of two places"
    assert any((row.weights > 1).any() for row in rows)


def test_both_solvers_find_the_same_value_and_the_same_bound():
    for seed in range(many(40, torture=1_000)):
        for model in models(placements(seed)):
            first, second = (ASSIGNERS[name](model, start=None, effort=1.0) for name in ("highs", "cp_sat"))
            assert (first.chosen is None) == (second.chosen is None), seed
            if first.chosen is not None and second.chosen is not None:
                assert model.value(first.chosen) == model.value(second.chosen), seed
                assert second.bound == UNKNOWN or first.bound == second.bound, seed


def test_the_plan_of_each_solver_and_of_the_opening_keeps_the_rules():
    for seed in range(many(30, torture=800)):
        given = replace(placements(seed), pins=())
        compiled = compile_problem(given)
        limits = shared_limits(compiled)
        for part in split(compiled, limits):
            model = servings(compiled, limits, part)
            assert model is not None, seed
            if not len(model.places):
                continue
            for chosen in (greedy(model), *(ask(model, start=None, effort=1.0).chosen for ask in ASSIGNERS.values())):
                if chosen is None:
                    assert bins(model) is None, f"{seed}: only ours may have nothing to say"
                    continue
                assert not breaches(compiled, limits, part, model.units(chosen, pairs=len(part.pairs))), seed


def test_the_tightened_question_loses_no_plan_that_is_as_good():
    narrower, count = 0, many(50, torture=1_500)
    for seed in range(count):
        for model in models(replace(placements(seed), pins=())):
            value = model.value(greedy(model))
            tight = tightened(model, value)
            answer, wide = (ASSIGNERS["highs"](asked, start=None, effort=1.0) for asked in (tight, model))
            assert answer.chosen is not None
            assert model.value(answer.chosen) == tight.value(answer.chosen) == wide.bound == answer.bound, seed
            narrower += tight.base > 0
    assert narrower > count // 8


# Two agents with room 10 each; jobs a and b take 6, c takes 4. a and b must part (12 fit nowhere), c joins either.
# Cheapest: a>r 5, b>s 2, c>s 3, which fills s: 10 in all.
COSTS = {("a", "r"): 5, ("a", "s"): 9, ("b", "r"): 6, ("b", "s"): 2, ("c", "r"): 7, ("c", "s"): 3}
ROOM = {"a": 6, "b": 6, "c": 4}


def jobs(asked: LeastCost, *, stock: int) -> Problem:
    pairs = tuple(Candidate(n, r, value=v, units_used=ROOM[n]) for (n, r), v in asked.values.items())
    return by_value(
        problem([need(name, gap=1) for name in ROOM], [resource(name, stock=stock) for name in ("r", "s")], pairs=pairs)
    )


def test_least_cost_serves_all_as_cheaply_as_can_be():
    asked = LeastCost.of(COSTS)
    plan = allocate(jobs(asked, stock=10))
    assert units(plan) == {("a", "r"): 6, ("b", "s"): 6, ("c", "s"): 4}
    said = plan.certificate
    assert (asked.all_served(said), asked.cost(said), asked.least(said)) == (True, 10, 10)


def test_serving_one_more_is_worth_any_cost():
    # a>r 5, b>s 2 and c>r 900 make 907; a and b alone would cost 7.
    asked = LeastCost.of({**COSTS, ("c", "r"): 900, ("c", "s"): 901})
    plan = allocate(jobs(asked, stock=10))
    assert units(plan) == {("a", "r"): 6, ("b", "s"): 6, ("c", "r"): 4}
    assert asked.cost(plan.certificate) == 907


def test_where_not_all_can_be_served_that_is_proven_and_there_is_no_cost():
    # Room 9: a and b fill both, 3 left in each, c takes 4.
    asked = LeastCost.of(COSTS)
    said = allocate(jobs(asked, stock=9)).certificate
    assert (asked.all_served(said), asked.impossible(said)) == (False, True)
    with pytest.raises(ValueError, match="not served"):
        asked.cost(said)


def test_costs_that_are_no_whole_numbers_or_too_large_are_refused():
    with pytest.raises(ValueError, match="cost is -1"):
        LeastCost.of({("a", "r"): -1})
    with pytest.raises(ValueError, match="together"):
        LeastCost.of({("a", "r"): 10**12, ("b", "r"): 1})


def test_a_pin_stands_whatever_it_costs():
    asked = LeastCost.of(COSTS)
    plan = allocate(replace(jobs(asked, stock=10), pins=(Pin("a", "s", 6),)))
    # a>s 9, then b>r 6 and c beside either: s 10 used by a and c (3), so 18.
    assert units(plan) == {("a", "s"): 6, ("b", "r"): 6, ("c", "s"): 4}
    assert asked.cost(plan.certificate) == 18


def test_pins_that_do_not_fit_together_are_named():
    given = replace(jobs(LeastCost.of(COSTS), stock=10), pins=(Pin("a", "s", 6), Pin("b", "s", 6), Pin("c", "s", 4)))
    assert allocate(given).certificate.conflict == ("a>s", "b>s")


def test_equal_plans_are_told_apart_by_cost_then_by_the_published_lot():
    pairs = tuple(Candidate(n, r, value=5, units_used=1, cost=c) for n, r, c in [("a", "r", 2), ("a", "s", 1)])
    given = by_value(problem([need("a", gap=1)], [resource("r", stock=1), resource("s", stock=1)], pairs=pairs))
    assert units(allocate(given)) == {("a", "s"): 1}
    even = replace(given, pairs=tuple(replace(row, cost=1) for row in pairs))
    chosen = {
        next(iter(units(allocate(replace(even, policy=Policy(even.policy.as_of, objective="value", salt=str(salt)))))))[
            1
        ]
        for salt in range(8)
    }
    assert chosen == {"r", "s"}


def test_the_plan_does_not_depend_on_the_order_of_rows_or_on_workers():
    for seed in range(6):
        given = placements(seed)
        turned = replace(
            given, needs=given.needs[::-1], resources=given.resources[::-1], pairs=(given.pairs or ())[::-1]
        )
        assert allocate(given).certificate.plan_sha256 == allocate(turned, workers=2).certificate.plan_sha256


def contested() -> Problem:
    """Three places of room 10 for nine families of 3 to 5: both solvers have something to decide."""
    pairs = tuple(
        Candidate(f"n{i}", f"r{j}", value=10 + (7 * i + 5 * j + i * j) % 11, units_used=3 + (i + j) % 3)
        for i in range(9)
        for j in range(3)
    )
    return by_value(
        problem([need(f"n{i}", gap=2) for i in range(9)], [resource(f"r{j}", stock=10) for j in range(3)], pairs=pairs)
    )


def with_liar(monkeypatch: pytest.MonkeyPatch, liar: str, lie: Callable[[Servings, Answer], Answer]) -> Plan:
    honest = ASSIGNERS[liar]

    def lying(model: Servings, **asked: object) -> Answer:
        return lie(model, honest(model, **asked))  # type: ignore[arg-type]

    told: dict[str, Assigner] = {**ASSIGNERS, liar: lying}  # type: ignore[dict-item]
    monkeypatch.setattr(assign, "ASSIGNERS", told)
    return allocate(contested())


LIES: dict[str, Callable[[Servings, Answer], Answer]] = {
    "a bound below a plan": lambda model, answer: Answer(answer.chosen, model.base + 1),
    "everything at once": lambda model, answer: Answer(np.ones(len(model.places), dtype=np.bool_), answer.bound),
    "one family too many": lambda model, answer: Answer(
        np.where(np.cumsum(~(answer.chosen if answer.chosen is not None else model.must)) == 1, True, answer.chosen),
        answer.bound,
    ),
    "no plan": lambda model, answer: Answer(None, 0),
    "a poor plan": lambda model, answer: Answer(np.zeros(len(model.places), dtype=np.bool_), UNKNOWN),
}


@pytest.mark.usefixtures("solvers_alone")
@pytest.mark.parametrize("liar", ["highs", "cp_sat"])
@pytest.mark.parametrize("lie", LIES)
def test_a_solver_that_lies_changes_nothing_but_who_proved_it(monkeypatch: pytest.MonkeyPatch, liar: str, lie: str):
    true = allocate(contested()).certificate
    assert true.value_proof == "both"
    plan = with_liar(monkeypatch, liar, LIES[lie])
    said = plan.certificate
    assert check(contested(), plan) == ()
    assert (said.value, said.value_bound) == (true.value, true.value)
    assert said.value_proof == ({"highs", "cp_sat"} - {liar}).pop()


def test_where_both_solvers_lie_about_the_bound_nothing_is_called_proven(monkeypatch: pytest.MonkeyPatch):
    honest = dict(ASSIGNERS)

    def lying(name: str) -> Assigner:
        def ask(model: Servings, **asked: object) -> Answer:
            answer = honest[name](model, **asked)  # type: ignore[arg-type]
            return replace(answer, bound=model.base + 1)

        return ask  # type: ignore[return-value]

    monkeypatch.setattr(assign, "ASSIGNERS", {name: lying(name) for name in honest})
    said = allocate(contested()).certificate
    assert said.value == best(contested()).objective[0]  # type: ignore[union-attr]
    assert said.value_bound > said.value
    assert (said.value_proof, said.status) == ("", "feasible")


def test_without_time_a_first_plan_stands_and_its_bound_is_honest():
    plan = allocate(contested(), budget_s=0.0)
    best_value = allocate(contested()).certificate.value
    said = plan.certificate
    assert check(contested(), plan) == ()
    assert said.interrupted
    assert 0 < said.value <= best_value <= said.value_bound
    assert said.value_proof == ""


def test_where_everybody_has_the_best_place_nobody_has_to_be_believed():
    pairs = (Candidate("a", "r", value=3, units_used=1), Candidate("a", "s", value=2, units_used=1))
    given = by_value(problem([need("a", gap=1)], [resource("r", stock=1), resource("s", stock=1)], pairs=pairs))
    said = allocate(given).certificate
    assert (said.value, said.value_bound, said.value_proof) == (3, 3, "sums")


def test_a_run_by_coverage_says_nothing_of_value():
    said = allocate(replace(contested(), policy=replace(contested().policy, objective="coverage"))).certificate
    assert (said.value, said.value_bound, said.value_proof) == (0, 0, "")
