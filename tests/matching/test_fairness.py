"""The fairness report: figures worked out by hand, and what must hold on any problem."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from matching.__main__ import main
from matching.beside import report
from matching.compiled import compile_problem
from matching.components import joined, split
from matching.fairness import gini, worst_off
from matching.folder import write_plan, write_problem
from matching.limits import shared_limits
from matching.model import Need, PastAid, Policy, Problem, Resource, urgency_first
from matching.plan import Line
from matching.rules import breaches
from matching.simpler import first_come, greedy
from matching.solve import allocate
from tests.matching.tiny import TODAY, tiny

ANYONE = frozenset({"*"})


def a_need(need_id: str, *, household: str, gap: int = 10, urgency: int = 1, district: str = "east") -> Need:
    return Need(
        need_id=need_id, household_id=household, district=district, category="rice", unit="kg", gap=gap,
        urgency=urgency, consented=ANYONE,
    )  # fmt: skip


def a_resource(stock: int) -> Resource:
    return Resource(resource_id="r", org_id="o", category="rice", unit="kg", stock=stock)


def a_problem(*needs: Need, stock: int = 10, past: tuple[PastAid, ...] = ()) -> Problem:
    policy = Policy(as_of=TODAY, order=urgency_first(10))
    return Problem(policy=policy, needs=needs, resources=(a_resource(stock),), ledger=past)


@pytest.mark.parametrize(
    ("fills", "expected"),
    [
        ([0, 0, 1, 1], 0.5),  # |a-b| is 1 for 8 of 16 ordered pairs: 8 / (2·4·2)
        ([1, 1, 1], 0.0),
        ([0, 0, 0, 1], 0.75),  # 6 / (2·4·1)
        ([0.5, 1], 1 / 6),  # 2·0.5 / (2·2·1.5)
        ([0, 0], 0.0),
        ([], 0.0),
    ],
)
def test_gini_is_half_the_mean_difference_over_the_mean(fills: list[float], expected: float) -> None:
    assert gini(np.array(fills, dtype=float)) == pytest.approx(expected)


def test_the_worst_off_are_a_tenth_of_the_households_but_at_least_one() -> None:
    assert worst_off(np.array([0.5, 0.2, 0.9])) == pytest.approx(0.2)
    assert worst_off(np.array([0.1, 0.3] + [1.0] * 9)) == pytest.approx(0.2)  # 11 households: two of them
    assert worst_off(np.array([])) == 0.0


def test_a_small_plan_by_hand() -> None:
    # h1: needs a (10 of 10) and b (0 of 10): fill 0.5. h2: need c, 5 from the ledger and 0 now: 0.5. h3: d, 0.
    # d1 is covered by the ledger alone and counts nowhere.
    problem = a_problem(
        a_need("a", household="h1", urgency=3), a_need("b", household="h1"), a_need("c", household="h2"),
        a_need("d", household="h3", district="west"), a_need("d1", household="h4"),
        past=(
            PastAid(household_id="h2", category="rice", units=5, given_on=TODAY, state="delivered", need_id="c"),
            PastAid(household_id="h4", category="rice", units=10, given_on=TODAY, state="delivered", need_id="d1"),
        ),
    )  # fmt: skip
    told = report(problem, [Line("a", "r", 10)], labels={"size": {"h1": "two", "c": "one"}}, compare=False)
    one = told.plan.summary
    assert (one.needs, one.needs_served, one.households, one.households_served, one.households_zero) == (4, 1, 3, 1, 1)
    assert one.fill == pytest.approx(0.375)  # (1 + 0 + 0.5 + 0) / 4
    assert one.gini == pytest.approx(1 / 3)  # fills 0.5, 0.5, 0: 4·0.5 / (2·3·1)
    assert (one.worst_off, one.urgent_fill) == (0.0, 1.0)
    east, west = told.plan.groups["district"]
    assert (east.label, east.needs, east.served, east.zero, east.households) == ("east", 3, 1, 1, 2)
    assert (east.goods[0].open_units, east.goods[0].given_units) == (25, 10)
    assert (west.needs, west.served, west.zero, west.fill) == (1, 0, 1, 0.0)
    assert {g.label: g.needs for g in told.plan.groups["size"]} == {"": 1, "one": 1, "two": 2}
    assert told.plan.levels == (2, 2, 2, 2, 2, 1, 1, 1, 1, 1)
    assert told.plan.spread == (1, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0)
    assert (told.beside, told.policies) == ((), ())


def test_each_order_has_its_price_in_the_words_of_the_other() -> None:
    # 10 units, two needs of 10. urgency_first gives all to a; levels_first too gives level 1 to a, then b, then a …:
    # 5 each. Ranks under urgency_first with cells of 3 first: a's levels 40…31, b's (urgency 1) 20…11.
    # plan A: 40+…+31 = 355. plan B: 40+…+36 + 20+…+16 = 190 + 90 = 280. Price of levels_first: 75/355.
    problem = a_problem(a_need("a", household="h1", urgency=3), a_need("b", household="h2"))
    told = report(problem, allocate(problem).lines)
    prices = {row.order: row for row in told.policies}
    assert prices["urgency_first"].price["urgency_first"] == 0
    assert prices["levels_first"].price["urgency_first"] == pytest.approx(75 / 355)
    assert prices["levels_first"].summary.households_zero == 0
    assert prices["urgency_first"].summary.households_zero == 1
    assert all(row.exact for row in told.policies)


def test_the_plan_of_a_run_that_was_stopped_is_not_called_the_best_of_its_order() -> None:
    problem = a_problem(a_need("a", household="h1", urgency=3), a_need("b", household="h2"))
    told = report(problem, [Line("a", "r", 1)], interrupted=True)
    assert {row.order: row.exact for row in told.policies} == {"urgency_first": False, "levels_first": True}


def test_first_come_follows_the_order_that_the_caller_hands_in() -> None:
    problem = a_problem(a_need("a", household="h1", urgency=3), a_need("b", household="h2"))
    lines = allocate(problem).lines
    by_id, turned = (
        {row.name: row for row in report(problem, lines, arrivals=arrivals).beside} for arrivals in (None, ("b", "a"))
    )
    assert by_id["first_come"].regret == 0
    assert turned["first_come"].regret == pytest.approx(1 - 155 / 355)  # b's levels: 20 + … + 11 = 155
    assert turned["greedy"].regret == 0


@pytest.mark.parametrize("seed", range(150))
def test_on_pure_problems_nothing_beats_the_plan(seed: int) -> None:
    problem = tiny(seed)
    plan = allocate(problem)
    if plan.certificate.status == "infeasible":
        return
    told = report(problem, plan.lines)
    assert told.plan.summary.score == plan.certificate.score
    assert all(row.regret >= 0 for row in told.beside)
    assert all(price >= 0 for row in told.policies for price in row.price.values())
    assert all(row.price[row.order] == 0 for row in told.policies)
    json.dumps(told.as_json())


@pytest.mark.parametrize("kind", ["pure", "hard", "big"])
def test_simpler_ways_keep_every_rule(kind: str) -> None:
    met = 0
    for seed in range(150):
        problem = replace(tiny(seed, kind=kind), pins=())
        compiled = compile_problem(problem)
        limits = shared_limits(compiled)
        whole = joined(split(compiled, limits))
        if whole is None:
            continue
        order = list(range(len(compiled.need_ids)))
        for units in (greedy(compiled, limits, whole), first_come(compiled, limits, whole, order=order)):
            assert breaches(compiled, limits, whole, units) == []
            met += int(units.sum() > 0)
    assert met > 100


def test_no_needs_make_an_empty_report() -> None:
    told = report(Problem(policy=Policy(as_of=TODAY, order=urgency_first(10)), needs=(), resources=()), ())
    assert (told.plan.summary.gini, told.plan.summary.worst_off, told.beside) == (0.0, 0.0, ())


def test_the_command_prints_the_report_in_words_and_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    problem = a_problem(a_need("a", household="h1", urgency=3), a_need("b", household="h2"))
    write_problem(problem, tmp_path / "in")
    write_plan(allocate(problem), tmp_path / "out")
    assert main(["report", str(tmp_path / "in"), str(tmp_path / "out"), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["plan"]["summary"]["households_zero"] == 1
    assert [row["name"] for row in told["beside"]] == ["greedy", "first_come"]
    assert main(["report", str(tmp_path / "in"), str(tmp_path / "out"), "--short"]) == 0
    words = capsys.readouterr().out
    assert "1 of 2 households served, 1 at zero" in words
    assert "first_come" not in words
    assert main(["report", str(tmp_path / "in"), str(tmp_path / "out"), "--lang", "zh"]) == 0
    words = capsys.readouterr().out
    assert "2 户中 1 户得到帮助，1 户为零" in words
    assert "先到先得" in words
    assert not re.search("first|served|household|urgency", words)
