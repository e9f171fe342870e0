"""`python -m matching preview`: what would change if staff overrode the plan.

What enters: the parsed words of the command line. What leaves: a few lines: who would lose and win, the change
of coverage, score, broken units and cost, or the pins that contradict each other. Called by `matching.__main__`.
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator

from matching.compiled import compile_problem
from matching.folder import BadInput, read_plan, read_problem
from matching.model import Ban, Cell, Pin, Problem, levels_first, urgency_first
from matching.wellformed import Misfit
from matching.whatif import More, Outlook, Reserve, Shift, Try, preview

SHOWN = 20
ORDERS = {"levels_first": levels_first, "urgency_first": urgency_first}


def outlook(asked: Namespace) -> tuple[Outlook, tuple[Cell, ...]]:
    """Read the folder and its plan and preview; also the order in which the coverage is told.

    Raises
    ------
    BadInput
        If an id or a number is not one.
    """
    problem = read_problem(asked.folder)
    try:
        tried = _tried(asked, problem)
        seen = preview(compile_problem(problem), read_plan(asked.out).lines, tried=tried)
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


def told(seen: Outlook, order: tuple[Cell, ...]) -> Iterator[str]:
    """The outlook in lines."""
    if seen.conflict:
        yield "conflict    these pins cannot be met together; release one of them"
        yield from (f"  {pair}" for pair in seen.conflict)
        return
    yield f"sure        {'exact' if seen.exact else 'an allowed plan; a new run may find a better one'}"
    yield f"change      score {seen.score:+}, broken units {seen.broken_units:+}, delivery cost {seen.cost:+}"
    for (urgency, level), units in zip(order, seen.coverage, strict=True):
        if units:
            yield f"coverage    urgency {urgency}, level {level}: {units:+}"
    yield from _shifts("loses", seen.losers)
    yield from _shifts("wins", seen.winners)


def _shifts(word: str, rows: tuple[Shift, ...]) -> Iterator[str]:
    for row in sorted(rows, key=lambda row: (-row.rank, row.need_id))[:SHOWN]:
        yield f"{word:<11} {row.need_id}: {row.before} ► {row.after} (rank {row.rank})"
    if len(rows) > SHOWN:
        yield f"{word:<11} … and {len(rows) - SHOWN} more needs"
