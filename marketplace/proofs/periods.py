"""The periods a project is reported for, and by when (R1.23): each three months, and the whole once it has ended; while
it answers an emergency, each five days besides, at most until it ends.

Enters: a project's first and last day. Leaves: its periods with the day by which each report is due: a three-monthly
or five-day one on the day after its period, the final one three months after the end. Pure dates; called by the
projects' service.
"""

from __future__ import annotations

import calendar
from dataclasses import dataclass
from datetime import date, timedelta

from marketplace.proofs.models import Project, ProjectReportKind

STEP = 3
EMERGENCY_STEP = timedelta(days=5)
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Period:
    """From the first to the last day, both included; the report is due by `due_on`."""

    kind: ProjectReportKind
    from_on: date
    to_on: date
    due_on: date


def add_months(day: date, months: int, /) -> date:
    """The same day so many months later; the last of the month where there is no such day.

    >>> add_months(date(2026, 11, 30), 3)
    datetime.date(2027, 2, 28)
    """
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def periods_of(project: Project, /, *, today: date) -> list[Period]:
    """Every period that has begun, in the order in which they are due; after the end comes the final one."""
    return sorted(
        [*_regular(project, today=today), *_emergency(project, today=today)],
        key=lambda period: (period.due_on, period.kind is ProjectReportKind.FINAL, period.from_on),
    )


def _emergency(project: Project, *, today: date) -> list[Period]:
    found: list[Period] = []
    start = project.emergency_from_on
    last = min((day for day in (project.emergency_to_on, project.ends_on) if day is not None), default=None)
    while start is not None and start <= today and (last is None or start <= last):
        until = start + EMERGENCY_STEP - DAY if last is None else min(start + EMERGENCY_STEP - DAY, last)
        found.append(Period(ProjectReportKind.EMERGENCY, start, until, until + DAY))
        start = until + DAY
    return found


def _regular(project: Project, *, today: date) -> list[Period]:
    found, number, last = [], 0, project.ends_on
    while True:
        start, after = add_months(project.starts_on, STEP * number), add_months(project.starts_on, STEP * (number + 1))
        if start > today or (last is not None and start > last):
            break
        until = after - DAY if last is None else min(after - DAY, last)
        found.append(Period(ProjectReportKind.QUARTER, start, until, until + DAY))
        number += 1
    if last is not None and today > last:
        found.append(Period(ProjectReportKind.FINAL, project.starts_on, last, add_months(last, STEP)))
    return found
