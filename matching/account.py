"""The account of one need in words: what it asked, what it got, why, and who would lose if it got more.

What enters: a problem, a plan for it, the id of a need and a language. What leaves: a few lines of text that name ids
and numbers only. Called by `python -m matching explain`.
"""

from __future__ import annotations

from collections.abc import Iterator

from matching.compiled import Compiled, compile_problem
from matching.displace import Chain, who_would_lose
from matching.model import Need, Problem
from matching.plan import Plan
from matching.wording import URGENCY, sentences

WORDS = {
    "asks": (
        "需求 {need}：{category} {gap} {unit}，{urgency}，户 {household}，区域 {district}。",
        "Need {need}: {gap} {unit} of {category}, {urgency}; household {household}, district {district}.",
    ),
    "past": (
        "此前已发放、批准或预留 {past} {unit}，本次还缺 {open} {unit}。",
        "{past} {unit} were delivered, approved or reserved before; {open} {unit} were open in this run.",
    ),
    "given": ("本次安排 {units} {unit}：{parts}。", "This run gives {units} {unit}: {parts}."),
    "part": ("{resource} {units}", "{units} from {resource}"),
    "nothing": ("本次没有安排。", "This run gives nothing."),
    "free": (
        "若再从 {resource} 给它一个单位，没有别的需求会减少。",
        "One more unit of {resource} for it would take nothing from anybody.",
    ),
    "loser": (
        "若再从 {resource} 给它一个单位，{loser} 会少一个单位（经 {moves} 步调换）。",
        "One more unit of {resource} for it would leave {loser} with one unit less ({moves} moves).",
    ),
}


def account(problem: Problem, plan: Plan, need_id: str, *, lang: str = "en") -> str:
    """The account of one need. O(E log E).

    Raises
    ------
    KeyError
        If the problem has no such need.
    """
    compiled = compile_problem(problem)
    places = {name: i for i, name in enumerate(compiled.need_ids)}
    return "\n".join(_told(compiled, plan, places[need_id], at=1 if lang.startswith("en") else 0))


def _told(compiled: Compiled, plan: Plan, place: int, *, at: int) -> Iterator[str]:
    need = compiled.problem.needs[place]
    facts = _facts(need, compiled, place, at=at)
    yield WORDS["asks"][at].format(**facts)
    if compiled.past[place]:
        yield WORDS["past"][at].format(**facts)
    lines = [line for line in plan.lines if line.need_id == need.need_id]
    units = sum(line.units for line in lines)
    parts = [WORDS["part"][at].format(resource=line.resource_id, units=line.units) for line in lines]
    given = WORDS["given"][at].format(units=units, unit=need.unit, parts=("；", ", ")[at].join(parts))
    yield given if lines else WORDS["nothing"][at]
    for reason in sorted(plan.reasons, key=lambda row: row.code != "chosen"):
        if reason.need_id == need.need_id:
            name = f"{reason.resource_id}: " if reason.resource_id else ""
            yield f"- {name}{sentences(reason, ('zh_Hans', 'en')[at])}"
    for reason in plan.reasons:
        if reason.need_id == need.need_id and reason.resource_id and reason.code != "chosen":
            chain = who_would_lose(compiled, plan.lines, need_id=need.need_id, resource_id=reason.resource_id)
            if chain is not None:
                yield _chain(chain, reason.resource_id, at=at)
                return


def _facts(need: Need, compiled: Compiled, place: int, *, at: int) -> dict[str, object]:
    return {
        "need": need.need_id,
        "household": need.household_id,
        "district": need.district,
        "category": need.category,
        "unit": need.unit,
        "gap": need.gap,
        "urgency": URGENCY[need.urgency][at],
        "past": int(compiled.past[place]),
        "open": int(compiled.open[place]),
    }


def _chain(chain: Chain, resource_id: str, *, at: int) -> str:
    text = WORDS["loser" if chain.loser else "free"][at]
    return text.format(resource=resource_id, loser=chain.loser, moves=len(chain.moves))
