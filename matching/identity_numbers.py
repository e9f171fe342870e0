"""Numbers and dates as forms and lists write them: ID numbers, telephones, birth dates, sex.

What enters: one cell. What leaves: its one form, or nothing where it says nothing. Called by `identity_records`. An ID
number is evidence whatever its shape; only eighteen characters with a right check character are called valid.
"""

from __future__ import annotations

import re
from datetime import date

_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECKS = "10X98765432"
_EIGHTEEN = re.compile(r"\d{17}[\dX]")
_MONTH_NAMES = "janfebmaraprmayjunjulaugsepoctnovdec"
_MONTHS = {_MONTH_NAMES[at : at + 3]: at // 3 + 1 for at in range(0, 36, 3)}
_SEXES = {
    **dict.fromkeys(["m", "male", "man", "boy", "男", "男性", "男士", "先生", "1", "mr"], "M"),
    **dict.fromkeys(["f", "female", "woman", "girl", "w", "女", "女性", "女士", "2", "ms", "mrs", "miss", "小姐"], "F"),
}


def _check(first: str) -> str:
    return _CHECKS[sum(int(digit) * weight for digit, weight in zip(first, _WEIGHTS, strict=True)) % 11]


def is_valid(number: str) -> bool:
    """Whether it is a citizen's number of eighteen characters with a real date and a right check character.

    >>> is_valid("11010519491231002X"), is_valid("110105194912310021"), is_valid("7364009")
    (True, False, False)
    """
    if not _EIGHTEEN.fullmatch(number) or _check(number[:17]) != number[17]:
        return False
    return len(digits_of_date(number[6:14])) == 8


def id_number(text: str) -> str:
    """Letters and digits only; the fifteen digits of old become eighteen; fillers such as 000000 are nothing.

    >>> id_number("110105 491231 002"), id_number("0000000"), id_number("6 988-048")
    ('11010519491231002X', '', '6988048')
    """
    number = "".join(mark for mark in text.upper() if mark.isalnum() or mark == "*")
    number = re.sub(r"\.0$", "", number)
    if len(set(number)) <= 1 or "*" in number or number in ("123456", "1234567", "12345678", "123456789"):
        return ""
    if len(number) == 15 and number.isdecimal() and len(digits_of_date("19" + number[6:12])) == 8:
        first = number[:6] + "19" + number[6:]
        return first + _check(first)
    return number


def born_by(number: str) -> tuple[str, str]:
    """Birth date and sex that a valid number tells."""
    return number[6:14], "M" if int(number[16]) % 2 else "F"


def phone(text: str) -> str:
    """The digits of a telephone without the country's prefix; an address for e-mail stays as it is written.

    >>> phone("+86 138-0013-8000"), phone("023 6512 3456"), phone("Ann@Post.example".lower()), phone("000")
    ('13800138000', '02365123456', 'ann@post.example', '')
    """
    if any(mark.isalpha() for mark in text):
        return text.replace(" ", "")
    text = re.split(r"[/;,、；，]", text)[0]
    digits = re.sub(r"\D", "", text)
    digits = re.sub(r"^(00)?86(?=1\d{10}$)", "", digits)
    return digits if len(digits) >= 5 and len(set(digits)) > 1 else ""


def sex(text: str) -> str:
    """``M``, ``F`` or nothing.

    >>> sex("女性"), sex("1"), sex("unclear")
    ('F', 'M', '')
    """
    return _SEXES.get(text.rstrip("."), "")


def digits_of_date(text: str) -> str:
    """A date as eight digits, a month as six, a year as four, eight digits that are no date with a ``?`` before them.

    >>> [digits_of_date(t) for t in ("1971-6-24", "24/06/1971", "1971年6月", "1971", "19081399", "24 jun 1971", "?")]
    ['19710624', '19710624', '197106', '1971', '?19081399', '19710624', '']
    """
    text = re.sub(r"[t ]\d{1,2}:\d\d.*$", "", text.strip().lower()).removesuffix(".0")
    parts = re.findall(r"\d+", text)
    named = next((month for word in re.findall("[a-z]+", text) if (month := _MONTHS.get(word[:3]))), 0)
    if named and len(parts) == 2:
        year, day = (parts[0], parts[1]) if len(parts[0]) == 4 else (parts[1], parts[0])
        return _dated(int(year), named, int(day))
    if len(parts) == 1:
        return _unbroken(parts[0])
    if len(parts) == 2:
        year, month = (parts[0], parts[1]) if len(parts[0]) == 4 else (parts[1], parts[0])
        return f"{year}{int(month):02d}" if len(year) == 4 and 1 <= int(month) <= 12 else ""
    if len(parts) == 3:
        return _three(parts)
    return ""


def _three(parts: list[str]) -> str:
    if max(map(len, parts)) > 4:
        return ""
    first, second, third = map(int, parts)
    if len(parts[0]) == 4:
        return _dated(first, second, third)
    year = third if len(parts[2]) == 4 else _century(third)
    return _dated(year, first, second) if second > 12 >= first else _dated(year, second, first)


def _century(year: int) -> int:
    return year + (1900 if year > 30 else 2000)


def _unbroken(digits: str) -> str:
    if len(digits) == 8:
        if not 1850 <= int(digits[:4]) <= 2100 and 1850 <= int(digits[4:]) <= 2100:
            return _dated(int(digits[4:]), int(digits[2:4]), int(digits[:2]))
        return _dated(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    if len(digits) == 6:
        if 1850 <= int(digits[:4]) <= 2100 and 1 <= int(digits[4:]) <= 12:
            return digits
        return _dated(_century(int(digits[:2])), int(digits[2:4]), int(digits[4:]))
    return digits if len(digits) == 4 and 1850 <= int(digits) <= 2100 else ""


def _dated(year: int, month: int, day: int) -> str:
    text = f"{year:04d}{month:02d}{day:02d}"
    if year < 1 or len(text) != 8:
        return ""
    try:
        date(year, month, day)
    except ValueError:
        return f"?{text}"
    return text
