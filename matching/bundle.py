"""Needs that the same givers could fill, served through one node: the same optimum on far fewer arcs.

What enters: the `Network` of a pure part. What leaves: a `Bundle`, a smaller network in which needs with the same plain
arcs hang on a common node, and the way back to the arcs of the pairs. Called by `flow` for the tiers that do not tell
the needs of such a class apart; the hash tier does. An arc is *plain* if it could carry all that its need is open for:
its own limit holds nothing back, so the classes leave the optima and the prices of the shared limits as they are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from matching.network import Ints, Network, numbered

WORTH = 10
"""Bundle only if that saves one arc of so many."""


@dataclass(frozen=True, slots=True)
class Bundle:
    """`network` has the nodes of the whole one, then its classes; its arcs are kept ones, into classes, out of them.

    `origin` (a,) is the arc of the whole network or -1. `arcs` (P,) are the bundled arcs, need by need and in the order
    in which their class lists its givers; arc i goes by `into[i]` and `out[i]` of the smaller network.
    """

    network: Network
    origin: Ints
    arcs: Ints
    into: Ints
    out: Ints

    def spread(self, flow: Ints, *, size: int) -> Ints:
        """A flow of the whole network, of `size` arcs, with the same balance at every node of it."""
        whole = np.zeros(size, dtype=np.int64)
        kept = self.origin >= 0
        whole[self.origin[kept]] = flow[kept]
        if not len(self.arcs):
            return whole
        givers, takers = (numbered(ends, size=len(self.origin))[0] for ends in (self.into, self.out))
        given, taken = np.cumsum(flow[givers]), np.cumsum(flow[takers])
        ends = np.unique(np.concatenate([[0], given, taken]))
        giver, taker = np.searchsorted(given, ends[1:]), np.searchsorted(taken, ends[1:])
        first = np.searchsorted(self.out, takers)
        place = first[taker] + givers[giver] - self.into[first[taker]]
        whole[self.arcs[place]] = np.diff(ends)
        return whole

    def whole_arcs(self, arcs: Ints) -> Ints:
        """The arcs of the whole network that stand for `arcs` of the smaller one, ascending."""
        among = np.zeros(len(self.origin), dtype=np.bool_)
        among[arcs] = True
        kept = self.origin[among & (self.origin >= 0)]
        return np.sort(np.concatenate([kept, self.arcs[among[self.into] & among[self.out]]]))


@dataclass(frozen=True, slots=True)
class _Classes:
    """Blocks of arcs, one for each need and sort of giver: `start` and `size` (B,) in `arcs`, `first` block alike."""

    arcs: Ints
    start: Ints
    size: Ints
    first: Ints


def bundled(network: Network) -> Bundle | None:
    """The network with its needs in classes, or None if that would save little. O(arcs log arcs)."""
    plain = _plain(network)
    if not len(plain):
        return None
    # A giver whose arcs are not all plain would split the classes of the others: it gets classes of its own.
    every = np.bincount(network.tail[network.pair >= 0], minlength=network.nodes)
    mixed = np.bincount(network.tail[plain], minlength=network.nodes) < every
    found = _classes(network, plain, mixed[network.tail[plain]])
    leaders, inverse = np.unique(found.first, return_inverse=True)
    shared = np.bincount(inverse) > 1
    blocks = np.flatnonzero(shared[inverse])
    leaders, inverse = np.unique(found.first[blocks], return_inverse=True)
    saved = int(found.size[blocks].sum() - found.size[leaders].sum()) - len(blocks)
    if saved * WORTH < len(network.tail):
        return None
    return _laid_out(network, found, blocks=blocks, leaders=leaders, group=inverse.reshape(-1))


def _plain(network: Network) -> Ints:
    """Arcs of pairs that no limit of their own can hold back, sorted by need and giver."""
    needed = np.zeros(network.nodes, dtype=np.int64)
    np.add.at(needed, network.tail, network.upper)
    plain = (network.pair >= 0) & (network.lower == 0) & (network.costs[1] == 0)
    arcs = np.flatnonzero(plain & (network.upper == needed[network.head])).astype(np.int64)
    key = network.head[arcs] * network.nodes + network.tail[arcs]
    return arcs if (np.diff(key) >= 0).all() else arcs[np.argsort(key, kind="stable")]


def _classes(network: Network, plain: Ints, mixed: NDArray[np.bool_]) -> _Classes:
    """Blocks of one need and one sort of giver, and for each the first block with the same givers at the same costs."""
    arcs = np.concatenate([plain[~mixed], plain[mixed]])
    sort = np.repeat([0, 1], [len(plain) - int(mixed.sum()), int(mixed.sum())])
    head = network.head[arcs]
    start = np.flatnonzero(np.concatenate([[True], (np.diff(head) != 0) | (np.diff(sort) != 0)]))
    size = np.diff(start, append=len(arcs))
    mark = _scrambled(network.tail[arcs]) * (2 * network.costs[2][arcs].astype(np.uint64) + np.uint64(1))
    sums = np.add.reduceat(_scrambled(mark), start)
    _, leader, inverse = np.unique(sums, return_index=True, return_inverse=True)
    first = leader[inverse.reshape(-1)].astype(np.int64)
    # Equal sums of another list would be an accident: such a block stays alone.
    twin = np.where(size[first] == size, start[first], start)
    beside = np.repeat(twin - start, size) + np.arange(len(arcs))
    other = (network.tail[arcs] != network.tail[arcs[beside]]) | (
        network.costs[2][arcs] != network.costs[2][arcs[beside]]
    )
    alone = np.logical_or.reduceat(other, start) | (size[first] != size)
    return _Classes(arcs, start, size, np.where(alone, np.arange(len(start)), first))


def _scrambled(values: Ints | NDArray[np.uint64]) -> NDArray[np.uint64]:
    """64 bits that spread the values, so that sums of different lists differ."""
    mixed = (values.astype(np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    mixed ^= mixed >> np.uint64(31)
    mixed *= np.uint64(0xD6E8FEB86659FD93)
    return np.asarray(mixed ^ (mixed >> np.uint64(32)), dtype=np.uint64)


def _laid_out(network: Network, found: _Classes, *, blocks: Ints, leaders: Ints, group: Ints) -> Bundle:
    """Arcs that are kept, then those into the classes, class by class, then those out of them, class by class.

    None of the new ones is ever full, for those that they replace hold nothing back: each has a unit to spare.
    """
    order = np.argsort(group, kind="stable")
    blocks, group = blocks[order], group[order]
    listed = _within(found.start[leaders], found.size[leaders])
    sizes = found.size[blocks]
    bundled_arcs = found.arcs[_within(found.start[blocks], sizes)]
    kept = np.ones(len(network.tail), dtype=np.bool_)
    kept[bundled_arcs] = False
    old = np.flatnonzero(kept[:-1]).astype(np.int64)
    givers, heads = found.arcs[listed], network.head[found.arcs[found.start[blocks]]]
    node = network.nodes + np.arange(len(leaders), dtype=np.int64)
    first = len(old) + np.cumsum(found.size[leaders]) - found.size[leaders]
    into = _within(first[group], sizes)
    out = np.repeat(len(old) + len(givers) + np.arange(len(blocks)), sizes)
    last = np.array([len(network.tail) - 1], dtype=np.int64)
    none = np.zeros(len(blocks), dtype=np.int64)
    room = network.upper[found.arcs[found.start[blocks]]] + 1
    of_class = np.add.reduceat(room, np.searchsorted(group, np.arange(len(leaders))))
    in_room = np.minimum(np.repeat(of_class, found.size[leaders]), _supply(network)[network.tail[givers]] + 1)

    def joined(column: Ints, ins: Ints, outs: Ints) -> Ints:
        return np.concatenate([column[old], ins, outs, column[last]])

    smaller = Network(
        nodes=network.nodes + len(leaders),
        tail=joined(network.tail, network.tail[givers], node[group]),
        head=joined(network.head, np.repeat(node, found.size[leaders]), heads),
        lower=joined(network.lower, np.zeros_like(givers), none),
        upper=joined(network.upper, in_room, room),
        costs=(
            joined(network.costs[0], np.zeros_like(givers), none),
            joined(network.costs[1], np.zeros_like(givers), none),
            joined(network.costs[2], network.costs[2][givers], none),
        ),
        pair=joined(network.pair, np.full_like(givers, -1), none - 1),
        limits={},
        needs=network.needs,
        need_node=network.need_node,
    )
    origin = np.concatenate([old, np.full(len(givers) + len(blocks), -1, dtype=np.int64), last])
    return Bundle(smaller, origin, bundled_arcs, into, out)


def _supply(network: Network) -> Ints:
    """The most that can come into each node."""
    supply = np.zeros(network.nodes, dtype=np.int64)
    np.add.at(supply, network.head, network.upper)
    return supply


def _within(start: Ints, size: Ints) -> Ints:
    """`start[i]`, `start[i]` + 1, … `size[i]` numbers, for each i in turn."""
    ends = np.cumsum(size)
    return np.repeat(start - (ends - size), size) + np.arange(int(ends[-1]) if len(ends) else 0)
