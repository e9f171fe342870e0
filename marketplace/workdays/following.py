"""What runs over a day that closed ends as many working days later as it had left; nothing ends earlier.

Enters: a day that a district (or the whole city) closed, and the days that held before it. Leaves: later ends of steps
and items, of their clocks and all others in working days, of visits and of orders to delete; how many there were.
Limits in calendar days, in hours, or of a day that people agreed stay. Called by `service`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from functools import cache, partial
from typing import Any

from sqlmodel import Session, col, select

from marketplace import calendar
from marketplace.appeals.models import Appeal
from marketplace.calendar import Own, after_working_days, end_of_day, local_day, working_days_between
from marketplace.cases.days import last_day
from marketplace.cases.models import CaseItem, CaseStep, ItemState, Unit
from marketplace.clocks import service as clocks
from marketplace.clocks.models import Clock
from marketplace.clocks.steps import STEPS
from marketplace.db import chunks, flush
from marketplace.rights.models import RightRequest, SourceDispute
from marketplace.sharing.models_api import DeletionOrder
from marketplace.visits.models import HomeVisit, VisitState
from marketplace.workdays.models import OwnDay

DAY = timedelta(days=1)
FAST = "LINSHI_FAST"
"""The path whose whole limit is in calendar days."""
Later = Callable[[str, date], date]
TOLD: tuple[Any, ...] = (RightRequest, SourceDispute, Appeal)
"""What carries the end of its clock itself."""
_ASKED = 500


def close(session: Session, row: OwnDay, /, *, before: Own) -> int:
    """Everything that runs over the day; how much was moved."""
    later = cache(partial(_later, row=row, before=before))
    begins = end_of_day(row.day - DAY)
    steps = _steps(session, row, begins, later)
    moved = len(steps) + _items(session, row, begins, later) + _visits(session, row, begins, later)
    moved += _clocks(session, row, begins, later, refs=steps, before=before)
    moved += 0 if row.district_code else _orders(session, begins, later)
    flush(session)
    return moved


def _later(district: str, last: date, *, row: OwnDay, before: Own) -> date:
    """The last day of a limit that ran over the closed day: from the eve of it, as many working days as were left."""
    eve = row.day - DAY
    with calendar.own_days(lambda: before):
        left = working_days_between(eve, last, district=district)
        if not left or not calendar.is_working_day(row.day, district=district):
            return last
    with calendar.own_days(lambda: {**before, (row.district_code, row.day): False}):
        noon = end_of_day(eve) - DAY / 2
        return max(last, local_day(after_working_days(noon, left, district=district)) - DAY)


def _of(row: OwnDay, column: Any) -> list[Any]:
    """The rows whose offices closed; a district that said otherwise for the day is left out by `_later`."""
    return [column == row.district_code] if row.district_code else []


def _moved(due: datetime, district: str, later: Later) -> datetime:
    return end_of_day(later(district, last_day(due)))


def _steps(session: Session, row: OwnDay, begins: datetime, later: Later) -> dict[str, datetime]:
    """The steps; clock reference ► the new end."""
    asked = select(CaseStep, CaseItem.district_code).join(CaseItem, col(CaseItem.id) == col(CaseStep.item_id))
    asked = asked.where(CaseStep.unit == Unit.WORKING, col(CaseStep.ended_at).is_(None))
    asked = asked.where(CaseStep.due_at > begins, CaseStep.started_at < begins, *_of(row, CaseItem.district_code))
    found = {}
    for step, district in session.exec(asked):
        due = _moved(step.due_at, district, later)
        if due > step.due_at:
            if step.stopped_at is not None and step.left_days is not None and local_day(step.stopped_at) >= row.day:
                step.left_days += 1  # the day was counted before the clock stopped
            step.due_at = found[f"item:{step.item_id}"] = due
    return found


def _items(session: Session, row: OwnDay, begins: datetime, later: Later) -> int:
    asked = select(CaseItem).where(col(CaseItem.state).in_((ItemState.RUNNING, ItemState.STOPPED)))
    asked = asked.where(CaseItem.path != FAST, col(CaseItem.due_at) > begins, col(CaseItem.started_at) < begins)
    return _put(session.exec(asked.where(*_of(row, CaseItem.district_code))).all(), later)


def _put(rows: Sequence[Any], later: Later, *, district: str | None = None) -> int:
    """A new end for each row that has one; how many."""
    moved = 0
    for row in rows:
        due = _moved(row.due_at, row.district_code if district is None else district, later)
        moved += due > row.due_at
        row.due_at = due
    return moved


def _visits(session: Session, row: OwnDay, begins: datetime, later: Later) -> int:
    asked = select(HomeVisit).where(HomeVisit.state == VisitState.OPEN, HomeVisit.asked_at < begins)
    moved = 0
    for visit in session.exec(asked.where(HomeVisit.due_on > row.day, *_of(row, HomeVisit.district_code))):
        due = later(visit.district_code, visit.due_on - DAY) + DAY
        moved += due > visit.due_on
        visit.due_on = due
    return moved


def _orders(session: Session, begins: datetime, later: Later) -> int:
    asked = select(DeletionOrder).where(col(DeletionOrder.attested_at).is_(None), DeletionOrder.due_at > begins)
    return _put(session.exec(asked.where(DeletionOrder.ordered_at < begins)).all(), later, district="")


def _clocks(
    session: Session, row: OwnDay, begins: datetime, later: Later, *, refs: dict[str, datetime], before: Own
) -> int:
    """The clock of a step ends with the step; any other one moves if its end was counted in working days."""
    asked = select(Clock).where(col(Clock.ended_at).is_(None), Clock.due_at > begins, Clock.started_at < begins)
    ends = []
    for clock in session.exec(asked.where(*_of(row, Clock.district_code))):
        if clock.step == "case_step":
            due = refs.get(clock.object_ref, clock.due_at)
        else:
            due = _moved(clock.due_at, clock.district_code, later) if _is_counted(clock, before) else clock.due_at
        if due > clock.due_at:
            ends.append((clock, due))
    clocks.move_on_by(ends)
    _tell(session, {clock.object_ref: due for clock, due in ends})
    return len(ends)


def _is_counted(clock: Clock, before: Own) -> bool:
    """Whether its end is the one that its step gives in working days; one that people agreed is theirs. A day on which
    offices work all the same moves nothing: it may have been decreed after the clock began."""
    rule = STEPS[clock.step]
    limits = {rule.days, rule.urgent_days} - {0} if not rule.hours else set()
    closed = {place: works for place, works in before.items() if not works}
    ends = set()
    for own in (before, closed):
        with calendar.own_days(partial(dict, own)):
            ends |= {after_working_days(clock.started_at, days, district=clock.district_code) for days in limits}
    return clock.due_at in ends


def _tell(session: Session, ends: dict[str, datetime]) -> None:
    """The same end where people read it: on a right that was asked for, a dispute, an objection."""
    for table in TOLD:
        for some in chunks(sorted(ends), _ASKED):
            for row in session.exec(select(table).where(table.id.in_(some))):
                row.due_at = ends[row.id]
