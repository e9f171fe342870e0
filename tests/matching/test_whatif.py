"""What a preview says is what happens: by hand, against new runs of random problems, and before the judge."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import numpy as np
import pytest

from matching import allocate, reroute
from matching.checker import check
from matching.compiled import compile_problem
from matching.model import Ban, Earmark, Pin, levels_first
from matching.parts import coverage, receipts
from matching.plan import Line
from matching.standing import units_of
from matching.whatif import More, Reserve, Shift, Try, preview
from tests.matching.campaign import many
from tests.matching.rows import need, problem, resource
from tests.matching.tiny import tiny
from tests.matching.whatif_problems import KINDS, changed, divided, drawn

RULES = {
    "over_gap", "over_stock", "over_earmark", "over_cap", "over_max_per_need", "over_max_per_household", "pin_missed",
    "broken_lot", "under_minimum", "two_providers", "exclusive", "part_of_all", "units_used", "no_consent", "banned",
    "cool_off", "category", "unit", "district", "tags", "window", "urgency", "not_listed", "covered", "twice",
}  # fmt: skip


def tried(of, **what):
    return preview(compile_problem(of), allocate(of).lines, tried=Try(**what))


def test_a_pin_names_who_loses_and_what():
    # r has 3. b (urgency 2, cells of 2 units, ranks 6 and 5) has all 3: two of rank 6, one of rank 5. Two for a
    # (rank 4) leave b with 1: b loses its units of rank 5 and 6. Score: 2·4 - 5 - 6 = -3.
    of = problem([need("a", gap=4), need("b", gap=4, urgency=2, household="h1")], [resource("r", stock=3)])
    seen = tried(of, pins=(Pin("a", "r", 2),))
    assert seen.winners == (Shift("a", 0, 2, 4),)
    assert seen.losers == (Shift("b", 3, 1, 6),)
    assert seen.lines == (Line("a", "r", 2), Line("b", "r", 1))
    assert (seen.score, seen.coverage, seen.exact) == (-3, (0, 0, -1, -1, 2, 0, 0, 0), True)


def test_a_loser_is_helped_from_elsewhere_before_anybody_goes_without():
    of = problem(
        [need("a", gap=2), need("b", gap=2, urgency=3, household="h1")],
        [resource("r", stock=2), resource("s", stock=2, tags_all=frozenset({"far"}), unit_cost=7)],
    )
    of = replace(of, needs=(of.needs[0], replace(of.needs[1], tags=frozenset({"far"}))))
    seen = tried(of, pins=(Pin("a", "r", 2),))
    assert (seen.losers, seen.score) == ((), 0)


def test_a_banned_line_goes_to_the_next_in_the_queue():
    of = problem([need("a", gap=2), need("b", gap=2, urgency=2, household="h1")], [resource("r", stock=2)])
    seen = tried(of, bans=(Ban("b", "r"),))
    assert [(row.need_id, row.after) for row in (*seen.losers, *seen.winners)] == [("b", 0), ("a", 2)]


def test_units_kept_for_a_district_leave_the_others_and_the_district_gains():
    # 4 beds, all with the more urgent east; 3 kept for the west leave the east 1, and the west asks 2: one bed idle.
    of = problem(
        [need("e", gap=4, urgency=3), need("w", gap=2, urgency=0, household="h1", district="west")],
        [resource("r", stock=4)],
    )
    seen = tried(of, reserves=(Reserve("r", "west", 3),))
    assert seen.lines == (Line("e", "r", 1), Line("w", "r", 2))
    assert seen.exact


def test_more_stock_reaches_those_who_wait_and_stops_at_the_earmark():
    of = problem([need("a", gap=9)], [resource("r", stock=2, earmark="fund")], earmarks=(Earmark("fund", None, 5),))
    assert tried(of, more=(More("r", 10),)).winners == (Shift("a", 2, 5, 4),)
    assert tried(of, more=(More("r", -9),)).losers == (Shift("a", 2, 0, 4),)


def test_another_order_says_its_own_cells():
    of = problem([need("a", gap=2), need("b", gap=2, urgency=3, household="h1")], [resource("r", stock=2)])
    seen = tried(of, order=levels_first(2))
    # levels_first(2): (3,1) (2,1) (1,1) (0,1) (3,2) …: one unit moves from (3,2), rank 4, to (1,1), rank 6.
    assert (seen.coverage, seen.score) == ((0, 0, 1, 0, -1, 0, 0, 0), 2)


def test_pins_that_cannot_be_met_are_named_and_none_is_too_many():
    of = problem(
        [need("a", gap=4), need("b", gap=4, household="h1"), need("c", gap=1, household="h2")],
        [resource("r", stock=4), resource("s", stock=1)],
        pins=(Pin("b", "r", 3), Pin("c", "s", 1)),
    )
    seen = tried(of, pins=(Pin("a", "r", 2),))
    assert seen.conflict == ("a>r", "b>r")
    assert (seen.losers, seen.winners, seen.score) == ((), (), 0)


def test_an_unknown_id_is_refused():
    of = problem([need("a", gap=4)], [resource("r", stock=4)])
    with pytest.raises(ValueError, match="'x' is not in the problem"):
        tried(of, pins=(Pin("x", "r", 2),))


def cells(of, lines):
    compiled = compile_problem(of)
    units = units_of(compiled, lines)
    return np.array(coverage(compiled, receipts(compiled, pairs=np.arange(len(units)), units=units)))


def each(kind, seeds):
    """(seed, what is tried, preview, the changed problem, a new run of it, cells of the old plan)."""
    for seed in seeds:
        of = tiny(seed, kind=kind)
        plan = allocate(of)
        if plan.certificate.status == "infeasible":
            continue
        some = drawn(Random(seed), of, kind=KINDS[seed % len(KINDS)])
        again = changed(of, some)
        before = cells(replace(of, policy=again.policy), plan.lines)
        yield seed, some, preview(compile_problem(of), plan.lines, tried=some), again, allocate(again), before


@pytest.mark.parametrize("singly", [0, reroute.SINGLY])
def test_in_pure_problems_a_preview_is_what_a_new_run_finds(monkeypatch, singly):
    monkeypatch.setattr(reroute, "SINGLY", singly)
    for seed, some, seen, _, plan, before in each("pure", range(many(60, torture=1_400))):
        if some.reserves or not seen.exact:
            continue
        said = plan.certificate
        assert bool(seen.conflict) == (said.status == "infeasible"), seed
        if not seen.conflict:
            after = before + np.array(seen.coverage)
            assert int((after * np.arange(len(after), 0, -1)).sum()) == said.score, f"{seed}: {some}"
            assert said.lexicographic == "not_proven" or tuple(after) == said.coverage, f"{seed}: {some}"


def test_units_kept_for_a_district_change_what_a_new_run_with_the_resource_split_in_two_would():
    changes, count = 0, many(80, torture=2_500)
    for seed in range(1000, 1000 + count):
        of = tiny(seed)
        goods = tuple(replace(r, max_per_need=None, max_per_household=None) for r in of.resources)
        of = replace(of, pins=(), resources=goods)
        some = drawn(Random(seed), of, kind="reserve")
        lines = allocate(of).lines
        seen, said = preview(compile_problem(of), lines, tried=some), allocate(divided(of, *some.reserves)).certificate
        after = cells(of, lines) + np.array(seen.coverage)
        assert seen.exact, seed
        assert int((after * np.arange(len(after), 0, -1)).sum()) == said.score, f"{seed}: {some}"
        assert said.lexicographic == "not_proven" or tuple(after) == said.coverage, f"{seed}: {some}"
        changes += any(seen.coverage)
    assert changes > count // 21


@pytest.mark.parametrize("kind", ["pure", "hard"])
def test_a_previewed_plan_keeps_every_rule(kind):
    for seed, some, seen, again, plan, _ in each(kind, range(200, 200 + many(25, torture=700))):
        if plan.certificate.status != "infeasible" and not seen.conflict:
            faults = {fault.code for fault in check(again, replace(plan, lines=seen.lines))}
            assert not faults & RULES, f"{seed}: {some}"
