"""Another made-up register, for figures on data that nobody tuned by: other homes, other habits, other slips.

What enters: name counts and places as `bench.people` reads them, a size, a seed. What leaves: columns and the true
person of each row. Written after the scorer was finished and without looking at its constants; the scorer is not to be
changed by what is measured here. Called by `bench.link`.

Slips: a character of the same sound picked from all names that occur; digits that change places or are lost; numbers of
the old fifteen digits; a lunar birthday written as the solar one; a surname only with a title; the address of the
parents; the telephone of a neighbour or of the village office.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta
from functools import cache
from random import Random

from pypinyin import lazy_pinyin

from bench.people import COLUMNS, Names, number_of

Row = list[str]
_TITLES = ("大爷", "大妈", "老师", "女士", "先生")
_TREES = "榕樟桂柳杏竹松柏梧桐"


@cache
def _sound(mark: str) -> str:
    return str(lazy_pinyin(mark)[0])


def _choirs(names: Names) -> dict[str, list[str]]:
    """Sound ► every character of a name that is said so."""
    found: dict[str, set[str]] = defaultdict(set)
    for mark in {mark for name in (*names.marks, *names.surnames) for mark in name}:
        found[_sound(mark)].add(mark)
    return {sound: sorted(marks) for sound, marks in found.items()}


def strangers(names: Names, size: int, *, copies: float, seed: int) -> tuple[dict[str, Row], list[int]]:
    """`size` people, a share of them again as somebody else wrote them down."""
    draw = Random(seed)
    rows: list[Row] = []
    while len(rows) < size:
        rows += _home(names, draw, f"F{len(rows)}")
    del rows[size:]
    truth, choirs = list(range(size)), _choirs(names)
    for at in draw.sample(range(size), int(copies * size)):
        rows.append(_again(rows[at], rows[draw.randrange(size)], choirs, draw))
        truth.append(at)
    return dict(zip(COLUMNS, map(list, zip(*rows, strict=True)), strict=True)), truth


def _home(names: Names, draw: Random, home: str) -> list[Row]:
    area, street = draw.choice(names.streets)
    where = f"{names.districts.get(area, '')}{street}{draw.choice(_TREES)}{draw.choice(_TREES)}苑"
    where += f"{draw.randint(1, 40)}号楼{draw.randint(1, 33)}层{draw.randint(1, 8)}室"
    shared = f"1{draw.choice('35789')}{draw.randrange(10**9):09d}"
    surname = draw.choices(names.surnames, names.surname_counts)[0]
    people, grown = [], draw.randint(1940, 1998)
    for at in range(draw.choices((1, 2, 3, 4, 5, 6), (20, 25, 25, 15, 10, 5))[0]):
        year = grown + (draw.randint(-6, 6) if at < 2 else draw.choice((-28, -25, 24, 27, 30)))
        born = date(min(2025, max(1930, year)), 1, 1) + timedelta(draw.randint(0, 363))
        number = number_of(area, born, draw.randint(0, 999))
        own = shared if draw.random() < 0.5 else f"1{draw.choice('35789')}{draw.randrange(10**9):09d}"
        family = surname if at != 1 else draw.choices(names.surnames, names.surname_counts)[0]
        name = family + _given(names, draw)
        sex = "男" if int(number[16]) % 2 else "女"
        people.append(["register", name, sex, born.isoformat(), number, own, where, area, home])
    return people


def _given(names: Names, draw: Random) -> str:
    if draw.random() < names.common:
        return draw.choices(names.given, names.given_counts)[0]
    return "".join(draw.choices(names.marks, names.mark_counts, k=draw.choice((1, 2, 2, 2))))


def _again(row: Row, other: Row, choirs: dict[str, list[str]], draw: Random) -> Row:
    """The same person as somebody else wrote it down."""
    _source, name, sex, born, number, phone, where, area, _home_id = row
    return [
        "elsewhere",
        _name(name, sex, choirs, draw),
        sex if draw.random() < 0.7 else "",
        _born(born, draw) if draw.random() < 0.75 else "",
        _number(number, draw) if draw.random() < 0.35 else "",
        _phone(phone, other[5], draw) if draw.random() < 0.7 else "",
        _where(where, other[6], draw) if draw.random() < 0.6 else "",
        area if draw.random() < 0.6 else "",
        "",
    ]


def _name(name: str, sex: str, choirs: dict[str, list[str]], draw: Random) -> str:
    luck = draw.random()
    if luck < 0.06:
        at = draw.randrange(1, len(name))
        return name[:at] + draw.choice(choirs[_sound(name[at])]) + name[at + 1 :]
    if luck < 0.07:
        return name[0] + draw.choice(_TITLES[:2] if sex else _TITLES)
    if luck < 0.09:
        return "".join(lazy_pinyin(name)).upper()
    return name[::-1] if luck < 0.095 else name


def _swapped(text: str, draw: Random) -> str:
    at = draw.randrange(len(text) - 1)
    return text[:at] + text[at + 1] + text[at] + text[at + 2 :]


def _born(born: str, draw: Random) -> str:
    luck, day = draw.random(), date.fromisoformat(born)
    if luck < 0.05:
        return (day - timedelta(draw.randint(20, 50))).isoformat()
    if luck < 0.08:
        return _swapped(f"{day:%Y%m%d}"[4:], draw).join((f"{day:%Y}", ""))
    return f"{day:%Y.%m.%d}" if luck < 0.5 else born


def _number(number: str, draw: Random) -> str:
    luck = draw.random()
    if luck < 0.1:
        return number[:6] + number[8:17]
    return _swapped(number, draw) if luck < 0.16 else number.lower()


def _phone(phone: str, other: str, draw: Random) -> str:
    luck = draw.random()
    if luck < 0.1:
        return other
    if luck < 0.14:
        return _swapped(phone, draw)
    return phone[:10] if luck < 0.16 else f"+86 {phone[:3]}-{phone[3:7]}-{phone[7:]}" if luck < 0.5 else phone


def _where(where: str, other: str, draw: Random) -> str:
    luck = draw.random()
    if luck < 0.12:
        return other
    if luck < 0.4:
        return where.split("号楼")[0]
    return where.replace("号楼", "-").replace("层", "-").replace("室", "") if luck < 0.7 else where
