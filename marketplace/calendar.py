"""China's working days: which days count, and when a limit given in working days ends.

Enters: a local day or an aware UTC time, and a district where it matters. Leaves: whether it is a working day, and the
moment at which so many working days have passed. What the city or a district itself decreed goes first: the edge says
where that is read (`own_days`). Public holidays and made-up workdays come from the `chinesecalendar` package; for a
year that the State Council has not announced yet, Monday to Friday count. Called by every room with a limit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import chinese_calendar

HERE = ZoneInfo("Asia/Shanghai")
Own = Mapping[tuple[str, date], bool]
"""District (empty: the whole city) and day ► whether its offices work on it."""
_own: ContextVar[Callable[[], Own]] = ContextVar("own_days", default=dict)


def utc_now() -> datetime:
    """The product's clock: pages, commands and the worker ask it at their edge and hand the moment on."""
    return datetime.now(UTC)


def read_own_days(load: Callable[[], Own], /) -> None:
    """From here on the days of the city's own come from there; they are read once, when the first day is asked for."""
    _own.set(cache(load))


@contextmanager
def own_days(load: Callable[[], Own], /) -> Iterator[None]:
    """The same for a while: a round of the worker, a command, a test."""
    token = _own.set(cache(load))
    try:
        yield
    finally:
        _own.reset(token)


def is_working_day(day: date, /, *, district: str = "") -> bool:
    """Whether offices work on this day: as the district says, else the city, else the State Council; a made-up workday
    on a Saturday counts, a holiday on a Monday does not."""
    own = _own.get()()
    if own and ((district, day) in own or ("", day) in own):
        return own.get((district, day), own.get(("", day), False))
    return _announced(day)


@cache
def _announced(day: date) -> bool:
    try:
        return bool(chinese_calendar.is_workday(day))
    except NotImplementedError:
        return day.weekday() < 5


def is_announced(year: int, /) -> bool:
    """Whether the holidays of this year are known."""
    try:
        chinese_calendar.is_workday(date(year, 1, 1))
    except NotImplementedError:
        return False
    return True


def local_day(moment: datetime, /) -> date:
    """The calendar day in China of an aware time."""
    return moment.astimezone(HERE).date()


def after_working_days(moment: datetime, days: int, /, *, district: str = "") -> datetime:
    """The end of the `days`-th working day after the day of `moment`; the day itself does not count.

    Raises
    ------
    ValueError
        `days` is below 1.
    """
    return _midnight(_stepped(local_day(moment), days, way=1, district=district) + timedelta(days=1))


def before_working_days(moment: datetime, days: int, /) -> datetime:
    """Since when something must have waited for `days` working days to have passed: whatever began before this moment
    is at or past its limit by `after_working_days`.

    Raises
    ------
    ValueError
        `days` is below 1.
    """
    return _midnight(_stepped(local_day(moment), days, way=-1))


def _stepped(day: date, days: int, *, way: int, district: str = "") -> date:
    """The day that lies so many working days ahead (`way` 1) or back (-1)."""
    if days < 1:
        raise ValueError(f"a limit of {days} working days is none: give 1 or more")
    while days:
        day += timedelta(days=way)
        days -= is_working_day(day, district=district)
    return day


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(0), HERE).astimezone(UTC)


def end_of_day(day: date, /) -> datetime:
    """The first moment after a local day."""
    return _midnight(day + timedelta(days=1))


def after_last(last: date, /) -> date:
    """The day on which a window ends whose last day people name; a day that has none after it stands for no end."""
    return last if last == date.max else last + timedelta(days=1)


def last_before(end: date, /) -> date:
    """The last day of a window, as people name it."""
    return end - timedelta(days=1)


def working_days_between(start: date, end: date, /, *, district: str = "") -> int:
    """How many working days lie after `start`, up to and with `end`."""
    days = (start + timedelta(days=n) for n in range(1, (end - start).days + 1))
    return sum(is_working_day(day, district=district) for day in days)
