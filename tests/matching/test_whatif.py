"""What a preview says is what happens: by hand, against new runs of random problems, and before the judge."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from random import Random

import numpy as np
import pytest

from matching import allocate, reroute
from matching.checker import check
from matching.compiled import compile_problem
from matching.model import Ban, Candidate, Earmark, Pin, levels_first
from matching.parts import coverage, receipts
from matching.plan import Line
from matching.standing import units_of
from matching.whatif import More, Reserve, Shift, Try, preview
from tests.matching.campaign import many
from tests.matching.oracle import is_minimal_conflict
from tests.matching.receipts import open_units
from tests.matching.rows import need, problem, resource
from tests.matching.tiny import tiny
from tests.matching.whatif_problems import KINDS, both, changed, divided, drawn

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


def test_a_need_served_whole_once_there_is_room_wins_what_it_is_open_for():
    of = problem([need("a", gap=4)], [resource("r", stock=2)], pairs=(Candidate("a", "r", None, 0, 3),))
    seen = tried(of, more=(More("r", 1),))
    assert (seen.lines, seen.winners) == ((Line("a", "r", 3),), (Shift("a", 0, 4, 3),))


def test_more_stock_than_an_earmark_and_a_household_can_take_is_exact():
    rows = [need("a", gap=6), need("b", gap=6), need("c", gap=4)]
    goods = [resource(name, stock=0, max_per_need=2, max_per_household=2, earmark="fund") for name in ("r", "s")]
    of = problem(rows, goods, earmarks=(Earmark("all", None, 3), Earmark("fund", "all", 1)))
    seen = tried(of, more=(More("r", 5),))
    assert (sum(line.units for line in seen.lines), seen.exact) == (1, True)


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


@pytest.mark.parametrize(
    ("what", "lines"),
    [
        ({"more": (More("r", -3),)}, (Line("c", "q", 3),)),
        ({"more": (More("r", -5),)}, (Line("c", "q", 3),)),
        ({"more": (More("r", -1),)}, (Line("b", "r", 2), Line("c", "q", 3))),
        ({"reserves": (Reserve("r", "west", 5),)}, (Line("c", "q", 3),)),
        ({"reserves": (Reserve("r", "west", 1),)}, (Line("b", "r", 2), Line("c", "q", 3))),
        ({"pins": (Pin("a", "q", 3),)}, (Line("a", "q", 3), Line("b", "r", 3))),
        ({"pins": (Pin("a", "r", 1),)}, (Line("a", "r", 3), Line("c", "q", 3))),
    ],
)
def test_lines_that_a_minimum_holds_can_be_cut(what, lines):
    # r gives at least 2 to whom it serves: b has its 3 (a's 2 would be the rest). q gives 3 or nothing: c has them.
    people = [
        need("a", gap=3),
        need("b", gap=3, urgency=3, household="h1"),
        need("c", gap=3, urgency=2, household="h2"),
    ]
    goods = [resource("r", stock=3, min_per_need=2), resource("q", stock=3, min_per_need=3, tags_all=frozenset({"q"}))]
    tagged = (replace(people[0], tags=frozenset({"q"})), people[1], replace(people[2], tags=frozenset({"q"})))
    of = replace(problem(people, goods), needs=tagged)
    assert allocate(of).lines == (Line("b", "r", 3), Line("c", "q", 3))
    seen = tried(of, **what)
    assert (seen.lines, seen.conflict) == (lines, ())


def test_a_line_of_a_pinned_lot_shrinks_to_its_pin():
    of = problem([need("a", gap=6)], [resource("r", stock=6, lot=2)], pins=(Pin("a", "r", 1),))
    assert tried(of, more=(More("r", -3),)).lines == (Line("a", "r", 2),)
    assert tried(of, more=(More("r", -5),)).conflict == ("a>r",)


def test_a_household_in_two_districts_keeps_its_pin_beside_a_reserve():
    # At most 2 to the household of both; 3 of 4 kept for the west. The pinned 2 go to its need in the west.
    of = problem(
        [need("e", gap=2, urgency=3), need("w", gap=2, district="west")],
        [resource("r", stock=4, max_per_household=2)],
        pins=(Pin("w", "r", 2),),
    )
    seen = tried(of, reserves=(Reserve("r", "west", 3),))
    assert (seen.lines, seen.conflict) == ((Line("w", "r", 2),), ())


def test_two_reserves_of_one_resource_both_hold():
    rows = [
        need("a", gap=4, district="a"),
        need("b", gap=4, district="b", household="h1"),
        need("c", gap=4, household="h2"),
    ]
    of = problem(rows, [resource("r", stock=4)])
    seen = tried(of, reserves=(Reserve("r", "a", 2), Reserve("r", "b", 2)))
    given = {line.need_id: line.units for line in seen.lines}
    assert given.get("b", 0) + given.get("c", 0) <= 2
    assert given.get("a", 0) + given.get("c", 0) <= 2
    assert given


def drawn_twice(seeds, *, kind):
    """Problems with one or two things to try, in two districts; (seed, problem, what, preview, changed problem)."""
    for seed in seeds:
        rng, of = Random(seed), tiny(seed, kind=kind)
        of = replace(of, needs=tuple(replace(n, district=rng.choice(("d0", "d1"))) for n in of.needs))
        some = drawn(rng, of)
        some = both(some, drawn(rng, of)) if rng.random() < 0.4 else some
        plan = allocate(of)
        if plan.certificate.status != "infeasible":
            yield seed, plan, some, preview(compile_problem(of), plan.lines, tried=some), changed(of, some)


@pytest.mark.parametrize(("kind", "first"), [("pure", 0), ("hard", 275), ("hard", 3_355), ("big", 215)])
def test_a_previewed_plan_keeps_every_rule(kind, first):
    for seed, plan, some, seen, again in drawn_twice(range(first, first + many(10, torture=700)), kind=kind):
        name = f"{kind} {seed}: {some}"
        if seen.conflict:
            pairs = {(need, resource) for need, resource in (pair.split(">") for pair in seen.conflict)}
            assert is_minimal_conflict(again, pairs=pairs, reserves=some.reserves), name
            continue
        assert not {fault.code for fault in check(again, replace(plan, lines=seen.lines))} & RULES, name
        given = {(line.need_id, line.resource_id): line.units for line in seen.lines}
        assert all(given.get((pin.need_id, pin.resource_id), 0) >= pin.units for pin in some.pins), name
        for kept in some.reserves:
            stock = next(r.stock for r in again.resources if r.resource_id == kept.resource_id)
            away = {n.need_id for n in again.needs if n.district != kept.district}
            outside = sum(u for (n, r), u in given.items() if r == kept.resource_id and n in away)
            assert outside <= max(0, stock - kept.units), name
        moved = {row.need_id: (row.before, row.after) for row in (*seen.losers, *seen.winners)}
        assert moved == shifts(again, plan.lines, seen.lines), name


def shifts(of, before, after):
    """need_id: (units counted before, units counted after) of every need whose units differ."""
    used = {row.need_id for row in of.pairs or () if row.units_used is not None}
    still = {row.need_id: open_units(of, need=row) for row in of.needs}

    def counted(lines):
        given = Counter()
        for line in lines:
            given[line.need_id] += still[line.need_id] if line.need_id in used else line.units
        return given

    had, has = counted(before), counted(after)
    return {name: (had[name], has[name]) for name in had | has if had[name] != has[name]}
