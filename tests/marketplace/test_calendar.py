"""Working days in China: the 2026 holidays are facts of the State Council's notice; 2027 is not announced yet."""

from datetime import UTC, date, datetime

import pytest

from marketplace import calendar


@pytest.mark.parametrize(
    ("day", "works"),
    [
        (date(2026, 11, 25), True),  # a Wednesday
        (date(2026, 11, 28), False),  # a Saturday
        (date(2026, 10, 1), False),  # National Day, a Thursday
        (date(2026, 10, 10), True),  # a Saturday made up for it
    ],
)
def test_holidays_and_made_up_workdays_are_known(day: date, works: bool) -> None:
    assert calendar.is_working_day(day) is works


def test_a_year_that_is_not_announced_counts_monday_to_friday() -> None:
    assert not calendar.is_announced(2030)
    assert [calendar.is_working_day(date(2030, 1, day)) for day in (4, 5, 6, 7)] == [True, False, False, True]


def test_five_working_days_reach_over_the_weekend_to_the_end_of_a_day_in_china() -> None:
    # Monday 23 November + 5 working days: 24, 25, 26, 27, 30; the limit is over at midnight in China, 16:00 UTC.
    start = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
    assert calendar.after_working_days(start, 5) == datetime(2026, 11, 30, 16, 0, tzinfo=UTC)


@pytest.mark.threat("T36")
def test_late_in_the_evening_of_utc_it_is_the_next_day_in_china() -> None:
    start = datetime(2026, 11, 23, 20, 0, tzinfo=UTC)  # 24 November, 04:00 in China
    assert calendar.after_working_days(start, 1) == datetime(2026, 11, 25, 16, 0, tzinfo=UTC)


def test_the_days_between_are_those_that_the_limit_counted() -> None:
    assert calendar.working_days_between(date(2026, 9, 30), date(2026, 10, 10)) == 3  # 8, 9 and made-up 10 October


def test_a_limit_of_no_days_is_refused() -> None:
    with pytest.raises(ValueError, match="give 1 or more"):
        calendar.after_working_days(datetime(2026, 11, 23, tzinfo=UTC), 0)
