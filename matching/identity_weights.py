"""How much each agreement is worth in this table: Fellegi and Sunter's weights, learned by expectation–maximisation.

What enters: the levels of the candidate pairs and of a sample of all pairs. What leaves: a chance of "same person" for
each pair. Called by `identity`. Five kinds of pairs compete, so that kin in one home and twins are not taken for one
person because they share what homes share; an equal rare name weighs more than an equal common one. Everything starts
from `identity_priors` and is corrected by the table, little by a small one. No randomness but a fixed seed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from matching import identity_priors as priors
from matching.identity_compare import FIELDS, TOP, Levels, levels_of
from matching.identity_records import Codes, Records

Chances = NDArray[np.float64]

_SAMPLE = 400_000
_ROUNDS = 40
_WIDE = max(TOP.values()) + 1
_AT = {name: at for at, name in enumerate(FIELDS)}
SAME, KIN, TWINS, NEIGHBOURS, STRANGERS = range(5)


@dataclass(frozen=True, slots=True, eq=False)
class Weights:
    """Chance of each level by kind, shape (kinds, fields, levels), level 0 always 1; `prior` by kind over all pairs."""

    chance: Chances
    prior: Chances


def sampled(records: Records) -> tuple[Codes, Codes]:
    """Rows of random pairs, the same for the same size."""
    draw = np.random.default_rng(records.size)
    one, two = draw.integers(0, records.size, (2, _SAMPLE if records.size > 700 else 40_000))
    kept = one != two
    return one[kept], two[kept]


def _table(known: dict[str, tuple[float, ...]]) -> Chances:
    found = np.ones((len(FIELDS), _WIDE))
    for at, name in enumerate(FIELDS):
        found[at, 1:] = 1e-9
        found[at, 1 : TOP[name] + 1] = known[name]
    return found


def learn(records: Records, levels: Levels, *, population: int | None = None) -> Weights:
    """Fit the weights to a table; `population` is how many people the rows come from, if more than there are rows.

    All pairs are then those of a row with anybody: a short list was looked up in the whole register, so each of its
    rows may have a copy there, however large the register is.
    """
    others = max(records.size, population or 0)
    total = records.size * (2 * others - records.size - 1) / 2
    patterns, count = np.unique(levels, axis=0, return_counts=True)
    by_chance = _by_chance(records)
    base = by_chance
    kinds = (priors.SAME, priors.KIN, priors.TWINS, priors.STRANGERS, priors.STRANGERS)
    chance = np.stack([_table(kind) for kind in kinds])
    prior = _shares(np.array([0.1, 0.2, 0.0, 1.0]) * records.size, total)
    for _ in range(_ROUNDS):
        chance[STRANGERS] = _opinion(base, priors.STRANGERS, priors.PAIRS_OF_OPINION["strangers"])
        chance[NEIGHBOURS] = chance[STRANGERS]
        for name, known in priors.NEIGHBOURS.items():
            chance[NEIGHBOURS, _AT[name], 1 : TOP[name] + 1] = known
        found = posterior(logs_of(patterns, chance), prior) * count[:, None]
        before, prior = prior, _shares(found[:, :4].sum(0), total)
        chance[SAME] = _opinion(_seen(patterns, found[:, SAME]), priors.SAME, priors.PAIRS_OF_OPINION["same"])
        base = np.maximum(by_chance - _seen(patterns, found[:, :4].sum(1)), 0)
        if np.abs(np.log(prior[:4] / before[:4])).max() < 1e-4:
            break
    return Weights(chance, prior)


def _shares(pairs: Chances, total: float) -> Chances:
    """Prior of each kind from expected pairs; twins are one in a hundred of kin."""
    same, kin, _, near = pairs + 1.0
    some = np.array([same, kin, 0.01 * kin, near]) / max(total, 4 * (same + kin + near))
    return np.concatenate((some, [1 - some.sum()]))


def _seen(patterns: Levels, weight: Chances) -> Chances:
    """Expected pairs at each level of each field, shape (fields, levels)."""
    return np.stack([np.bincount(patterns[:, at], weight, minlength=_WIDE) for at in range(len(FIELDS))])


def _opinion(seen: Chances, known: dict[str, tuple[float, ...]], worth: float) -> Chances:
    seen = seen.copy()
    seen[:, 0] = 0
    found = seen + worth * np.where(np.arange(_WIDE) > 0, _table(known), 0)
    found /= found.sum(1, keepdims=True)
    found[:, 0] = 1
    return np.asarray(found)


def _by_chance(records: Records) -> Chances:
    """Pairs at each level in all pairs of the table: the equal ones counted, the others from a sample."""
    levels = levels_of(records, *sampled(records))
    total = records.size * (records.size - 1) / 2
    found = _seen(levels, np.full(len(levels), total / max(1, len(levels))))
    for at, name in enumerate(FIELDS):
        counts = records.columns[name].counts().astype(float)
        found[at, TOP[name]] = (counts * (counts - 1)).sum() / 2
    return found


def posterior(logs: Chances, prior: Chances) -> Chances:
    """Chance of each kind, shape (pairs, kinds), from the logs of what is seen under each."""
    found = logs + np.log(prior)
    found = np.exp(found - found.max(1, keepdims=True))
    return np.asarray(found / found.sum(1, keepdims=True))


def logs_of(levels: Levels, chance: Chances) -> Chances:
    """Log of the chance of each pair's levels under each kind, shape (pairs, kinds)."""
    logs = np.log(np.maximum(chance, 1e-12))
    found = np.zeros((len(levels), len(chance)))
    for at in range(len(FIELDS)):
        found += logs[:, at, :].T[levels[:, at]]
    return found
