"""Who would lose if this need got one more unit of this resource?

What enters: a compiled problem, the lines of a plan, a need and a resource. What leaves: the cheapest chain of moves,
each one unit: the need takes a unit of the resource, which a served need gives up and replaces from another resource,
and so on until a resource has a unit to spare or a need is left with one unit less. Called by the marketplace when
staff try an override, and by `python -m matching explain`.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from matching.compiled import Compiled
from matching.network import pair_index
from matching.plan import Line
from matching.standing import Standing, standing


@dataclass(frozen=True, slots=True)
class Move:
    """`units` (1 or -1) more of a resource for a need."""

    need_id: str
    resource_id: str
    units: int


@dataclass(frozen=True, slots=True)
class Chain:
    """The moves in order; `loser` is the need that ends with one unit less (empty: nobody).

    `rank` is the rank of the cell that the loser's last unit fills, `cost` the change of the delivery cost.
    """

    moves: tuple[Move, ...]
    loser: str
    rank: int
    cost: int


def who_would_lose(compiled: Compiled, lines: Sequence[Line], *, need_id: str, resource_id: str) -> Chain | None:
    """The chain that costs others least: lowest rank lost, then lowest delivery cost. O(E log E).

    None when no chain lets the need have a unit: the pair is not eligible or a limit of its own is in the way. Moves
    are single units: for resources in lots and needs of one provider the chain shows who is next, not a whole plan.
    """
    return Search(compiled, standing(compiled, lines)).run(need_id, resource_id)


class Search:
    """Many questions about one plan: the cheapest way from a resource to a spare unit or a need that goes without."""

    def __init__(self, compiled: Compiled, stands: Standing) -> None:
        self.compiled, self.stands = compiled, stands
        self.lines: dict[int, list[int]] = {}
        for pair in np.flatnonzero(stands.units > compiled.pair_least).tolist():
            self.lines.setdefault(int(compiled.pair_resource[pair]), []).append(pair)

    def run(self, need_id: str, resource_id: str) -> Chain | None:
        """Find the pair, see that it may have a unit, and follow the unit."""
        pair = pair_index(self.compiled, need_id=need_id, resource_id=resource_id)
        if pair is None or not self.admits(pair):
            return None
        return self._follow(pair, need=int(self.compiled.pair_need[pair]))

    def admits(self, pair: int) -> bool:
        """Whether every limit of the need's own allows one more unit of this pair, whoever would have to give it."""
        need = int(self.compiled.pair_need[pair])
        open_ = self.stands.received[need] < self.compiled.open[need] and self.stands.cap_left[need] > 0
        return bool(open_ and self._takes(pair))

    def _takes(self, pair: int) -> bool:
        """Whether the pair's own maximum and its household's allow one more unit."""
        more = self.stands.units[pair] < self.compiled.pair_most[pair] and self.compiled.pair_used[pair] < 0
        return bool(more and self.stands.share_left[pair] > 0)

    def _tight(self, resource: int) -> set[int]:
        """Earmarks above a resource that are used up."""
        nodes = self._above(resource)
        return {node for node in nodes if self.stands.earmark_left[node] < 1}

    def _above(self, resource: int) -> set[int]:
        return {node for node in self.stands.ancestors[resource].tolist() if node >= 0}

    def _givers(self, resource: int) -> Iterator[int]:
        """Pairs that could give up the unit: the resource's own or, where only a budget is short, all under it."""
        yield from self.lines.get(resource, ())
        if self.stands.stock_left[resource] > 0:
            tight = self._tight(resource)
            for other, pairs in self.lines.items():
                if other != resource and tight <= self._above(other):
                    yield from pairs

    def _follow(self, first: int, *, need: int) -> Chain | None:
        """Dijkstra over resources by delivery cost; the end with the lowest (rank lost, cost) wins."""
        costs, start = self.compiled.pair_cost, int(self.compiled.pair_resource[first])
        heap: list[tuple[int, int, tuple[int, ...]]] = [(int(costs[first]), start, (first,))]
        done: set[int] = set()
        best: dict[int, int] = {start: int(costs[first])}
        ends: list[tuple[int, int, tuple[int, ...]]] = []
        while heap:
            cost, resource, path = heapq.heappop(heap)
            if resource in done:
                continue
            done.add(resource)
            if self.stands.stock_left[resource] > 0 and not self._tight(resource):
                ends.append((0, cost, path))
                break
            for giver in self._givers(resource):
                served = int(self.compiled.pair_need[giver])
                if served == need or self.compiled.problem.needs[served].all_or_nothing:
                    continue
                freed = cost - int(costs[giver])
                ends.append((int(self.stands.last_rank[served]), freed, (*path, giver)))
                for taker in self._replacements(giver):
                    onward, reached = int(self.compiled.pair_resource[taker]), freed + int(costs[taker])
                    if onward not in done and (onward not in best or reached < best[onward]):
                        best[onward] = reached
                        heapq.heappush(heap, (reached, onward, (*path, giver, taker)))
        return self._told(min(ends)) if ends else None

    def _replacements(self, giver: int) -> Iterator[int]:
        """Other pairs from which the need that gives up a unit of `giver` could get one."""
        served = int(self.compiled.pair_need[giver])
        if self.compiled.problem.needs[served].one_provider or self.compiled.pair_used[giver] >= 0:
            return
        where = self.compiled.pairs_of(served)
        yield from (pair for pair in range(where.start, where.stop) if pair != giver and self._takes(pair))

    def _told(self, end: tuple[int, int, tuple[int, ...]]) -> Chain:
        rank, cost, path = end
        compiled = self.compiled
        ids = [
            (compiled.need_ids[int(compiled.pair_need[p])], compiled.resource_ids[int(compiled.pair_resource[p])])
            for p in path
        ]
        moves = tuple(Move(*pair, 1 - 2 * (at % 2)) for at, pair in enumerate(ids))
        loser = ids[-1][0] if rank else ""
        return Chain(moves, loser, rank, cost)
