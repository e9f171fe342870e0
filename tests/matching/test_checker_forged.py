"""Forgers at work: lines, prices and claims changed at random, with every sum and hash made to fit.

What passes is true. TORTURE=1 makes the campaign long. Brute force says what the truth is.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from random import Random

import pytest

from matching.checker import check
from matching.model import Problem
from matching.plan import Line, Plan, Price
from matching.solve import allocate
from tests.matching.campaign import many
from tests.matching.oracle import best
from tests.matching.rows import honest
from tests.matching.tiny import tiny

SEEDS = many(25, torture=3_000)


def forged_lines(of: Problem, plan: Plan, *, rng: Random) -> list[Line]:
    """The lines with up to two of them changed, moved, left out or invented, in order."""
    amounts = {(x.need_id, x.resource_id): x.units for x in plan.lines}
    for _ in range(rng.choice((0, 1, 1, 2))):
        pair = rng.choice([*amounts, (rng.choice(of.needs).need_id, rng.choice(of.resources).resource_id)])
        units = amounts.pop(pair, 0)
        kind = rng.randrange(8)
        if kind == 0:
            amounts[pair] = max(1, units + rng.choice((-1, 1)))
        elif kind == 1:
            other = pair[0], rng.choice(of.resources).resource_id
            amounts[other] = amounts.get(other, 0) + max(1, units)
        elif kind == 2:
            other = rng.choice(of.needs).need_id, pair[1]
            amounts[other] = amounts.get(other, 0) + max(1, units)
        elif kind > 3 and amounts:  # two needs swap what they got
            (need, resource), more = rng.choice([*amounts.items()])
            part = min(more, units)
            for x, step in (((need, resource), more - part), (pair, units - part)):
                amounts[x] = step
            for x in ((need, pair[1]), (pair[0], resource)):
                amounts[x] = amounts.get(x, 0) + part
            amounts = {x: step for x, step in amounts.items() if step}
    return [Line(*pair, units) for pair, units in sorted(amounts.items())]


def forged_prices(plan: Plan, *, rng: Random) -> list[Price]:
    """The prices with up to two of them changed or left out."""
    prices = list(plan.prices)
    for _ in range(rng.choice((0, 0, 1, 2)) if prices else 0):
        at = rng.randrange(len(prices))
        step = rng.choice((-prices[at].price, -1, 1, 5))
        prices[at] = replace(prices[at], price=prices[at].price + step)
    return prices


def forged(of: Problem, plan: Plan, *, rng: Random) -> Plan:
    """A plan that says of itself that it is proven, in every run of cells, and the only one."""
    false = honest(of, forged_lines(of, plan, rng=rng), prices=forged_prices(plan, rng=rng))
    said, zeros = false.certificate, [0] * len(of.policy.order)
    claim = {"bound": said.score, "gap": 0.0, "status": "optimal", "unique": rng.random() < 0.7}
    gaps = dict.fromkeys(said.gap_by_prefix, zeros)
    parts = plan.certificate.components
    return replace(false, certificate=replace(said, **claim, gap_by_prefix=gaps, components=parts))


@pytest.mark.parametrize("kind", ["pure", "hard", "big"])
def test_what_the_judge_lets_pass_is_the_best_and_the_only_one_where_that_is_claimed(kind):
    seen: Counter[str] = Counter()
    for seed in range(SEEDS):
        of, rng = tiny(seed, kind=kind), Random(seed)
        found = best(of)
        if found is None:
            continue
        plan = allocate(of)
        for _ in range(4):
            false = forged(of, plan, rng=rng)
            if {fault.code for fault in check(of, false)} - {"no_reason"}:
                seen["refused"] += 1
                continue
            seen["passed"] += 1
            assert false.certificate.score == found.objective[1], seed
            if kind == "pure" and false.certificate.unique:
                assert {(x.need_id, x.resource_id): x.units for x in false.lines} == found.amounts, seed
    assert min(seen["refused"], seen["passed"]) > SEEDS // 4, seen


@pytest.mark.parametrize("kind", ["pure", "hard"])
def test_a_bound_one_below_what_is_proven_never_passes(kind):
    # the gaps stay as they are: only the bound, and what is worked out from it, is forged
    for seed in range(SEEDS):
        of = tiny(seed, kind=kind)
        plan = allocate(of)
        said = plan.certificate
        if said.status == "infeasible" or not said.bound:
            continue
        low = said.bound - 1
        false = replace(said, bound=low, status="feasible", gap=(low - said.score) / low if low else 0.0)
        assert check(of, replace(plan, certificate=false)), seed
