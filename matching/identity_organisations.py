"""Same organisation? Same, part of, for a person, or different.

What enters: two organisations as name and unified social credit code, either perhaps empty, and a table of aliases.
What leaves: one verdict. A right code decides; without two right codes names are compared once their form is one:
width, brackets, legal endings, the city's name, aliases. A department, branch or campus is part of its organisation,
which is a third thing: its aid counts for the whole, its agreement does not. Called by whoever brings organisations in.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum

from rapidfuzz import fuzz
from stdnum.cn import uscc

from matching.identity_text import fold


class Verdict(StrEnum):
    """What two names are to each other; `REVIEW` is for a person."""

    SAME = "same"
    PART = "part of"
    REVIEW = "review"
    DIFFERENT = "different"


_LEGAL = re.compile(r"(股份有限公司|有限责任公司|有限公司|集团公司|集团|inc|ltd|llc|co|corp|foundation|charity)$")
_CITY = re.compile(r"^(重庆市|重庆)(?=.{3})")
_PART = re.compile(
    r"(院区|校区|分院|分校|分会|分公司|支公司|分部|办事处|服务站|工作站|门诊部|科|部|处|室|中心"
    r"|campus|branch|department|office)$"
)
_ALIKE = 90


def name_key(text: str, aliases: Mapping[str, str] | None = None) -> str:
    """A name in one form, its alias replaced by the name it stands for.

    >>> name_key("重庆市慈善总会（本部）"), name_key("渝慈", {"渝慈": "重庆市慈善总会"})
    ('慈善总会本部', '慈善总会')
    """
    known = {_plain(alias): name for alias, name in (aliases or {}).items()}
    key = _plain(text)
    return _plain(known.get(key, text))


def _plain(text: str) -> str:
    key = "".join(mark for mark in fold(text) if mark.isalnum())
    return _LEGAL.sub("", _CITY.sub("", key))


def compare_organisations(
    one: tuple[str, str], two: tuple[str, str], *, aliases: Mapping[str, str] | None = None
) -> Verdict:
    """The verdict on two (name, code) pairs.

    >>> compare_organisations(("重庆市慈善总会", ""), ("渝慈", ""), aliases={"渝慈": "重庆市慈善总会"})
    <Verdict.SAME: 'same'>
    >>> compare_organisations(("重庆医科大学附属第一医院", ""), ("重庆医科大学附属第一医院金山院区", ""))
    <Verdict.PART: 'part of'>
    """
    names = sorted((name_key(one[0], aliases), name_key(two[0], aliases)), key=lambda name: (len(name), name))
    codes = [uscc.compact(code) if uscc.is_valid(code) else "" for _, code in (one, two)]
    part = _is_part(*names)
    if all(codes):
        return Verdict.PART if part else _by_code(codes, names)
    if not all(names):
        return Verdict.REVIEW
    if names[0] == names[1]:
        return Verdict.SAME
    if part:
        return Verdict.PART
    return Verdict.REVIEW if fuzz.ratio(*names) >= _ALIKE else Verdict.DIFFERENT


def _is_part(short: str, long: str) -> bool:
    return bool(short) and short != long and long.startswith(short) and _PART.search(long) is not None


def _by_code(codes: list[str], names: list[str]) -> Verdict:
    """Two codes on one name, or two parts on one code, are for a person."""
    if codes[0] == codes[1]:
        parts = names[0] != names[1] and all(_PART.search(name) for name in names)
        return Verdict.REVIEW if parts else Verdict.SAME
    return Verdict.REVIEW if names[0] == names[1] else Verdict.DIFFERENT
