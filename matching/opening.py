"""A first plan of whole servings, and what a good plan rules out.

What enters: `Servings`. What leaves: a plan that keeps every row, found without a solver; and, given what some plan is
worth, the same question with fewer plans: every better one is still among them. Called by `assign`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from matching.eligibility import Bools
from matching.network import Ints
from matching.servings import Row, Servings, Terms, serves_one


def greedy(model: Servings) -> Bools:
    """The best of a few plans that serve one need after the other; O(columns · log + terms)."""
    uses: list[Terms] = [[] for _ in model.places]
    for at, row in enumerate(model.rows):
        for column, weight in zip(row.columns.tolist(), row.weights.tolist(), strict=True):
            uses[column].append((weight, at))
    plans = [_filled(model, uses, order) for order in _orders(model)]
    return max(plans, key=lambda chosen: (bool(chosen[model.must].all()), model.value(chosen)))


def _filled(model: Servings, uses: list[Terms], order: Ints) -> Bools:
    """Take one serving after the other in this order, if it still fits."""
    room = [row.limit for row in model.rows]
    chosen = np.zeros(len(model.places), dtype=np.bool_)
    for column in order.tolist():
        switch = int(model.helper[column])
        taken: dict[int, int] = {}
        for weight, at in uses[column] + (uses[switch] if switch >= 0 and not chosen[switch] else []):
            taken[at] = taken.get(at, 0) + weight
        if all(weight <= room[at] for at, weight in taken.items()):
            for at, weight in taken.items():
                room[at] -= weight
            chosen[[column] + ([switch] if switch >= 0 else [])] = True
    return chosen


def _orders(model: Servings) -> Iterator[Ints]:
    """By what a need loses with its second choice, and by what a serving is worth for the room that it takes."""
    load = np.zeros(len(model.places), dtype=np.float64)
    for row in model.rows:
        load[row.columns] += np.maximum(row.weights, 0) / max(1, row.limit)
    columns = np.flatnonzero(model.places >= 0)
    need, values = model.need[columns], model.values[columns]
    for wish in (values.astype(np.float64), -load[columns], values / load[columns].clip(1e-9)):
        first, second = np.full((2, int(model.need.max(initial=0)) + 1), -np.inf)
        np.maximum.at(first, need, wish)
        rest = wish < first[need]
        np.maximum.at(second, need[rest], wish[rest])
        for key in (second[need] - first[need], -first[need]):
            yield columns[np.lexsort((columns, -wish, need, key, ~model.must[columns]))]


def tightened(model: Servings, value: int) -> Servings:
    """The same choice among plans worth at least `value`, some plan's worth.

    A need without which even the best of all others falls below `value` is served by every such plan: its row must be
    full, and as much as its poorest serving is worth needs no decision. With least costs written as values this takes
    the large constant out again. O(columns + rows).
    """
    columns = np.flatnonzero(model.places >= 0)
    size = int(model.need.max(initial=0)) + 1
    count = np.bincount(model.need[columns], minlength=size)
    best, least = np.zeros(size, dtype=np.int64), np.full(size, 2**62, dtype=np.int64)
    np.maximum.at(best, model.need[columns], model.values[columns])
    np.minimum.at(least, model.need[columns], model.values[columns])
    sure = (count > 0) & (model.base + best.sum() - best < value)
    spared = np.where(sure[model.need] & (model.places >= 0), least[model.need], 0)
    alone = sure & (count == 1)
    return replace(
        model,
        values=model.values - spared,
        must=model.must | (alone[model.need] & (model.places >= 0)),
        rows=tuple(replace(row, full=True) if _serves(model, row, sure, count) else row for row in model.rows),
        base=model.base + int(least[sure].sum()),
    )


def _serves(model: Servings, row: Row, sure: Bools, count: Ints) -> bool:
    """Whether the row says that a need which must be served is served once, by any of its servings."""
    need = int(model.need[row.columns[0]])
    return serves_one(model, row) and bool(sure[need]) and len(row.columns) == int(count[need])
