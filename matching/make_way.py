"""Should somebody make way for a need that came after the run?

What enters: a compiled problem that holds the newcomer, the lines of the plan, and the newcomer's id. What leaves: a
`Displacement`: the chain of single units that would give it one, who would end with one less, and both ranks; or None
where nobody stands lower. It is a proposal for people: nothing here changes a plan. Called in the background, for it
looks at the whole city.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from matching.compiled import Compiled
from matching.displace import Chain, who_would_lose
from matching.network import pair_index
from matching.plan import Line
from matching.standing import standing

MOST_TRIED = 3
"""Resources from which a chain is tried, the cheapest first: each chain already looks beyond its first resource."""


@dataclass(frozen=True, slots=True)
class Displacement:
    """The newcomer's unit would fill a cell of rank `gained`, the loser's fills one of rank ``chain.rank``."""

    need_id: str
    resource_id: str
    gained: int
    chain: Chain


def displacement(compiled: Compiled, lines: Sequence[Line], *, need_id: str) -> Displacement | None:
    """The chain that takes least from others, if it takes less than it gives. O(E log E).

    Lines on pairs that are not eligible any longer are left aside. A chain that would break a lot or a minimum on its
    way, and a need that takes all or nothing, get no proposal: single units cannot serve them.
    """
    place = int(np.searchsorted(compiled.need_ids, need_id))
    if compiled.problem.needs[place].all_or_nothing:
        return None
    lines = standing_lines(compiled, lines)
    gained = int(standing(compiled, lines).next_rank[place])
    where = compiled.pairs_of(place)
    order = np.argsort(compiled.pair_cost[where], kind="stable")[:MOST_TRIED]
    found = []
    for resource in compiled.pair_resource[where][order].tolist():
        name = compiled.resource_ids[resource]
        chain = who_would_lose(compiled, lines, need_id=need_id, resource_id=name)
        if chain is not None and chain.rank < gained and _whole(compiled, lines, chain):
            found.append(Displacement(need_id, name, gained, chain))
    return min(found, key=lambda row: (row.chain.rank, row.chain.cost, row.resource_id)) if found else None


def standing_lines(compiled: Compiled, lines: Sequence[Line]) -> list[Line]:
    """The lines whose pair is still eligible."""

    def stands(line: Line) -> bool:
        return pair_index(compiled, need_id=line.need_id, resource_id=line.resource_id) is not None

    return [line for line in lines if stands(line)]


def _whole(compiled: Compiled, lines: Sequence[Line], chain: Chain) -> bool:
    """Whether every pair that the chain touches keeps whole lots and its minimum, and one provider stays one."""
    units = {(line.need_id, line.resource_id): line.units for line in lines}
    for move in chain.moves:
        pair = (move.need_id, move.resource_id)
        units[pair] = units.get(pair, 0) + move.units
    rows = compiled.problem.resources
    for move in chain.moves:
        resource = rows[int(np.searchsorted(compiled.resource_ids, move.resource_id))]
        after = units[move.need_id, move.resource_id]
        if after % resource.lot or 0 < after < resource.min_per_need:
            return False
        need = compiled.problem.needs[int(np.searchsorted(compiled.need_ids, move.need_id))]
        from_many = sum(1 for (name, _), amount in units.items() if name == move.need_id and amount > 0) > 1
        if need.one_provider and from_many:
            return False
    return True
