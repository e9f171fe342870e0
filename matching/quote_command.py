"""`python -m matching quote`: read one new need, quote it against a stored plan, say it in words or as JSON.

What enters: a problem, its plan and a JSON file with the columns of needs.csv. What leaves: text that names ids and
numbers only, or `BadInput` that names the field and its mend. Called by `matching.__main__`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from matching.board import Board, Newcomer
from matching.columns import REQUIRED, TABLES, Column
from matching.model import Need, Problem
from matching.plan import Plan
from matching.policy_file import Unclear, strict_json
from matching.quote import CLOSED, EVEN, LIKELY, UNLIKELY, UNSURE, Quote, quote
from matching.tables import Wrong
from matching.wellformed import BadInput, Misfit, misfits
from matching.wording import RULE, URGENCY

COLUMNS = next(table for table in TABLES if table.name == "needs").columns

WORDS = {
    "open": (
        "需求 {need}：{category}，{urgency}，还缺 {open} {unit}。",
        "Need {need}: {category}, {urgency}; {open} {unit} are open.",
    ),
    "free": ("现在即可安排：{parts}。", "Free at once: {parts}."),
    "part": ("{resource} {units}", "{units} from {resource}"),
    "no_free": ("现在没有可直接安排的余量。", "Nothing is free at once."),
    "line": (
        "目前的分界线：{urgency}第 {level} 层（资源 {resource}，价格 {price}）。",
        "The line stands at {urgency}, level {level} ({resource}, price {price}).",
    ),
    "level": ("第 {level} 层，{units} 个单位：{verdict}", "level {level}, {units} units: {verdict}"),
    "refused": ("不合格的资源：{counts}。", "Resources that do not fit: {counts}."),
}
VERDICT = {
    LIKELY: ("下次计算很可能轮到", "likely in the next run"),
    EVEN: ("正好在线上，由成本或抽签决定", "on the line: cost or the lot decides"),
    UNLIKELY: ("下次计算轮不到", "below the line"),
    UNSURE: ("余量已用完，要看下次计算", "the spare stock is used up: the next run will tell"),
    CLOSED: ("没有资源还能给", "no resource may give more"),
}


def read_need(path: Path, problem: Problem) -> Need:
    """The new need of a JSON file, held to the rules of needs.csv beside the problem.

    Raises
    ------
    BadInput
        Naming the field, its value and the mend of everything wrong.
    """
    try:
        content = strict_json(path.read_text("utf-8"))
    except OSError as error:
        raise BadInput([Misfit(path.name, -1, "", str(path), "cannot be read", "name a JSON file")]) from error
    except Unclear as error:
        raise BadInput([Misfit(path.name, -1, error.key, error.key or path.name, error.wrong, error.mend)]) from error
    except ValueError as error:
        raise BadInput([Misfit(path.name, -1, "", path.name, "is not JSON in UTF-8", f"mend it ({error})")]) from error
    if not isinstance(content, dict):
        mend = "write the columns of needs.csv as one object"
        raise BadInput([Misfit(path.name, -1, "", path.name, "is not an object", mend)])
    found = list(_strange(content, path))
    values = [_value(column, content.get(column.name), found, path) for column in COLUMNS]
    if found:
        raise BadInput(found)
    try:
        need = Need(*values)
    except ValueError as error:
        raise BadInput(
            [Misfit(path.name, -1, "valid_to", str(content.get("valid_to")), str(error), "mend it")]
        ) from error
    found = [replace(m, table=path.name, row=-1) for m in misfits(replace(problem, needs=(*problem.needs, need)))]
    if found:
        raise BadInput(found)
    return need


def _strange(content: dict[str, Any], path: Path) -> Iterator[Misfit]:
    known = [column.name for column in COLUMNS]
    for name in content:
        if name not in known:
            mend = f"remove it, or name it one of {', '.join(known)}"
            yield Misfit(path.name, -1, name, name, "is no field of a need", mend)


def _value(column: Column, given: object, found: list[Misfit], path: Path) -> Any:
    cell = _cell(given)
    if not cell:
        if column.empty is not REQUIRED:
            return column.empty
        found.append(Misfit(path.name, -1, column.name, "", "is missing or empty", "fill it in"))
        return None
    try:
        return column.parse(cell)
    except Wrong as error:
        found.append(Misfit(path.name, -1, column.name, cell, error.wrong, error.mend))
        return None


def _cell(given: object) -> str:
    """A JSON value as the CSV cell it stands for."""
    if given is None:
        return ""
    if isinstance(given, bool):
        return str(int(given))
    return ";".join(map(str, given)) if isinstance(given, list) else str(given).strip()


def quoted(problem: Problem, plan: Plan, need: Need) -> Quote:
    """The quote of one need on the board of this plan. O(needs + resources).

    Raises
    ------
    BadInput
        If the folder holds no plan because its pins contradict each other.
    """
    if plan.certificate.status == "infeasible":
        wrong = "holds no plan: its pins contradict each other"
        raise BadInput([Misfit("certificate.json", -1, "status", "infeasible", wrong, "release one and solve again")])
    scale = plan.certificate.price_scale
    return quote(Board(problem, lines=plan.lines, prices=plan.prices, scale=scale), Newcomer(need))


def as_json(told: Quote) -> str:
    """The quote as one JSON object."""
    content = asdict(told) | {"verdict": told.verdict}
    return json.dumps(content, ensure_ascii=False, indent=2, sort_keys=True)


def as_words(told: Quote, need: Need, *, policy_scale: int = 1, lang: str = "en") -> str:
    """The quote in a few lines, Chinese or English."""
    return "\n".join(_lines(told, need, scale=policy_scale, at=1 if lang.startswith("en") else 0))


def _lines(told: Quote, need: Need, *, scale: int, at: int) -> Iterator[str]:
    comma = ("；", "; ")[at]
    urgency = URGENCY[need.urgency][at]
    facts = {"need": need.need_id, "category": need.category, "urgency": urgency, "open": told.open, "unit": need.unit}
    yield WORDS["open"][at].format(**facts)
    parts = [WORDS["part"][at].format(resource=row.resource_id, units=row.units) for row in told.free]
    yield WORDS["free"][at].format(parts=comma.join(parts)) if parts else WORDS["no_free"][at]
    if told.line:
        names = {"urgency": URGENCY[told.line[0]][at], "level": told.line[1], "resource": told.resource_id}
        yield WORDS["line"][at].format(**names, price=told.price / scale)
    for row in told.levels:
        yield "- " + WORDS["level"][at].format(level=row.level, units=row.units, verdict=VERDICT[row.verdict][at])
    if told.refused:
        counts = [f"{RULE[rule][at]} {count}" for rule, count in told.refused.items()]
        yield WORDS["refused"][at].format(counts=comma.join(counts))
