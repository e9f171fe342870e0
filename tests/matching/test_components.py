"""Which needs and resources belong together, which limits can bind, and which parts are hard."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from matching.compiled import compile_problem
from matching.components import Component, split
from matching.limits import shared_limits
from matching.model import Candidate, Cap, Earmark, Need, Policy, Problem, Resource
from tests.matching.tiny import tiny

EVERYONE = frozenset("*")


def need(name: str, category: str = "rice", **more) -> Need:
    household = more.pop("household_id", f"h-{name}")
    return Need(name, household, "d", category, "kg", more.pop("gap", 10), 2, consented=EVERYONE, **more)


def resource(name: str, category: str = "rice", **more) -> Resource:
    return Resource(name, "o", category, "kg", more.pop("stock", 8), **more)


def parts(needs: list[Need], resources: list[Resource], **tables) -> list[Component]:
    return split(compile_problem(Problem(Policy(as_of=date(2026, 7, 1)), tuple(needs), tuple(resources), **tables)))


def needs_of(found: list[Component]) -> list[list[int]]:
    return [part.needs.tolist() for part in found]


def test_needs_that_share_a_resource_belong_together():
    found = parts([need("a"), need("b", "oil"), need("c")], [resource("r"), resource("s", "oil")])
    assert needs_of(found) == [[0, 2], [1]]
    assert [part.resources.tolist() for part in found] == [[0], [1]]
    assert [part.pairs.tolist() for part in found] == [[0, 2], [1]]
    assert not any(part.hard for part in found)


def test_a_need_that_nothing_can_reach_is_in_no_part():
    assert parts([need("a")], [resource("r", stock=0)]) == []
    assert parts([need("a")], [resource("r", "oil")]) == []
    assert parts([], []) == []


@pytest.mark.parametrize(("budget", "together"), [(15, [[0, 1]]), (16, [[0], [1]])])
def test_an_earmark_joins_resources_only_where_its_budget_can_run_out(budget, together):
    found = parts(
        [need("a"), need("b", "oil")],
        [resource("r", earmark="leaf"), resource("s", "oil", earmark="top")],
        earmarks=(Earmark("top", None, budget), Earmark("leaf", "top", 99)),
    )
    assert needs_of(found) == together


def test_a_budget_that_cannot_run_out_passes_its_parent_on():
    problem = Problem(
        Policy(as_of=date(2026, 7, 1)),
        (need("a"),),
        (resource("r", earmark="leaf"),),
        earmarks=(Earmark("leaf", "middle", 7), Earmark("middle", "top", 7), Earmark("top", None, 5)),
    )
    limits = shared_limits(compile_problem(problem))
    assert limits.earmark_ids == ("leaf", "top")
    assert limits.earmark_parent.tolist() == [1, -1]
    assert limits.resource_earmark.tolist() == [0]


@pytest.mark.parametrize(("most", "together"), [(15, [[0, 1]]), (16, [[0], [1]])])
def test_a_household_cap_joins_its_needs_only_where_it_can_bind(most, together):
    home = [need("a", household_id="h"), need("b", "oil", household_id="h")]
    caps = (Cap("c", frozenset({"rice", "oil"}), most),)
    assert needs_of(parts(home, [resource("r"), resource("s", "oil")], caps=caps)) == together


def test_a_cap_for_one_household_leaves_the_others_alone():
    home = [need("a", household_id="h"), need("b", "oil", household_id="h")]
    caps = (Cap("c", frozenset({"rice", "oil"}), 1, household_id="someone else"),)
    assert needs_of(parts(home, [resource("r"), resource("s", "oil")], caps=caps)) == [[0], [1]]


def test_caps_that_cross_are_hard_and_caps_that_nest_are_not():
    home = [need(name, name, household_id="h") for name in ("a", "b", "c")]
    givers = [resource(name, name) for name in ("a", "b", "c")]
    nested = (Cap("1", frozenset("ab"), 3), Cap("2", frozenset("abc"), 4))
    crossing = (Cap("1", frozenset("ab"), 3), Cap("2", frozenset("bc"), 4))
    assert [part.hard for part in parts(home, givers, caps=nested)] == [False]
    assert [part.hard for part in parts(home, givers, caps=crossing)] == [True]


def test_a_household_maximum_is_a_limit_only_where_two_needs_meet_it():
    two = (need("a", household_id="h"), need("b", household_id="h"), need("c"))
    problem = Problem(Policy(as_of=date(2026, 7, 1)), two, (resource("r", max_per_household=5),))
    limits = shared_limits(compile_problem(problem))
    assert limits.share_limit.tolist() == [5]
    assert limits.pair_share.tolist() == [0, 0, -1]


@pytest.mark.parametrize(
    ("asks", "gives", "hard"),
    [
        ([need("a", one_provider=True)], [resource("r")], False),
        ([need("a", one_provider=True)], [resource("r"), resource("s")], True),
        ([need("a", all_or_nothing=True)], [resource("r")], True),
        ([need("a", all_or_nothing=True, gap=1)], [resource("r")], False),
        ([need("a")], [resource("r", lot=2)], True),
        ([need("a")], [resource("r", lot=20)], None),
        ([need("a")], [resource("r", min_per_need=2)], True),
        ([need("a")], [resource("r", min_per_need=0)], False),
        ([need("a")], [resource("r", exclusive_group="g")], False),
        ([need("a")], [resource("r", exclusive_group="g"), resource("s", exclusive_group="g")], True),
    ],
)
def test_a_part_is_hard_only_where_a_hard_rule_binds(asks, gives, hard):
    assert [part.hard for part in parts(asks, gives)] == ([] if hard is None else [hard])


def test_an_exclusive_group_joins_the_needs_of_a_household():
    home = [need("a", household_id="h"), need("b", "oil", household_id="h")]
    givers = [resource("r", exclusive_group="g"), resource("s", "oil", exclusive_group="g")]
    found = parts(home, givers)
    assert needs_of(found) == [[0, 1]]
    assert found[0].hard


def test_needs_served_by_units_used_are_hard():
    assert [p.hard for p in parts([need("a")], [resource("r")], pairs=(Candidate("a", "r", units_used=2),))] == [True]


@pytest.mark.parametrize("seed", range(60))
@pytest.mark.parametrize("kind", ["pure", "hard", "big"])
def test_parts_share_no_need_resource_earmark_or_household_limit(seed, kind):
    compiled = compile_problem(tiny(seed, kind=kind))
    limits = shared_limits(compiled)
    found = split(compiled, limits)
    for name, size in (("needs", None), ("resources", None), ("pairs", None), ("earmarks", len(limits.earmark_ids))):
        held = [i for part in found for i in getattr(part, name).tolist()]
        assert len(held) == len(set(held))
        assert size is None or len(held) <= size
    assert sorted(i for part in found for i in part.pairs) == np.flatnonzero(compiled.pair_most > 0).tolist()
    for part in found:
        assert set(compiled.pair_need[part.pairs]) == set(part.needs.tolist())
        assert set(compiled.pair_resource[part.pairs]) == set(part.resources.tolist())
        for group in part.groups.tolist():
            assert set(limits.needs_of(group)) <= set(part.needs.tolist())
        assert set(limits.resource_earmark[part.resources].tolist()) - {-1} <= set(part.earmarks.tolist())
    assert sum(len(part.groups) for part in found) == len(limits.group_cap)
    assert sum(len(part.shares) for part in found) == len(limits.share_limit)
    pure = replace(compiled.problem, needs=(), resources=(), pins=(), bans=(), announced=(), ledger=(), pairs=None)
    assert split(compile_problem(pure)) == []
