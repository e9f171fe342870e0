"""The judge on uniqueness: true claims pass, a second best plan is found."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from matching.checker import check
from matching.checker_case import Case
from matching.checker_unique import ALONE, proven_tiers
from matching.model import Candidate, Problem
from matching.plan import Line
from matching.solve import allocate
from tests.matching.campaign import many
from tests.matching.oracle import best
from tests.matching.rows import honest, need, problem, resource
from tests.matching.tiny import tiny


def claimed(of: Problem, *amounts: tuple[str, str, int]) -> set[str]:
    """The faults of a plan that claims to be the only best one."""
    plan = allocate(of)
    lines = tuple(Line(*amount) for amount in amounts)
    other = honest(of, lines, prices=plan.prices)
    said = replace(other.certificate, unique=True)
    return {fault.code for fault in check(of, replace(other, certificate=said))} - {"no_reason", "idle_price"}


def test_the_dearer_of_two_equal_coverages_is_not_the_best():
    of = problem([need("a", gap=1)], [resource("r", stock=1, unit_cost=2), resource("s", stock=1, unit_cost=1)])
    assert claimed(of, ("a", "s", 1)) == set()
    assert claimed(of, ("a", "r", 1)) == {"unique"}


def test_a_child_that_looks_for_other_plans_meanwhile_says_the_same(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("matching.checker.APART", 0)
    of = problem([need("a", gap=1)], [resource("r", stock=1, unit_cost=2), resource("s", stock=1, unit_cost=1)])
    best_plan = allocate(of)
    other = honest(of, (Line("a", "r", 1),), prices=best_plan.prices)
    dearer = replace(other, certificate=replace(other.certificate, unique=True))
    for plan in (best_plan, dearer):
        assert check(of, plan, workers=2) == check(of, plan)
    assert "unique" in {fault.code for fault in check(of, dearer, workers=2)}


def test_the_loser_of_the_published_lot_is_not_the_best():
    of = problem([need("a", gap=1), need("b", gap=1, household="h1")], [resource("r", stock=1)])
    winners = {name for name in ("a", "b") if claimed(of, (name, "r", 1)) == set()}
    found = best(of)
    assert found is not None
    assert {need_id for need_id, _ in found.amounts} == winners


def test_the_only_best_plans_of_random_pure_problems_pass_and_no_others():
    seen: Counter[bool | None] = Counter()
    count = many(120, torture=3_000)
    for seed in range(count):
        of = tiny(seed)
        plan = allocate(of)
        if plan.certificate.status == "infeasible":
            continue
        assert proven_tiers(Case(of, plan)) == ALONE, seed
        seen[proven_tiers(Case(of, replace(plan, lines=plan.lines[1:]))) != ALONE] += bool(plan.lines)
    # a plan with its first line left out is never the best
    assert seen[True] > count // 2
    assert not seen[False]


def test_swapped_providers_of_equal_needs_are_found():
    pairs = tuple(Candidate(n, r, cost=1 + (n + r in ("as", "br"))) for n in "ab" for r in "rs")
    of = replace(
        problem([need("a", gap=1), need("b", gap=1)], [resource("r", stock=1), resource("s", stock=1)]), pairs=pairs
    )
    assert claimed(of, ("a", "r", 1), ("b", "s", 1)) == set()
    assert claimed(of, ("a", "s", 1), ("b", "r", 1)) == {"unique"}


def test_hard_rules_are_beyond_this_judge():
    of = problem([need("a", gap=2, one_provider=True)], [resource("r", stock=1)])
    assert proven_tiers(Case(of, honest(of, [Line("a", "r", 1)]))) is None
