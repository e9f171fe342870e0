"""Each rule of eligibility, alone and in its order; and that classes give the same answer as pair by pair."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest

from matching import eligibility as rules
from matching.compiled import Compiled, compile_problem
from matching.model import Ban, Candidate, CoolOff, Need, PastAid, Pin, Policy, Problem, Resource
from matching.wellformed import BadInput

DAY = date(2026, 7, 1)
NEED = Need("n1", "h1", "d1", "rice", "kg", gap=10, urgency=2, consented=frozenset({"o1"}))
RESOURCE = Resource("r1", "o1", "rice", "kg", stock=8)


def problem(need: Need = NEED, resource: Resource = RESOURCE, **tables: tuple) -> Problem:
    return Problem(Policy(as_of=DAY), (need,), (resource,), **tables)


def pairs(compiled: Compiled) -> list[tuple[str, str]]:
    both = zip(compiled.pair_need.tolist(), compiled.pair_resource.tolist(), strict=True)
    return [(compiled.need_ids[n], compiled.resource_ids[r]) for n, r in both]


def refusal(case: Problem) -> str:
    compiled = compile_problem(case)
    code = rules.CODES[compiled.refusals.codes(0)[0]]
    assert (pairs(compiled) == [("n1", "r1")]) == (code == rules.ELIGIBLE)
    return code


def test_a_pair_that_passes_every_rule_is_eligible():
    assert refusal(problem()) == rules.ELIGIBLE


@pytest.mark.parametrize(
    ("case", "code"),
    [
        (problem(need=replace(NEED, category="oil")), rules.CATEGORY),
        (problem(pairs=()), rules.NOT_LISTED),
        (problem(need=replace(NEED, consented=frozenset())), rules.NO_CONSENT),
        (problem(need=replace(NEED, consented=frozenset({"o2"}))), rules.NO_CONSENT),
        (problem(need=replace(NEED, consented=frozenset({"*"}))), rules.ELIGIBLE),
        (problem(resource=replace(RESOURCE, min_urgency=2)), rules.ELIGIBLE),
        (problem(resource=replace(RESOURCE, min_urgency=3)), rules.URGENCY),
        (problem(resource=replace(RESOURCE, districts=frozenset({"d2"}))), rules.DISTRICT),
        (problem(resource=replace(RESOURCE, districts=frozenset({"d1", "d2"}))), rules.ELIGIBLE),
        (problem(resource=replace(RESOURCE, tags_any=frozenset({"a", "b"}))), rules.TAGS),
        (
            problem(
                need=replace(NEED, tags=frozenset({"a"})),
                resource=replace(RESOURCE, tags_any=frozenset({"a", "b"})),
            ),
            rules.ELIGIBLE,
        ),
        (
            problem(
                need=replace(NEED, tags=frozenset({"a"})),
                resource=replace(RESOURCE, tags_all=frozenset({"a", "b"})),
            ),
            rules.TAGS,
        ),
        (
            problem(
                need=replace(NEED, tags=frozenset({"a"})),
                resource=replace(RESOURCE, tags_none=frozenset({"a"})),
            ),
            rules.TAGS,
        ),
        (problem(need=replace(NEED, valid_from=DAY)), rules.ELIGIBLE),
        (problem(need=replace(NEED, valid_to=DAY)), rules.WINDOW),
        (problem(resource=replace(RESOURCE, valid_from=DAY + timedelta(1))), rules.WINDOW),
        (problem(bans=(Ban("n1", "r1"),)), rules.BANNED),
        (problem(bans=(Ban("n1", "*"),)), rules.BANNED),
        (problem(bans=(Ban("*", "r1"),)), rules.BANNED),
        (problem(ledger=(PastAid("h1", "rice", 10, DAY, "reserved", "n1"),)), rules.COVERED),
        (problem(ledger=(PastAid("h1", "rice", 9, DAY, "delivered", "n1"),)), rules.ELIGIBLE),
    ],
)
def test_each_rule_refuses_with_its_own_code(case, code):
    assert refusal(case) == code


@pytest.mark.parametrize(
    ("age", "code"),
    [(-1, rules.ELIGIBLE), (0, rules.COOL_OFF), (29, rules.COOL_OFF), (30, rules.ELIGIBLE)],
)
def test_a_household_waits_for_exactly_the_days_of_the_cool_off(age, code):
    past = PastAid("h1", "rice", 1, DAY - timedelta(age), "delivered")
    assert refusal(problem(ledger=(past,), cooloffs=(CoolOff("rice", 30),))) == code


def test_aid_for_the_very_same_need_does_not_make_it_wait():
    past = PastAid("h1", "rice", 1, DAY, "delivered", "n1")
    assert refusal(problem(ledger=(past,), cooloffs=(CoolOff("rice", 30),))) == rules.ELIGIBLE


def test_the_first_failing_rule_names_the_refusal():
    shut = replace(NEED, consented=frozenset(), valid_to=DAY)
    assert refusal(problem(need=shut)) == rules.NO_CONSENT


def test_the_ledger_lowers_what_is_open_and_never_below_zero():
    rows = tuple(PastAid("h1", "rice", units, DAY, "approved", "n1") for units in (3, 4))
    compiled = compile_problem(problem(ledger=rows))
    assert (compiled.past.tolist(), compiled.open.tolist()) == ([7], [3])
    compiled = compile_problem(problem(ledger=(*rows, PastAid("h1", "rice", 10**12, DAY, "approved", "n1"))))
    assert (compiled.past.tolist(), compiled.open.tolist()) == ([10], [0])


@pytest.mark.parametrize(
    ("terms", "most"),
    [
        ({}, 8),
        ({"max_per_need": 5}, 5),
        ({"max_per_household": 4}, 4),
        ({"lot": 3}, 6),
        ({"lot": 3, "min_per_need": 7}, 0),
        ({"stock": 50}, 10),
        ({"stock": 0}, 0),
    ],
)
def test_the_most_one_pair_can_carry_is_the_smallest_limit_in_whole_lots(terms, most):
    compiled = compile_problem(problem(resource=replace(RESOURCE, **terms)))
    assert compiled.pair_most.tolist() == [most]


def test_units_used_take_the_place_of_lots_and_maxima():
    used = (Candidate("n1", "r1", cost=7, value=5, units_used=4),)
    compiled = compile_problem(problem(resource=replace(RESOURCE, lot=3, max_per_need=1), pairs=used))
    assert compiled.pair_used.tolist() == [4]
    assert compiled.pair_most.tolist() == [10]
    assert compiled.pair_cost.tolist() == [7]
    assert compiled.pair_value.tolist() == [5]


@pytest.mark.parametrize(("takes", "most"), [(8, 10), (9, 0)])
def test_a_need_served_by_units_used_fits_while_the_stock_suffices(takes, most):
    case = problem(pairs=(Candidate("n1", "r1", units_used=takes),))
    assert compile_problem(case).pair_most.tolist() == [most]


def test_an_empty_units_used_beside_a_filled_one_means_all_that_is_open():
    two = Problem(
        Policy(as_of=DAY),
        (NEED, replace(NEED, need_id="n2")),
        (RESOURCE, replace(RESOURCE, resource_id="r2", stock=10, unit_cost=3)),
        pairs=(Candidate("n1", "r2"), Candidate("n1", "r1", units_used=4), Candidate("n2", "r2")),
    )
    compiled = compile_problem(two)
    assert pairs(compiled) == [("n1", "r1"), ("n1", "r2"), ("n2", "r2")]
    assert compiled.pair_used.tolist() == [4, 10, -1]
    assert compiled.pair_cost.tolist() == [0, 3, 3]


def test_a_pin_is_a_lower_bound_and_a_pin_on_a_refused_pair_is_kept_aside():
    assert compile_problem(problem(pins=(Pin("n1", "r1", 3),))).pair_least.tolist() == [3]
    lost = compile_problem(problem(pins=(Pin("n1", "r1", 3),), bans=(Ban("n1", "*"),)))
    assert lost.lost_pins == (Pin("n1", "r1", 3),)


def test_a_problem_built_in_code_is_held_to_the_same_rules_as_a_folder():
    with pytest.raises(BadInput, match=r"resources, row 2, column unit: 'bag' is a second unit of category rice"):
        compile_problem(problem(resource=replace(RESOURCE, unit="bag")))


def random_problem(seed: int) -> Problem:
    rng = random.Random(seed)

    def some(names: str, most: int) -> frozenset[str]:
        return frozenset(rng.sample(names, rng.randint(0, most)))

    def period() -> tuple[date | None, date | None]:
        return rng.choice([(None, None), (DAY, None), (None, DAY), (DAY - timedelta(3), DAY + timedelta(3))])

    needs = []
    for i in range(30):
        start, end = period()
        need = Need(
            f"n{i}",
            f"h{i % 9}",
            rng.choice("xyz"),
            rng.choice("ab"),
            "u",
            rng.randint(0, 5),
            rng.randint(0, 3),
        )
        consent = rng.choice([frozenset("*"), some("pqr", 3)])
        needs.append(replace(need, valid_from=start, valid_to=end, consented=consent, tags=some("st", 2)))
    resources = []
    for i in range(20):
        start, end = period()
        resource = Resource(f"r{i}", rng.choice("pqr"), rng.choice("ab"), "u", rng.randint(0, 9))
        districts = some("xyz", 3) or frozenset("*")
        limits = {"min_urgency": rng.randint(0, 2), "tags_any": some("st", 1), "tags_none": some("st", 1)}
        resources.append(replace(resource, valid_from=start, valid_to=end, districts=districts, **limits))
    ledger = tuple(
        PastAid(n.household_id, n.category, 2, DAY - timedelta(rng.randint(0, 9)), "approved", n.need_id)
        for n in rng.sample(needs, 5)
    )
    bans = (Ban("n0", "r0"), Ban("n1", "*"), Ban("*", "r1"), Ban("n2", "r3"))
    listed = None
    if seed % 3 == 0:
        listed = tuple(Candidate(f"n{i}", f"r{j}") for i in range(30) for j in range(20) if rng.random() < 0.6)
    tables = {"ledger": ledger, "bans": bans, "cooloffs": (CoolOff("a", 5),), "pairs": listed}
    return Problem(Policy(as_of=DAY), tuple(needs), tuple(resources), **tables)


def plainly_eligible(case: Problem, need: Need, resource: Resource) -> bool:
    past = [row for row in case.ledger if row.household_id == need.household_id and row.category == need.category]
    days = {rule.category: rule.days for rule in case.cooloffs}.get(need.category, 0)
    return (
        (need.category, need.unit) == (resource.category, resource.unit)
        and (
            case.pairs is None
            or any((p.need_id, p.resource_id) == (need.need_id, resource.resource_id) for p in case.pairs)
        )
        and ("*" in need.consented or resource.org_id in need.consented)
        and need.urgency >= resource.min_urgency
        and ("*" in resource.districts or need.district in resource.districts)
        and rules.tags_fit(need.tags, (resource.tags_any, resource.tags_all, resource.tags_none))
        and all(rules.active(x.valid_from, x.valid_to, on=DAY) for x in (need, resource))
        and not any(r.need_id != need.need_id and 0 <= (DAY - r.given_on).days < days for r in past)
        and not any(
            b.need_id in ("*", need.need_id) and b.resource_id in ("*", resource.resource_id) for b in case.bans
        )
        and sum(r.units for r in past if r.need_id == need.need_id) < need.gap
    )


@pytest.mark.parametrize("seed", range(30))
def test_classes_give_the_same_pairs_as_looking_at_every_pair(seed):
    case = random_problem(seed)
    compiled = compile_problem(case)
    plain = {(n.need_id, r.resource_id) for n in case.needs for r in case.resources if plainly_eligible(case, n, r)}
    assert set(pairs(compiled)) == plain
    assert pairs(compiled) == sorted(pairs(compiled))
    told = {
        (compiled.need_ids[n], compiled.resource_ids[r])
        for n in range(len(case.needs))
        for r in np.flatnonzero(compiled.refusals.codes(n) == 0).tolist()
    }
    assert told == plain


@pytest.mark.parametrize("seed", range(5))
def test_the_order_of_the_rows_changes_nothing(seed):
    case = random_problem(seed)
    rng = random.Random(seed)
    names = ("needs", "resources", "ledger", "bans")
    shuffled = replace(
        case, **{name: tuple(rng.sample(getattr(case, name), len(getattr(case, name)))) for name in names}
    )
    first, second = compile_problem(case), compile_problem(shuffled)
    assert first.need_ids == second.need_ids
    assert pairs(first) == pairs(second)
    assert first.problem == second.problem


def test_refusals_are_counted_with_the_nearest_first():
    near = replace(RESOURCE, resource_id="r2", valid_to=DAY)
    far = replace(RESOURCE, resource_id="r3", category="oil")
    compiled = compile_problem(Problem(Policy(as_of=DAY), (NEED,), (far, RESOURCE, near)))
    assert [(code, found.tolist()) for code, found in compiled.refusals.for_need(0).items()] == [
        (rules.WINDOW, [1]),
        (rules.CATEGORY, [2]),
    ]


def test_a_problem_without_needs_or_without_resources_has_no_pairs():
    empty = Problem(Policy(as_of=DAY), (), ())
    assert pairs(compile_problem(empty)) == []
    assert pairs(compile_problem(replace(empty, needs=(NEED,)))) == []
    assert pairs(compile_problem(replace(empty, resources=(RESOURCE,)))) == []
