"""How much two records agree, field by field, as small whole numbers.

What enters: `Records` and two arrays of rows, one pair at each place. What leaves: levels, shape (pairs, fields): 0
where a side tells nothing, 1 different, and higher the more alike, the last one equal. Called by `identity` and
`identity_weights`. Equal codes need no look at the text; other value pairs are compared once each by rapidfuzz.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from rapidfuzz import fuzz, process
from rapidfuzz.distance import DamerauLevenshtein, JaroWinkler

from matching.identity_records import Codes, Column, Records

Levels = NDArray[np.uint8]
Scorer = Callable[..., float]

FIELDS = ("surname", "given", "sex", "birth", "number", "phone", "email", "place", "district", "postcode", "home")
"""The order of the levels of a pair."""

TOP = {
    "surname": 5, "given": 5, "sex": 2, "birth": 5, "number": 4, "phone": 3, "email": 4, "place": 5, "district": 3,
    "postcode": 3, "home": 2,
}  # fmt: skip
"""The level that means equal."""

_CHUNK = 500_000
_CLOSE, _NEAR, _PARTLY = 0.93, 0.88, 0.75


def levels_of(records: Records, a: Codes, b: Codes) -> Levels:
    """The levels of each pair. O(pairs) plus one text comparison for each distinct pair of unequal values."""
    found = np.zeros((len(a), len(FIELDS)), np.uint8)
    column = records.columns
    met = _swapped(records, a, b)
    for at, name in enumerate(FIELDS):
        if name == "birth":
            found[:, at] = _births(records.digits, a, b, column["birth"])
            continue
        one = column[name]
        found[:, at] = _by_value(one, a, b, _BY[name], top=TOP[name])
        if name in ("surname", "given"):
            found[met, at] = np.maximum(found[met, at], 4)
    crossed = _crossed(records, a, b, found)
    found[crossed, :2] = np.maximum(found[crossed, :2], 3)
    return found


def _crossed(records: Records, a: Codes, b: Codes, found: Levels) -> Codes:
    """Pairs whose names fit only crosswise: each one's surname is like the other's given name. Never by sound alone:
    李晨 and 陈立 are two people."""
    open_ = np.flatnonzero((found[:, 0] == 1) & (found[:, 1] == 1) & ~_both_han(records, a, b))
    surname, given = records.columns["surname"], records.columns["given"]
    kept = open_
    for one, two in ((a, b), (b, a)):
        lasts = [surname.text["sound"][i] for i in surname.codes[one[kept]]]
        firsts = [given.text["sound"][i] for i in given.codes[two[kept]]]
        like = process.cpdist(lasts, firsts, scorer=JaroWinkler.similarity, dtype=np.float32) if lasts else np.zeros(0)
        kept = kept[np.asarray(like) >= _NEAR]
    return kept


def _swapped(records: Records, a: Codes, b: Codes) -> NDArray[np.bool_]:
    """Pairs whose names are the same parts in another order, or cut at another place: as they sound, but as they are
    written where both are in characters."""
    column, han = records.columns["full"], _both_han(records, a, b)
    found = np.zeros(len(a), np.bool_)
    for heard, written in (("met", "parts"), ("joined", "whole")):
        sound, text = column.of(heard), column.of(written)
        found |= (sound[a] >= 0) & np.where(han, text[a] == text[b], sound[a] == sound[b])
    return np.asarray(found)


def _both_han(records: Records, a: Codes, b: Codes) -> NDArray[np.bool_]:
    han = records.columns["full"].of("han", 0)
    return np.asarray((han[a] == 1) & (han[b] == 1))


def _by_value(
    column: Column, a: Codes, b: Codes, judge: Callable[[Column, Codes, Codes], Levels], *, top: int
) -> Levels:
    one, two = column.codes[a], column.codes[b]
    found = np.zeros(len(a), np.uint8)
    told = (one >= 0) & (two >= 0)
    found[told & (one == two)] = top
    open_ = np.flatnonzero(told & (one != two))
    if not len(open_):
        return found
    low, high = np.minimum(one[open_], two[open_]), np.maximum(one[open_], two[open_])
    keys, back = np.unique(low * len(column.values) + high, return_inverse=True)
    low, high = keys // len(column.values), keys % len(column.values)
    judged = [judge(column, low[i : i + _CHUNK], high[i : i + _CHUNK]) for i in range(0, len(keys), _CHUNK)]
    found[open_] = np.concatenate(judged)[back]
    return found


def _alike(texts: list[str], low: Codes, high: Codes, scorer: Scorer) -> NDArray[np.float32]:
    if not len(low):
        return np.zeros(0, np.float32)
    one, two = [texts[i] for i in low], [texts[i] for i in high]
    return np.asarray(process.cpdist(one, two, scorer=scorer, dtype=np.float32))


def _names(column: Column, low: Codes, high: Codes) -> Levels:
    """Chinese by sound and shape, other scripts and mixed pairs by their letters."""
    found = np.ones(len(low), np.uint8)
    han = (column.also["han"][low] == 1) & (column.also["han"][high] == 1)
    same = {name: column.also[name][low] == column.also[name][high] for name in ("sound", "ear", "shape")}
    at = np.flatnonzero(han)
    edits = _alike(column.values, low[at], high[at], DamerauLevenshtein.distance)
    longer = np.maximum(column.also["long"][low[at]], column.also["long"][high[at]])
    found[at[(edits == 1) & (longer > 1)]] = 2
    found[at[(edits == 1) & (longer > 2)]] = 3
    found[han & same["ear"]] = 3
    found[han & (same["shape"] | (same["sound"]))] = 4
    at = np.flatnonzero(~han)
    like = _alike(column.text["sound"], low[at], high[at], JaroWinkler.similarity)
    slips = _alike(column.text["sound"], low[at], high[at], DamerauLevenshtein.distance)
    short = np.minimum(column.also["long"][low[at]], column.also["long"][high[at]])
    found[at[like >= _PARTLY]] = 2
    found[at[(like >= _NEAR) | ((slips == 1) & (short >= 3))]] = 3
    found[at[(like >= _CLOSE) | ((slips == 1) & (short >= 5))]] = 4
    found[at[same["sound"][at]]] = 4
    return found


def _numbers(column: Column, low: Codes, high: Codes) -> Levels:
    """One slip is near, unless both numbers are valid: then they are two numbers."""
    found = np.ones(len(low), np.uint8)
    both = (column.also["valid"][low] == 1) & (column.also["valid"][high] == 1)
    at = np.flatnonzero(~both)
    slips = _alike(column.values, low[at], high[at], DamerauLevenshtein.distance)
    long = np.array([min(len(column.values[i]), len(column.values[j])) for i, j in zip(low[at], high[at], strict=True)])
    found[at[(slips == 2) & (long >= 7)]] = 2
    found[at[(slips <= 1) & (long >= 5)]] = 3
    return found


def _phones(column: Column, low: Codes, high: Codes) -> Levels:
    slips = _alike(column.values, low, high, DamerauLevenshtein.distance)
    like = _alike(column.values, low, high, JaroWinkler.similarity)
    letters = np.array(["@" in column.values[i] for i in low], bool)
    return np.where((slips <= 1) | (letters & (like >= _NEAR)), 2, 1).astype(np.uint8)


def _mails(column: Column, low: Codes, high: Codes) -> Levels:
    """One slip, or the same name at another host, is near; likeness of the whole is partly."""
    found = np.ones(len(low), np.uint8)
    found[_alike(column.values, low, high, JaroWinkler.similarity) >= _NEAR] = 2
    names = [value.split("@")[0] for value in column.values]
    found[_alike(names, low, high, DamerauLevenshtein.distance) == 0] = 3
    found[_alike(column.values, low, high, DamerauLevenshtein.distance) <= 2] = 3
    return found


def _places(column: Column, low: Codes, high: Codes) -> Levels:
    """Words and numbers apart: the same street with another number is a neighbour, not a slip."""
    words = column.text["words"]
    like = _alike(words, low, high, fuzz.token_sort_ratio)
    like = np.where(column.also["words"][low] == column.also["words"][high], 100, like)
    part = np.flatnonzero((like < 85) & (like >= 35))
    whole = _alike(words, low[part], high[part], fuzz.partial_ratio)
    short = np.array([min(len(words[i]), len(words[j])) for i, j in zip(low[part], high[part], strict=True)])
    like[part[(whole >= 95) & (short >= 4)]] = 88
    one, two = column.also["numbers"][low], column.also["numbers"][high]
    same = one == two
    some = same & (one >= 0)
    loose = same | (one < 0) | (two < 0) | _begins(column.text["numbers"], low, high)
    found = np.ones(len(low), np.uint8)
    found[like >= 80] = 2
    found[(like >= 80) & loose] = 3
    found[(like >= 60) & some] = 3
    found[(like >= 85) & same] = 4
    return found


def _begins(numbers: list[str], low: Codes, high: Codes) -> NDArray[np.bool_]:
    """Whether the numbers of one side begin with, or end in, all those of the other."""
    found = []
    for i, j in zip(low, high, strict=True):
        short, long = sorted((numbers[i].split(), numbers[j].split()), key=len)
        found.append(bool(short) and (long[: len(short)] == short or long[-len(short) :] == short))
    return np.array(found, bool)


def _districts(column: Column, low: Codes, high: Codes) -> Levels:
    """Codes are one or another; only names have slips."""
    coded = np.array([value.isdigit() for value in column.values])
    like = (_alike(column.values, low, high, JaroWinkler.similarity) >= _NEAR) & ~(coded[low] & coded[high])
    today = column.also["today"][low] == column.also["today"][high]
    return np.where(today | like, 2, 1).astype(np.uint8)


def _posts(column: Column, low: Codes, high: Codes) -> Levels:
    slips = _alike(column.values, low, high, DamerauLevenshtein.distance)
    return np.where(slips <= 1, 2, 1).astype(np.uint8)


def _different(column: Column, low: Codes, high: Codes) -> Levels:
    return np.ones(len(low), np.uint8)


_BY = {
    "surname": _names, "given": _names, "sex": _different, "number": _numbers, "phone": _phones, "email": _mails,
    "place": _places, "district": _districts, "postcode": _posts, "home": _different,
}  # fmt: skip


def _births(digits: NDArray[np.int8], a: Codes, b: Codes, column: Column) -> Levels:
    """5 equal, 4 one slip or day and month swapped, 3 a part told agrees or two slips, 2 the same year, 1 different."""
    found = np.zeros(len(a), np.uint8)
    told = np.flatnonzero((column.codes[a] >= 0) & (column.codes[b] >= 0))
    one, two = digits[a[told]], digits[b[told]]
    known = (one >= 0) & (two >= 0)
    off = ((one != two) & known).sum(1)
    whole = known.all(1)
    turned = (one[:, :4] == two[:, :4]).all(1) & (one[:, 4:6] == two[:, 6:]).all(1) & (one[:, 6:] == two[:, 4:6]).all(1)
    beside = np.zeros(len(told), bool)
    for at in range(7):
        crossed = (one[:, at] == two[:, at + 1]) & (one[:, at + 1] == two[:, at])
        beside |= (off == 2) & crossed & (one[:, at] != two[:, at])
    level = np.ones(len(told), np.uint8)
    level[(one[:, :4] == two[:, :4]).all(1)] = 2
    level[(off == 2) | (~whole & (off == 0))] = 3
    level[whole & ((off == 1) | turned | beside)] = 4
    level[whole & (off == 0)] = 5
    found[told] = level
    return found
