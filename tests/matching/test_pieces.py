"""The way of large hard parts: exchanges that cost nobody anything, pieces for HiGHS, and the children that solve."""

from __future__ import annotations

import os
import time
from dataclasses import replace

import numpy as np
import pytest

from matching import allocate
from matching.child import Crew
from matching.compiled import Compiled, compile_problem
from matching.components import Component, split
from matching.exchange import exchanged
from matching.generate import generate
from matching.limits import Limits, shared_limits
from matching.model import Cap, Problem
from matching.network import Ints, carried
from matching.parts import receipts, score_of
from matching.pieces import solve_piece
from matching.relaxed import relaxed_flow
from matching.residual import State
from matching.rules import breaches, flag
from tests.matching.oracle import best
from tests.matching.test_flow import need, problem, resource
from tests.matching.tiny import tiny


def one_part(given: Problem) -> tuple[Compiled, Limits, Component]:
    """The problem's only component."""
    compiled = compile_problem(given)
    limits = shared_limits(compiled)
    (part,) = split(compiled, limits)
    return compiled, limits, part


def test_a_split_need_becomes_whole_when_another_takes_its_place() -> None:
    # r and s have 4 each. a wants one provider and has 2 + 2; b may combine and has 2 + 2: they trade 2 units.
    rows = [replace(need("a", gap=4), one_provider=True), need("b", gap=4)]
    compiled, limits, part = one_part(problem(rows, [resource("r", stock=4), resource("s", stock=4)]))
    assert exchanged(compiled, limits, part, np.array([2, 2, 2, 2])).tolist() in ([4, 0, 0, 4], [0, 4, 4, 0])


def test_a_trade_may_lead_over_a_third_need() -> None:
    # a (one provider) has 2 of r and 2 of s. On r sits b, which may also take t; on t sits c, which may also take s.
    rows = [
        replace(need("a", gap=4), district="x", one_provider=True),
        replace(need("b", gap=2), district="y"),
        replace(need("c", gap=2), district="z"),
    ]
    goods = [
        replace(resource("r", stock=4), districts=frozenset({"x", "y"})),
        replace(resource("s", stock=2), districts=frozenset({"x", "z"})),
        replace(resource("t", stock=2), districts=frozenset({"y", "z"})),
    ]
    compiled, limits, part = one_part(problem(rows, goods))
    before = {("a", "r"): 2, ("a", "s"): 2, ("b", "r"): 2, ("c", "t"): 2}
    names = list(zip(compiled.pair_need.tolist(), compiled.pair_resource.tolist(), strict=True))
    pairs = [(compiled.need_ids[n], compiled.resource_ids[r]) for n, r in names]
    after = exchanged(compiled, limits, part, np.array([before.get(pair, 0) for pair in pairs]))
    given = {pair: units for pair, units in zip(pairs, after.tolist(), strict=True) if units}
    assert given == {("a", "r"): 4, ("b", "t"): 2, ("c", "s"): 2}


def test_odd_units_are_passed_on_until_lots_are_whole() -> None:
    # r comes in lots of 3: a has 4 of it, b 2. a passes one on and gets one of s for it.
    rows = [need("a", gap=6), need("b", gap=6)]
    compiled, limits, part = one_part(problem(rows, [resource("r", stock=6, lot=3), resource("s", stock=6)]))
    assert exchanged(compiled, limits, part, np.array([4, 2, 2, 4])).tolist() == [3, 3, 3, 3]


@pytest.mark.parametrize("shape", ["city", "villages"])
def test_exchanges_give_nobody_more_and_pass_no_limit(shape: str) -> None:
    compiled = compile_problem(generate(800, 60, hard=0.3, one_component=True, seed=3, shape=shape))
    limits = shared_limits(compiled)
    part = max(split(compiled, limits), key=lambda part: len(part.pairs))
    units = carried(*relaxed_flow(compiled, limits, part), pairs=part.pairs)
    after = exchanged(compiled, limits, part, units)
    assert (_got(compiled, part, after) <= _got(compiled, part, units)).all()
    assert (after >= 0).all()
    assert (after <= np.maximum(compiled.pair_most[part.pairs], units)).all()
    limits_broken = {"stock", "earmark", "household_cap", "max_per_household", "gap", "most"}
    assert not limits_broken & set(breaches(compiled, limits, part, after))
    single = flag(compiled, "one_provider")[compiled.pair_need[part.pairs]]
    needs = compiled.pair_need[part.pairs]
    split_before, split_after = (len(_split(needs[single], x[single])) for x in (units, after))
    assert split_after < 0.5 * split_before


def _got(compiled: Compiled, part: Component, units: Ints) -> Ints:
    return receipts(compiled, pairs=part.pairs, units=units)


def _split(needs: Ints, units: Ints) -> Ints:
    served, providers = np.unique(needs[units > 0], return_counts=True)
    return served[providers > 1]


def test_a_piece_that_is_a_whole_tiny_part_reaches_the_best_score_and_bounds_it() -> None:
    reached = 0
    for seed in range(120):
        given = replace(tiny(seed, kind="hard"), pins=(), announced=())
        known = best(given)
        compiled = compile_problem(given)
        limits = shared_limits(compiled)
        parts = split(compiled, limits)
        assert known is not None
        if len(parts) != 1:
            continue
        state = State(compiled, limits, parts[0], np.zeros(len(parts[0].pairs), dtype=np.int64))
        left = state.residual(np.arange(len(parts[0].pairs)))
        solved = solve_piece(left, np.zeros(len(left.places), dtype=np.int64), nodes=1000)
        assert not breaches(left.compiled, left.limits, left.part, solved.units), seed
        received = receipts(compiled, pairs=parts[0].pairs[left.places], units=solved.units)
        score = score_of(compiled, needs=parts[0].needs, received=received)
        assert score == known.objective[1] == solved.bound, seed
        reached += 1
    assert reached >= 30


def test_large_amounts_come_out_whole_where_caps_that_cross_each_other_would_leave_halves() -> None:
    # Of each two of three needs a household may have 301 units: in fractions 150.5 each, in whole units 451 in all.
    rows = [replace(need(name, gap=400), category=name, household_id="h") for name in "abc"]
    goods = [replace(resource(f"r{name}", stock=400), category=name) for name in "abc"]
    caps = tuple(Cap(name, frozenset(name), 301) for name in ("ab", "bc", "ac"))
    compiled, limits, part = one_part(replace(problem(rows, goods), caps=caps))
    nothing = np.zeros(3, dtype=np.int64)
    left = State(compiled, limits, part, nothing).residual(np.arange(3))
    solved = solve_piece(left, nothing)
    assert sorted(solved.units.tolist()) == [150, 150, 151]
    assert solved.bound == score_of(
        compiled, needs=part.needs, received=receipts(compiled, pairs=part.pairs, units=solved.units)
    )


def test_an_answer_that_breaks_a_rule_is_not_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled, limits, part = one_part(problem([need("a", gap=5)], [resource("r", stock=9, lot=2)]))
    state = State(compiled, limits, part, np.array([2]))
    left = state.residual(np.array([0]))
    monkeypatch.setattr("matching.pieces.breaches", lambda *_: ["lot"])
    assert solve_piece(left, np.array([2])).units.tolist() == [2]


def test_children_answer_alike_however_many_they_are() -> None:
    known = {"sum": 0}

    def learn(news: int) -> None:
        known["sum"] += news

    for size in (1, 3):
        with Crew(learn, lambda task: known["sum"] * 100 + task, size=size) as crew:
            first = crew.ask(1, list(range(5)), deadline=time.monotonic() + 60, patience=30)
            second = crew.ask(2, [7], deadline=time.monotonic() + 60, patience=30)
            third = crew.ask(4, list(range(4)), deadline=time.monotonic() + 60, patience=30)
        assert (first, second, third) == ([100, 101, 102, 103, 104], [307], [700, 701, 702, 703])


def test_a_child_that_dies_or_dawdles_costs_its_tasks_only() -> None:
    def work(task: str) -> str:
        if task == "die":
            os._exit(1)
        if task == "dawdle":
            time.sleep(60)
        return task.upper()

    with Crew(lambda news: None, work, size=2) as crew:
        soon = time.monotonic() + 60
        assert crew.ask(None, ["a", "die", "b", "c"], deadline=soon, patience=30) == ["A", None, "B", None]
        assert crew.ask(None, ["dawdle", "d"], deadline=soon, patience=0.5) == [None, "D"]
        assert crew.ask(None, ["e", "f"], deadline=soon, patience=30) == ["E", "F"]


def test_a_stock_in_lots_bounds_no_more_than_its_whole_lots() -> None:
    # 7 units in lots of 3 are 6. Two levels: units 1-5 rank 8, the sixth 7. Score 47; at price 7 the stock is worth
    # 6·7 = 42 and a keeps 5·(8 - 7) = 5: bound 47. With all 7 units it would be 54.
    said = allocate(problem([need("a", gap=9, urgency=3)], [resource("r", stock=7, lot=3)])).certificate
    assert (said.score, said.bound, said.status, said.units) == (47, 47, "optimal", 6)
