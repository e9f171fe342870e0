"""A month or a year in China's time, and its borders as UTC moments. Called by the reports' service, sources and pages.

Enters: what a person typed, or a moment. Leaves: a `Period`: a `Month`, or a `Year` for the report that a giver owes
once a year (Charity Law, articles 49 and 78).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time

from marketplace.calendar import HERE, local_day
from marketplace.errors import BadInput

FIRST = date(2020, 1, 1)


@dataclass(frozen=True, slots=True, order=True)
class Month:
    """One calendar month; `text` is how it is written in addresses and files.

    >>> Month(2026, 11).text
    '2026-11'
    >>> Month(2026, 12).next.text
    '2027-01'
    >>> Month(2026, 11).starts.isoformat()
    '2026-10-31T16:00:00+00:00'
    """

    year: int
    number: int

    @property
    def text(self) -> str:
        return f"{self.year:04}-{self.number:02}"

    @property
    def next(self) -> Month:
        return Month(self.year + self.number // 12, self.number % 12 + 1)

    @property
    def before(self) -> Month:
        return Month(self.year - (self.number == 1), (self.number - 2) % 12 + 1)

    @property
    def first_day(self) -> date:
        return date(self.year, self.number, 1)

    @property
    def starts(self) -> datetime:
        """Midnight in China at which the month begins."""
        return datetime.combine(self.first_day, time(0), HERE).astimezone(UTC)

    @property
    def ends(self) -> datetime:
        """Midnight in China at which the next month begins."""
        return self.next.starts


@dataclass(frozen=True, slots=True, order=True)
class Year:
    """One calendar year; `text` is how it is written in addresses and files.

    >>> Year(2026).text, Year(2026).starts.isoformat()
    ('2026', '2025-12-31T16:00:00+00:00')
    """

    year: int

    @property
    def text(self) -> str:
        return f"{self.year:04}"

    @property
    def next(self) -> Year:
        return Year(self.year + 1)

    @property
    def first_day(self) -> date:
        return date(self.year, 1, 1)

    @property
    def starts(self) -> datetime:
        """Midnight in China at which the year begins."""
        return Month(self.year, 1).starts

    @property
    def ends(self) -> datetime:
        """Midnight in China at which the next year begins."""
        return self.next.starts


Period = Month | Year


def month_of(moment: datetime, /) -> Month:
    """The month in China of an aware time."""
    day = local_day(moment)
    return Month(day.year, day.month)


def read_month(text: str, /, *, now: datetime) -> Month:
    """A month written as 2026-11, up to the present one.

    Raises
    ------
    BadInput
        `month_form` if it is not written so, `month_ahead` if it has not begun.
    """
    year, _, number = text.partition("-")
    if not (year.isascii() and year.isdigit() and len(year) == 4 and number.isascii() and number.isdigit()):
        raise BadInput("month_form", field="month")
    if not 1 <= int(number) <= 12 or int(year) < FIRST.year:
        raise BadInput("month_form", field="month")
    month = Month(int(year), int(number))
    if month > month_of(now):
        raise BadInput("month_ahead", field="month")
    return month


def read_period(text: str, /, *, now: datetime) -> Period:
    """A year written as 2026, up to the present one; else a month, as `read_month` has it."""
    if not (text.isascii() and text.isdigit() and len(text) == 4):
        return read_month(text, now=now)
    if int(text) < FIRST.year:
        raise BadInput("month_form", field="month")
    if int(text) > month_of(now).year:
        raise BadInput("month_ahead", field="month")
    return Year(int(text))
