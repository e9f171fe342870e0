"""One score for each pair: the learned weights, and how common the values are that agree.

What enters: records, pairs, their levels and the weights. What leaves: the chance of "same person" of each pair.
Called by `identity`. An equal 王伟 says little, an equal rare name much; a value that many rows share, such as the
telephone of a welfare home, says little too.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from matching import identity_priors as priors
from matching.identity_compare import FIELDS, TOP, Levels
from matching.identity_records import Codes, Column, Records
from matching.identity_text import is_han
from matching.identity_weights import KIN, NEIGHBOURS, SAME, STRANGERS, TWINS, Chances, Weights, logs_of, posterior

_BY_VALUE = {
    "surname": (NEIGHBOURS, STRANGERS),
    "given": (KIN, TWINS, NEIGHBOURS, STRANGERS),
    "number": (NEIGHBOURS, STRANGERS),
    "phone": (NEIGHBOURS, STRANGERS),
    "email": (NEIGHBOURS, STRANGERS),
    "place": (STRANGERS,),
    "district": (STRANGERS,),
    "postcode": (STRANGERS,),
}
"""The kinds of pairs in which an equal value is chance, so that its own share counts."""

_CHUNK = 1_000_000


def scores(records: Records, a: Codes, b: Codes, levels: Levels, weights: Weights) -> Chances:
    """The chance of "same person" for each pair; twice, for the copies found first must not make a rare name common."""
    share = np.ones(records.size)
    found = np.zeros(len(a))
    for _ in range(2):
        tables = {name: _share(records.columns[name], share, name) for name in _BY_VALUE}
        ears = {name: _heard(records.columns[name], share) for name in ("surname", "given")}
        for start in range(0, len(a), _CHUNK):
            part = slice(start, start + _CHUNK)
            found[part] = _scored(records, a[part], levels[part], weights, tables, ears)
        copies = np.bincount(a, found, records.size) + np.bincount(b, found, records.size)
        share = 1 / (1 + copies)
    return found


def _scored(
    records: Records, a: Codes, levels: Levels, weights: Weights, tables: dict[str, Chances], ears: dict[str, Chances]
) -> Chances:
    logs = logs_of(levels, weights.chance)
    for name, kinds in _BY_VALUE.items():
        at, column = FIELDS.index(name), records.columns[name]
        equal = np.flatnonzero(levels[:, at] == TOP[name])
        own = np.log(tables[name][column.codes[a[equal]]])
        for kind in kinds:
            logs[equal, kind] += own - np.log(weights.chance[kind, at, TOP[name]])
        if name in ears:
            _add_heard(logs, levels[:, at], column.codes[a], kinds, weights.chance[:, at], ears[name])
    return np.asarray(posterior(logs, weights.prior)[:, SAME])


def _add_heard(
    logs: Chances, level: NDArray[np.uint8], code: Codes, kinds: tuple[int, ...], chance: Chances, ears: Chances
) -> None:
    """Names that only sound alike are as common as their sound."""
    for value in (3, 4):
        rows = np.flatnonzero(level == value)
        for kind in kinds:
            usual = chance[kind, value]
            logs[rows, kind] += np.log(np.maximum(ears[code[rows]] * 0.5, usual) / usual)


def _share(column: Column, weight: Chances, name: str) -> Chances:
    """Share of each value among people, one of them left out, blended with the guess."""
    told = column.codes >= 0
    count = np.bincount(column.codes[told], weight[told], minlength=len(column.values))
    rows = weight[told].sum()
    if name in ("district", "postcode"):
        return np.asarray((count + 0.5) / (rows + 1))
    guess = np.array([_guess(value, name) for value in column.values] or [1.0])[: len(column.values)]
    worth = priors.ROWS_OF_OPINION
    return np.asarray((np.maximum(count - 1, 0.3) + worth * guess) / (rows + worth))


def _guess(value: str, name: str) -> float:
    if name == "surname":
        return priors.SURNAME_SHARES.get(value, priors.RARE[name])
    if name == "given" and len(value) == 1 and is_han(value):
        return priors.GIVEN_OF_ONE
    return priors.RARE[name]


def _heard(column: Column, weight: Chances) -> Chances:
    """Share of the sound of each value."""
    told = column.codes >= 0
    if not column.values:
        return np.zeros(1)
    by_sound = np.bincount(column.of("ear")[told], weight[told])
    return np.asarray(by_sound[column.also["ear"]] / weight[told].sum())
