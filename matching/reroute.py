"""Repair a flow after a small change: units that have no way on are led along the cheapest way there still is.

What enters: a `Present` and nodes that have too much or too little. What leaves: the flow, again balanced, and again
the best one for the changed bounds. Called by `matching.overrides`.

These are successive shortest paths: potentials keep every residual arc's reduced cost at 0 or above, a search settles
nodes in the order of their distance, and along a cheapest way as many units go as fit. Costs are ranks, so distances
are small whole numbers: the search takes whole rings of nodes of one distance at a time, in arrays. Among ways of one
cost it takes one with the fewest moves. Potentials change only at the nodes a search came by.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from matching.flow import FAR
from matching.network import Ints
from matching.present import GROUND, Present


class Reroute:
    """A copy of the present flow that can be pushed around. `low`, `high` and `flow` belong to the caller as well."""

    def __init__(self, now: Present) -> None:
        self.now = now
        self.tail, self.head, self.cost = now.tail, now.head, now.network.costs[0]
        self.flow, self.low, self.high = now.flow.copy(), now.low.copy(), now.high.copy()
        self.levels = now.potentials.copy()
        self.own: dict[int, Ints] = {}
        self._dist = np.full(len(self.levels), FAR, dtype=np.int64)
        self._came = np.zeros(len(self.levels), dtype=np.int64)

    def split_node(self, node: int, arcs: Ints) -> int:
        """A new node behind `node` from which these arcs of it start; return the arc between, as wide as their flow."""
        new, arc = len(self.levels), len(self.flow)
        self.tail, self.head = np.append(self.tail, node), np.append(self.head, new)
        self.tail[arcs] = new
        carried = int(self.flow[arcs].sum())
        self.cost, self.flow = np.append(self.cost, 0), np.append(self.flow, carried)
        self.low, self.high = np.append(self.low, 0), np.append(self.high, carried)
        self.own[node] = np.append(np.setdiff1d(self._codes(np.array([node])), 2 * arcs), 2 * arc)
        self.own[new] = np.append(2 * arcs, 2 * arc + 1)
        self.levels = np.append(self.levels, self.levels[node])
        self._dist, self._came = np.append(self._dist, FAR), np.append(self._came, 0)
        return arc

    def drain(self, node: int, units: int) -> int:
        """Lead `units` that arrive at `node` and have no way on to the ground; return how many cannot go anywhere."""
        return self._lead(node, units, back=False)

    def fill(self, node: int, units: int) -> int:
        """Fetch `units` that `node` lacks from the ground; return how many cannot be had."""
        return self._lead(node, units, back=True)

    def widen(self, arc: int, units: int) -> tuple[int, int]:
        """Let `units` more through an arc, and send them where that is worth it; return as `narrow` does."""
        self.high[arc] += units
        more = int(self.high[arc] - self.flow[arc]) if self._reduced(arc) < 0 else 0
        self.flow[arc] += more
        return -more, more

    def loosen(self, arc: int, *, low: int) -> tuple[int, int]:
        """Lower the least flow of an arc, and send less where that is worth it; return as `narrow` does."""
        self.low[arc] = low
        less = int(self.flow[arc]) - low if self._reduced(arc) > 0 else 0
        self.flow[arc] -= less
        return less, -less

    def narrow(self, arc: int, *, low: int | None = None, high: int | None = None) -> tuple[int, int]:
        """Set bounds of an arc and its flow within them; return what (tail, head) then have too much (or lack)."""
        if low is not None:
            self.low[arc] = low
        if high is not None:
            self.high[arc] = high
        before = int(self.flow[arc])
        self.flow[arc] = min(max(before, int(self.low[arc])), int(self.high[arc]))
        cut = before - int(self.flow[arc])
        return cut, -cut

    def _reduced(self, arc: int) -> int:
        return int(self.cost[arc] + self.levels[self.tail[arc]] - self.levels[self.head[arc]])

    def _lead(self, node: int, units: int, *, back: bool) -> int:
        while units > 0 and node != GROUND:
            ends = self._search(node, back=back)
            if not len(ends):
                break
            for code in ends.tolist():
                units -= self._push(code, units, start=node, back=back)
                if not units:
                    break
        return units if node != GROUND else 0

    def _codes(self, nodes: Ints) -> Ints:
        """The codes of all arcs at these nodes."""
        if self.own:
            mine = [self.own[node] for node in nodes.tolist() if node in self.own]
            nodes = nodes[~np.isin(nodes, list(self.own))] if mine else nodes
            return np.concatenate([self._codes_of(nodes), *mine])
        return self._codes_of(nodes)

    def _codes_of(self, nodes: Ints) -> Ints:
        first = self.now.start[nodes].astype(np.int64)
        sizes = self.now.start[nodes + 1] - first
        ends = np.cumsum(sizes)
        if not len(ends):
            return np.empty(0, np.int64)
        places = np.arange(int(ends[-1])) + np.repeat(first - ends + sizes, sizes)
        return np.asarray(self.now.codes[places], dtype=np.int64)

    def _search(self, start: int, *, back: bool) -> Ints:
        """The codes by which the ground is reached at the least distance; potentials are mended on the way."""
        dist = self._dist
        dist[start] = 0
        rings: dict[int, list[Ints]] = {0: [np.array([start], dtype=np.int64)]}
        seen, ends = [np.array([start], dtype=np.int64)], list[tuple[Ints, Ints]]()
        while rings:
            at = min(rings)
            ring = np.concatenate(rings.pop(at))
            ring = np.unique(ring[dist[ring] == at])
            if dist[GROUND] <= at:
                break
            while len(ring) and dist[GROUND] > at:
                ring = self._step(ring, at=at, back=back, rings=rings, seen=seen, ends=ends)
        least = int(dist[GROUND])
        found = np.concatenate([codes[far == least] for codes, far in ends] or [np.empty(0, np.int64)])
        nodes = np.unique(np.concatenate(seen))
        if least < FAR:
            closer = np.minimum(dist[nodes] - least, 0)
            self.levels[nodes] += -closer if back else closer
        dist[nodes] = FAR
        return found

    def _step(
        self,
        ring: Ints,
        *,
        at: int,
        back: bool,
        rings: dict[int, list[Ints]],
        seen: list[Ints],
        ends: list[tuple[Ints, Ints]],
    ) -> Ints:
        """Look one arc further from a ring of nodes; return the nodes found at the same distance."""
        dist = self._dist
        codes, ahead, other, cost = self._ways(self._codes(ring), back=back)
        here = np.where(ahead, self.tail[codes >> 1], self.head[codes >> 1])
        potential = self.levels[other] - self.levels[here] if back else self.levels[here] - self.levels[other]
        far = at + cost + potential
        grounded = other == GROUND
        if grounded.any():
            ends.append((codes[grounded], far[grounded]))
            dist[GROUND] = min(int(dist[GROUND]), int(far[grounded].min()))
            seen.append(np.array([GROUND]))
        better = (far < dist[other]) & ~grounded & (far <= dist[GROUND])
        codes, other, far = codes[better], other[better], far[better]
        np.minimum.at(dist, other, far)
        won = far == dist[other]
        codes, other, far = codes[won], other[won], far[won]
        self._came[other] = codes
        seen.append(other)
        later = far > at
        for value in np.unique(far[later]).tolist():
            rings.setdefault(value, []).append(other[far == value])
        return np.unique(other[~later])

    def _ways(self, codes: Ints, *, back: bool) -> tuple[Ints, Ints, Ints, Ints]:
        """Of these codes those with room: (codes, whether the node is the tail, the node at the other end, cost)."""
        arcs, ahead = codes >> 1, (codes & 1) == 0
        more = ahead != back
        room = np.where(more, self.flow[arcs] < self.high[arcs], self.flow[arcs] > self.low[arcs])
        arcs, ahead, more, codes = arcs[room], ahead[room], more[room], codes[room]
        other = np.where(ahead, self.head[arcs], self.tail[arcs])
        return codes, ahead, other, np.where(more, self.cost[arcs], -self.cost[arcs])

    def _push(self, end: int, units: int, *, start: int, back: bool) -> int:
        """Send as many of `units` as fit along the way that the search found; return how many."""
        way = list(self._way(end, start=start))
        for code in way:
            arc, more = code >> 1, (code & 1 == 0) != back
            units = min(units, int(self.high[arc] - self.flow[arc] if more else self.flow[arc] - self.low[arc]))
        for code in way if units > 0 else ():
            self.flow[code >> 1] += units if (code & 1 == 0) != back else -units
        return max(0, units)

    def _way(self, code: int, *, start: int) -> Iterator[int]:
        while True:
            yield code
            node = int((self.tail if code & 1 == 0 else self.head)[code >> 1])
            if node == start:
                return
            code = int(self._came[node])
