"""`python -m matching preview`: what would change if staff overrode the plan.

What enters: the parsed words of the command line. What leaves: a few lines: who would lose and win, the change
of coverage, score, broken units and cost, or the pins that contradict each other. Called by `matching.__main__`.
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator, Mapping

from matching.compiled import compile_problem
from matching.folder import BadInput, plan_for, read_problem
from matching.model import Ban, Cell, Pin, Problem, levels_first, urgency_first
from matching.wellformed import Misfit
from matching.whatif import More, Outlook, Reserve, Shift, Try, preview

SHOWN = 20
TEXT = {
    "en": {
        "conflict": "conflict    these pins cannot be met together; release one of them",
        "perhaps": "conflict    no plan was found that meets these pins; perhaps a new run finds one",
        "exact": "sure        exact",
        "allowed": "sure        an allowed plan; a new run may find a better one",
        "change": "change      score {score:+}, broken units {broken:+}, delivery cost {cost:+}",
        "coverage": "coverage    urgency {urgency}, level {level}: {units:+}",
        "loses": "loses      ",
        "wins": "wins       ",
        "row": "{row.need_id}: {row.before} ► {row.after} (rank {row.rank})",
        "more": "… and {count} more needs",
    },
    "zh": {
        "conflict": "冲突    这些指定不能同时满足；请撤销其中一项",
        "perhaps": "冲突    没有找到满足这些指定的方案；重新计算或许能找到",
        "exact": "把握    与重新计算完全一致",
        "allowed": "把握    是合规的方案；重新计算可能得到更好的",
        "change": "变化    得分 {score:+}，落空的承诺 {broken:+}，配送成本 {cost:+}",
        "coverage": "覆盖    紧急度 {urgency} 第 {level} 层：{units:+}",
        "loses": "减少   ",
        "wins": "增加   ",
        "row": "{row.need_id}：{row.before} ► {row.after}（名次值 {row.rank}）",
        "more": "…… 另有 {count} 项需求",
    },
}
ORDERS = {"levels_first": levels_first, "urgency_first": urgency_first}


def outlook(asked: Namespace) -> tuple[Outlook, tuple[Cell, ...]]:
    """Read the folder and its plan and preview; also the order in which the coverage is told.

    Raises
    ------
    BadInput
        If an id or a number is not one, or the plan is of another problem.
    """
    problem = read_problem(asked.folder)
    plan = plan_for(problem, asked.out)
    try:
        tried = _tried(asked, problem)
        seen = preview(compile_problem(problem), plan.lines, tried=tried)
    except ValueError as error:
        raise BadInput(
            [Misfit("arguments", -1, "", str(error), "cannot be tried", "name ids of the folder and whole numbers")]
        ) from error
    return seen, tried.order or problem.policy.order


def _tried(asked: Namespace, problem: Problem) -> Try:
    return Try(
        pins=tuple(Pin(need, good, int(units)) for need, good, units in asked.pin),
        bans=tuple(Ban(need, good) for need, good in asked.ban),
        reserves=tuple(Reserve(good, district, int(units)) for good, district, units in asked.reserve),
        more=tuple(More(good, int(units)) for good, units in asked.more),
        order=ORDERS[asked.order](problem.policy.levels) if asked.order else (),
    )


def told(seen: Outlook, order: tuple[Cell, ...], *, lang: str = "en") -> Iterator[str]:
    """The outlook in lines."""
    says = TEXT[lang]
    if seen.conflict:
        yield says["conflict" if seen.exact else "perhaps"]
        yield from (f"  {pair}" for pair in seen.conflict)
        return
    yield says["exact" if seen.exact else "allowed"]
    yield says["change"].format(score=seen.score, broken=seen.broken_units, cost=seen.cost)
    for (urgency, level), units in zip(order, seen.coverage, strict=True):
        if units:
            yield says["coverage"].format(urgency=urgency, level=level, units=units)
    yield from _shifts(says, "loses", seen.losers)
    yield from _shifts(says, "wins", seen.winners)


def _shifts(says: Mapping[str, str], word: str, rows: tuple[Shift, ...]) -> Iterator[str]:
    for row in sorted(rows, key=lambda row: (-row.rank, row.need_id))[:SHOWN]:
        yield f"{says[word]} " + says["row"].format(row=row)
    if len(rows) > SHOWN:
        yield f"{says[word]} " + says["more"].format(count=len(rows) - SHOWN)
