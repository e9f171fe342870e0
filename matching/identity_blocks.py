"""Which pairs are worth a comparison: those that share a key, with no block growing into all pairs.

What enters: `Records`. What leaves: two arrays of rows, the lower row first, each pair once, sorted. Called by
`identity`. A block larger than the cap is cut by finer keys in turn, and what is still too large is read in order with
a short window, so that the pairs grow with the rows and never with their square.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from matching.identity_records import Codes, Records

WINDOW = 3
"""So many followers of each row are read where no finer key cuts a block."""


def candidates(records: Records, *, cap: int | None = None) -> tuple[Codes, Codes]:
    """Rows of the pairs to compare. O(rows · keys · cap) time and memory."""
    if records.size < 2:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    size = cap or _cap(records.size)
    finer = _finer(records)
    found = np.zeros(0, np.int64)
    for key in _keys(records):
        pairs = _pairs_of(key, finer, cap=size, size=records.size)
        found = np.unique(np.concatenate((found, pairs)))
    return found // records.size, found % records.size


def _cap(size: int) -> int:
    """Small tables afford wide blocks, large ones narrow."""
    return int(min(400, max(24, 600_000 // size)))


def _join(*parts: Codes) -> Codes:
    """One code for each row of several codes; -1 where any of them tells nothing."""
    joined = np.zeros(len(parts[0]), np.int64)
    for part in parts:
        joined = joined * (int(part.max(initial=0)) + 2) + part + 1
        _, joined = np.unique(joined, return_inverse=True)
    missing = np.any(np.stack(parts) < 0, axis=0)
    return np.where(missing, -1, joined)


def _some(digits: NDArray[np.int8], *places: int) -> Codes:
    found = np.zeros(len(digits), np.int64)
    for place in places:
        found = found * 11 + digits[:, place]
    return np.where((digits[:, list(places)] < 0).any(1), -1, found)


def _part(records: Records, name: str, cut: slice) -> Codes:
    """A code for a part of each value."""
    column = records.columns[name]
    values = [value[cut] for value in column.values]
    order = {value: at for at, value in enumerate(sorted(set(values)))}
    codes = np.array([order[value] if value else -1 for value in values] or [-1], np.int64)
    return np.where(column.codes < 0, -1, codes[column.codes])


def _keys(records: Records) -> Iterator[Codes]:
    column = records.columns
    given, surname = column["given"].of("ear"), column["surname"].of("ear")
    met = column["full"].of("met")
    birth = records.code("birth")
    year, day = _some(records.digits, 0, 1, 2, 3), _some(records.digits, 4, 5, 6, 7)
    place, words = records.code("place"), column["place"].of("words")
    yield records.code("number")
    yield from (_part(records, "number", cut) for cut in (slice(0, -3), slice(3, None)))
    yield records.code("phone")
    yield records.code("email")
    yield _part(records, "phone", slice(-7, None))
    yield met
    yield column["full"].of("joined")
    yield _join(_some(records.digits, 0, 1, 2, 3, 4, 5, 6, 7), _part(records, "surname", slice(0, 1)))
    yield birth
    yield from (_join(given, other) for other in (year, day, words, records.code("district"), records.code("postcode")))
    yield from (
        _join(surname, other) for other in (year, day, words, records.code("district"), records.code("postcode"))
    )
    yield from (_join(year, other) for other in (words, records.code("postcode"), records.code("district")))
    yield from (_join(day, other) for other in (words, records.code("postcode"), records.code("district")))
    yield place
    yield _join(words, column["place"].of("numbers", -1))
    yield records.code("home")
    yield _join(_part(records, "given", slice(0, 2)), _part(records, "surname", slice(0, 2)), year)
    yield from (given, surname, words)


def _finer(records: Records) -> list[Codes]:
    """Keys that cut a block too large, the best first; -1 is a group of its own here."""
    column = records.columns
    return [
        _some(records.digits, 0, 1, 2, 3),
        column["given"].of("ear"),
        column["district"].of("today"),
        _part(records, "phone", slice(-4, None)),
        column["place"].of("words"),
    ]


def _pairs_of(key: Codes, finer: Sequence[Codes], *, cap: int, size: int) -> Codes:
    """Pairs within each block of `key`, as one number each."""
    rows = np.flatnonzero(key >= 0)
    rows = rows[np.argsort(key[rows], kind="stable")]
    group = key[rows]
    found = []
    for cut in (*finer, None):
        first, length = _runs(group)
        small = length <= cap
        found.append(_within(rows, first[small], length[small], size=size))
        big = np.repeat(~small, length)
        rows, group = rows[big], group[big]
        if not len(rows):
            break
        if cut is None:
            found.append(_beside(rows, group, size=size))
            break
        both = group * (int(cut.max(initial=0)) + 2) + cut[rows] + 1
        order = np.argsort(both, kind="stable")
        rows, group = rows[order], both[order]
        _, group = np.unique(group, return_inverse=True)
    return np.unique(np.concatenate(found))


def _runs(group: Codes) -> tuple[Codes, Codes]:
    if not len(group):
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    first = np.concatenate(([0], np.flatnonzero(np.diff(group)) + 1))
    return first, np.diff(np.concatenate((first, [len(group)])))


def _within(rows: Codes, first: Codes, length: Codes, *, size: int) -> Codes:
    """All pairs inside each run, all runs of one length at a time."""
    found = [np.zeros(0, np.int64)]
    for long in np.unique(length[length > 1]):
        starts = first[length == long]
        i, j = np.triu_indices(int(long), 1)
        block = rows[starts[:, None] + np.arange(long)]
        found.append(_numbered(block[:, i].ravel(), block[:, j].ravel(), size=size))
    return np.concatenate(found)


def _beside(rows: Codes, group: Codes, *, size: int) -> Codes:
    found = [np.zeros(0, np.int64)]
    for step in range(1, min(WINDOW, len(rows) - 1) + 1):
        same = group[step:] == group[:-step]
        found.append(_numbered(rows[:-step][same], rows[step:][same], size=size))
    return np.concatenate(found)


def _numbered(one: Codes, two: Codes, *, size: int) -> Codes:
    found: Codes = np.minimum(one, two) * size + np.maximum(one, two)
    return found
