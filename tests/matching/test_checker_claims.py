"""The judge on what the prices must prove: uniqueness of a large plan, prices of later tiers, gaps of leading runs."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest

from matching import checker
from matching.checker import check
from matching.model import Candidate, Problem
from matching.plan import Line, Plan
from matching.solve import allocate
from tests.matching.campaign import many
from tests.matching.rows import honest, need, problem, resource
from tests.matching.tiny import tiny


def codes(of: Problem, plan: Plan) -> set[str]:
    return {fault.code for fault in check(of, plan)} - {"no_reason", "forged_reason"}


def crowd() -> Problem:
    """70 needs of one bed each and 60 resources of one bed: 4,200 eligible pairs, all as good but for the lot."""
    needs = [need(f"n{i:02}", gap=1, household=f"h{i:02}") for i in range(70)]
    return problem(needs, [resource(f"r{j:02}", stock=1) for j in range(60)])


def test_two_needs_that_swap_their_resources_are_found_among_four_thousand_pairs():
    of = crowd()
    plan = allocate(of)
    assert plan.certificate.unique
    assert check(of, plan) == ()
    first, second, *rest = plan.lines
    swapped = (replace(first, resource_id=second.resource_id), replace(second, resource_id=first.resource_id), *rest)
    other = honest(of, swapped, prices=plan.prices)
    claim = replace(other.certificate, unique=True)
    assert codes(of, other) == set()
    assert codes(of, replace(other, certificate=claim)) == {"unique"}


@pytest.mark.parametrize("tier", [3, 4])
def test_a_changed_price_of_a_later_tier_does_not_prove_uniqueness(tier):
    # with costs by need, tier 3 chooses who is served; with none, the published lot of tier 4 does
    of = crowd()
    if tier == 3:
        pairs = [Candidate(n.need_id, r.resource_id, cost=i + 1) for i, n in enumerate(of.needs) for r in of.resources]
        of = replace(of, pairs=tuple(pairs))
    plan = allocate(of)
    at = next(i for i, row in enumerate(plan.prices) if row.tier == tier and row.price)
    forged = replace(plan.prices[at], price=plan.prices[at].price + 2**30)
    assert codes(of, plan) == set()
    assert "unique" in codes(of, replace(plan, prices=(*plan.prices[:at], forged, *plan.prices[at + 1 :])))


def test_a_gap_smaller_than_the_prices_prove_is_refused():
    # one bed for two needs of urgency 3 and 1, given to the latter: rank 8 was there to be had, so run 0 lacks 8
    of = problem([need("a", gap=2, urgency=3), need("b", gap=2, household="h1")], [resource("r", stock=1)])
    plan = honest(of, [Line("b", "r", 1)])
    assert codes(of, plan) == set()
    assert plan.certificate.gap_by_prefix["*"][0] == 8  # type: ignore[index]
    for name in ("*", "bed"):
        gaps = {key: list(row) for key, row in plan.certificate.gap_by_prefix.items()}  # type: ignore[call-overload]
        gaps[name][0] = 7
        assert codes(of, replace(plan, certificate=replace(plan.certificate, gap_by_prefix=gaps))) == {"gap_by_prefix"}
    gone = replace(plan.certificate, gap_by_prefix={"*": plan.certificate.gap_by_prefix["*"]})
    assert codes(of, replace(plan, certificate=gone)) == {"gap_by_prefix"}


def test_the_value_of_a_plan_counts_needs_that_one_resource_serves_whole():
    # a is served whole by r (value 5); b gets 1 of 2 (value 7 not counted)
    pairs = (Candidate("a", "r", value=5), Candidate("b", "s", value=7))
    of = problem([need("a", gap=2), need("b", gap=2)], [resource("r", stock=2), resource("s", stock=1)], pairs=pairs)
    of = replace(of, policy=replace(of.policy, objective="value"))
    plan = honest(of, [Line("a", "r", 2), Line("b", "s", 1)])
    said = replace(plan.certificate, value=5, value_bound=5, value_proof="sums")
    assert codes(of, replace(plan, certificate=said)) == set()
    assert codes(of, replace(plan, certificate=replace(said, value=12, value_bound=12))) == {"value"}
    low = replace(said, value_bound=4, value_proof="")
    assert codes(of, replace(plan, certificate=low)) == {"value_bound", "status"}


@pytest.mark.parametrize(
    ("lie", "code"),
    [
        ({"value_bound": 100, "value_proof": ""}, "status"),
        ({"value_proof": "whatever"}, "value_proof"),
        ({"value_proof": ""}, "value_proof"),
        ({"status": "feasible", "value_bound": 100}, "value_proof"),
        ({"unique": True}, "unique"),
    ],
)
def test_a_value_that_does_not_reach_its_bound_or_names_no_prover_is_not_optimal(lie, code):
    # a and b compete for the one place in r, worth 7 or 5; s takes whoever is left for 3: 7 + 3
    worth = {("a", "r"): 7, ("b", "r"): 5, ("a", "s"): 3, ("b", "s"): 3}
    rows = tuple(Candidate(n, r, value=value, units_used=1) for (n, r), value in worth.items())
    of = problem([need("a", gap=1), need("b", gap=1)], [resource("r", stock=1), resource("s", stock=1)], pairs=rows)
    of = replace(of, policy=replace(of.policy, objective="value"))
    plan = allocate(of)
    said = plan.certificate
    assert (said.status, said.value, said.value_bound, said.unique) == ("optimal", 10, 10, False)
    assert check(of, plan) == ()
    assert codes(of, replace(plan, certificate=replace(said, **lie))) == {code}
    claim = replace(said, value_proof="sums")
    assert codes(of, replace(plan, certificate=claim)) == {"value_bound"}, "each at its best would be worth 12"


@pytest.mark.parametrize("kind", ["pure", "hard", "big"])
def test_no_single_change_of_a_certificate_passes(kind):
    rng = Random(11)
    words = ("score", "bound", "units", "cost", "broken_units", "households_served")
    for seed in range(many(20, torture=600)):
        of = tiny(seed, kind=kind)
        plan = allocate(of)
        if plan.certificate.status == "infeasible":
            continue
        assert check(of, plan) == (), seed
        for word in words:
            lie = {word: getattr(plan.certificate, word) - rng.randint(1, 3)}
            assert check(of, replace(plan, certificate=replace(plan.certificate, **lie))), (seed, word)


def test_a_large_plan_that_claims_to_be_lexicographic_is_judged_in_every_run(monkeypatch):
    of = tiny(228, kind="pure")
    plan = allocate(of)
    said = plan.certificate
    gaps = said.gap_by_prefix["*"]
    assert said.status == "optimal"
    assert [run for run in (0, 19, 39) if gaps[run]] == [], "what a large problem is asked shows nothing"
    assert any(gaps)
    clean = {name: [0] * len(row) for name, row in said.gap_by_prefix.items()}
    forged = replace(plan, certificate=replace(said, gap_by_prefix=clean, lexicographic="proven"))
    monkeypatch.setattr(checker, "MANY", 0)
    assert codes(of, forged) == {"gap_by_prefix"}
