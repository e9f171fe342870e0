"""Whether an item is late, with whom, and how many working days the offices had it.

Enters: an item with its steps. Leaves: facts for its end and for the month. Called by `outcome`, `orders` and pages.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session, col, select

from marketplace.calendar import local_day, working_days_between
from marketplace.cases.models import (
    CaseItem,
    CaseStep,
    ItemState,
)
from marketplace.cases.rules import steps_of
from marketplace.cases.steps import DECIDES
from marketplace.reference.words import list_codes

DECISIONS = ("granted", "refused")
"""The ends of a step by which an item was decided."""
TAKEN_BACK, TAKEN_OVER = "withdrawn", "decided_elsewhere"
BY_ITSELF = (TAKEN_BACK, TAKEN_OVER)
"""Causes of a delay that ended without a decision; nobody chooses them."""
NOBODYS = ("payment", "public_notice", "re_notice")
"""Steps that make no decision late: the order to pay comes after it, and a notice ends by itself on its day."""


def late_with(session: Session, item: CaseItem, /, *, now: datetime) -> str:
    """Who held the step that went furthest over its limit."""
    found = _steps(session, item)
    held = [step for step in found if step.code not in NOBODYS]
    over = max(held, key=lambda step: ((step.ended_at or now) - step.due_at, step.no), default=None)
    return over.holder if over is not None else item.holder


def as_of(session: Session, item: CaseItem, /, *, now: datetime) -> datetime:
    """The moment up to which the offices had it: now, or since its clock stands still, when it was stopped."""
    asked = select(CaseStep.stopped_at).where(CaseStep.item_id == item.id, col(CaseStep.ended_at).is_(None))
    return session.exec(asked).first() or now


def is_late(session: Session, item: CaseItem, /, *, now: datetime) -> bool:
    """Whether the item, or any of its steps, went over its limit."""
    if item.due_at is not None and now > item.due_at:
        return True
    found = _steps(session, item)
    return any((step.ended_at or now) > step.due_at for step in found if step.code not in NOBODYS)


def days_taken(session: Session, item: CaseItem, /, *, now: datetime) -> int:
    """Working days that the offices had it: from the start to the end without the days it was stopped, nor those
    between a decision and its beginning anew after an appeal."""
    own = [step for step in _steps(session, item) if step.started_at <= now]
    stopped = sum(step.stopped_days for step in own)
    begun = item.started_at or now
    return (
        working_days_between(local_day(begun), local_day(now), district=item.district_code)
        - stopped
        - _days_decided(item, own)
    )


def who_decides(item: CaseItem, step: CaseStep, /) -> str:
    """Who holds the decision that this step ended with: a refusal for silence is written, at whatever step, by the
    office that would have confirmed, and never by a department."""
    silent = item.reason == "papers_not_given" and not item.letter and not step.ended_by.startswith("department-")
    if step.code == "department_answer" and silent:
        return "COUNTY"
    if step.code in DECIDES:
        return step.holder
    rules = steps_of(item.path, district=item.district_code, on=local_day(item.started_at or step.started_at))
    return next((rule.holder for rule in rules if rule.code in DECIDES), step.holder)


def last_decision(steps: Sequence[CaseStep], /) -> CaseStep | None:
    """Of the steps of one item the one by which it was decided last."""
    decided = [step for step in steps if step.outcome in DECISIONS]
    return max(decided, key=lambda step: (step.started_at, step.no), default=None)


def _steps(session: Session, item: CaseItem) -> list[CaseStep]:
    """Its steps since it began; those of a run that fell before it began anew are not of this one."""
    found = session.exec(select(CaseStep).where(CaseStep.item_id == item.id))
    return [step for step in found if item.started_at is None or step.started_at >= item.started_at]


def _days_decided(item: CaseItem, own: Sequence[CaseStep]) -> int:
    """Working days on which the item was decided, before it was decided anew."""
    found = 0
    decided = [(step, step.ended_at) for step in own if step.ended_at is not None and step.outcome in DECISIONS]
    for last, at in decided:
        refused = last.outcome == DECISIONS[1]  # what begins after a grant may be its payment
        later = [one for one in own if one is not last and one.started_at >= at]
        anew = [one.started_at for one in later if refused or one.code in DECIDES]
        if anew:
            found += working_days_between(local_day(at), local_day(min(anew)), district=item.district_code)
    return found


def close(session: Session, item: CaseItem, cause: str, /, *, now: datetime) -> None:
    """It ends without a decision: one that was late by then is counted in its month with this cause."""
    until = as_of(session, item, now=now)
    if item.state is ItemState.WAITING or not is_late(session, item, now=until):
        return
    item.late_cause, item.month = cause, f"{local_day(now):%Y-%m}"
    item.late_with = late_with(session, item, now=until)
    item.days_taken = days_taken(session, item, now=until)


def set_waiting(item: CaseItem, /) -> None:
    """It fell, and waits anew: nothing of how it ended then is kept, and no month counts it."""
    item.state, item.note = ItemState.WAITING, ""
    item.late_cause, item.late_with, item.month, item.days_taken = "", "", "", 0


def late_causes() -> list[str]:
    """The causes of a delay that somebody can choose."""
    return [code for code in list_codes("late_cause") if code not in BY_ITSELF]
