"""Every reason code has its counterfactual: take away what the reason names, as much as it names, and the need gains.

By hand, one small problem for each code; `test_explain` does the same to many random problems.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta

import pytest

from matching.compiled import compile_problem
from matching.explain import CODES, reasons
from matching.model import Ban, Cap, CoolOff, Earmark, PastAid, Pin, Problem
from matching.plan import Line, Reason
from matching.solve import allocate
from tests.matching.flips import lifted
from tests.matching.rows import POLICY, TODAY, need, problem, resource

Mend = Callable[[Problem, Reason], Problem]
AID = PastAid("h0", "bed", 4, TODAY - timedelta(9), "delivered", None)
LEAF = (Earmark("root", None, 3), Earmark("leaf", "root", 9))
RIVALS = [need("a", gap=2, urgency=1), need("b", gap=4, urgency=2, household="h1")]
EQUALS = [need("a", gap=1), need("b", gap=1, household="h1")]
DRAWN = [resource("r", stock=2, exclusive_group="g"), resource("s", stock=3, exclusive_group="g")]


def limits(of: Problem, row: Reason) -> Problem:
    other = lifted(of, need_id=row.need_id, rows=[row])
    assert other is not None
    return other


def later(of: Problem, row: Reason) -> Problem:
    return replace(of, policy=replace(of.policy, as_of=date.fromisoformat(str(row.detail["until"]))))


def consenting(of: Problem, row: Reason) -> Problem:
    orgs = frozenset(str(row.detail["orgs"]).split(";"))
    return replace(of, needs=tuple(replace(n, consented=n.consented | orgs) for n in of.needs))


def fitting(of: Problem, row: Reason) -> Problem:
    assert row.detail == {"district": 1}
    return replace(of, resources=tuple(replace(r, districts=frozenset({"*"})) for r in of.resources))


def stocked(of: Problem, row: Reason) -> Problem:
    """As much more stock as the reason says is short of the next step."""
    short = int(row.detail["short_by"])
    return replace(of, resources=tuple(replace(r, stock=r.stock + short) for r in of.resources))


COUNTERFACTUALS: dict[str, tuple[Problem, Mend]] = {
    "covered": (
        problem([need("a", gap=4)], [resource("r", stock=9)], ledger=(replace(AID, need_id="a"),)),
        lambda of, row: replace(of, ledger=(replace(of.ledger[0], units=of.ledger[0].units - 1),)),
    ),
    "no_resource": (problem([need("a", gap=4)], [resource("r", stock=9, districts=frozenset({"west"}))]), fitting),
    "no_consent": (problem([need("a", gap=4, consented=frozenset())], [resource("r", stock=9)]), consenting),
    "cool_off": (
        problem([need("a", gap=4)], [resource("r", stock=9)], ledger=(AID,), cooloffs=(CoolOff("bed", 30),)),
        later,
    ),
    "banned": (
        problem([need("a", gap=4)], [resource("r", stock=9)], bans=(Ban("a", "r"),)),
        lambda of, row: replace(of, bans=()),
    ),
    "provider_chosen": (
        problem([need("a", gap=5, one_provider=True)], [resource("r", stock=2), resource("s", stock=3)]),
        limits,
    ),
    "exclusive": (problem([need("a", gap=5)], DRAWN), limits),
    "cap": (
        problem([need("a", gap=4)], [resource("r", stock=9)], caps=(Cap("c", frozenset({"bed"}), 3),)),
        limits,
    ),
    # 4 beds in lots of 5: the lot is one short
    "lot_or_minimum": (problem([need("a", gap=5)], [resource("r", stock=4, lot=5)]), stocked),
    "earmark": (problem([need("a", gap=4)], [resource("r", stock=9, earmark="leaf")], earmarks=LEAF), limits),
    "stock": (problem([need("a", gap=4)], [resource("r", stock=3)]), limits),
    "priced_out": (problem(RIVALS, [resource("r", stock=3)]), limits),
    "tie_break": (problem(EQUALS, [resource("r", stock=1)]), limits),
}
"""Code ► a problem in which it explains a need, and what to do about it."""


def told(of: Problem, code: str) -> tuple[Reason, int]:
    """The only row with this code, and what its need gets."""
    plan = allocate(of)
    (row,) = [row for row in plan.reasons if row.code == code]
    return row, sum(line.units for line in plan.lines if line.need_id == row.need_id)


def test_every_code_has_a_counterfactual():
    assert {*COUNTERFACTUALS, "chosen", "within_gap"} == set(CODES)


@pytest.mark.parametrize("code", COUNTERFACTUALS)
def test_without_what_the_reason_names_the_need_gains(code):
    of, mend = COUNTERFACTUALS[code]
    row, before = told(of, code)
    after = allocate(mend(of, row))
    assert sum(line.units for line in after.lines if line.need_id == row.need_id) > before


@pytest.mark.parametrize("code", ["cap", "earmark", "stock", "priced_out", "tie_break", "lot_or_minimum"])
def test_one_unit_less_than_the_reason_says_is_not_enough(code):
    of, mend = COUNTERFACTUALS[code]
    row, before = told(of, code)
    less = replace(row, detail=dict(row.detail) | {"short_by": int(row.detail["short_by"]) - 1})
    after = allocate(mend(of, less))
    assert sum(line.units for line in after.lines if line.need_id == row.need_id) == before


def test_a_chosen_pair_loses_its_unit_once_it_costs_more_than_the_runner_up():
    rows = [resource("r", stock=9, unit_cost=2), resource("s", stock=9, unit_cost=5)]
    of = problem([need("a", gap=1)], rows)
    row, _ = told(of, "chosen")
    assert (row.resource_id, row.detail["runner_up"], row.detail["extra_cost"]) == ("r", "s", 3)
    for more, winner in ((2, "r"), (4, "s")):
        dearer = replace(of, resources=(replace(rows[0], unit_cost=2 + more), rows[1]))
        assert told(dearer, "chosen")[0].resource_id == winner


def test_a_plan_within_its_gap_can_give_what_is_left_and_then_says_so_no_longer():
    of = problem([need("a", gap=4)], [resource("r", stock=3)], policy=POLICY, pins=(Pin("a", "r", 1),))
    compiled = compile_problem(of)
    (row,) = [row for row in reasons(compiled, [Line("a", "r", 2)], ()) if row.code == "within_gap"]
    full = reasons(compiled, [Line("a", "r", 2 + int(row.detail["left"]))], ())
    assert [row.code for row in full if row.code != "chosen"] == ["stock"]


def test_where_home_and_supply_are_short_all_who_wait_at_home_come_first():
    # One unit a household; z has it, y has the bed. With one bed and one unit at home more, m's meal and k's bed
    # (ranks 4 + 4) outweigh n's bed (6). So the household lacks two: then m and n both fit, and n comes before k.
    needs = [
        need("n", gap=1, urgency=2),
        need("m", gap=1, urgency=1, category="meal"),
        need("z", gap=1, urgency=3, category="meal"),
        need("y", gap=1, urgency=3, household="h1"),
        need("k", gap=1, urgency=1, household="h2"),
    ]
    goods = [resource("r", stock=1), resource("s", stock=9, category="meal")]
    of = problem(needs, goods, caps=(Cap("c", frozenset({"bed", "meal"}), 1),))
    rows = [row for row in allocate(of).reasons if row.need_id == "n"]
    assert [(row.code, row.detail["short_by"]) for row in rows] == [("cap", 2), ("priced_out", 2)]
    for less, served in ((0, True), (1, False)):
        told_short = [replace(row, detail=dict(row.detail) | {"short_by": 2 - less}) for row in rows]
        other = lifted(of, need_id="n", rows=told_short)
        assert other is not None
        assert (Line("n", "r", 1) in allocate(other).lines) == served
