"""Where a repair finds no way: the least that keeps every pin, and all other lines cut back until the limits hold.

What enters: a `Tight` problem (after the overrides) and the units that stand. What leaves: units that keep every rule,
or the pins that contradict each other. Called by `matching.whatif` for hard parts. A plan that keeps the pins exists
if and only if one exists for the pinned needs alone, because every other need may get nothing: so the exact solver
looks at those few only, in a child that can be killed, however large the city is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from matching.child import answers
from matching.compiled import Compiled
from matching.components import Component
from matching.limits import Limits
from matching.network import Ints
from matching.parts import receipts
from matching.residual import State
from matching.rules import breaches, counted, flag
from matching.standing import rank_of

Item = TypeVar("Item")

PATIENCE = 30.0
"""Seconds after which the exact solver's child is given up."""


@dataclass(frozen=True, slots=True)
class Tight:
    """A problem after overrides; `kept` has, for each reserve, the pairs outside it (E,) and the most they may have."""

    compiled: Compiled
    limits: Limits
    part: Component
    kept: tuple[tuple[NDArray[np.bool_], int], ...]

    def allows(self, units: Ints) -> bool:
        """Whether these units of every pair keep every rule and every reserve."""
        inside = all(units[outside].sum() <= most for outside, most in self.kept)
        return inside and not breaches(self.compiled, self.limits, self.part, units[self.part.pairs])


@dataclass(frozen=True, slots=True)
class Clash:
    """Pairs whose pins cannot be met together, none of which is too many where the exact solver is sure."""

    pairs: tuple[int, ...]
    sure: bool


def cut_back(tight: Tight, units: Ints) -> Ints | Clash:
    """The standing units cut back to what is allowed now, with every pin met; or the pins that contradict each other.

    A need is cut to the least that its pins ask for, which is nothing for most; whose last unit ranks lowest, first.
    """
    floor = _floor(tight)
    if isinstance(floor, Clash):
        return floor
    state = State(tight.compiled, tight.limits, tight.part, _kept_whole(tight, units, floor)[tight.part.pairs])
    least, rank = floor[tight.part.pairs], _last_ranks(tight, units)[state.need]
    over = next(_broken(tight, state), None)
    while over is not None:
        places, counts, excess = over
        differs = np.zeros(len(tight.compiled.need_ids), bool)
        differs[state.need[state.units != least]] = True
        places = places[(state.units[places] > 0) & differs[state.need[places]]]
        places = places[np.argsort(rank[places], kind="stable")]
        if not len(places):
            raise ArithmeticError("a limit is passed by the least that keeps the pins")
        freed = counts(places, state.units) - counts(places, least)
        enough = int(np.searchsorted(np.cumsum(np.maximum(freed, 0)), excess)) + 1
        cut = np.flatnonzero(np.isin(state.need, state.need[places[:enough]]))
        state.change(cut, least[cut])
        over = next(_broken(tight, state), None)
    found = np.zeros_like(units)
    found[tight.part.pairs] = state.units
    return found


def _kept_whole(tight: Tight, units: Ints, floor: Ints) -> Ints:
    """The standing units of each need whose own rules and pins still hold without its closed pairs; else its floor."""
    compiled, need = tight.compiled, tight.compiled.pair_need
    whole = flag(compiled, "all_or_nothing")[need] & (compiled.pair_used < 0)
    closed = compiled.pair_most == 0
    kept = np.where(closed & ~whole, 0, units)
    reverts = np.zeros(len(compiled.need_ids), bool)
    reverts[need[(kept < compiled.pair_least) | (closed & (kept > 0))]] = True
    return np.asarray(np.where(reverts[need], floor, kept), dtype=np.int64)


def _last_ranks(tight: Tight, units: Ints) -> Ints:
    """Rank of the cell of each need's last unit, (N,); 0 if it got nothing."""
    compiled = tight.compiled
    received = receipts(compiled, pairs=np.arange(len(units)), units=units)
    some = np.flatnonzero(received)
    ranks = np.zeros(len(received), np.int64)
    ranks[some] = rank_of(compiled, position=(compiled.past + received)[some], needs=some)
    return ranks


_Over = tuple[Ints, Callable[[Ints, Ints], Ints], int]
"""Places under a limit that is passed, how their units count for it, and by how much it is passed."""


def _broken(tight: Tight, state: State) -> Iterator[_Over]:
    """Every limit that needs share and that these units pass."""
    compiled, limits = tight.compiled, tight.limits

    def plain(places: Ints, units: Ints) -> Ints:
        return units[places]

    def by_gap(places: Ints, units: Ints) -> Ints:
        return counted(compiled, pairs=tight.part.pairs[places], units=units[places])

    for resource in np.flatnonzero(state.given > compiled.stock).tolist():
        yield np.flatnonzero(state.resource == resource), plain, int(state.given[resource] - compiled.stock[resource])
    for mark, under in state.marks.items():
        excess = int(state.given[under].sum() - limits.earmark_budget[mark])
        if excess > 0:
            yield np.flatnonzero(np.isin(state.resource, under)), plain, excess
    for outside, most in tight.kept:
        places = np.flatnonzero(outside[tight.part.pairs])
        excess = int(state.units[places].sum()) - most
        if excess > 0:
            yield places, plain, excess
    for share in np.flatnonzero(state.shared[:-1] > limits.share_limit).tolist():
        yield np.flatnonzero(state.share == share), plain, int(state.shared[share] - limits.share_limit[share])
    for group in np.flatnonzero(state.grouped > limits.group_limit).tolist():
        places = np.flatnonzero(np.isin(state.need, limits.needs_of(group)))
        yield places, by_gap, int(state.grouped[group] - limits.group_limit[group])
    shut = state.closed()
    for key in np.unique(state.rival[shut[state.units[shut] > 0]]).tolist():
        yield np.flatnonzero(state.rival == key), plain, 1


def _floor(tight: Tight) -> Ints | Clash:
    """The fewest units that meet every pin, (E,), or the pins that contradict each other."""
    least = tight.compiled.pair_least
    pinned = np.flatnonzero(least > 0).tolist()
    if not pinned:
        return np.zeros_like(least)
    from matching.fewest import fails, fewest  # loads CP-SAT: only where there are pins, and before the child is born

    def work(_: None) -> Ints | Clash:
        found, sure = fewest(tight, pinned)
        if found is not None:
            return found
        return Clash(tuple(minimal(pinned, lambda pins: fails(tight, pins))), sure)

    answer = next(iter(answers(work, [None], deadline=monotonic() + PATIENCE, patience=PATIENCE)))
    return Clash(tuple(pinned), False) if answer is None else answer


def minimal(items: Sequence[Item], fails: Callable[[Sequence[Item]], bool]) -> list[Item]:
    """Items that still fail together, but not without any one of them; leaves out halves, then quarters, then one."""
    kept, size = list(items), max(1, len(items) // 2)
    while size:
        at = 0
        while at < len(kept):
            fewer = kept[:at] + kept[at + size :]
            if fails(fewer):
                kept = fewer
            else:
                at += size
        size //= 2
    return kept
