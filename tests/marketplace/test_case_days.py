"""Clocks of steps: never run while stopped, never jump, and agree with days counted by hand or by an oracle."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, time, timedelta
from functools import cache

import chinese_calendar
import pytest

from marketplace.calendar import HERE
from marketplace.cases import days
from marketplace.cases.models import Unit

DAY = timedelta(days=1)


def at(day: date, hour: int = 10) -> datetime:
    return datetime.combine(day, time(hour), HERE).astimezone(UTC)


def counts(day: date, unit: Unit) -> bool:
    return unit is Unit.CALENDAR or works(day)


@cache
def works(day: date) -> bool:
    return bool(chinese_calendar.is_workday(day)) if day.year <= 2026 else day.weekday() < 5


def oracle(start: date, limit: int, stops: list[tuple[date, date]], unit: Unit) -> date:
    """The last day, by walking day after day with a purse of days: the day of a start and the days from after a stop up
    to and with the day it runs on cost nothing; an empty purse on the day of a stop holds until
    the day it runs on or, where that one does not count, gets one day."""
    day, purse, pauses = start, limit, list(stops)
    while True:
        if pauses and day == pauses[0][0]:
            _stop, day = pauses.pop(0)
            if purse == 0 and not counts(day, unit):
                purse = 1
            continue
        if purse == 0 and not (pauses and pauses[0][0] == day):
            return day
        day += DAY
        purse -= counts(day, unit)


def played(start: date, limit: int, stops: list[tuple[date, date]], unit: Unit) -> date:
    due = days.due_after(at(start), limit, unit=unit)
    for stop, back in stops:
        due = days.due_with(at(back), days.left_at(at(stop), due, unit=unit), unit=unit)
    return days.last_day(due)


@pytest.mark.parametrize(
    ("start", "limit", "unit", "stops", "last"),
    [
        # Mon 23 Nov 2026 + 1..10 working days; weekends 28/29 Nov and 5/6 Dec do not count
        ("2026-11-23", 1, "working_day", [], "2026-11-24"),
        ("2026-11-23", 5, "working_day", [], "2026-11-30"),
        ("2026-11-23", 10, "working_day", [], "2026-12-07"),
        ("2026-11-27", 1, "working_day", [], "2026-11-30"),
        ("2026-11-28", 1, "working_day", [], "2026-11-30"),
        ("2026-11-29", 2, "working_day", [], "2026-12-01"),
        # National Day 2026: 1-7 Oct off, Sat 10 Oct made up
        ("2026-09-30", 1, "working_day", [], "2026-10-08"),
        ("2026-09-30", 3, "working_day", [], "2026-10-10"),
        ("2026-10-09", 1, "working_day", [], "2026-10-10"),
        ("2026-10-09", 2, "working_day", [], "2026-10-12"),
        # National Day 2025: 1-8 Oct off, Sat 11 Oct made up, Sun 28 Sep made up
        ("2025-09-26", 1, "working_day", [], "2025-09-28"),
        ("2025-09-30", 1, "working_day", [], "2025-10-09"),
        ("2025-09-30", 3, "working_day", [], "2025-10-11"),
        # Spring Festival 2025: 28 Jan-4 Feb off, Sun 26 Jan and Sat 8 Feb made up
        ("2025-01-24", 1, "working_day", [], "2025-01-26"),
        ("2025-01-27", 1, "working_day", [], "2025-02-05"),
        ("2025-01-27", 4, "working_day", [], "2025-02-08"),
        # calendar days count everything
        ("2026-09-30", 7, "calendar_day", [], "2026-10-07"),
        ("2026-11-23", 3, "calendar_day", [], "2026-11-26"),
        ("2026-12-28", 7, "calendar_day", [], "2027-01-04"),
        ("2028-02-26", 3, "calendar_day", [], "2028-02-29"),
        # the end of the month after
        ("2026-11-23", 1, "next_month", [], "2026-12-31"),
        ("2026-12-31", 1, "next_month", [], "2027-01-31"),
        ("2027-01-31", 1, "next_month", [], "2027-02-28"),
        # stopped Tue 24 after 1 of 10 days, runs on Thu 3 Dec with 9: 4 Dec, 7-11, 14-16
        ("2026-11-23", 10, "working_day", [("2026-11-24", "2026-12-03")], "2026-12-16"),
        # stopped and back on the same day: nothing changes
        ("2026-11-23", 10, "working_day", [("2026-11-24", "2026-11-24")], "2026-12-07"),
        # stopped on its last day, back on a Saturday: the Monday after
        ("2026-11-23", 1, "working_day", [("2026-11-24", "2026-11-28")], "2026-11-30"),
        # stopped on the day it began: all days are left
        ("2026-11-23", 3, "working_day", [("2026-11-23", "2026-11-30")], "2026-12-03"),
        # stopped over the holiday: 2 of 3 left, runs on 12 Oct
        ("2026-09-29", 3, "working_day", [("2026-09-30", "2026-10-12")], "2026-10-14"),
        # two stops: 5 days, 1 used, back Fri 27, 1 more used (Mon 30), back Wed 2 Dec, 3 left
        ("2026-11-23", 5, "working_day", [("2026-11-24", "2026-11-27"), ("2026-11-30", "2026-12-02")], "2026-12-07"),
        # calendar: 7 days, 2 used, back on 1 Dec with 5
        ("2026-11-23", 7, "calendar_day", [("2026-11-25", "2026-12-01")], "2026-12-06"),
    ],
)
def test_dated_cases_worked_by_hand(start: str, limit: int, unit: str, stops: list[tuple[str, str]], last: str) -> None:
    pauses = [(date.fromisoformat(one), date.fromisoformat(two)) for one, two in stops]
    assert played(date.fromisoformat(start), limit, pauses, Unit(unit)) == date.fromisoformat(last)


def test_ten_thousand_random_histories_agree_with_the_oracle_and_never_jump() -> None:
    pick = random.Random(7)
    for _turn in range(10_000):
        unit = pick.choice([Unit.WORKING, Unit.CALENDAR])
        start, limit = date(2025, 1, 1) + pick.randrange(600) * DAY, pick.randint(1, 25)
        stops: list[tuple[date, date]] = []
        now, due = start, days.due_after(at(start), limit, unit=unit)
        for _stop in range(pick.randint(0, 4)):
            last = days.last_day(due)
            if now >= last:
                break
            stop = now + pick.randint(0, (last - now).days) * DAY
            now = stop + pick.randint(0, 20) * DAY
            stops.append((stop, now))
            left = days.left_at(at(stop), due, unit=unit)
            due = days.due_with(at(now), left, unit=unit)
            moved = days.last_day(due)
            assert moved >= last, "a clock never loses days by standing still"
            assert moved >= now or stop == now, "and is not late because it stood still"
            if left:
                assert days.left_at(at(now), due, unit=unit) == left, "nor did it run while it stood"
        assert days.last_day(due) == oracle(start, limit, stops, unit), (start, limit, stops, unit)


@pytest.mark.parametrize("unit", [Unit.WORKING, Unit.CALENDAR])
def test_what_was_late_when_it_was_stopped_is_as_late_when_it_runs_on(unit: Unit) -> None:
    due = days.due_after(at(date(2026, 11, 2)), 3, unit=unit)
    left = days.left_at(at(date(2026, 11, 13)), due, unit=unit)
    assert left < 0
    again = days.due_with(at(date(2026, 11, 27)), left, unit=unit)
    assert days.left_at(at(date(2026, 11, 27)), again, unit=unit) == left
