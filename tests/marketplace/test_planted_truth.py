"""The planted truth of `bench/truth.py`: its generator knows nothing of the rules, and its table says what happened."""

from __future__ import annotations

import ast
import inspect
import json
import random
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest

from bench import truth
from bench.truth import BEGIN, Home, Shock
from marketplace.reference import tables

GENERATOR = (truth.town, truth.live, truth.garble)
OF_RULES = {"rules", "trying", "sweeping", "Alert", "RuleClass", "ABOUT", "watch", "judge"}
"""Names that lead from the bench to the rules or to what they found."""


def reached(begin: Callable[..., Any]) -> dict[str, ast.AST]:
    """The functions and tables of the bench that a function uses, itself or through others, by name."""
    tree = ast.parse(inspect.getsource(truth))
    held: dict[str, ast.AST] = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    for node in tree.body:
        targets = node.targets if isinstance(node, ast.Assign) else []
        for name in (one for target in targets for one in ast.walk(target) if isinstance(one, ast.Name)):
            held[name.id] = node
    found, left = dict[str, ast.AST](), [begin.__name__]
    while left:
        name = left.pop()
        if name in held and name not in found:
            found[name] = held[name]
            left += names(held[name])
    return found


def names(node: ast.AST) -> list[str]:
    """Every name that is read in it."""
    return [one.id for one in ast.walk(node) if isinstance(one, ast.Name)]


def amounts() -> set[float]:
    """The thresholds of the rules that are large enough to be told from any other number, in yuan and in fen."""
    told = [pair.split("=")[1] for row in tables.rows("warning_rules") for pair in row["thresholds"].split(";") if pair]
    return {float(one) * unit for one in told for unit in (1, 100) if float(one) >= 1000}


def shared(nodes: list[ast.AST]) -> set[Any]:
    """What these parts have in common with the rules: their amounts, their codes, a name that leads to them."""
    found: set[Any] = {name for node in nodes for name in names(node)} & OF_RULES
    codes = {row["code"] for row in tables.rows("warning_rules")}
    for one in (part.value for node in nodes for part in ast.walk(node) if isinstance(part, ast.Constant)):
        if (isinstance(one, int | float) and float(one) in amounts()) or one in codes:
            found.add(one)
    return found


@pytest.mark.parametrize("begin", GENERATOR)
def test_the_generator_shares_no_constant_with_the_rules(begin: Callable[..., Any]) -> None:
    parts = reached(begin)
    assert len(parts) > 1
    assert shared(list(parts.values())) == set()


@pytest.mark.parametrize("text", ["cost > 10_000", "cost > 1_000_000", "if W: 'W05'", "rules.draft_table()"])
def test_a_generator_that_knew_a_threshold_would_be_found(text: str) -> None:
    known = ast.parse("def town():\n    " + (text if not text.startswith("if") else "W = 'W05'"))
    assert shared([known])


def test_the_town_is_the_same_when_nobody_can_read_a_rule_or_a_standard(monkeypatch: pytest.MonkeyPatch) -> None:
    def made() -> tuple[Any, ...]:
        pick = random.Random(5)
        homes = truth.town(60, pick)
        shocks, rows = truth.live(homes, pick)
        return homes, shocks, truth.garble(rows, pick)

    before, read = made(), tables.rows
    asked: set[str] = set()

    def watched(name: str, *more: Any) -> Any:
        asked.add(name)
        return read(name, *more)

    monkeypatch.setattr(tables, "rows", watched)
    assert made() == before
    assert not asked & {"warning_rules", "standards", "living_standards"}
    homes, shocks, told = before
    assert len(told) > len(homes)
    assert {shock.hard for shock in shocks} == {True, False}


def home(key: str, review: date) -> Home:
    """A household that somebody reviews on a day."""
    return Home(key, 1_000_000, ["x"], False, False, True, "IN_REGISTER", review)


def test_the_table_of_the_page_is_that_of_the_last_run() -> None:
    page, told = truth.PAGE.read_text("utf-8"), json.loads(truth.RESULTS.read_text("utf-8"))
    assert truth.put_in(page, truth.table(told)) == page
    assert truth.put_in(page, ["another"]) != page


def test_recall_precision_and_days_are_what_happened() -> None:
    day = BEGIN + timedelta(days=100)
    seen, late, unseen = home("a", day + timedelta(days=9)), home("b", day), home("c", day - timedelta(days=1))
    shocks = [
        Shock(seen, "illness", day, True),
        Shock(late, "illness", day, True),
        Shock(unseen, "debt", day, True),
        Shock(unseen, "death", day, False),
    ]
    alerts = [
        ("a", "W05", day + timedelta(days=20)),
        ("a", "W01", day + timedelta(days=12)),
        ("a", "W10", day + timedelta(days=5)),
        ("b", "W05", day + timedelta(days=truth.AFTER_DAYS + 1)),
        ("b", "W05", day - timedelta(days=1)),
        ("c", "W06", day + timedelta(days=3)),
    ]
    town = truth.judge([seen, late, unseen], shocks, alerts) | {"seed": 1, "households": 3, "rows_told": 9, "held": 0}
    told = truth.together([town])
    rows = {row["kind"]: row for row in told["rows"]}
    illness = rows["illness"]
    assert (illness["hard"], illness["seen"], illness["near"], illness["days"]) == (2, 1, 1, 12)
    assert (illness["review_seen"], illness["review_days"]) == (2, 4)
    assert (rows["debt"]["hard"], rows["debt"]["seen"], rows["debt"]["near"]) == (1, 0, 1)
    assert rows["death"]["hard"] == 0, "what was no hardship is not to be found"
    assert told["right"] == 2
    assert told["shares"]["recall"] == round(1 / 3, 3)
    assert told["shares"]["precision"] == round(2 / 6, 3)
    assert told["shares"]["review recall"] == round(2 / 3, 3)
    assert told["shares"]["review precision"] == round(2 / 3, 3)
    assert told["spread"]["recall"] == [told["shares"]["recall"]] * 2
