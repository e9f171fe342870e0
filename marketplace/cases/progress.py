"""The stages of one item, each with its date and who holds or held it, as a parcel is followed.

Enters: an item and its steps. Leaves: plain values for the timeline, with codes for words. Called by the household's
pages, the printed sheet and the staff page.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from marketplace.calendar import local_day
from marketplace.cases.lateness import last_decision, who_decides
from marketplace.cases.models import ENDED, CaseItem, CaseStep, ItemState
from marketplace.cases.rules import steps_of

RECEIVED, DECIDED, PAID = "received", "decided", "paid"
STAGES = (RECEIVED, "checked", "noticed", DECIDED, PAID)
STAGE_OF = {
    "check_papers": RECEIVED,
    "start_check": "checked",
    "check_and_visit": "checked",
    "check_spending": "checked",
    "department_answer": "checked",
    "fast_aid": "checked",
    "public_notice": "noticed",
    "re_notice": "noticed",
    "confirm": DECIDED,
    "payment": PAID,
}


@dataclass(frozen=True, slots=True)
class Stage:
    """One of them: done, current, late, paused, stopped or todo. What is done has the day of its end and who held it
    then; what was received the day on which the item began."""

    code: str
    state: str
    at: datetime | None = None
    holder: str = ""
    until: datetime | None = None


def stages_of(item: CaseItem, steps: Sequence[CaseStep], /, *, now: datetime) -> list[Stage]:
    """The stages of an item: those of its path, without what was passed over; what hung out or was paid nowhere is not
    said to have been."""
    waits = item.state is ItemState.WAITING
    own = [] if waits else [step for step in steps if item.started_at is None or step.started_at >= item.started_at]
    running = next((step for step in own if step.ended_at is None), None)
    here = STAGES.index(STAGE_OF[running.code]) if running else _reached(item, own)
    begun = local_day(item.started_at or now)
    rules = steps_of(item.path, district=item.district_code, on=begun)
    ahead = {RECEIVED, DECIDED, *(STAGE_OF[rule.code] for rule in rules)}
    past = {RECEIVED, DECIDED, *(STAGE_OF[step.code] for step in own)}
    return [
        _stage(code, number, here, item, own, running, now=now)
        for number, code in enumerate(STAGES)
        if code in (past if number < here else ahead | past)
    ]


def _reached(item: CaseItem, own: Sequence[CaseStep]) -> int:
    """How many stages are behind an item at which nobody works: what was taken back or fell stays where it was."""
    if item.state is ItemState.GRANTED:
        return len(STAGES)
    if item.state is ItemState.REFUSED:
        return STAGES.index(DECIDED) + 1
    last = max(own, key=lambda step: (step.started_at, step.no), default=None)
    return STAGES.index(STAGE_OF[last.code]) if last else 0


def _stage(
    code: str,
    number: int,
    here: int,
    item: CaseItem,
    own: Sequence[CaseStep],
    running: CaseStep | None,
    *,
    now: datetime,
) -> Stage:
    if number < here:
        return _done(code, item, own)
    if number > here or running is None:
        return Stage(code, "stopped" if item.state in ENDED and item.state is not ItemState.GRANTED else "todo")
    if running.stopped_at is not None:
        return Stage(code, "paused", running.stopped_at, "HOUSEHOLD")
    state = "late" if now > running.due_at else "current"
    return Stage(code, state, running.started_at, running.holder, running.due_at)


def _done(code: str, item: CaseItem, own: Sequence[CaseStep]) -> Stage:
    """When, and with whom it was: received by who had the first step, decided by whose decision it is."""
    ended = sorted((step for step in own if step.ended_at), key=lambda step: (step.started_at, step.no))
    of_it = [step for step in ended if STAGE_OF[step.code] == code]
    if code == RECEIVED:
        first = min(own, key=lambda step: (step.started_at, step.no), default=None)
        return Stage(code, "done", item.started_at, first.holder if first else "")
    if code == DECIDED:
        by = last_decision(ended)
        return Stage(code, "done", item.decided_at, who_decides(item, by) if by else "")
    last = of_it[-1] if of_it else None
    return Stage(code, "done", last.ended_at, last.holder) if last else Stage(code, "done")
