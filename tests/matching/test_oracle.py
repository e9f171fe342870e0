"""The oracle on instances worked by hand, and the random problems: every rule kind must appear and matter."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from matching.model import Cap, Pin, Problem, Resource
from tests.matching.oracle import best, is_minimal_conflict
from tests.matching.receipts import eligible, filled
from tests.matching.rows import POLICY, need, resource
from tests.matching.tiny import KINDS, tiny


def test_the_first_unit_of_any_need_is_in_level_one():
    # gap 3, two levels: level 1 holds units 1 and 2 (up to ceil(3/2)), level 2 holds unit 3
    assert filled(POLICY, need=need("n", gap=3), past=0, units=3) == {(1, 1): 2, (1, 2): 1}
    assert filled(POLICY, need=need("n", gap=3), past=1, units=2) == {(1, 1): 1, (1, 2): 1}


def test_two_needs_of_equal_urgency_share_before_one_is_filled():
    # urgency 1, levels 1 and 2 have ranks 4 and 3. Stock 2: one unit each = 8, both to one = 4 + 3 = 7
    both = (need("a", gap=2), need("b", gap=2, household="h1"))
    found = best(Problem(POLICY, both, (resource("r", stock=2),)), leximin=True)
    assert found is not None
    assert found.objective == (0, 8, 0, 0)
    assert found.amounts == {("a", "r"): 1, ("b", "r"): 1}
    assert found.coverage == found.leximin == (0, 0, 0, 0, 2, 0, 0, 0)


def test_a_household_maximum_binds_two_needs_of_one_household():
    # stock 10, two needs of one household, household maximum 5; one level of rank 4: score 20
    policy = replace(POLICY, levels=1, order=())
    both = (need("a", gap=10, urgency=3), need("b", gap=10, urgency=3))
    found = best(Problem(policy, both, (resource("r", stock=10, max_per_household=5),)))
    assert found is not None
    assert found.objective[1] == 20


def test_a_need_with_one_provider_takes_the_fuller_resource():
    one = (need("a", gap=5, one_provider=True),)
    found = best(Problem(POLICY, one, (resource("r", stock=2), resource("s", stock=3))))
    assert found is not None
    assert found.amounts == {("a", "s"): 3}


def test_pins_above_a_cap_are_a_minimal_conflict_and_no_plan():
    problem = Problem(
        POLICY,
        (need("a", gap=5), need("b", gap=5)),
        (resource("r", stock=9),),
        caps=(Cap("c", frozenset({"bed"}), 3),),
        pins=(Pin("a", "r", 2), Pin("b", "r", 2)),
    )
    assert best(problem) is None
    assert is_minimal_conflict(problem, pairs={("a", "r"), ("b", "r")})
    assert not is_minimal_conflict(problem, pairs={("a", "r")})


def test_pure_optima_fill_the_cells_in_the_order_of_the_policy():
    # ordinal ranks are exact without household caps that join needs
    for seed in range(150):
        problem = replace(tiny(seed), caps=())
        found = best(problem, leximin=True)
        assert found is None or found.coverage == found.leximin, seed


def test_random_problems_cover_every_rule_kind():
    seen: Counter[str] = Counter()
    for kind in KINDS:
        for seed in range(150):
            problem = tiny(seed, kind=kind)
            seen.update(_rules(problem))
            seen["some pair"] += any(
                eligible(problem, need=n, resource=r) for n in problem.needs for r in problem.resources
            )
    wanted = (
        "earmarks caps ledger cooloffs pins bans announced pairs units_used lot min_per_need max_per_need "
        "max_per_household exclusive_group tags_any tags_all tags_none min_urgency one_provider "
        "all_or_nothing nobody window districts"
    )
    assert {word for word in wanted.split() if seen[word] < 10} == set()
    assert seen["some pair"] > 250


def _rules(problem: Problem) -> set[str]:
    lists = "earmarks caps ledger cooloffs pins bans announced pairs"
    found = {name for name in lists.split() if getattr(problem, name)}
    plain = Resource("r", "o", "c", "u", 0)
    for name in Resource.__slots__[5:]:
        if any(getattr(r, name) != getattr(plain, name) for r in problem.resources):
            found.add(name)
    found |= {name for name in ("one_provider", "all_or_nothing") if any(getattr(n, name) for n in problem.needs)}
    if any(not n.consented for n in problem.needs):
        found.add("nobody")
    if any(x.valid_from or x.valid_to for x in (*problem.needs, *problem.resources)):
        found.add("window")
    if any(p.units_used is not None for p in problem.pairs or ()):
        found.add("units_used")
    return found
