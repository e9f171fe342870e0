"""Plain assignment: each need goes into one bin or stays out, and each bin holds so much.

What enters: `Servings`. What leaves: the same choice as whole-number tables of needs by bins, or None where some rule
does not fit that shape or the bins are too large to be filled exactly; and the exact filling of one bin, which every
bound of `lagrange` is made of. Read by `lagrange`, `shifting` and `bounding`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from matching.eligibility import Bools
from matching.network import Ints
from matching.servings import Servings, serves_one

Table = NDArray[np.int64]

MOST_WORK = 4_000_000
"""Needs × room over all bins: beyond this filling the bins exactly takes longer than it helps."""


@dataclass(frozen=True, slots=True)
class Bins:
    """N needs and K bins; the last column of the tables is a bin without end: staying out, or a place that never fills.

    `column` is the serving that an entry stands for, -1 for none; `can` says which entries are allowed.
    """

    column: Table
    """(N, K + 1)"""
    value: Table
    """(N, K + 1)"""
    weight: Table
    """(N, K + 1)"""
    can: NDArray[np.bool_]
    """(N, K + 1)"""
    room: Ints
    """(K,)"""

    def worth(self, bin_of: Ints) -> int:
        """The value of a plan that puts each need into one bin."""
        return int(self.value[np.arange(len(bin_of)), bin_of].sum())

    def chosen(self, bin_of: Ints, *, columns: int) -> Bools:
        """The columns of `Servings` that are on in a plan."""
        mine = self.column[np.arange(len(bin_of)), bin_of]
        found = np.zeros(columns, dtype=np.bool_)
        found[mine[mine >= 0]] = True
        return found

    def placed(self, chosen: Bools) -> Ints:
        """The bin of each need, given the columns that are on; shape (N,)."""
        on = (self.column >= 0) & chosen[self.column.clip(0)]
        return np.where(on.any(axis=1), on.argmax(axis=1), len(self.room)).astype(np.int64)

    def fits(self, bin_of: Ints) -> bool:
        """Whether a plan keeps every rule of this shape."""
        mine = np.arange(len(bin_of)), bin_of
        load = np.bincount(bin_of, weights=self.weight[mine], minlength=len(self.room) + 1)[:-1]
        return bool(self.can[mine].all() and (load <= self.room).all())


def bins(model: Servings) -> Bins | None:
    """The choice as needs and bins; O(columns + terms)."""
    if (model.helper >= 0).any() or (model.places < 0).any() or not len(model.places):
        return None
    held, weight = np.full((2, len(model.places)), -1, dtype=np.int64)
    full: set[int] = set()
    room: list[int] = []
    for row in model.rows:
        if serves_one(model, row):
            full |= {int(model.need[row.columns[0]])} if row.full else set()
        elif row.full or (row.weights < 0).any() or (held[row.columns] >= 0).any():
            return None
        else:
            held[row.columns], weight[row.columns] = len(room), row.weights
            room.append(row.limit)
    needs, place = np.unique(model.need, return_inverse=True)
    if len(needs) * sum(room) > MOST_WORK:
        return None
    return _tables(model, needs, place=place, held=held, weight=weight, room=room, full=full)


def _tables(
    model: Servings, needs: Ints, *, place: Ints, held: Ints, weight: Ints, room: list[int], full: set[int]
) -> Bins | None:
    shape = (len(needs), len(room) + 1)
    column, values, weights = np.full(shape, -1, dtype=np.int64), np.zeros(shape, np.int64), np.zeros(shape, np.int64)
    order = np.lexsort((model.values, model.must))
    free = order[held[order] < 0]
    column[place[free], len(room)] = free
    inside = np.flatnonzero(held >= 0)
    column[place[inside], held[inside]] = inside
    if len(inside) != (column[:, :-1] >= 0).sum():
        return None
    some = column >= 0
    values[some], weights[some] = model.values[column[some]], np.where(held < 0, 0, weight)[column[some]]
    can = some.copy()
    can[:, -1] |= ~np.isin(needs, sorted(full))
    must = np.where(some, model.must[column], False)
    if model.must.sum() != must.any(axis=1).sum():
        return None
    can[must.any(axis=1)] = must[must.any(axis=1)]
    can[:, :-1] &= weights[:, :-1] <= np.array(room, dtype=np.int64)
    return Bins(column, values, weights, can, np.array(room, dtype=np.int64))


def useful(gain: Ints, weight: Ints, *, room: int) -> Ints:
    """The items that some best filling is made of: of equal weights only as many as fit, the best of them."""
    items = np.flatnonzero(gain > 0)
    items = items[np.lexsort((-gain[items], weight[items]))]
    heavy = weight[items]
    behind = np.arange(len(items)) - np.searchsorted(heavy, heavy)
    return items[(behind + 1) * heavy <= room]


def fill(gain: Ints, weight: Ints, *, room: int) -> tuple[int, Bools]:
    """The most gain that fits, all gains positive, and which are taken; O(items · room), exact in whole numbers."""
    if int(weight.sum()) <= room:
        return int(gain.sum()), np.ones(len(gain), dtype=np.bool_)
    best = np.zeros(room + 1, dtype=np.int64)
    taken = np.zeros((len(gain), room + 1), dtype=np.bool_)
    for item, (more, takes) in enumerate(zip(gain.tolist(), weight.tolist(), strict=True)):
        with_it = best[: room + 1 - takes] + more
        np.greater(with_it, best[takes:], out=taken[item, takes:])
        np.maximum(best[takes:], with_it, out=best[takes:])
    mine, left = np.zeros(len(gain), dtype=np.bool_), room
    for item in range(len(gain) - 1, -1, -1):
        if taken[item, left]:
            mine[item], left = True, left - int(weight[item])
    return int(best[room]), mine


def forced(gain: Ints, weight: Ints, *, room: int) -> tuple[Ints, Ints]:
    """The most gain that fits if one item must be in, and if it must be out: for each item, gains of any sign.

    O(items · room) in time and memory.
    """
    good = np.flatnonzero(gain > 0)
    before = _tails(gain[good], weight[good], room=room)
    after = _tails(gain[good][::-1], weight[good][::-1], room=room)
    inside = before[-1][(room - weight).clip(0)] + gain
    outside = np.full(len(gain), before[-1][room])
    for at, item in enumerate(good.tolist()):
        first, rest, takes = before[at], after[len(good) - at - 1], int(weight[item])
        outside[item] = (first + rest[::-1]).max()
        inside[item] = (first[: room + 1 - takes] + rest[: room + 1 - takes][::-1]).max() + gain[item]
    return inside, outside


def _tails(gain: Ints, weight: Ints, *, room: int) -> Table:
    """The most gain of the first i items in each room, shape (items + 1, room + 1)."""
    best = np.zeros((len(gain) + 1, room + 1), dtype=np.int64)
    for item, (more, takes) in enumerate(zip(gain.tolist(), weight.tolist(), strict=True)):
        best[item + 1] = best[item]
        np.maximum(best[item, takes:], best[item, : room + 1 - takes] + more, out=best[item + 1, takes:])
    return best
