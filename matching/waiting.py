"""Who waits for what: every pair of a need that is still open, what keeps it back and who stands before it.

What enters: a compiled problem and where a plan leaves everyone. What leaves: `Queue`, arrays over those pairs, and
`Queues`. Called by `matching.why_short`.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from matching.compiled import Compiled
from matching.eligibility import Bools, Ints
from matching.model import FAR
from matching.standing import Standing

PROVIDER, EXCLUSIVE, OWN, GAP, SHARE, CAP, EARMARK, STOCK = range(8)
"""The columns of `Queue.blocked`."""


@dataclass(frozen=True, slots=True)
class Waits:
    """What each of N needs still waits for, by L levels."""

    rank: Ints
    """(N, L) rank of the level."""
    units: Ints
    """(N, L) open units in it."""


@dataclass(frozen=True, slots=True)
class Queue:
    """Who waits for what; arrays over the P pairs of needs that are still open."""

    pairs: Ints
    """(P,) indices into the compiled pairs."""
    step: Ints
    """(P,) least units the resource would have to add."""
    counted: Ints
    """(P,) what these units count for the need."""
    ahead: Ints
    """(P,) waiting units of other needs that would come first if the resource had more."""
    blocked: Bools
    """(P, 8) provider, exclusive, own maximum, own gap, household maximum, cap, earmark, stock."""
    waits: Waits


def queue_up(compiled: Compiled, stands: Standing) -> Queue:
    """The queue of all pairs of needs that are still open. O(E · L)."""
    pairs = np.flatnonzero((stands.received < compiled.open)[compiled.pair_need]).astype(np.int64)
    step, counted = _steps(compiled, stands, pairs)
    waits = _waits(compiled, stands)
    return Queue(
        pairs=pairs,
        step=step,
        counted=counted,
        ahead=_ahead(compiled, stands, pairs=pairs, waits=waits),
        blocked=_blocked(compiled, stands, pairs=pairs, step=step, counted=counted),
        waits=waits,
    )


def _steps(compiled: Compiled, stands: Standing, pairs: Ints) -> tuple[Ints, Ints]:
    """Least addition of each pair: what leaves the stock, and what counts for the need."""
    rows = compiled.problem.resources
    lot = np.array([r.lot for r in rows], np.int64)[compiled.pair_resource[pairs]]
    floor = np.array([max(1, r.min_per_need) for r in rows], np.int64)[compiled.pair_resource[pairs]]
    need = compiled.pair_need[pairs]
    whole = np.array([n.all_or_nothing for n in compiled.problem.needs], bool)[need]
    floor = np.where(whole, np.maximum(floor, compiled.open[need] - _elsewhere(compiled, stands, pairs)), floor)
    step = np.where(stands.units[pairs] > 0, lot, -(-floor // lot) * lot)
    used = compiled.pair_used[pairs]
    counted = np.where(whole | (used >= 0), compiled.open[need], step)
    return np.where(used < 0, step, used), counted


def _elsewhere(compiled: Compiled, stands: Standing, pairs: Ints) -> Ints:
    """What the need could get from its other pairs together; nothing if it takes one provider."""
    need, resource = compiled.pair_need[pairs], compiled.pair_resource[pairs].astype(np.int64)
    room = np.minimum(stands.stock_left[resource], stands.earmark_room(resource))
    room = np.maximum(0, np.minimum(np.minimum(room, stands.share_left[pairs]), compiled.pair_most[pairs]))
    total = np.zeros(len(compiled.need_ids), np.int64)
    np.add.at(total, need, room)
    one = np.array([n.one_provider for n in compiled.problem.needs], bool)[need]
    return np.where(one, 0, total[need] - room)


def _blocked(compiled: Compiled, stands: Standing, *, pairs: Ints, step: Ints, counted: Ints) -> Bools:
    need, resource = compiled.pair_need[pairs], compiled.pair_resource[pairs].astype(np.int64)
    rows = compiled.problem.resources
    most = np.array([FAR if r.max_per_need is None else r.max_per_need for r in rows], np.int64)[resource]
    most = np.where(compiled.pair_used[pairs] < 0, most, FAR)
    one = np.array([n.one_provider for n in compiled.problem.needs], bool)[need]
    columns = (
        one & (stands.received[need] > 0) & (stands.units[pairs] == 0),
        _excluded(compiled, stands, pairs),
        most - stands.units[pairs] < step,
        compiled.open[need] - stands.received[need] < counted,
        stands.share_left[pairs] < step,
        stands.cap_left[need] < counted,
        stands.earmark_room(resource) < step,
        stands.stock_left[resource] < step,
    )
    return np.stack(columns, axis=1)


def _excluded(compiled: Compiled, stands: Standing, pairs: Ints) -> Bools:
    """Pairs whose household already draws on another resource of the same exclusive group."""
    names = [r.exclusive_group for r in compiled.problem.resources]
    number = {name: i for i, name in enumerate(sorted({name for name in names if name is not None}))}
    if not number:
        return np.zeros(len(pairs), bool)
    group = np.array([-1 if name is None else number[name] for name in names], np.int64)

    def home(of: Ints) -> Ints:
        resource = compiled.pair_resource[of]
        key: Ints = compiled.household[compiled.pair_need[of]] * len(number) + group[resource]
        return np.where(group[resource] < 0, -1, key)

    def drawn(of: Ints) -> Ints:
        return home(of) * len(names) + compiled.pair_resource[of]

    lines = np.flatnonzero(stands.units > 0).astype(np.int64)
    grouped = home(pairs) >= 0
    return grouped & np.isin(home(pairs), home(lines)) & ~np.isin(drawn(pairs), drawn(lines))


def _waits(compiled: Compiled, stands: Standing) -> Waits:
    """The open units of every need by level; one that takes all or nothing waits with all in the level of the first."""
    whole = np.array([row.all_or_nothing for row in compiled.problem.needs], bool)
    whole[compiled.pair_need[compiled.pair_used >= 0]] = True
    levels = compiled.problem.policy.levels
    table = np.zeros((4, levels), np.int64)
    for (urgency, level), rank in compiled.problem.policy.ranks().items():
        table[urgency, level - 1] = rank
    gap, start = compiled.gap[:, None], (compiled.past + stands.received)[:, None]
    edges = -(-gap * np.arange(levels + 1, dtype=np.int64) // levels)
    low, high = edges[:, :-1], edges[:, 1:]
    units = np.maximum(0, high - np.maximum(low, start))
    jump = np.where((low <= start) & (start < high), (compiled.open - stands.received)[:, None], 0)
    return Waits(table[compiled.urgency], np.where(whole[:, None], jump, units))


def _ahead(compiled: Compiled, stands: Standing, *, pairs: Ints, waits: Waits) -> Ints:
    """Units of other needs that rank at least as high and would come first if the resource had more.

    One more unit goes to whoever ranks highest among all that it can reach: a served need may take it and pass its
    old unit on. So everyone is counted who waits in the same circle of resources, joined by the needs they serve.
    """
    circle = _circles(compiled, stands)[compiled.pair_resource[pairs]]
    need = compiled.pair_need[pairs].astype(np.int64)
    keys = circle * len(compiled.need_ids) + need
    some = np.flatnonzero(np.diff(keys, prepend=-1))
    once = some[np.unique(keys[some], return_index=True)[1]]
    total = np.zeros((int(circle.max(initial=0)) + 1, len(compiled.problem.policy.order) + 1), np.int64)
    np.add.at(total, (circle[once][:, None], waits.rank[need[once]]), waits.units[need[once]])
    queued = total[:, ::-1].cumsum(axis=1)[:, ::-1]
    ahead: Ints = queued[circle, stands.next_rank[need]] - _own(stands, waits)[need]
    return ahead


def _circles(compiled: Compiled, stands: Standing) -> Ints:
    """A number for every resource; equal where served needs join them, shape (R,). O(E)."""
    joined = np.flatnonzero((stands.received > 0)[compiled.pair_need])
    need, resource, size = compiled.pair_need[joined], compiled.pair_resource[joined], len(compiled.resource_ids)
    same = np.flatnonzero(need[1:] == need[:-1])
    ends = (resource[same], resource[same + 1])
    graph = coo_array((np.ones(len(same), bool), ends), shape=(size, size))
    return np.asarray(connected_components(graph.tocsr(), directed=False)[1], np.int64)


def _own(stands: Standing, waits: Waits) -> Ints:
    """Units of each need that wait in the cell of its next unit, shape (N,)."""
    own: Ints = np.where(waits.rank == stands.next_rank[:, None], waits.units, 0).sum(axis=1)
    return own


class Queues:
    """Who else waits for a shared limit, worked out when asked: few limits are in the way of anyone's nearest pair."""

    def __init__(self, compiled: Compiled, stands: Standing, queue: Queue) -> None:
        self._compiled, self._stands, self._waits = compiled, stands, queue.waits
        self._own: list[int] = _own(stands, queue.waits).tolist()
        self._rank: list[int] = stands.next_rank.tolist()
        self._tails: dict[int, list[int]] = {}
        need, resource = compiled.pair_need[queue.pairs], compiled.pair_resource[queue.pairs]
        by = np.argsort(resource, kind="stable")
        places = np.arange(len(compiled.resource_ids) + 1, dtype=resource.dtype)
        self._waiting, self._edges = need[by], np.searchsorted(resource[by], places).tolist()
        waits = np.zeros(len(compiled.need_ids), bool)
        waits[need] = True
        self._home_of, self._homes = compiled.household.tolist(), dict[int, list[int]]()
        for place in np.flatnonzero(waits).tolist():
            self._homes.setdefault(self._home_of[place], []).append(place)
        levels = compiled.problem.policy.levels
        self._reach = np.zeros((4, 4 * levels + 1), np.int64)
        for (urgency, _), rank in compiled.problem.policy.ranks().items():
            self._reach[urgency, : rank + 1] += 1

    def under(self, need: int, node: int) -> int:
        """Units of other needs that wait for what is under this earmark and rank at least as high as the next one."""
        if node not in self._tails:
            self._tails[node] = self._tail(node)
        return self._tails[node][self._rank[need]] - self._own[need]

    def at_home(
        self, need: int, categories: Collection[str], *, resource: int | None = None, everyone: bool = False
    ) -> int:
        """The same within the household: its other needs in `categories` (and with a pair for `resource`).

        With `everyone`, all units that wait there, whatever their rank.
        """
        compiled, rank, total = self._compiled, 0 if everyone else self._rank[need], 0
        for other in self._homes.get(self._home_of[need], ()):
            if other != need and compiled.problem.needs[other].category in categories:
                where = compiled.pairs_of(other)
                if resource is None or resource in compiled.pair_resource[where]:
                    total += self._units(other, rank)
        return total

    def _units(self, need: int, rank: int) -> int:
        """Open units of a need in cells of at least this rank."""
        compiled = self._compiled
        level = int(self._reach[compiled.urgency[need], rank])
        filled = int(compiled.past[need] + self._stands.received[need])
        return max(0, -(-level * int(compiled.gap[need]) // compiled.problem.policy.levels) - filled)

    def _tail(self, node: int) -> list[int]:
        under = np.flatnonzero((self._stands.ancestors == node).any(axis=1)).tolist()
        some = np.zeros(len(self._own), bool)
        for resource in under:
            some[self._waiting[self._edges[resource] : self._edges[resource + 1]]] = True
        total = np.zeros(len(self._compiled.problem.policy.order) + 1, np.int64)
        np.add.at(total, self._waits.rank[some], self._waits.units[some])
        tail: list[int] = total[::-1].cumsum()[::-1].tolist()
        return tail


def nearest(compiled: Compiled, queue: Queue) -> Ints:
    """For each need, the place in the queue of the pair with the fewest limits in its way, then the shortest queue."""
    tail = np.int64(2**50)
    key = queue.blocked.sum(axis=1) * tail + np.minimum(queue.ahead, tail - 1)
    need = compiled.pair_need[queue.pairs]
    starts = np.flatnonzero(np.diff(need, prepend=-1))
    least = np.minimum.reduceat(key, starts)
    match = np.flatnonzero(key == np.repeat(least, np.diff(np.append(starts, len(need)))))
    return match[np.flatnonzero(np.diff(need[match], prepend=-1))]
