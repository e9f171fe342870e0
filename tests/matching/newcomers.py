"""A random tiny problem with one need held back, as if it had come after the run.

What enters: a seed and a kind. What leaves: the problem without the need, the plan for it, the newcomer with what is
known of it, and the problem with it. Called by the tests of quotes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from matching.board import Board, Newcomer
from matching.checker import check
from matching.model import Problem
from matching.plan import Line, Plan
from matching.quote import Quote, quote
from matching.solve import allocate
from tests.matching.tiny import tiny

RULES_OF_LINES = {
    *("unknown_id", "no_units", "twice", "category", "unit", "not_listed", "no_consent", "urgency", "district", "tags"),
    *("window", "cool_off", "banned", "covered", "units_used", "over_max_per_need", "under_minimum", "broken_lot"),
    *("over_stock", "over_earmark", "over_max_per_household", "over_cap", "over_gap", "two_providers", "part_of_all"),
    *("exclusive", "pin_missed"),
}
"""The judge's codes for a line that breaks a rule; the rest are about what a certificate says."""


@dataclass(frozen=True, slots=True)
class Case:
    """`before` has no newcomer, `after` has; `plan` is for `before`."""

    before: Problem
    after: Problem
    plan: Plan
    newcomer: Newcomer

    def board(self) -> Board:
        return Board(self.before, lines=self.plan.lines, prices=self.plan.prices)

    def quote(self) -> Quote:
        return quote(self.board(), self.newcomer)

    def broken(self, free: tuple[Line, ...]) -> list[str]:
        """The rules that the plan breaks, by the judge, because the free stock is in it.

        Past aid of the newcomer may make another need of its household wait; the plan before did not know of it.
        """
        return sorted(self._judged(free) - self._judged(()))

    def _judged(self, free: tuple[Line, ...]) -> set[str]:
        lines = tuple(sorted((*self.plan.lines, *free), key=lambda row: (row.need_id, row.resource_id)))
        faults = check(self.after, replace(self.plan, lines=lines))
        return {fault.message for fault in faults if fault.code in RULES_OF_LINES}


def case(seed: int, *, kind: str) -> Case | None:
    """One case; None if the pins of the others contradict each other."""
    whole = tiny(seed, kind=kind)
    need = whole.needs[seed % len(whole.needs)]
    past = tuple(row for row in whole.ledger if row.need_id == need.need_id)
    bans = tuple(row for row in whole.bans if row.need_id == need.need_id)
    after = replace(
        whole,
        pins=_others(whole.pins, need.need_id),
        announced=_others(whole.announced, need.need_id),
        pairs=None if whole.pairs is None else _others(whole.pairs, need.need_id),
    )
    before = replace(
        after,
        needs=_others(after.needs, need.need_id),
        bans=_others(after.bans, need.need_id),
        ledger=_others(after.ledger, need.need_id),
    )
    plan = allocate(before)
    if plan.certificate.status == "infeasible":
        return None
    banned = {row.resource_id for row in bans}
    everything = frozenset(row.resource_id for row in whole.resources) if "*" in banned else frozenset(banned)
    return Case(before, after, plan, Newcomer(need, past=past, banned=everything))


def _others(rows: tuple, need_id: str) -> tuple:  # type: ignore[type-arg]
    return tuple(row for row in rows if row.need_id != need_id)
