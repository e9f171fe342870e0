"""For each need that a plan left: the cheapest change that would serve it, and who would lose without that change.

What enters: a compiled problem, the lines of a plan and the ids of the needs. What leaves: a `Way` for each need that
some resource may serve. The change is the one that takes the fewest new units, then the lowest delivery cost: units
that lie free, a limit above units that lie free, a budget, or more stock. Who would lose is asked for one unit, along
the cheapest chain (`displace`); for needs that hold nothing the chain depends on the resource alone, so the whole sheet
of a city takes one search a resource. Called by the marketplace for a meeting's sheet.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from matching.compiled import Compiled
from matching.displace import Chain, Search
from matching.plan import Line
from matching.standing import Standing, standing

FREE, LIMIT, BUDGET, STOCK = "free", "limit", "budget", "stock"
"""Units lie free; a limit of the need or its household is in the way; an earmark is used up; stock is used up."""
LIKELY_GIVERS = 3
"""Resources, the cheapest first, at which is asked who would lose: each chain looks beyond its first resource."""


@dataclass(frozen=True, slots=True)
class Way:
    """What frees one need: `units` are the need's open units, `new_units` how many of them do not exist yet.

    `loser` and `loser_rank` say who would have one unit less if this need got one today (empty and 0: nobody);
    `asked` is False where no limit of the need's own allows a unit, so that the question has no answer.
    """

    need_id: str
    kind: str
    resource_id: str
    units: int
    new_units: int
    asked: bool = False
    loser: str = ""
    loser_rank: int = 0


def ways(compiled: Compiled, lines: Sequence[Line], *, need_ids: Iterable[str]) -> Iterator[Way]:
    """The way of each of these needs that the problem knows and some resource may serve.

    Needs without any eligible resource are left out: what they lack is a new resource. O(E + R · search).
    """
    stands = standing(compiled, lines)
    asked = _Losers(Search(compiled, stands))
    known = {name: place for place, name in enumerate(compiled.need_ids)}
    for name in need_ids:
        place = known.get(name)
        where = compiled.pairs_of(place) if place is not None else range(0)
        if place is not None and where.stop > where.start:
            yield _way(compiled, stands, asked, place)


def _way(compiled: Compiled, stands: Standing, asked: _Losers, place: int) -> Way:
    where = compiled.pairs_of(place)
    pairs = range(where.start, where.stop)
    units = int(compiled.open[place] - stands.received[place])
    kind, new, pair = min(
        ((*_change(compiled, stands, pair, units), pair) for pair in pairs),
        key=lambda row: (row[1], int(compiled.pair_cost[row[2]]), row[2]),
    )
    chain, found = asked.least(pairs)
    name = compiled.resource_ids[int(compiled.pair_resource[pair])]
    loser, rank = (chain.loser, chain.rank) if chain is not None else ("", 0)
    return Way(compiled.need_ids[place], kind, name, units, new, asked=found, loser=loser, loser_rank=rank)


def _change(compiled: Compiled, stands: Standing, pair: int, units: int) -> tuple[str, int]:
    """What is in the way of all open units at this pair's resource, and how many units would be new."""
    need, resource = int(compiled.pair_need[pair]), int(compiled.pair_resource[pair])
    missing = max(0, units - int(stands.stock_left[resource]))
    if missing:
        return STOCK, missing
    if int(stands.earmark_room(np.array([resource]))[0]) < units:
        return BUDGET, 0
    most = int(compiled.pair_most[pair]) - int(stands.units[pair])
    limited = min(most, int(stands.share_left[pair]), int(stands.cap_left[need])) < units
    return (LIMIT, 0) if limited else (FREE, 0)


class _Losers:
    """Chains by resource, each searched once."""

    def __init__(self, search: Search) -> None:
        self.search = search
        self.found: dict[int, Chain | None] = {}

    def least(self, pairs: Sequence[int]) -> tuple[Chain | None, bool]:
        """The chain that takes least from others, and whether any pair could be asked at all."""
        compiled = self.search.compiled
        cheapest = sorted(pairs, key=lambda pair: (int(compiled.pair_cost[pair]), pair))
        open_ = [pair for pair in cheapest if self.search.admits(pair)][:LIKELY_GIVERS]
        chains = [chain for pair in open_ if (chain := self._of(pair)) is not None]
        return min(chains, key=lambda chain: (chain.rank, chain.cost), default=None), bool(chains)

    def _of(self, pair: int) -> Chain | None:
        compiled = self.search.compiled
        resource = int(compiled.pair_resource[pair])
        if resource not in self.found:
            need, name = compiled.need_ids[int(compiled.pair_need[pair])], compiled.resource_ids[resource]
            self.found[resource] = self.search.run(need, name)
        return self.found[resource]
