"""The judge refuses every planted fault and names it, and lets sound plans pass."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from matching import allocate, checker_reasons
from matching.checker import check
from matching.checker_case import Case
from matching.checker_reasons import reason_faults
from matching.compiled import compile_problem
from matching.explain import reasons
from matching.folder import write_plan, write_problem
from matching.generate import generate
from matching.model import Announced, Ban, Candidate, Cap, CoolOff, Earmark, PastAid, Pin, Problem
from matching.plan import Line, Plan, Price, Reason
from tests.matching.campaign import many
from tests.matching.oracle import best
from tests.matching.receipts import eligible
from tests.matching.rows import EMPTY, TODAY, honest, need, problem, resource
from tests.matching.tiny import KINDS, tiny

Planted = tuple[Problem, Plan]


def faults(of: Problem, plan: Plan) -> set[str]:
    """The codes the judge finds, but for reasons, which these plans leave out."""
    return {fault.code for fault in check(of, plan)} - {"no_reason"}


def give(of: Problem, *amounts: tuple[str, str, int]) -> Planted:
    """These amounts with an honest certificate."""
    return of, honest(of, [Line(*amount) for amount in amounts])


def one(stock: int = 9, **resource_terms: object) -> Problem:
    """One need `a` of 4 beds and one resource `r`."""
    return problem([need("a", gap=4)], [resource("r", stock=stock, **resource_terms)])


def two(**resource_terms: object) -> Problem:
    """Two needs of one household, 4 beds each, and two resources."""
    return problem(
        [need("a", gap=4), need("b", gap=4)],
        [resource("r", stock=6, **resource_terms), resource("s", stock=6, **resource_terms)],
    )


def changed(of: Problem, **terms: object) -> Problem:
    """The same with other terms of need `a`."""
    return replace(of, needs=(replace(of.needs[0], **terms), *of.needs[1:]))  # type: ignore[arg-type]


def past(units: int, *, days: int, need_id: str | None) -> PastAid:
    return PastAid("h0", "bed", units, TODAY - timedelta(days), "delivered", need_id)


MARKS = (Earmark("root", None, 3), Earmark("leaf", "root", 9))
TAGGED = frozenset({"baby"})

RULES: dict[str, tuple[str, Callable[[], Planted]]] = {
    "a need that is not in the problem": ("unknown_id", lambda: give(one(), ("x", "r", 1))),
    "a resource that is not in the problem": ("unknown_id", lambda: give(one(), ("a", "x", 1))),
    "need and resource swapped": ("unknown_id", lambda: give(one(), ("r", "a", 1))),
    "a line of no units": ("no_units", lambda: give(one(), ("a", "r", 0))),
    "a line of negative units": ("no_units", lambda: give(one(), ("a", "r", -1))),
    "half a bed": ("no_units", lambda: give(one(), ("a", "r", 1.5))),  # type: ignore[arg-type]
    "a pair in two lines": ("twice", lambda: give(one(), ("a", "r", 1), ("a", "r", 2))),
    "lines out of order": ("order", lambda: give(two(), ("b", "r", 1), ("a", "r", 1))),
    "more than the gap": ("over_gap", lambda: give(one(), ("a", "r", 5))),
    "more than the gap that past aid left": (
        "over_gap",
        lambda: give(replace(one(), ledger=(past(2, days=90, need_id="a"),)), ("a", "r", 3)),
    ),
    "more than the stock": ("over_stock", lambda: give(one(stock=3), ("a", "r", 4))),
    "more than the budget of an earmark above": (
        "over_earmark",
        lambda: give(replace(two(earmark="leaf"), earmarks=MARKS), ("a", "r", 2), ("b", "s", 2)),
    ),
    "more than one need may get": ("over_max_per_need", lambda: give(one(max_per_need=2), ("a", "r", 3))),
    "more than one household may get": (
        "over_max_per_household",
        lambda: give(two(max_per_household=3), ("a", "r", 2), ("b", "r", 2)),
    ),
    "more than every household may get of a category": (
        "over_cap",
        lambda: give(replace(two(), caps=(Cap("c", frozenset({"bed"}), 3),)), ("a", "r", 2), ("b", "s", 2)),
    ),
    "more than a named household may get": (
        "over_cap",
        lambda: give(replace(one(), caps=(Cap("c", frozenset({"bed"}), 3, "h0"),)), ("a", "r", 4)),
    ),
    "two providers for a need that wants one": (
        "two_providers",
        lambda: give(changed(two(), one_provider=True), ("a", "r", 2), ("a", "s", 2)),
    ),
    "less than the resource's minimum": ("under_minimum", lambda: give(one(min_per_need=3), ("a", "r", 2))),
    "a broken lot": ("broken_lot", lambda: give(one(lot=2), ("a", "r", 3))),
    "two resources of an exclusive group in one household": (
        "exclusive",
        lambda: give(two(exclusive_group="g"), ("a", "r", 2), ("b", "s", 2)),
    ),
    "a part of all-or-nothing": ("part_of_all", lambda: give(changed(one(), all_or_nothing=True), ("a", "r", 3))),
    "a pin not met": ("pin_missed", lambda: give(replace(one(), pins=(Pin("a", "r", 3),)), ("a", "r", 2))),
    "a pin forgotten": ("pin_missed", lambda: give(replace(two(), pins=(Pin("b", "s", 1),)), ("a", "r", 2))),
    "a banned pair": ("banned", lambda: give(replace(one(), bans=(Ban("a", "r"),)), ("a", "r", 1))),
    "a banned resource": ("banned", lambda: give(replace(one(), bans=(Ban("*", "r", "recall"),)), ("a", "r", 1))),
    "a banned need": ("banned", lambda: give(replace(one(), bans=(Ban("a", "*"),)), ("a", "r", 1))),
    "no consent at all": ("no_consent", lambda: give(changed(one(), consented=frozenset()), ("a", "r", 1))),
    "consent for another organisation": (
        "no_consent",
        lambda: give(changed(one(), consented=frozenset({"o1"})), ("a", "r", 1)),
    ),
    "aid within the cool-off": (
        "cool_off",
        lambda: give(
            replace(one(), ledger=(past(1, days=29, need_id=None),), cooloffs=(CoolOff("bed", 30),)), ("a", "r", 1)
        ),
    ),
    "a district the giver does not serve": (
        "district",
        lambda: give(one(districts=frozenset({"west"})), ("a", "r", 1)),
    ),
    "a tag the giver asks for": ("tags", lambda: give(one(tags_all=TAGGED), ("a", "r", 1))),
    "none of the tags the giver asks for": ("tags", lambda: give(one(tags_any=TAGGED), ("a", "r", 1))),
    "a tag the giver excludes": (
        "tags",
        lambda: give(changed(one(tags_none=TAGGED), tags=TAGGED), ("a", "r", 1)),
    ),
    "a resource that has ended today": ("window", lambda: give(one(valid_to=TODAY), ("a", "r", 1))),
    "a need that begins tomorrow": (
        "window",
        lambda: give(changed(one(), valid_from=TODAY + timedelta(1)), ("a", "r", 1)),
    ),
    "a need less urgent than the giver asks": ("urgency", lambda: give(one(min_urgency=2), ("a", "r", 1))),
    "another category": ("category", lambda: give(one(category="coat"), ("a", "r", 1))),
    "another unit": ("unit", lambda: give(one(unit="set"), ("a", "r", 1))),
    "a pair that is not listed": ("not_listed", lambda: give(replace(one(), pairs=()), ("a", "r", 1))),
    "another amount than the units used": (
        "units_used",
        lambda: give(replace(one(), pairs=(Candidate("a", "r", units_used=3),)), ("a", "r", 4)),
    ),
    "two resources for a need that uses up one": (
        "two_providers",
        lambda: give(
            replace(two(), pairs=(Candidate("a", "r", units_used=3), Candidate("a", "s", units_used=3))),
            ("a", "r", 3),
            ("a", "s", 3),
        ),
    ),
}


@pytest.mark.parametrize("fault", RULES)
def test_a_planted_breach_of_a_rule_is_refused_and_named(fault):
    code, plant = RULES[fault]
    assert code in faults(*plant())


PROVEN = [Price(1, "resource", "r", "", 3), Price(2, "resource", "r", "", 1)]


def sound() -> Planted:
    """Two needs share 6 beds; need a has urgency 3. At price 4 for r (and 3 for nothing else) the bound is proven.

    Two levels, ranks 8, 7 for urgency 3 and 4, 3 for urgency 1: a gets 2·8 + 2·7 = 30, b two beds of rank 4 = 8: 38.
    Price 3 for r: 6·3 + a's surplus 2·5 + 2·4 = 18 + b's 2·1 + 2·0 = 2: together 38. At that price b's third bed, which
    was promised, costs nothing: what it would save in tier 2 is paid by the price of r there.
    """
    of = replace(
        problem(
            [need("a", gap=4, urgency=3), need("b", gap=4, household="h1")],
            [resource("r", stock=6, unit_cost=5), resource("s", stock=9, districts=frozenset({"west"}))],
        ),
        announced=(Announced("b", "r", 3),),
    )
    lines = [Line("a", "r", 4), Line("b", "r", 2)]
    return of, honest(of, lines, prices=PROVEN)


def test_a_sound_plan_passes_with_the_sums_worked_by_hand():
    of, plan = sound()
    said = plan.certificate
    assert faults(of, plan) == set()
    # one of three announced beds is taken away; six beds at 5 each
    assert (said.score, said.bound, said.status) == (38, 38, "optimal")
    assert (said.units, said.households_served, said.broken_units, said.cost) == (6, 2, 1, 30)
    assert said.coverage == (2, 2, 0, 0, 2, 0, 0, 0)


SAYINGS: dict[str, tuple[str, dict[str, object]]] = {
    "a higher score": ("score", {"score": 39}),
    "other cells": ("coverage", {"coverage": (2, 2, 0, 0, 1, 1, 0, 0)}),
    "more units": ("units", {"units": 7}),
    "more households": ("households_served", {"households_served": 3}),
    "fewer broken promises": ("broken_units", {"broken_units": 0}),
    "a lower cost": ("cost", {"cost": 29}),
    "a gap of nothing while the bound is higher": ("gap", {"bound": 40, "status": "feasible"}),
    "a bound that the prices do not prove": ("bound", {"bound": 37}),
    "optimal while the bound is higher": ("status", {"bound": 40, "gap": 2 / 40}),
    "a word that is no status": ("status", {"status": "done"}),
    "unique without a proof that it is best": (
        "unique",
        {"bound": 40, "gap": 2 / 40, "status": "feasible", "unique": True},
    ),
    "fairness without a proof": (
        "lexicographic",
        {"bound": 40, "gap": 2 / 40, "status": "feasible", "lexicographic": "proven"},
    ),
    "too few prefixes": ("gap_by_prefix", {"gap_by_prefix": {"bed": [0] * 7}}),
    "a gap below nothing": ("gap_by_prefix", {"gap_by_prefix": {"bed": [-1] + [0] * 7}}),
    "a gap of all cells in a proven run": ("gap_by_prefix", {"gap_by_prefix": {"bed": [0] * 7 + [1]}}),
    "the hash of another problem": ("input_sha256", {"input_sha256": "0" * 64}),
    "the hash of another plan": ("plan_sha256", {"plan_sha256": "0" * 64}),
    "prices divided by nothing": ("garbled", {"price_scale": 0}),
    "prices divided by a part": ("garbled", {"price_scale": 0.5}),
    "prices divided by more than a sum can hold": ("garbled", {"price_scale": 10**30}),
    "a word for yes": ("garbled", {"unique": "yes"}),
    "a score that is no whole number": ("garbled", {"score": 38.0}),
    "gaps without names": ("garbled", {"gap_by_prefix": [0]}),
    "parts without names": ("garbled", {"components": [1]}),
    "a bound on a value that nobody asked for": ("value_bound", {"value_bound": 99}),
    "pins that cannot be met beside lines that can": ("conflict", {"conflict": ("a>r",)}),
    "infeasible but with lines": ("conflict", {"status": "infeasible", "conflict": ("a>r",)}),
}


@pytest.mark.parametrize("fault", SAYINGS)
def test_a_certificate_that_does_not_fit_the_plan_is_refused_and_named(fault):
    code, words = SAYINGS[fault]
    of, plan = sound()
    assert code in faults(of, replace(plan, certificate=replace(plan.certificate, **words)))


FORGED: dict[str, tuple[str, list[Price]]] = {
    "no price at all": ("bound", []),
    "a price too low": ("bound", [Price(1, "resource", "r", "", 2)]),
    "a price too high": ("bound", [Price(1, "resource", "r", "", 5)]),
    "the price of another resource": ("bound", [Price(1, "resource", "s", "", 3)]),
    "a price of another tier": ("bound", [Price(2, "resource", "r", "", 3)]),
    "a negative price": ("negative_price", [Price(1, "resource", "r", "", -3)]),
    "a limit that does not exist": ("price_of_nothing", [Price(1, "resource", "q", "", 3)]),
    "a maximum the resource does not have": ("price_of_nothing", [Price(1, "max_per_household", "r", "h0", 3)]),
    "a stock with a household": ("price_of_nothing", [Price(1, "resource", "r", "h0", 3)]),
    "two prices of one limit": ("price_twice", [Price(1, "resource", "r", "", 3)] * 2),
    "a price of something left over": (
        "idle_price",
        [*PROVEN, Price(2, "resource", "s", "", 1)],
    ),
}


@pytest.mark.parametrize("fault", FORGED)
def test_forged_prices_are_refused_and_named(fault):
    code, prices = FORGED[fault]
    of, plan = sound()
    assert code in faults(of, replace(plan, prices=tuple(prices)))


def test_a_certificate_that_calls_a_pure_plan_hard_hides_no_idle_price():
    of, plan = sound()
    told = replace(plan.certificate, components={"pure": 0, "hard_small": 1, "hard_large": 0}, unique=False)
    idle = (*PROVEN, Price(2, "resource", "s", "", 1))
    assert "idle_price" in faults(of, replace(plan, prices=idle, certificate=told))


def test_a_line_changed_after_the_run_is_refused():
    of, plan = sound()
    lines = (plan.lines[0], replace(plan.lines[1], units=1))
    assert {"plan_sha256", "score", "units", "cost"} <= faults(of, replace(plan, lines=lines))


def test_a_plan_for_another_problem_is_refused():
    of, plan = sound()
    assert "input_sha256" in faults(replace(of, resources=of.resources[:1]), plan)


def test_an_infeasible_run_must_name_pins_of_the_problem():
    of = replace(one(stock=1), pins=(Pin("a", "r", 3),))
    plan = honest(of, [])
    said = replace(plan.certificate, status="infeasible", conflict=("a>r",))
    assert faults(of, replace(plan, certificate=said)) == set()
    assert faults(of, replace(plan, certificate=replace(said, conflict=()))) == {"conflict"}
    assert faults(of, replace(plan, certificate=replace(said, conflict=("b>r",)))) == {"conflict"}


def test_true_optima_of_random_problems_pass():
    for kind in KINDS:
        for seed in range(many(70, torture=2_000)):
            of = tiny(seed, kind=kind)
            found = best(of)
            if found is not None:
                lines = [Line(*pair, units) for pair, units in sorted(found.amounts.items())]
                assert faults(of, honest(of, lines)) == set(), (kind, seed)


def test_the_judge_and_the_oracle_agree_on_what_is_eligible():
    for kind in KINDS:
        for seed in range(200):
            of = tiny(seed, kind=kind)
            case = Case(of, Plan((), (), (), EMPTY))
            refused = case.refused(np.arange(len(case.needs))[:, None], np.arange(len(case.resources)))
            known = [[eligible(of, need=n, resource=r) for r in case.resources] for n in case.needs]
            assert (refused == 0).tolist() == known, (kind, seed)


def explained() -> Planted:
    """The sound plan with the reasons of the allocator."""
    of, plan = sound()
    return of, replace(plan, reasons=reasons(compile_problem(of), plan.lines, plan.prices))


def test_the_allocator_s_own_reasons_pass():
    assert check(*explained()) == ()
    for kind in KINDS:
        for seed in range(many(50, torture=1_500)):
            of = tiny(seed, kind=kind)
            found = best(of)
            if found is not None:
                lines = [Line(*pair, units) for pair, units in sorted(found.amounts.items())]
                plan = honest(of, lines)
                plan = replace(plan, reasons=reasons(compile_problem(of), lines, ()))
                assert check(of, plan) == (), (kind, seed)


FORGED_REASONS: dict[str, tuple[str, str, dict[str, str | int]]] = {
    "no fitting resource though one is": ("", "no_resource", {"category": 2}),
    "a cool-off that nothing calls for": ("", "cool_off", {"until": "2026-03-09"}),
    "no consent though it is given": ("", "no_consent", {"orgs": "o0", "count": 1}),
    "covered though it is not": ("", "covered", {"delivered": 2}),
    "a resource it may not have": ("s", "stock", {"limit": 9, "left": 0, "short_by": 1}),
    "another stock": ("r", "stock", {"limit": 7, "left": 1, "short_by": 1}),
    "a cap that does not exist": (
        "r",
        "cap",
        {"kind": "household_cap", "id": "c", "limit": 2, "left": 0, "short_by": 1},
    ),
    "an earmark that does not exist": ("r", "earmark", {"id": "e", "limit": 2, "left": 0, "short_by": 1}),
    "a provider that gives nothing": ("r", "provider_chosen", {"provider": "s"}),
    "an exclusive resource not drawn on": ("r", "exclusive", {"group": "g", "drawn": "s"}),
    "a lot that is not short": ("r", "lot_or_minimum", {"kind": "resource", "left": 3, "step": 2, "short_by": 1}),
    "a word that is no code": ("r", "bad_luck", {}),
    "a line that is not in the plan": ("s", "chosen", {"units": 2}),
}
LAST = {"limit": 6, "left": 0, "short_by": 1, "next_urgency": 1, "next_level": 2, "price": 2}
FORGED_REASONS |= {
    "another next cell": ("r", "priced_out", {**LAST, "next_level": 1, "urgency": 3, "level": 2, "need": "a"}),
    "a stock that nobody waits for": (
        "r",
        "stock",
        {k: LAST[k] for k in ("limit", "left", "short_by", "next_urgency", "next_level")},
    ),
    "a lot of a resource without lots": (
        "r",
        "lot_or_minimum",
        {"kind": "resource", "left": 0, "step": 5, "short_by": 5},
    ),
    "something left where nothing is": ("r", "within_gap", {"left": 3}),
    "another last cell": ("r", "priced_out", {**LAST, "urgency": 3, "level": 1, "need": "a"}),
    "a need that got nothing": ("r", "priced_out", {**LAST, "urgency": 1, "level": 1, "need": "c"}),
    "a tie that is none": ("r", "tie_break", {**LAST, "urgency": 3, "level": 2, "need": "a", "by": "hash"}),
}


@pytest.mark.parametrize("fault", FORGED_REASONS)
def test_a_forged_reason_is_refused(fault):
    of, plan = explained()
    kept = [row for row in plan.reasons if row.need_id != "b" or row.code == "chosen"]
    forged = replace(plan, reasons=(*kept, Reason("b", *FORGED_REASONS[fault])))
    assert faults(of, forged) == {"forged_reason"}


BELIEVED = {
    *((code, "short_by") for code in ("cap", "earmark", "stock", "priced_out", "tie_break")),
    ("banned", "by"),
    ("banned", "count"),
    ("no_consent", "count"),
    ("tie_break", "by"),
}
"""What a reason may say wrongly, as docs/certificate.md tells."""


@pytest.mark.parametrize("kind", ["pure", "hard"])
def test_nothing_else_that_a_reason_says_can_be_changed(kind):
    tried = set()
    for seed in range(many(30, torture=1_000)):
        of = tiny(seed, kind=kind)
        plan = allocate(of)
        assert check(of, plan) == (), seed
        case = Case(of, plan)
        for row in plan.reasons:
            for word, value in row.detail.items():
                told = replace(row, detail={**row.detail, word: value + 1 if isinstance(value, int) else f"{value}x"})
                case.plan = replace(plan, reasons=(told,))
                if (row.code, word) not in BELIEVED:
                    assert "forged_reason" in {x.code for x in reason_faults(case)}, (seed, row, word)
                    tried.add((row.code, word))
    assert tried >= {("chosen", word) for word in ("units", "price", "pinned", "tier", "extra_cost", "extra_price")}
    assert tried >= {("priced_out", "price"), ("stock", "limit")}


def gives_up(of: Problem, *named: str) -> Planted:
    """A plan that says: these pins cannot be met."""
    plan = honest(of, [])
    return of, replace(plan, certificate=replace(plan.certificate, status="infeasible", conflict=named))


PINNED: dict[str, tuple[bool, Callable[[], Planted]]] = {
    "pins of two needs that the stock cannot meet": (
        True,
        lambda: gives_up(replace(two(), pins=(Pin("a", "r", 4), Pin("b", "r", 3))), "a>r", "b>r"),
    ),
    "pins that the stock can meet": (
        False,
        lambda: gives_up(replace(two(), pins=(Pin("a", "r", 4), Pin("b", "r", 2))), "a>r", "b>r"),
    ),
    "a pin that could be left out": (
        False,
        lambda: gives_up(
            replace(two(), pins=(Pin("a", "r", 4), Pin("a", "s", 1), Pin("b", "r", 3))), "a>r", "a>s", "b>r"
        ),
    ),
    "a pin below whole lots that do not fit": (
        True,
        lambda: gives_up(replace(one(stock=6, lot=5), pins=(Pin("a", "r", 1),)), "a>r"),
    ),
    "a pin below a minimum that fits": (
        False,
        lambda: gives_up(replace(one(min_per_need=4), pins=(Pin("a", "r", 1),)), "a>r"),
    ),
    "a pin that a need served by units_used can meet": (
        False,
        lambda: gives_up(replace(one(), pins=(Pin("a", "r", 1),), pairs=(Candidate("a", "r", units_used=3),)), "a>r"),
    ),
    "pins of two needs served by units_used that the stock cannot meet": (
        True,
        lambda: gives_up(
            replace(
                two(),
                pins=(Pin("a", "r", 1), Pin("b", "r", 1)),
                pairs=(Candidate("a", "r", units_used=4), Candidate("b", "r", units_used=4)),
            ),
            "a>r",
            "b>r",
        ),
    ),
    "a banned pin": (True, lambda: gives_up(replace(one(), pins=(Pin("a", "r", 1),), bans=(Ban("a", "r"),)), "a>r")),
    "two providers": (
        True,
        lambda: gives_up(
            replace(changed(two(), one_provider=True), pins=(Pin("a", "r", 1), Pin("a", "s", 1))), "a>r", "a>s"
        ),
    ),
}


@pytest.mark.parametrize("case", PINNED)
def test_an_infeasible_run_is_believed_only_where_its_pins_break_a_rule(case):
    true, planted = PINNED[case]
    assert faults(*planted()) == (set() if true else {"conflict"})


def test_a_pure_plan_that_breaks_a_promise_for_nothing_is_not_optimal():
    of = problem([need("a", gap=4), need("b", gap=4, household="h1")], [resource("r", stock=2)])
    of = replace(of, announced=(Announced("a", "r", 2),))
    for holder, found in (("a", set()), ("b", {"later_tiers"})):
        plan = honest(of, [Line(holder, "r", 2)], prices=allocate(of).prices)
        said = replace(plan.certificate, status="optimal", unique=False)
        assert faults(of, replace(plan, certificate=said)) - {"no_reason"} == found


def test_nobody_can_foresee_which_reasons_are_looked_at(monkeypatch: pytest.MonkeyPatch):
    of = problem([need(f"n{at:02}", gap=4, household=f"h{at}") for at in range(40)], [resource("r", stock=2)])
    plan = allocate(of)
    rows = tuple(replace(row, detail={"limit": 3}) if row.need_id == "n07" else row for row in plan.reasons)
    monkeypatch.setattr(checker_reasons, "SAMPLE", 10)
    found = [bool([*reason_faults(Case(of, replace(plan, reasons=rows)))]) for _ in range(80)]
    assert any(found)
    assert not all(found)


def test_a_missing_reason_and_a_reason_for_nothing_are_refused():
    of, plan = explained()
    kept = tuple(row for row in plan.reasons if row.need_id != "b" or row.code == "chosen")
    assert {found.code for found in check(of, replace(plan, reasons=kept))} == {"no_reason"}
    odd = (*plan.reasons, Reason("x", "", "stock", {}))
    assert {found.code for found in check(of, replace(plan, reasons=odd))} == {"reason_of_nothing"}


WITHOUT_SOLVERS = """
import runpy, sys

class Gone:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("ortools", "scipy", "networkx", "highspy"):
            raise ModuleNotFoundError(f"No module named {name!r}")

sys.meta_path.insert(0, Gone())
for solver in ("ortools", "networkx"):
    try:
        __import__(solver)
    except ModuleNotFoundError:
        continue
    raise SystemExit(f"{solver} can still be imported")
sys.argv = ["matching", "check", *sys.argv[1:]]
runpy.run_module("matching", run_name="__main__")
"""


def test_the_judge_works_with_the_solvers_uninstalled(tmp_path: Path):
    """A solved folder is judged from end to end, found sound, and refused once a line of its plan is changed."""

    def judged() -> subprocess.CompletedProcess[str]:
        words = [sys.executable, "-c", WITHOUT_SOLVERS, str(tmp_path / "in"), str(tmp_path / "out")]
        return subprocess.run(words, capture_output=True, text=True, check=False)

    city = generate(60, 8, hard=0.25, seed=4)
    write_problem(city, tmp_path / "in")
    write_plan(allocate(city, budget_s=5), tmp_path / "out")
    sound = judged()
    assert sound.returncode == 0, sound.stdout + sound.stderr
    plan = tmp_path / "out" / "plan.csv"
    head, first, *others = plan.read_text("utf-8").splitlines()
    changed = first.rsplit(",", 1)[0] + f",{int(first.rsplit(',', 1)[1]) + 10**7}"
    plan.write_text("\n".join([head, changed, *others]) + "\n", "utf-8")
    refused = judged()
    assert refused.returncode == 1, refused.stderr
    assert "over_gap" in refused.stdout + refused.stderr
