"""Generated cities hold every kind of rule, are scarce, and are the same for the same seed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from matching import allocate
from matching.compiled import compile_problem
from matching.components import split
from matching.folder import input_sha256, read_problem, write_problem
from matching.generate import generate
from matching.generate_shapes import SHAPES
from matching.model import Problem
from matching.rules import exclusive
from matching.wellformed import misfits


def scarcity(problem: Problem) -> float:
    """Open need over stock in the category where it is least."""
    compiled = compile_problem(problem)
    stock: dict[str, int] = {}
    still_open: dict[str, int] = {}
    for resource in problem.resources:
        stock[resource.category] = stock.get(resource.category, 0) + resource.stock
    for need, units in zip(compiled.problem.needs, compiled.open.tolist(), strict=True):
        still_open[need.category] = still_open.get(need.category, 0) + units
    return min(still_open.get(category, 0) / max(1, units) for category, units in stock.items())


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("one_component", [False, True])
def test_every_shape_is_well_formed_scarce_and_of_the_asked_size(shape, one_component):
    problem = generate(600, 60, hard=0.2, one_component=one_component, seed=3, shape=shape)
    assert list(misfits(problem)) == []
    assert (len(problem.needs), len(problem.resources)) == (600, 60)
    assert scarcity(problem) >= 1.5
    assert all((problem.earmarks, problem.caps, problem.ledger, problem.cooloffs, problem.bans))


def test_the_same_seed_gives_the_same_city_and_another_seed_another():
    first, again, other = (input_sha256(generate(200, 20, hard=0.1, seed=seed)) for seed in (1, 1, 2))
    assert first == again != other


def test_one_component_is_one_component():
    for shape in SHAPES:
        parts = split(compile_problem(generate(2000, 150, one_component=True, seed=5, shape=shape)))
        assert len(parts) == 1


def test_without_hardness_every_part_is_pure_and_with_it_the_shares_are_as_asked():
    soft = generate(2000, 200, seed=4)
    assert not any(part.hard for part in split(compile_problem(soft)))
    hard = generate(2000, 200, hard=0.25, seed=4)
    assert sum(need.one_provider for need in hard.needs) == pytest.approx(500, rel=0.15)
    assert sum(resource.lot > 1 for resource in hard.resources) == pytest.approx(40, rel=0.4)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_hard_city_in_one_part_holds_every_kind_of_hard_rule_where_it_can_bind(shape: str):
    city = generate(2000, 200, hard=0.25, one_component=True, seed=7, shape=shape)
    compiled = compile_problem(city)
    (part,) = split(compiled)
    choices = np.bincount(compiled.pair_need[part.pairs], minlength=len(city.needs))
    assert sum(need.one_provider and many > 1 for need, many in zip(city.needs, choices, strict=True)) > 200
    assert (
        sum(need.all_or_nothing and need.gap > 1 and many > 0 for need, many in zip(city.needs, choices, strict=True))
        > 40
    )
    assert {resource.lot > 1 and resource.min_per_need > 1 for resource in city.resources} == {False, True}
    assert len(list(exclusive(compiled, part))) > 20
    assert {mark.parent is None for mark in city.earmarks} == {False, True}
    assert city.caps
    assert any(resource.max_per_household for resource in city.resources)


@pytest.mark.parametrize("joined", [False, True])
def test_a_pure_city_has_no_household_caps_and_every_prefix_and_category_is_proven(joined: bool):
    city = generate(1_500, 75, one_component=joined, seed=5)
    assert city.caps == ()
    said = allocate(city).certificate
    assert (said.status, said.unique, said.lexicographic) == ("optimal", True, "proven")
    assert set(said.gap_by_prefix) == {"*", *(need.category for need in city.needs)}
    assert {gap for gaps in said.gap_by_prefix.values() for gap in gaps} == {0}


def test_a_city_is_capped_as_far_as_asked_and_otherwise_the_same():
    none, some, every = (generate(400, 40, caps=share, seed=5) for share in (0.0, 0.25, 1.0))
    homes = {need.household_id for need in none.needs}
    assert len({cap.household_id for cap in some.caps}) == pytest.approx(len(homes) / 4, rel=0.3)
    assert {cap.household_id for cap in every.caps} == {"*"}
    assert replace(some, caps=()) == replace(every, caps=()) == none
    assert generate(400, 40, hard=0.25, seed=5).caps == every.caps


def test_a_capped_pure_city_is_optimal_and_says_how_far_each_run_may_be_from_its_best():
    said = allocate(generate(1_500, 75, caps=1.0, one_component=True, seed=5)).certificate
    assert (said.status, said.unique, said.components["pure"]) == ("optimal", True, 1)
    assert min(gap for gaps in said.gap_by_prefix.values() for gap in gaps) == 0
    assert (said.lexicographic == "proven") == (not any(said.gap_by_prefix["*"]))


def test_every_rule_of_eligibility_refuses_somebody():
    compiled = compile_problem(generate(1500, 60, seed=6))
    seen: set[str] = set()
    for need in range(len(compiled.need_ids)):
        seen |= compiled.refusals.for_need(need).keys()
    assert seen == {"category", "no_consent", "urgency", "district", "tags", "window", "cool_off", "banned", "covered"}


@pytest.mark.parametrize(("needs", "resources"), [(0, 0), (0, 5), (5, 0), (1, 1), (3, 40)])
def test_tiny_and_empty_cities_can_be_written_and_read(tmp_path, needs, resources):
    problem = generate(needs, resources, hard=0.5, seed=1)
    write_problem(problem, tmp_path)
    assert input_sha256(read_problem(tmp_path)) == input_sha256(problem)
