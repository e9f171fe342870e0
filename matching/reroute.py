"""Repair a flow after a small change: units that have no way on are led along the cheapest way there still is.

What enters: a `Present` and nodes that have too much or too little. What leaves: the flow, again balanced, and again
the best one for the changed bounds. Called by `matching.overrides`.

These are successive shortest paths: potentials keep every residual arc's reduced cost at 0 or above, a search settles
nodes in the order of their distance, and along a cheapest way as many units go as fit. Costs are ranks, so distances
are small whole numbers: the search takes whole rings of nodes of one distance at a time, in arrays. Among ways of one
cost the first searches take one with the fewest moves. A ban of a large resource upsets hundreds of nodes, whose ways
of one cost cross each other thousands of times: then a maximum flow fills all ways of one cost together, so that there
are no more searches than distances. Potentials change only at the nodes a search came by.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count

import numpy as np
from ortools.graph.python.max_flow import SimpleMaxFlow

from matching.flow import FAR
from matching.network import Ints
from matching.present import GROUND, Present

SINGLY = 4
"""Searches whose ways are filled one by one, before all ways of one cost are filled at once."""


@dataclass(slots=True)
class _Trail:
    """What a search leaves behind: nodes by distance, all nodes seen, and codes with their far ends and distances."""

    whole: bool
    rings: dict[int, list[Ints]]
    seen: list[Ints]
    ends: list[tuple[Ints, Ints, Ints]] = field(default_factory=list)
    arcs: list[tuple[Ints, Ints, Ints]] = field(default_factory=list)

    def tight(self, dist: Ints, *, least: int, grounded: bool) -> Ints:
        """The codes on cheapest ways: those that end at the ground, or all that were kept."""
        parts = self.ends if grounded else self.arcs
        kept = [codes[(far == dist[other]) & (far <= least)] for codes, other, far in parts]
        return np.concatenate([np.empty(0, np.int64), *kept])


class Reroute:
    """A copy of the present flow that can be pushed around. `low`, `high` and `flow` belong to the caller as well."""

    def __init__(self, now: Present) -> None:
        self.now = now
        self.tail, self.head, self.cost = now.tail, now.head, now.network.costs[0]
        self.flow, self.low, self.high = now.flow.copy(), now.low.copy(), now.high.copy()
        self.levels = now.potentials.copy()
        self.own: dict[int, Ints] = {}
        self._dist = np.full(len(self.levels), FAR, dtype=np.int64)
        self._came, self._root = np.zeros((2, len(self.levels)), dtype=np.int64)

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
        self._dist = np.append(self._dist, FAR)
        self._came, self._root = np.append(self._came, 0), np.append(self._root, 0)
        return arc

    def drain(self, upset: Mapping[int, int]) -> dict[int, int]:
        """Lead units that arrive at these nodes and have no way on to the ground; return what cannot go anywhere."""
        return self._lead(upset, back=False)

    def fill(self, upset: Mapping[int, int]) -> dict[int, int]:
        """Fetch units that these nodes lack from the ground; return what cannot be had."""
        return self._lead(upset, back=True)

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

    def _lead(self, upset: Mapping[int, int], *, back: bool) -> dict[int, int]:
        """One search for all nodes that still have units; who is cut off by another's way is served by the next.

        Where the short ways are many but in each other's way, all of one cost are filled at once.
        """
        left = {node: units for node, units in upset.items() if units > 0 and node != GROUND}
        for turn in count():
            if not left:
                break
            together = turn >= SINGLY
            ends, zone = self._search(np.array(sorted(left), dtype=np.int64), back=back, whole=together)
            if not len(ends):
                break
            if together:
                self._flood(zone, left, back=back)
            else:
                for code in ends.tolist():
                    self._push(code, left, back=back)
            left = {node: units for node, units in left.items() if units}
        return left

    def _flood(self, zone: Ints, left: dict[int, int], *, back: bool) -> None:
        """As many units as the tight arcs of this zone can lead, all at once: a maximum flow."""
        arcs, ahead = zone >> 1, (zone & 1) == 0
        more, most = ahead != back, sum(left.values())
        here, other = (
            np.where(ahead, self.tail[arcs], self.head[arcs]),
            np.where(ahead, self.head[arcs], self.tail[arcs]),
        )
        room = np.where(more, self.high[arcs] - self.flow[arcs], self.flow[arcs] - self.low[arcs])
        starts, units = np.array(list(left.items()), dtype=np.int64).T
        number = np.zeros(len(self.levels), dtype=np.int32)
        number[here] = number[other] = number[starts] = number[GROUND] = 1
        number = number.cumsum(dtype=np.int32) - number
        solver, source = SimpleMaxFlow(), np.full(len(starts), number[-1] + 1, dtype=np.int32)
        ways = solver.add_arcs_with_capacity(number[here], number[other], np.minimum(room, most))
        given = solver.add_arcs_with_capacity(source, number[starts], units)
        status = solver.solve(int(source[0]), int(number[GROUND]))
        if status != solver.OPTIMAL:
            raise ArithmeticError(f"the flow solver gave up with {status}: the amounts are too large")
        led = np.asarray(solver.flows(ways), dtype=np.int64)
        np.add.at(self.flow, arcs, np.where(more, led, -led))
        for node, served in zip(left, solver.flows(given).tolist(), strict=True):
            left[node] -= served

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

    def _search(self, starts: Ints, *, back: bool, whole: bool) -> tuple[Ints, Ints]:
        """The codes by which the ground is reached at the least distance, and, of the whole zone, all tight codes.

        Potentials are mended on the way.
        """
        dist = self._dist
        dist[starts], self._root[starts], self._came[starts] = 0, starts, -1
        trail = _Trail(whole=whole, rings={0: [starts]}, seen=[starts])
        while trail.rings:
            at = min(trail.rings)
            ring = np.concatenate(trail.rings.pop(at))
            ring = np.unique(ring[dist[ring] == at])
            if dist[GROUND] < at + (not whole):
                break
            while len(ring) and (whole or dist[GROUND] > at):
                ring = self._step(ring, at=at, back=back, trail=trail)
        least = int(dist[GROUND])
        found, zone = (trail.tight(dist, least=least, grounded=grounded) for grounded in (True, False))
        nodes = np.unique(np.concatenate(trail.seen))
        if least < FAR:
            closer = np.minimum(dist[nodes] - least, 0)
            self.levels[nodes] += -closer if back else closer
        dist[nodes] = FAR
        return found, zone

    def _step(self, ring: Ints, *, at: int, back: bool, trail: _Trail) -> Ints:
        """Look one arc further from a ring of nodes; return the nodes found at the same distance."""
        dist = self._dist
        codes, ahead, other, cost = self._ways(self._codes(ring), back=back)
        here = np.where(ahead, self.tail[codes >> 1], self.head[codes >> 1])
        potential = self.levels[other] - self.levels[here] if back else self.levels[here] - self.levels[other]
        far = at + cost + potential
        if trail.whole:
            trail.arcs.append((codes, other, far))
        grounded = other == GROUND
        if grounded.any():
            trail.ends.append((codes[grounded], other[grounded], far[grounded]))
            dist[GROUND] = min(int(dist[GROUND]), int(far[grounded].min()))
            trail.seen.append(np.array([GROUND]))
        better = (far < dist[other]) & ~grounded & (far <= dist[GROUND])
        codes, here, other, far = codes[better], here[better], other[better], far[better]
        np.minimum.at(dist, other, far)
        won = far == dist[other]
        codes, here, other, far = codes[won], here[won], other[won], far[won]
        self._came[other], self._root[other] = codes, self._root[here]
        trail.seen.append(other)
        later = far > at
        for value in np.unique(far[later]).tolist():
            trail.rings.setdefault(value, []).append(other[far == value])
        return np.unique(other[~later])

    def _ways(self, codes: Ints, *, back: bool) -> tuple[Ints, Ints, Ints, Ints]:
        """Of these codes those with room: (codes, whether the node is the tail, the node at the other end, cost)."""
        arcs, ahead = codes >> 1, (codes & 1) == 0
        more = ahead != back
        room = np.where(more, self.flow[arcs] < self.high[arcs], self.flow[arcs] > self.low[arcs])
        arcs, ahead, more, codes = arcs[room], ahead[room], more[room], codes[room]
        other = np.where(ahead, self.head[arcs], self.tail[arcs])
        return codes, ahead, other, np.where(more, self.cost[arcs], -self.cost[arcs])

    def _push(self, end: int, left: dict[int, int], *, back: bool) -> None:
        """Send as many units as fit along the way that the search found to this end."""
        first = int(self._root[(self.tail if end & 1 == 0 else self.head)[end >> 1]])
        units = left[first]
        if not units:
            return
        way = list(self._way(end))
        for code in way:
            arc, more = code >> 1, (code & 1 == 0) != back
            units = min(units, int(self.high[arc] - self.flow[arc] if more else self.flow[arc] - self.low[arc]))
        if units > 0:
            left[first] -= units
            for code in way:
                self.flow[code >> 1] += units if (code & 1 == 0) != back else -units

    def _way(self, code: int) -> Iterator[int]:
        while code >= 0:
            yield code
            code = int(self._came[(self.tail if code & 1 == 0 else self.head)[code >> 1]])
