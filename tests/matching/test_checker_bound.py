"""The judge's bound: worked by hand, and never below the true optimum whatever the prices."""

from __future__ import annotations

from dataclasses import replace
from random import Random

from matching.checker import proven_bound
from matching.checker_case import Case
from matching.model import Candidate, Earmark, Problem
from matching.plan import Plan, Price
from tests.matching.campaign import many
from tests.matching.oracle import best
from tests.matching.rows import EMPTY, POLICY, need, resource
from tests.matching.tiny import KINDS, tiny


def bound(problem: Problem, *prices: Price, scale: int = 1) -> int:
    plan = Plan((), (), prices, replace(EMPTY, price_scale=scale))
    return proven_bound(problem, plan)


def test_without_the_price_of_the_household_maximum_the_bound_stays_twice_too_high():
    # stock 10, two needs of one household with gap 10, one level of rank 4, household maximum 5: score 20
    policy = replace(POLICY, levels=1, order=())
    both = (need("a", gap=10, urgency=3), need("b", gap=10, urgency=3))
    problem = Problem(policy, both, (resource("r", stock=10, max_per_household=5),))
    # no price: each need could take 5 units of rank 4 (more than the household's 5 is never possible): 20 + 20
    assert bound(problem) == 40
    # the resource at 4: 4·10 for the limit, nothing left for the needs
    assert bound(problem, Price(1, "resource", "r", "", 4)) == 40
    # the household maximum at 4: 4·5 for the limit, nothing left for the needs: equal to the score
    assert bound(problem, Price(1, "max_per_household", "r", "h0", 4)) == 20


def test_a_price_is_paid_for_the_earmark_and_all_above_it():
    # one need of gap 4, urgency 3, two levels: ranks 8 and 7, two units each: at most 2·8 + 2·7 = 30
    marks = (Earmark("root", None, 2), Earmark("leaf", "root", 9))
    problem = Problem(POLICY, (need("a", gap=4, urgency=3),), (resource("r", stock=9, earmark="leaf"),), marks)
    assert bound(problem) == 30
    # root at 7: 7·2 for the budget, the need keeps 8 - 7 on two units: 14 + 2 = 16, the score of two units
    assert bound(problem, Price(1, "earmark", "root", "", 7)) == 16


def test_prices_may_be_fractions_by_a_common_scale():
    # the same with 14 halves
    marks = (Earmark("root", None, 2),)
    problem = Problem(POLICY, (need("a", gap=4, urgency=3),), (resource("r", stock=9, earmark="root"),), marks)
    assert bound(problem, Price(1, "earmark", "root", "", 14), scale=2) == 16


def test_no_prices_whatever_prove_a_bound_below_the_optimum():
    for kind in KINDS:
        for seed in range(many(150, torture=4_000)):
            problem = tiny(seed, kind=kind)
            found = best(problem)
            if found is None:
                continue
            rng, top = Random(seed), 4 * problem.policy.levels + 1
            for _ in range(3):
                prices = [Price(1, *limit, rng.randint(0, top)) for limit in _limits(problem) if rng.random() < 0.6]
                assert bound(problem, *prices) >= found.objective[1], (kind, seed, prices)


def _limits(problem: Problem) -> list[tuple[str, str, str]]:
    homes = sorted({n.household_id for n in problem.needs})
    named = [("resource", r.resource_id, "") for r in problem.resources]
    named += [("earmark", e.earmark, "") for e in problem.earmarks]
    named += [("max_per_household", r.resource_id, home) for r in problem.resources for home in homes]
    named += [("household_cap", c.cap_id, home) for c in problem.caps for home in homes]
    case = Case(problem, Plan((), (), tuple(Price(1, *limit, 1) for limit in named), EMPTY))
    return [limit for limit in named if limit in case.row]


def test_what_is_left_of_a_stock_below_one_lot_is_worth_nothing():
    # stock 5 in lots of 2: nobody can take more than 4. One need of gap 9, one level of rank 4; at price 4 the
    # limit is worth 4·4 = 16 and the need keeps nothing: the score of two lots
    policy = replace(POLICY, levels=1, order=())
    price = Price(1, "resource", "r", "", 4)
    problem = Problem(policy, (need("a", gap=9, urgency=3),), (resource("r", stock=5, lot=2),))
    assert bound(problem, price) == 16
    # a need that uses up 5 of it knows no lots: it is served whole, 9·4 = 36. With 4 of stock the bound would be
    # 4·4 + (36 - 4·5) = 32, below that score; with the stock it is 4·5 + 16 = 36
    used = Problem(policy, problem.needs, problem.resources, pairs=(Candidate("a", "r", units_used=5),))
    assert bound(used, price) == 36
