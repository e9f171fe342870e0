"""A good plan of needs and bins: repaired from any wish, then mended by
shifts, swaps, ejection chains and refilled bins.

What enters: `Bins` and where each need would like to be. What leaves: a plan that fits and that no single move betters.
Called by `lagrange`. The same wish always gives the same plan: ties go to the first.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from matching.bins import Bins, Table, fill, useful
from matching.network import Ints

NEVER = -(2**60)
"""The gain of a move that is not allowed."""

MUST_STAY = 2**42
"""What leaving costs a need that cannot stay out."""

ROUNDS = 20
"""Refillings of one plan at most; two or three are the rule."""

MOST_MOVES = 400
"""Moves from one wish; a plan needs about one per need."""


def repaired(asked: Bins, wish: NDArray[np.bool_], *, liking: Table) -> Ints | None:
    """A plan from the bins that each need is wished into, or None if some need fits nowhere.

    A need wished into several bins gets the one it likes best; then the others follow, those first that lose most
    with their second choice.
    """
    room = np.append(asked.room, NEVER * -1)
    liked = np.where(wish & asked.can, liking, NEVER)
    bin_of = np.where(liked.max(axis=1) > NEVER, liked.argmax(axis=1), -1).astype(np.int64)
    some = np.flatnonzero(bin_of >= 0)
    for need in some.tolist():
        takes = asked.weight[need, bin_of[need]]
        if takes > room[bin_of[need]]:
            bin_of[need] = -1
        else:
            room[bin_of[need]] -= takes
    left = np.flatnonzero(bin_of < 0)
    while len(left):
        now = np.where(asked.can[left] & (asked.weight[left] <= room), liking[left], NEVER)
        top = np.sort(now, axis=1)[:, -2:]
        if (top[:, -1] == NEVER).any():
            return None
        at = int((top[:, -1] - top[:, 0]).argmax())
        need, best = left[at], int(now[at].argmax())
        bin_of[need] = best
        room[best] -= asked.weight[need, best]
        left = np.delete(left, at)
    return bin_of


def mended(asked: Bins, bin_of: Ints) -> Ints:
    """The plan after moves that each gain value, until none is left; a move costs O(N² + N·K)."""
    bin_of, everyone = bin_of.copy(), np.arange(len(bin_of))
    for _ in range(MOST_MOVES):
        load = np.bincount(bin_of, weights=asked.weight[everyone, bin_of], minlength=len(asked.room) + 1)
        room = np.append(asked.room - load[:-1].astype(np.int64), -NEVER)
        more = np.where(asked.can, asked.value - asked.value[everyone, bin_of][:, None], NEVER)
        shift = np.where(asked.weight <= room, more, NEVER)
        shift[everyone, bin_of] = NEVER
        need, to = np.unravel_index(int(shift.argmax()), shift.shape)
        if shift[need, to] > 0:
            bin_of[need] = to
        elif not _pair_moved(asked, bin_of, room=room, more=more, shift=shift):
            break
    return bin_of


def _pair_moved(asked: Bins, bin_of: Ints, *, room: Ints, more: Table, shift: Table) -> bool:
    """The best move of two needs: the first takes the place of the second, which takes its place or another."""
    everyone = np.arange(len(bin_of))
    into, takes = more[:, bin_of], asked.weight[:, bin_of]
    own = asked.weight[everyone, bin_of]
    opens = (takes <= (room[bin_of] + own)[None, :]) & (bin_of[:, None] != bin_of[None, :]) & (into > NEVER)
    swap = np.where(opens & opens.T, into + into.T, NEVER)
    chain = np.where(opens & (shift.max(axis=1) > NEVER)[None, :], into + shift.max(axis=1)[None, :], NEVER)
    best_swap, best_chain = int(swap.argmax()), int(chain.argmax())
    if max(swap.flat[best_swap], chain.flat[best_chain]) <= 0:
        return False
    is_swap = swap.flat[best_swap] >= chain.flat[best_chain]
    first, second = divmod(best_swap if is_swap else best_chain, len(bin_of))
    there = int(bin_of[second])
    bin_of[second] = bin_of[first] if is_swap else int(shift[second].argmax())
    bin_of[first] = there
    return True


def refilled(asked: Bins, bin_of: Ints) -> Ints:
    """The plan after each bin in turn was filled anew, exactly, from those inside, outside and in other bins.

    Whoever leaves a bin stays out; who cannot stay out does not leave. O(N · total room), and it only ever gains.
    """
    bin_of, out = bin_of.copy(), len(asked.room)
    for place, room in enumerate(asked.room.tolist()):
        inside = bin_of == place
        other = np.where(asked.can[:, out], asked.value[:, out], -MUST_STAY)
        gain = np.where(inside, asked.value[:, place] - other, _gain_in(asked, bin_of, place=place))
        items = useful(gain, asked.weight[:, place], room=room)
        most, mine = fill(gain[items], asked.weight[items, place], room=room)
        if most > int(gain[inside].sum()):
            bin_of[inside] = out
            bin_of[items[mine]] = place
    return bin_of


def _gain_in(asked: Bins, bin_of: Ints, *, place: int) -> Ints:
    """What each need gains by moving into a bin, 0 where it may not."""
    now = asked.value[np.arange(len(bin_of)), bin_of]
    gain: Ints = np.where(asked.can[:, place], asked.value[:, place] - now, 0)
    return gain


def polished(asked: Bins, plan: Ints) -> Ints:
    """Mended and refilled in turn, until refilling gains nothing."""
    plan = mended(asked, plan)
    for _ in range(ROUNDS):
        better = refilled(asked, plan)
        if asked.worth(better) <= asked.worth(plan):
            break
        plan = mended(asked, better)
    return plan
