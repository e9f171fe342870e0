"""The value tier of a part as a choice of whole servings: this resource serves that need whole, yes or no.

What enters: a compiled problem and one component in which needs are served whole by one resource or not at all
(families and places, jobs and agents). What leaves: `Servings`, one yes or no per pair of value and a row for every
rule. Called by `assign`; read by `opening` and `assigners`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import gcd

import numpy as np
from numpy.typing import NDArray

from matching.compiled import Compiled
from matching.components import Component
from matching.eligibility import Bools
from matching.limits import Limits
from matching.network import Ints
from matching.rules import earmarked, exclusive, flag

Terms = list[tuple[int, int]]
"""A linear sum: weights and columns."""


@dataclass(frozen=True, slots=True)
class Row:
    """Σ weights·columns ≤ limit, or = limit if it is to be `full`; the weights have no common divisor."""

    columns: Ints
    weights: Ints
    limit: int
    full: bool = False


@dataclass(frozen=True, slots=True)
class Servings:
    """C columns, each a yes or no: a serving, or a helper that says that a household draws on a resource at all."""

    places: Ints
    """(C,) the serving's place in the part's pairs; -1 for a helper."""
    need: Ints
    """(C,) the need that the serving serves; -1 for a helper."""
    values: Ints
    """(C,)"""
    takes: Ints
    """(C,) units that leave the stock."""
    must: Bools
    """(C,) pinned."""
    helper: Ints
    """(C,) the helper that a serving switches on, or -1."""
    rows: tuple[Row, ...]
    base: int = 0
    """What every plan is worth on top of its servings' values."""

    def units(self, chosen: Bools, *, pairs: int) -> Ints:
        """Units per pair of the part, shape (pairs,)."""
        found = np.zeros(pairs, dtype=np.int64)
        served = chosen & (self.places >= 0)
        found[self.places[served]] = self.takes[served]
        return found

    def value(self, chosen: Bools) -> int:
        """What the chosen servings are worth."""
        return self.base + int(self.values[chosen].sum())

    @property
    def widest(self) -> int:
        """The largest sum of weights of a row."""
        return max((int(abs(row.weights).sum()) for row in self.rows), default=0)

    @property
    def overfull(self) -> bool:
        """Whether some row is over its limit by the pinned servings alone, whatever else is chosen."""
        return any(_least(row, self.must) > row.limit for row in self.rows)


@dataclass(frozen=True, slots=True)
class Answer:
    """The chosen columns (None: no plan found), and what no plan is worth more than; `late`: the clock stopped it.

    `narrower` is the same choice without servings that no plan better than the chosen one uses.
    """

    chosen: Bools | None
    bound: int
    late: bool = False
    narrower: Servings | None = None


def _least(row: Row, must: Bools) -> int:
    """The least that the row's weights can add up to."""
    counted = must[row.columns] | (row.weights < 0)
    return int(row.weights[counted].sum())


def serves_one(model: Servings, row: Row) -> bool:
    """Whether the row says that one need is served by at most (or just) one of its servings."""
    need = model.need[row.columns]
    return row.limit == 1 and bool((row.weights == 1).all() and (need == need[0]).all()) and int(need[0]) >= 0


def servings(compiled: Compiled, limits: Limits, part: Component) -> Servings | None:
    """The part as a choice of whole servings, or None if some need in it may be served in another way; O(pairs).

    Pairs without value are left out unless they are pinned: the later tiers see to them.
    """
    if not _all_whole(compiled, part):
        return None
    most, still_open = compiled.pair_most[part.pairs], compiled.open[compiled.pair_need[part.pairs]]
    pinned = compiled.pair_least[part.pairs] > 0
    kept = np.flatnonzero((most == still_open) & ((compiled.pair_value[part.pairs] > 0) | pinned))
    if (pinned & (most < still_open)).any():
        return None
    pairs = part.pairs[kept]
    used = compiled.pair_used[pairs]
    book = _Book(compiled, limits, part, kept=kept, takes=np.where(used < 0, still_open[kept], used))
    rows = tuple(book.rows())
    extra = np.full(book.columns - len(kept), -1, dtype=np.int64)
    nothing = np.zeros(len(extra), dtype=np.int64)
    helper = np.full(book.columns, -1, dtype=np.int64)
    for column, switch in book.helpers:
        helper[column] = switch
    return Servings(
        places=np.concatenate([kept, extra]),
        need=np.concatenate([compiled.pair_need[pairs].astype(np.int64), extra]),
        values=np.concatenate([compiled.pair_value[pairs], nothing]),
        takes=np.concatenate([book.takes, nothing]),
        must=np.concatenate([pinned[kept], nothing > 0]),
        helper=helper,
        rows=rows,
    )


def _all_whole(compiled: Compiled, part: Component) -> bool:
    """Whether every need of the part is served whole by one resource or not at all."""
    need = compiled.pair_need[part.pairs]
    choice = np.bincount(need, minlength=len(compiled.need_ids))
    whole = flag(compiled, "all_or_nothing") & (flag(compiled, "one_provider") | (choice == 1))
    whole |= compiled.open == 1
    whole[need[compiled.pair_used[part.pairs] >= 0]] = True
    return bool(whole[part.needs].all())


class _Book:
    """Collects the rows of a part; `columns` grows with the helpers."""

    def __init__(self, compiled: Compiled, limits: Limits, part: Component, *, kept: Ints, takes: Ints) -> None:
        self.compiled, self.limits, self.part = compiled, limits, part
        self.kept, self.takes, self.pairs = kept, takes, part.pairs[kept]
        self.columns = len(kept)
        self.helpers: Terms = []

    def rows(self) -> Iterator[Row]:
        """Every rule that can hold something back."""
        compiled, limits = self.compiled, self.limits
        open_units = compiled.open[compiled.pair_need[self.pairs]]
        by_need, by_resource = _by(compiled.pair_need[self.pairs]), _by(compiled.pair_resource[self.pairs])
        by_share = _by(limits.pair_share[self.pairs])
        by_share.pop(-1, None)
        for columns in by_need.values():
            yield from _at_most([(1, c) for c in columns], 1)
        for resource, columns in by_resource.items():
            yield from _at_most(self._taken(columns), int(compiled.stock[resource]))
        for mark, under in earmarked(limits, self.part):
            columns = [c for r in under.tolist() for c in by_resource.get(r, ())]
            yield from _at_most(self._taken(columns), int(limits.earmark_budget[mark]))
        for share, columns in by_share.items():
            yield from _at_most(self._taken(columns), int(limits.share_limit[share]))
        for group in self.part.groups.tolist():
            columns = [c for n in limits.needs_of(group).tolist() for c in by_need.get(n, ())]
            yield from _at_most([(int(open_units[c]), c) for c in columns], int(limits.group_limit[group]))
        column_of = {place: column for column, place in enumerate(self.kept.tolist())}
        for rivals in exclusive(compiled, self.part):
            yield from self._rivals([column_of[place] for place in rivals.tolist() if place in column_of])

    def _taken(self, columns: Sequence[int]) -> Terms:
        return [(int(self.takes[c]), c) for c in columns]

    def _rivals(self, columns: list[int]) -> Iterator[Row]:
        """A household draws on at most one of these resources: a helper for each that serves several of its needs."""
        drawn: Terms = []
        for held in _by(self.compiled.pair_resource[self.pairs[columns]]).values():
            mine = [columns[at] for at in held]
            if len(mine) == 1:
                drawn.append((1, mine[0]))
                continue
            drawn.append((1, self.columns))
            for column in mine:
                self.helpers.append((column, self.columns))
                yield from _at_most([(1, column), (-1, self.columns)], 0)
            self.columns += 1
        yield from _at_most(drawn, 1)


def _by(keys: NDArray[np.integer]) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for at, key in enumerate(keys.tolist()):
        found.setdefault(key, []).append(at)
    return found


def _at_most(terms: Terms, limit: int) -> Iterator[Row]:
    """Σ terms ≤ limit, divided by the common divisor; nothing if it cannot bind."""
    if sum(weight for weight, _ in terms if weight > 0) > limit:
        divisor = gcd(*(weight for weight, _ in terms))
        weights = np.array([weight // divisor for weight, _ in terms], dtype=np.int64)
        yield Row(np.array([column for _, column in terms], dtype=np.int64), weights, limit // divisor)
