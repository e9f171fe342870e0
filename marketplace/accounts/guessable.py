"""Passwords that somebody who knows this house, or a keyboard, would try first.

Enters: a new password and the login it is for. Leaves: nothing, or BadInput that says what is wrong. Words of the house
and of every list of bad passwords, the login, rows of keys, runs of digits and years are taken out; if hardly anything
is left, it is guessable. Any kind of sign may be used. Called wherever a password is set.
"""

from __future__ import annotations

import re

from marketplace.errors import BadInput

SHORTEST, LONGEST = 12, 128
WORDS = (
    *("shanqiao", "善桥", "minzheng", "民政", "charity", "慈善", "cishan", "welfare", "救助", "jiuzhu"),
    *("chongqing", "重庆", "zhongguo", "china", "中国", "password", "passwort", "passw0rd", "p@ssw0rd", "pass"),
    *("word", "mima", "密码", "admin", "administrator", "guanliyuan", "管理员", "login", "user", "master"),
    *("welcome", "huanying", "letmein", "test", "ceshi", "changeme", "default", "secret", "iloveyou"),
    *("woaini", "我爱你", "dragon", "monkey", "football", "sunshine", "princess"),
)
ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm", "1qaz2wsx3edc4rfv", "abcdefghijklmnopqrstuvwxyz", "01234567890")
SHORTEST_RUN = 3
LEAST_SIGNS = 5
NAMES = 4
"""A login of so many signs may not stand in the password at all; a shorter one stands in many words."""
_YEAR = re.compile(r"(?:19|20)\d\d")


def require_good(password: str, login: str, /, *, field: str) -> None:
    """BadInput("password_short") or BadInput("password_weak") for a new password that will not do."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise BadInput("password_short", field=field, least=SHORTEST)
    if (len(login) >= NAMES and login.casefold() in password.casefold()) or is_guessable(password, login):
        raise BadInput("password_weak", field=field)


def is_guessable(password: str, login: str) -> bool:
    """Whether fewer than five different signs are left when what everybody tries first is taken out.

    >>> [is_guessable(tried, "zhou") for tried in ("Shanqiao2026!!", "qwertyuiop123", "zhou-zhou-zhou")]
    [True, True, True]
    >>> is_guessable("三月去河边看梨花开了没有", "zhou"), is_guessable("482910573648", "zhou")
    (False, False)
    """
    left = password.casefold()
    for word in sorted({*WORDS, login.casefold()} - {""}, key=len, reverse=True):
        left = left.replace(word, "")
    left = _YEAR.sub("", _without_runs(left))
    return len(set(left)) < LEAST_SIGNS


def _without_runs(text: str) -> str:
    """The text without three or more keys that lie side by side, in either direction."""
    for row in (*ROWS, *(row[::-1] for row in ROWS)):
        for length in range(len(row), SHORTEST_RUN - 1, -1):
            for start in range(len(row) - length + 1):
                text = text.replace(row[start : start + length], "")
    return text
