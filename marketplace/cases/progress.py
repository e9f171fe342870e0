"""Five stages of one item, each with its date and who holds it, as a parcel is followed.

Enters: an item and its steps. Leaves: plain values for the timeline, with codes for words. Called by the household's
pages, the printed sheet and the staff page.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from marketplace.cases.models import ENDED, CaseItem, CaseStep, ItemState

STAGES = ("received", "checked", "noticed", "decided", "paid")
STAGE_OF = {
    "check_papers": "received",
    "start_check": "checked",
    "check_and_visit": "checked",
    "check_spending": "checked",
    "department_answer": "checked",
    "fast_aid": "checked",
    "public_notice": "noticed",
    "re_notice": "noticed",
    "confirm": "decided",
    "payment": "paid",
}


@dataclass(frozen=True, slots=True)
class Stage:
    """One of the five: done, current, late, stopped or todo."""

    code: str
    state: str
    at: datetime | None = None
    holder: str = ""
    until: datetime | None = None


def stages_of(item: CaseItem, steps: Sequence[CaseStep], /, *, now: datetime) -> list[Stage]:
    """The stages of an item; one that its path does not have is shown as done with the next. An item of which
    nothing is paid through this house has no last stage: nobody here could say that the money has come."""
    running = next((step for step in steps if step.ended_at is None), None)
    here = STAGES.index(STAGE_OF[running.code]) if running else _reached(item)
    shown = [_stage(code, number, here, item, steps, running, now=now) for number, code in enumerate(STAGES)]
    paid_here = any(step.code == "payment" for step in steps)
    return shown if paid_here or item.state is not ItemState.GRANTED else shown[:-1]


def _reached(item: CaseItem) -> int:
    if item.state is ItemState.WAITING:
        return 0
    return len(STAGES) if item.state is ItemState.GRANTED else STAGES.index("decided") + 1


def _stage(
    code: str,
    number: int,
    here: int,
    item: CaseItem,
    steps: Sequence[CaseStep],
    running: CaseStep | None,
    *,
    now: datetime,
) -> Stage:
    ended = [step.ended_at for step in steps if step.ended_at and STAGE_OF[step.code] == code]
    if number < here:
        return Stage(code, "done", item.decided_at if code == "decided" else max(ended, default=None))
    if number > here or running is None:
        return Stage(code, "stopped" if item.state in ENDED and item.state is not ItemState.GRANTED else "todo")
    if running.stopped_at is not None:
        return Stage(code, "stopped", running.stopped_at, "HOUSEHOLD")
    state = "late" if now > running.due_at else "current"
    return Stage(code, state, running.started_at, running.holder, running.due_at)
