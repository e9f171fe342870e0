"""Whole households in the bound: worked by hand, against enumeration, and the same with the judge."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from matching import allocate
from matching.checker import check, proven_bound
from matching.compiled import Compiled, compile_problem
from matching.generate import generate
from matching.homes import Homes
from matching.model import Cap, Problem
from matching.network import Ints, level_sizes, rank_table
from matching.plan import Price
from matching.prices import LimitPrices, of_tier, pair_tolls
from matching.responses import best_responses
from tests.matching.campaign import many
from tests.matching.oracle import best
from tests.matching.test_flow import need, problem, resource
from tests.matching.test_pieces import one_part
from tests.matching.tiny import tiny


def packed() -> Problem:
    """Two needs of one household under a cap of 6, and one giver that packs by 4."""
    needs = [need(name, gap=4, urgency=3, household="h") for name in ("a", "b")]
    return problem(needs, [resource("r", stock=20, lot=4, min_per_need=4)], caps=(Cap("c", frozenset({"food"}), 6),))


def test_a_household_cannot_fill_its_cap_with_half_a_lot():
    # A lot is worth 2·8 + 2·7 = 30. One need takes it, the other has no lot of 2: score 30. Any price of the cap lets
    # half a lot more through: at price 7.5, the mean of a lot's units, 6·7.5 = 45, and whole prices give no less.
    said = allocate(packed()).certificate
    assert (said.score, said.bound, said.status) == (30, 30, "optimal")
    assert check(packed(), allocate(packed())) == ()
    lower = replace(said, bound=29, gap=-1 / 29)
    assert "bound" in {fault.code for fault in check(packed(), replace(allocate(packed()), certificate=lower))}


def test_without_the_look_at_whole_households_the_bound_stays_at_the_price_of_the_cap(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("matching.homes.Homes.saved", lambda *_: 0)
    assert allocate(packed()).certificate.bound >= 45


@pytest.mark.parametrize("kind", ["hard", "hard_nested"])
def test_what_a_household_could_keep_is_what_trying_everything_finds(kind: str):
    asked, count = 0, many(75, torture=1_500)
    for seed in range(count):
        given = replace(tiny(seed, kind="hard"), pins=(), announced=())
        if kind == "hard_nested" and given.caps:
            wide, name = given.caps[0], sorted(given.caps[0].categories)[0]
            given = replace(given, caps=(replace(wide, household_id="*"), Cap("narrow", frozenset({name}), 2)))
        compiled = compile_problem(given)
        pairs = np.flatnonzero(compiled.pair_most > 0)
        prices: LimitPrices = {("resource", row.resource_id, ""): seed % 4 for row in given.resources}
        prices |= {("household_cap", c.cap_id, h): 3 for c in given.caps for h in compiled.household_ids}
        homes = Homes(compiled, prices, pairs=pairs)
        for home, needs in homes.needs.items():
            mine = pairs[np.isin(compiled.pair_need[pairs], needs)]
            worth = homes.worth(home)
            if worth is not None and len(mine) <= 6 and compiled.pair_most[mine].max() <= 6:
                asked += 1
                assert worth == _tried(compiled, mine, needs=needs, price=seed % 4), (seed, home)
    assert asked >= count // 8


def _tried(compiled: Compiled, pairs: Ints, *, needs: Ints, price: int) -> int:
    """The most that these needs keep, by all amounts of all pairs that their own rules and their caps allow."""
    options = [
        sorted(_own(compiled, pairs[compiled.pair_need[pairs] == n], need=n, price=price)) for n in needs.tolist()
    ]
    rows = [compiled.problem.needs[n] for n in needs.tolist()]
    found = 0
    for chosen in product(*options):
        sums = (
            (
                cap.max_units,
                sum(got for row, (got, _) in zip(rows, chosen, strict=True) if row.category in cap.categories),
            )
            for cap in compiled.problem.caps
            if cap.household_id in ("*", rows[0].household_id)
        )
        if all(got <= most for most, got in sums):
            found = max(found, sum(kept for _, kept in chosen))
    return found


def _own(compiled: Compiled, pairs: Ints, *, need: int, price: int) -> set[tuple[int, int]]:
    """(received, kept) of all that one need may take."""
    row, wanted = compiled.problem.needs[need], int(compiled.open[need])
    goods = [compiled.problem.resources[r] for r in compiled.pair_resource[pairs].tolist()]
    used, most = compiled.pair_used[pairs].tolist(), compiled.pair_most[pairs].tolist()
    ranks = np.repeat(rank_table(compiled)[row.urgency], level_sizes(compiled, np.array([need]))[0])
    found = set()
    for units in product(*((0, u) if u >= 0 else range(m + 1) for u, m in zip(used, most, strict=True))):
        got = sum(wanted if u >= 0 and x else x for x, u in zip(units, used, strict=True))
        lots = all(
            u >= 0 or not x or (x % g.lot == 0 and x >= g.min_per_need)
            for x, g, u in zip(units, goods, used, strict=True)
        )
        several = sum(x > 0 for x in units) > 1 and (row.one_provider or max(used) >= 0)
        if got <= wanted and lots and not several and (got in (0, wanted) or not row.all_or_nothing):
            found.add((got, int(ranks[:got].sum()) - price * sum(units)))
    return found


def test_the_judge_proves_the_same_bound_as_the_allocator():
    caps, count = 0, many(30, torture=600)
    for seed in range(count):
        given = replace(tiny(seed, kind="hard"), pins=())
        plan = allocate(given)
        assert plan.certificate.bound == proven_bound(given, plan), seed
        known = best(given)
        assert known is not None
        assert known.objective[1] <= plan.certificate.bound, seed
        caps += any(row.kind == "household_cap" for row in plan.prices)
    assert caps >= count // 12
    city = generate(900, 60, hard=0.3, one_component=True, seed=5)
    plan = allocate(city, budget_s=1)
    assert plan.certificate.bound == proven_bound(city, plan)
    assert check(city, plan) == ()


def test_which_plan_is_at_hand_does_not_change_the_bound():
    compiled, _, part = one_part(generate(900, 60, hard=0.3, one_component=True, seed=5))
    plan = allocate(compiled.problem, budget_s=1)
    homes = Homes(compiled, of_tier(plan.prices, 1), pairs=part.pairs)
    tolls = pair_tolls(compiled, of_tier(plan.prices, 1), pairs=part.pairs)
    worth = best_responses(compiled, pairs=part.pairs, tolls=tolls).worth
    given = {(line.need_id, line.resource_id): line.units for line in plan.lines}
    ids = zip(compiled.pair_need.tolist(), compiled.pair_resource.tolist(), strict=True)
    units = np.array([given.get((compiled.need_ids[n], compiled.resource_ids[r]), 0) for n, r in ids])
    assert homes.saved(worth, units) == homes.saved(worth, units * 0) > 0


@pytest.mark.parametrize(("price", "scale"), [(2**70, 1), (2**50, 1), (3, 2**80), (2**61, 2**20)])
def test_the_judge_only_asks_households_whole_while_the_sums_are_safe(price: int, scale: int):
    plan = allocate(packed())
    prices = (Price(1, "household_cap", "c", "h", price), Price(1, "resource", "r", "", price))
    forged = replace(plan, prices=prices, certificate=replace(plan.certificate, price_scale=scale))
    assert proven_bound(packed(), forged) >= plan.certificate.score
