"""Same person? Pairs of rows of any table of people, each with a score and a band.

What enters: columns of text by name (`identity_records.KNOWN`), any missing, any cell empty. What leaves: `Links`: row
numbers, scores and bands, never a value. Called by `python -m matching link` and by the households room. Candidates
come from shared keys, agreements are weighed by what the table itself teaches, and rules hold back what no score may
decide: twins, a family on one telephone, two people on one number are never "same" without a person.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from matching.identity_blocks import candidates
from matching.identity_compare import FIELDS, TOP, Levels, levels_of
from matching.identity_groups import evidence, grouped, missing_pairs
from matching.identity_records import Codes, Records, read_records
from matching.identity_score import scores
from matching.identity_weights import Chances, Weights, learn

SAME_BAND, REVIEW_BAND = "same", "review"
LOWEST_SAME, LOWEST_REVIEW = 0.5, 0.05
PROMISED = 0.97
"""The mean score that the band `same` must hold: low, for the pairs of a group bear each other out beyond it."""

_HELD = 0.49
_TOO_LITTLE = 0.001
_AT = {name: at for at, name in enumerate(FIELDS)}


@dataclass(frozen=True, slots=True, eq=False)
class Links:
    """Pairs of row numbers, the lower first, by row; `score` is a chance; `same` is False for the band `review`."""

    a: Codes
    b: Codes
    score: Chances
    same: NDArray[np.bool_]
    levels: Levels

    def band(self, at: int) -> str:
        """The band in words."""
        return SAME_BAND if self.same[at] else REVIEW_BAND


def link(columns: Mapping[str, Sequence[str]], *, population: int | None = None) -> Links:
    """Find the rows that are one person.

    `population` says from how many people a short list was drawn, where it is part of a larger register.

    Raises
    ------
    ValueError
        If columns differ in length or none is known.

    Examples
    --------
    >>> rows = {"name": ["王伟", "王伟", "李娜"], "phone": ["13800138000", "138 0013 8000", ""],
    ...         "birth_date": ["1971-06-24", "1971/6/24", "1980-01-02"]}
    >>> found = link(rows)
    >>> [(int(i), int(j), found.band(at)) for at, (i, j) in enumerate(zip(found.a, found.b))]
    [(0, 1, 'same')]
    """
    records = read_records(columns)
    a, b = candidates(records)
    if not len(a):
        return _none()
    levels = levels_of(records, a, b)
    weights = learn(records, levels, population=population)
    chance = scores(records, a, b, levels, weights)
    return _banded(records, *_closed(records, a, b, levels, chance, weights))


def _none() -> Links:
    empty = np.zeros(0, np.int64)
    return Links(empty, empty, np.zeros(0), np.zeros(0, np.bool_), np.zeros((0, len(FIELDS)), np.uint8))


def _closed(
    records: Records, a: Codes, b: Codes, levels: Levels, chance: Chances, weights: Weights
) -> tuple[Codes, Codes, Levels, Chances]:
    """The pairs that matter, and those between copies of one person that no key had brought together."""
    kept = (chance >= _TOO_LITTLE) | _one_number(records, a, levels)
    a, b, levels, chance = a[kept], b[kept], levels[kept], chance[kept]
    i, j = missing_pairs(a, b, chance, size=records.size)
    if len(i):
        more = levels_of(records, i, j)
        a, b, levels = np.concatenate((a, i)), np.concatenate((b, j)), np.concatenate((levels, more))
        chance = np.concatenate((chance, scores(records, i, j, more, weights)))
    order = np.lexsort((b, a))
    return a[order], b[order], levels[order], chance[order]


def _banded(records: Records, a: Codes, b: Codes, levels: Levels, chance: Chances) -> Links:
    held = _held(records, a, b, levels)
    chance = np.where(held, np.minimum(chance, _HELD), chance)
    barred = set(zip(a[held].tolist(), b[held].tolist(), strict=True))
    group = grouped(a, b, evidence(chance), size=records.size, barred=barred)
    together = group[a] == group[b]
    score = np.where(together & ~held, np.maximum(chance, 0.5 + chance / 2), np.minimum(chance, 0.9))
    same = together & ~held & (score >= _line(score[together & ~held]))
    kept = same | (score >= LOWEST_REVIEW) | _one_number(records, a, levels)
    return Links(a[kept], b[kept], np.round(score[kept], 6), same[kept], levels[kept])


def _line(score: Chances) -> float:
    """The lowest score at which the pairs above still keep the promise together."""
    ordered = np.sort(score)[::-1]
    right = np.cumsum(ordered) / np.arange(1, len(ordered) + 1)
    good = np.flatnonzero(right >= PROMISED)
    return max(LOWEST_SAME, float(ordered[good[-1]])) if len(good) else 1.0


def _one_number(records: Records, a: Codes, levels: Levels) -> NDArray[np.bool_]:
    """Pairs on one valid number: whatever the score, somebody has to look."""
    valid = records.columns["number"].of("valid", 0)
    return np.asarray((levels[:, _AT["number"]] == TOP["number"]) & (valid[a] == 1))


def _held(records: Records, a: Codes, b: Codes, levels: Levels) -> NDArray[np.bool_]:
    """Pairs that only a person may call the same."""
    level = {name: levels[:, at] for name, at in _AT.items()}
    valid, han = records.columns["number"].of("valid", 0), records.columns["given"].of("han", 0)
    chinese = np.asarray((han[a] == 1) & (han[b] == 1))
    one_number = level["number"] == TOP["number"]
    surely_one = one_number & (valid[a] == 1)
    two_numbers = (valid[a] == 1) & (valid[b] == 1) & ~one_number
    found = np.asarray(two_numbers | _other_name(level, chinese | surely_one))
    found |= chinese & (level["sex"] == 1) & ~(surely_one & (level["given"] == TOP["given"]))
    found |= chinese & ~one_number & ~_borne_out(level)
    whole = np.asarray((records.digits >= 0).all(axis=1))
    late = (level["birth"] > 0) & (level["birth"] <= 3) & whole[a] & whole[b]
    found |= chinese & late & ~one_number & ~((level["phone"] == TOP["phone"]) & (level["place"] >= 3))
    return np.asarray(found)


def _other_name(level: dict[str, NDArray[np.uint8]], strict: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Names that differ by more than sound, shape or a slip, where a name is all that tells kin apart."""
    unlike = [(level[name] > 0) & (level[name] <= 2) for name in ("given", "surname")]
    return np.asarray(strict & (unlike[0] | unlike[1]))


def _in_touch(level: dict[str, NDArray[np.uint8]]) -> NDArray[np.bool_]:
    return np.asarray((level["place"] >= 3) | (level["phone"] >= 2) | (level["email"] >= 3))


def _borne_out(level: dict[str, NDArray[np.uint8]]) -> NDArray[np.bool_]:
    """Whether anything but a name, a sex and a district agrees: there are many 王伟 in every district, and several born
    on one day in a province."""
    born = (level["birth"] >= 3) & (level["district"] != 1)
    return np.asarray(born | (level["number"] >= 3) | (level["home"] == TOP["home"]) | _in_touch(level))
