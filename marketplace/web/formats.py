"""Values as people read them: money, days, counts, masked identities. Template filters, and plain functions.

Money comes in whole fen; times come in aware UTC and are shown in Chongqing's time. The words follow the
language of the request.
"""

from collections.abc import Callable
from datetime import date, datetime
from functools import wraps
from math import ceil
from typing import Any

from babel.numbers import format_decimal
from flask import Flask
from flask_babel import get_locale, ngettext
from flask_babel import gettext as _
from jinja2 import pass_context
from jinja2.runtime import Context

from marketplace import calendar

WEEKDAYS_ZH = "一二三四五六日"
WEEKDAYS_EN = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
FULL_MONTHS_EN = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
MONTHS_EN = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
NOTHING = "—"
YUAN_BANDS = (0, 50_000, 100_000, 200_000, 500_000, 1_000_000, 2_000_000, 5_000_000)


def install(app: Flask) -> None:
    """Register every function of this module that a template may use as a filter."""
    shown: dict[str, Callable[..., str]] = {
        "yuan": yuan,
        "yuan_band": yuan_band,
        "count": count,
        "percent": percent,
        "gap": gap,
        "day": day,
        "month": month,
        "moment": moment,
        "days_left": days_left,
        "masked_name": masked_name,
        "masked_phone": masked_phone,
        "masked_id": masked_id,
    }
    for name, function in shown.items():
        app.jinja_env.filters[name] = anew(function)
    app.jinja_env.filters["last_before"] = last_before


def anew(function: Callable[..., str]) -> Callable[..., str]:
    """The function as a filter that is asked at every reading. A filter on a constant, such as `"pin"|word("kind")`,
    would else be worked out once, when the template is compiled, and keep the first reader's language."""

    @pass_context
    @wraps(function)
    def asked(_context: Context, *values: Any, **named: Any) -> str:
        return function(*values, **named)

    return asked


def yuan(fen: int | None) -> str:
    """Whole fen as yuan; the decimals appear only where there are any.

    >>> yuan(123450), yuan(120000), yuan(None)
    ('¥1,234.50', '¥1,200', '—')
    """
    if fen is None:
        return NOTHING
    sign, (whole, rest) = "-" if fen < 0 else "", divmod(abs(fen), 100)
    return f"{sign}¥{whole:,}" + (f".{rest:02d}" if rest else "")


def yuan_band(fen: int | None) -> str:
    """The band an amount falls into, for base cards that must not show the amount itself.

    >>> yuan_band(123450), yuan_band(9_000_000)
    ('¥1,000–2,000', '¥50,000+')
    """
    if fen is None:
        return NOTHING
    low = max(edge for edge in YUAN_BANDS if edge <= max(fen, 0))
    higher = [edge for edge in YUAN_BANDS if edge > low]
    return f"{yuan(low)}–{higher[0] // 100:,}" if higher else f"{yuan(low)}+"


def count(number: int | float | None) -> str:
    """A number with thousands separated."""
    return NOTHING if number is None else str(format_decimal(number, locale=get_locale() or "en"))


def percent(share: float | None) -> str:
    """A share between 0 and 1 with one decimal.

    >>> percent(0.4567)
    '45.7%'
    """
    return NOTHING if share is None else f"{share * 100:.1f}%"


def gap(share: float | None) -> str:
    """The share of a score that may be missing, with three decimals, never rounded down: only a proven best has none.

    >>> gap(0.0004), gap(1e-9), gap(0.123), gap(0.0)
    ('0.040%', '0.001%', '12.300%', '0%')
    """
    if share is None:
        return NOTHING
    return f"{max(1, ceil(round(share * 100_000, 6))) / 1000:.3f}%" if share > 0 else "0%"


def day(value: date | datetime | None, *, today: date | None = None) -> str:
    """A date with its weekday: 11月23日 周一, Mon 23 Nov; the year only when it is another one."""
    return NOTHING if value is None else day_in(value, language=str(get_locale() or "zh_Hans"), today=today)


def day_in(value: date | datetime, *, language: str, today: date | None = None) -> str:
    """The same in a language of the caller's, for letters that are written outside a request."""
    on = local_day(value)
    other_year = on.year != (today or local_day(calendar.utc_now())).year
    if language.startswith("zh"):
        year = f"{on.year}年" if other_year else ""
        return f"{year}{on.month}月{on.day}日 周{WEEKDAYS_ZH[on.weekday()]}"
    return f"{WEEKDAYS_EN[on.weekday()]} {on.day} {MONTHS_EN[on.month - 1]}" + (f" {on.year}" if other_year else "")


def moment(value: datetime | None, *, today: date | None = None) -> str:
    """A date with its weekday and the time of day."""
    if value is None:
        return NOTHING
    return f"{day(value, today=today)} {value.astimezone(calendar.HERE):%H:%M}"


def month(value: str) -> str:
    """A month that is kept as 2026-11, or a year as 2026, as people write it: 2026年11月, November 2026."""
    return month_in(value, language=str(get_locale() or "zh_Hans"))


def month_in(value: str, *, language: str) -> str:
    """The same in a language of the caller's.

    >>> month_in("2026-03", language="zh_Hans"), month_in("2026-11", language="en")
    ('2026年3月', 'November 2026')
    >>> month_in("2026", language="zh_Hans"), month_in("2026", language="en")
    ('2026年', '2026')
    """
    year, _dash, number = value.partition("-")
    if not number:
        return f"{year}年" if language.startswith("zh") else year
    if language.startswith("zh"):
        return f"{year}年{int(number)}月"
    return f"{FULL_MONTHS_EN[int(number) - 1]} {year}"


def last_before(end: date | None) -> date | None:
    """The last day of a window that is kept with the day after it; people are shown no other."""
    return end and calendar.last_before(end)


def days_left(value: date | None, *, today: date) -> str:
    """How far a deadline is, in words."""
    if value is None:
        return NOTHING
    left = (value - today).days
    if left < 0:
        return str(ngettext("%(num)d day late", "%(num)d days late", -left))
    return str(_("today") if left == 0 else ngettext("%(num)d day left", "%(num)d days left", left))


def local_day(value: date | datetime) -> date:
    """The calendar day in Chongqing."""
    return calendar.local_day(value) if isinstance(value, datetime) else value


def masked_name(name: str) -> str:
    """First and, for three characters or more, last character of a name.

    >>> masked_name("张晓三"), masked_name("李四"), masked_name("")
    ('张*三', '李*', '—')
    """
    if len(name) < 2:
        return name or NOTHING
    return name[0] + "*" * (len(name) - 2) + name[-1] if len(name) > 2 else name[0] + "*"


def masked_phone(phone: str) -> str:
    """First three and last four digits of a phone number.

    >>> masked_phone("13800001234")
    '138****1234'
    """
    return phone[:3] + "*" * (len(phone) - 7) + phone[-4:] if len(phone) > 7 else "*" * len(phone)


def masked_id(number: str) -> str:
    """First four and last two characters of an identity number.

    >>> masked_id("509901199001010018")
    '5099************18'
    """
    return number[:4] + "*" * (len(number) - 6) + number[-2:] if len(number) > 6 else "*" * len(number)
