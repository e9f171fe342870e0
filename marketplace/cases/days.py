"""When a step's limit ends, and how a stopped clock runs on: arithmetic on local days, nothing else.

Enters: days, limits, their unit, and the district whose offices count their days. Leaves: the moment after the last
day. The day on which a clock starts, or starts again, does not count; the day on which it is
stopped does. A step that was late when it was stopped is as late when it runs on; one that was stopped on its last day
has the first working day from then on. Called by `steps`.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

from marketplace.calendar import HERE, after_working_days, is_working_day, local_day, working_days_between
from marketplace.cases.models import Unit

DAY = timedelta(days=1)


def due_after(moment: datetime, limit: int, /, *, unit: Unit, district: str = "") -> datetime:
    """The end of the limit that begins at this moment."""
    if unit is Unit.WORKING:
        return after_working_days(moment, limit, district=district)
    day = local_day(moment)
    return _end_of(_end_of_month(day, limit) if unit is Unit.NEXT_MONTH else day + limit * DAY)


def left_at(moment: datetime, due: datetime, /, *, unit: Unit, district: str = "") -> int:
    """Days left after the day of this moment; below 0 as many as it is late."""
    today, last = local_day(moment), last_day(due)
    if unit is not Unit.WORKING:
        return (last - today).days
    if last >= today:
        return working_days_between(today, last, district=district)
    return -working_days_between(last, today, district=district)


def due_with(moment: datetime, left: int, /, *, unit: Unit, district: str = "") -> datetime:
    """The end of a limit of which so many days were left when it was stopped, and that runs on from this moment."""
    day = local_day(moment)
    if unit is not Unit.WORKING:
        return _end_of(day + left * DAY)
    if left > 0:
        return after_working_days(moment, left, district=district)
    if left == 0:
        while not is_working_day(day, district=district):
            day += DAY
        return _end_of(day)
    return _end_of(_back(day, -left, district=district))


def last_day(due: datetime, /) -> date:
    """The last day of a limit; the limit itself is the midnight after it."""
    return local_day(due - timedelta(seconds=1))


def _back(day: date, late: int, *, district: str) -> date:
    """The last day that lies so many working days before this one."""
    while late:
        late -= is_working_day(day, district=district)
        day -= DAY
    return day


def _end_of(day: date) -> datetime:
    return datetime.combine(day + DAY, time(0), HERE).astimezone(UTC)


def _end_of_month(day: date, ahead: int) -> date:
    months = day.year * 12 + day.month - 1 + ahead + 1
    return date(months // 12, months % 12 + 1, 1) - DAY
