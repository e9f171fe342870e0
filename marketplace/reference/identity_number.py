"""Citizen identity numbers: check, read, and make synthetic ones.

What enters: text from a form or a file. What leaves: an `IdNumber` with birth date and sex, or `BadIdNumber`
with one code, never with the number in its message. Called by imports, households and the demo. Eighteen
characters: six for the place of first registration (not the residence), eight for the birth date, three for
the sequence (odd: male), one check character by MOD 11-2. Numbers that begin with 5099 belong to no place:
all synthetic people have one.
"""

import re
from dataclasses import dataclass, field
from datetime import date

SYNTHETIC_PREFIX = "5099"
WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
CHECK_CHARACTERS = "10X98765432"
EARLIEST_BIRTH = date(1880, 1, 1)
_SHAPE = re.compile(r"[0-9]{17}[0-9X]")

CODES = ("length", "characters", "date", "future_date", "check_digit")
"""What can be wrong, in the order of the tests."""


class BadIdNumber(ValueError):
    """An identity number that cannot be right; `code` is one of `CODES`. The number itself is not kept."""

    def __init__(self, code: str) -> None:
        super().__init__(f"identity number refused: {code}")
        self.code = code


@dataclass(frozen=True, slots=True)
class IdNumber:
    """A well-formed identity number; the text is left out of its representation."""

    text: str = field(repr=False)
    birth_on: date
    sex: str
    synthetic: bool


def check_character(first_seventeen: str) -> str:
    """The eighteenth character by MOD 11-2.

    >>> check_character("11010519491231002")
    'X'
    """
    total = sum(int(digit) * weight for digit, weight in zip(first_seventeen, WEIGHTS, strict=True))
    return CHECK_CHARACTERS[total % 11]


def check_id_number(text: str, *, today: date | None = None) -> IdNumber:
    """Read an identity number; spaces around it and a small x are forgiven, nothing else is.

    `today` bounds the birth date; without it the future is not tested.
    """
    number = text.strip().upper()
    if len(number) != 18:
        raise BadIdNumber("length")
    if not _SHAPE.fullmatch(number):
        raise BadIdNumber("characters")
    birth_on = _birth_date(number[6:14])
    if today is not None and birth_on > today:
        raise BadIdNumber("future_date")
    if check_character(number[:17]) != number[17]:
        raise BadIdNumber("check_digit")
    sex = "M" if int(number[16]) % 2 else "F"
    return IdNumber(number, birth_on, sex, number.startswith(SYNTHETIC_PREFIX))


def _birth_date(digits: str) -> date:
    try:
        birth_on = date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError as error:
        raise BadIdNumber("date") from error
    if birth_on < EARLIEST_BIRTH:
        raise BadIdNumber("date")
    return birth_on


def make_id_number(prefix: str, birth_on: date, *, seq: int) -> str:
    """A number with a right check character; the prefix must be synthetic, so that no real person is hit.

    >>> make_id_number("509900", date(1990, 3, 7), seq=123)
    '509900199003071231'
    """
    if not (prefix.startswith(SYNTHETIC_PREFIX) and len(prefix) == 6 and prefix.isdigit()):
        raise ValueError(f"prefix must be {SYNTHETIC_PREFIX} and two more digits")
    if not 0 <= seq <= 999:
        raise ValueError("seq must be from 0 to 999")
    first = f"{prefix}{birth_on:%Y%m%d}{seq:03d}"
    return first + check_character(first)
