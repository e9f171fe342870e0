"""What runs over a day that closed ends as many working days later as it had left; nothing ends earlier.

Enters: a day that a district (or the whole city) closed, and the days that held before it. Leaves: later ends of steps
and items, of their clocks and all others in working days, of visits and of orders to delete; how many there were. What
was set while the day was closed already, and what the day was not counted for (a clock that stood, a visit that was
tried again afterwards), stays; so do limits in calendar days, in hours, or of a day that people agreed. Called by
`service`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from functools import cache, partial
from typing import Any

from sqlmodel import Session, col, select

from marketplace import audit, calendar
from marketplace.appeals.models import Appeal
from marketplace.calendar import Own, after_working_days, end_of_day, local_day, working_days_between
from marketplace.cases.days import last_day
from marketplace.cases.models import OPEN, CaseItem, CaseStep, ItemState, Unit
from marketplace.cases.rules import FAST
from marketplace.clocks import service as clocks
from marketplace.clocks.models import Clock
from marketplace.clocks.steps import STEPS
from marketplace.db import chunks, flush
from marketplace.rights.models import RightRequest, SourceDispute
from marketplace.sharing.models_api import DeletionOrder
from marketplace.visits.models import HomeVisit, VisitState
from marketplace.workdays.models import DayState, OwnDay

DAY = timedelta(days=1)
STEP = "case_step"
"""The clock of a step; after a pause its beginning is moved on by the pause."""
STOP, RUN_ON = "case:stop", "case:run_on"
SET_ANEW = ("case:again", "visit:not_met")
"""Acts that give a whole new limit, whatever was used of the former one."""
Later = Callable[[str, date], date]
Counted = Callable[[str, datetime | None], bool]
"""District and the moment at which a limit was set (None: the day is none of its days) ► whether it counted the day as
one on which offices work."""
Acts = dict[str, list[tuple[str, datetime]]]
TOLD: tuple[Any, ...] = (RightRequest, SourceDispute, Appeal)
"""What carries the end of its clock itself."""
_ASKED = 500


def close(session: Session, row: OwnDay, /, *, before: Own) -> int:
    """Everything that runs over the day; how much was moved."""
    later, counted = cache(partial(_later, row=row, before=before)), _counted(session, row)
    begins = end_of_day(row.day - DAY)
    steps = _steps(session, row, begins, later, counted)
    moved = len(steps) + _items(session, row, begins, later, counted) + _visits(session, row, begins, later, counted)
    moved += _clocks(session, row, begins, later, counted, refs=steps, before=before)
    moved += 0 if row.district_code else _orders(session, begins, later, counted)
    stood(session, row, before=before)
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


def _counted(session: Session, row: OwnDay) -> Counted:
    """Where an own word says that offices work on the day, it was closed until that word: by the calendar, or by an
    earlier word. What was set before it never counted the day, or was moved when it closed for the first time."""
    asked = select(OwnDay).where(OwnDay.state == DayState.ACTIVE, OwnDay.day == row.day, col(OwnDay.works))
    since = {one.district_code: one.decided_at for one in session.exec(asked)}

    def counted(district: str, set_at: datetime | None) -> bool:
        opened = since.get(district, since.get(""))
        return set_at is not None and (opened is None or set_at >= opened)

    return counted


def _acts(session: Session, refs: Sequence[str]) -> Acts:
    """What happened to the limits of these items and visits since they began, in order."""
    found: Acts = {}
    for some in chunks(sorted(set(refs)), _ASKED):
        asked = select(audit.AuditRow.object_ref, audit.AuditRow.action, audit.AuditRow.at)
        asked = asked.where(col(audit.AuditRow.object_ref).in_(some))
        asked = asked.where(col(audit.AuditRow.action).in_((STOP, RUN_ON, *SET_ANEW)))
        for ref, act, at in session.exec(asked.order_by(col(audit.AuditRow.seq))):
            found.setdefault(ref, []).append((act, datetime.fromisoformat(at)))
    return found


def set_at(begun: datetime, acts: Sequence[tuple[str, datetime]], /, *, day: date) -> datetime | None:
    """When the limit was set that runs, or ran, over this day; None where the day is none of its days: the clock stood,
    or a new limit began on it or later. The day of a stop counts, that on which a clock begins or runs on does not."""
    at, stopped = begun, None
    for act, moment in acts:
        here = local_day(moment)
        if moment < begun:
            continue
        if act == STOP:
            stopped = here
        elif act == RUN_ON and stopped is not None and stopped < day <= here:
            return None
        elif act in SET_ANEW or here < day:
            at = moment
    return at if local_day(at) < day else None


def stood(session: Session, row: OwnDay, /, *, before: Own) -> None:
    """A day over which a clock stood is taken off the days that the offices had the item as long as it is a working
    day: one that closes is taken off no more, and one that turns out to be one, from now on."""
    asked = select(CaseStep, CaseItem.district_code).join(CaseItem, col(CaseItem.id) == col(CaseStep.item_id))
    asked = asked.where(CaseItem.stops > 0, col(CaseItem.state).in_(OPEN), *_of(row, CaseItem.district_code))
    rows = session.exec(asked.where(CaseStep.started_at < end_of_day(row.day))).all()
    acts = _acts(session, [step.item_id for step, _district in rows])
    change = cache(partial(_change, row=row, before=before))
    for step, district in rows:
        if _had_stood(step, acts.get(step.item_id, ()), day=row.day):
            step.stopped_days += change(district)
    flush(session)


def _had_stood(step: CaseStep, acts: Sequence[tuple[str, datetime]], *, day: date) -> bool:
    """Whether the clock of this step stood over the day and runs again; one that stands still is counted later."""
    stopped = None
    for act, moment in acts:
        if moment < step.started_at or (step.ended_at is not None and moment > step.ended_at):
            continue
        if act == STOP:
            stopped = local_day(moment)
        elif act == RUN_ON and stopped is not None and stopped < day <= local_day(moment):
            return True
    return False


def _change(district: str, *, row: OwnDay, before: Own) -> int:
    """A working day more (1), less (-1), or as many as before, by this word for these offices."""
    with calendar.own_days(lambda: before):
        worked = calendar.is_working_day(row.day, district=district)
    with calendar.own_days(lambda: {**before, (row.district_code, row.day): row.works}):
        return calendar.is_working_day(row.day, district=district) - worked


def _of(row: OwnDay, column: Any) -> list[Any]:
    """The rows whose offices closed; a district that said otherwise for the day is left out by `_later`."""
    return [column == row.district_code] if row.district_code else []


def _moved(due: datetime, district: str, later: Later) -> datetime:
    return end_of_day(later(district, last_day(due)))


def _steps(session: Session, row: OwnDay, begins: datetime, later: Later, counted: Counted) -> dict[str, datetime]:
    """The steps; clock reference ► the new end."""
    asked = select(CaseStep, CaseItem.district_code).join(CaseItem, col(CaseItem.id) == col(CaseStep.item_id))
    asked = asked.where(CaseStep.unit == Unit.WORKING, col(CaseStep.ended_at).is_(None))
    asked = asked.where(CaseStep.due_at > begins, CaseStep.started_at < begins, *_of(row, CaseItem.district_code))
    found, rows = {}, session.exec(asked).all()
    acts = _acts(session, [step.item_id for step, _district in rows])
    for step, district in rows:
        due = _moved(step.due_at, district, later)
        since = set_at(step.started_at, acts.get(step.item_id, ()), day=row.day)
        if due > step.due_at and counted(district, since):
            if step.stopped_at is not None and step.left_days is not None and local_day(step.stopped_at) >= row.day:
                step.left_days += 1  # the day was counted before the clock stopped
            step.due_at = found[f"item:{step.item_id}"] = due
    return found


def _items(session: Session, row: OwnDay, begins: datetime, later: Later, counted: Counted) -> int:
    asked = select(CaseItem).where(col(CaseItem.state).in_((ItemState.RUNNING, ItemState.STOPPED)))
    asked = asked.where(CaseItem.path != FAST, col(CaseItem.due_at) > begins, col(CaseItem.started_at) < begins)
    items = session.exec(asked.where(*_of(row, CaseItem.district_code))).all()
    acts = _acts(session, [item.id for item in items])
    begun = {item.id: set_at(item.started_at or begins, acts.get(item.id, ()), day=row.day) for item in items}
    return _put([item for item in items if counted(item.district_code, begun[item.id])], later)


def _put(rows: Sequence[Any], later: Later, *, district: str | None = None) -> int:
    """A new end for each row that has one; how many."""
    moved = 0
    for row in rows:
        due = _moved(row.due_at, row.district_code if district is None else district, later)
        moved += due > row.due_at
        row.due_at = due
    return moved


def _visits(session: Session, row: OwnDay, begins: datetime, later: Later, counted: Counted) -> int:
    asked = select(HomeVisit).where(HomeVisit.state == VisitState.OPEN, HomeVisit.asked_at < begins)
    moved, visits = 0, session.exec(asked.where(HomeVisit.due_on > row.day, *_of(row, HomeVisit.district_code))).all()
    acts = _acts(session, [visit.id for visit in visits if visit.tries])
    for visit in visits:
        if not counted(visit.district_code, set_at(visit.asked_at, acts.get(visit.id, ()), day=row.day)):
            continue
        due = later(visit.district_code, visit.due_on - DAY) + DAY
        moved += due > visit.due_on
        visit.due_on = due
    return moved


def _orders(session: Session, begins: datetime, later: Later, counted: Counted) -> int:
    asked = select(DeletionOrder).where(col(DeletionOrder.attested_at).is_(None), DeletionOrder.due_at > begins)
    orders = session.exec(asked.where(DeletionOrder.ordered_at < begins)).all()
    return _put([order for order in orders if counted("", order.ordered_at)], later, district="")


def _clocks(
    session: Session,
    row: OwnDay,
    begins: datetime,
    later: Later,
    counted: Counted,
    *,
    refs: dict[str, datetime],
    before: Own,
) -> int:
    """The clock of a step ends with the step; any other one moves if its end was counted in working days."""
    asked = select(Clock).where(col(Clock.ended_at).is_(None), Clock.due_at > begins)
    asked = asked.where((col(Clock.started_at) < begins) | (col(Clock.step) == STEP))
    ends = []
    for clock in session.exec(asked.where(*_of(row, Clock.district_code))):
        if clock.step == STEP:
            due = refs.get(clock.object_ref, clock.due_at)
        elif counted(clock.district_code, clock.started_at) and _is_counted(clock, before):
            due = _moved(clock.due_at, clock.district_code, later)
        else:
            due = clock.due_at
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
