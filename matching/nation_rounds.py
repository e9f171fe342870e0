"""The rounds of a nation: prices out to all shards, what they would take back, until nothing is left to learn.

What enters: a surveyed nation and a crew. What leaves: whole prices and quotas of the shared resources. Called by
`nation`. `master` chooses what to ask; this module deals it out and gathers it, one strand of shared resources apart
from the other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from networkx import Graph, connected_components

from matching.cluster import Crew
from matching.master import SCALE, Master, quotas
from matching.nation_survey import Nation
from matching.shards import Response, respond
from matching.wellformed import BadInput, Misfit


@dataclass(frozen=True, slots=True)
class Round:
    """How far a nation is after one round: a bound and a mixture of the parts that share anything, in ranks."""

    number: int
    bound: int
    mixture: float


@dataclass(frozen=True, slots=True)
class Priced:
    """The end of the rounds: whole `prices` (R,), `quotas` per shard, and what it took."""

    prices: tuple[int, ...]
    quotas: list[tuple[int, ...]]
    rounds: int
    pairs: int
    parts: int
    strands: int


class _Asking:
    """The rounds: one price vector out to all shards, one usage vector per part back."""

    def __init__(self, nation: Nation, crew: Crew) -> None:
        self.nation, self.crew = nation, crew
        self.rounds = self.pairs = 0
        self.strands: list[_Strand] = []

    def ask(self, prices: Sequence[int]) -> bool:
        """Ask one vector (in 1/SCALE of a rank); False if a shard cannot keep its pins."""
        tasks = [(site, tuple(prices), SCALE) for site in self.nation.sites.values()]
        heard = self.crew.each(respond, tasks)
        _refuse_hard(self.nation, heard)
        if any(one.stuck for one in heard):
            return False
        self.pairs = sum(one.pairs for one in heard)
        self.strands = self.strands or _strands(self.nation, heard)
        for strand in self.strands:
            answers = [heard[shard].answers[part] for shard, part in strand.parts]
            strand.master.hear(tuple(prices[r] for r in strand.places), answers)
        self.rounds += 1
        return True

    def next(self) -> list[int]:
        """The next vector, put together from what each strand wants to know."""
        prices = [0] * len(self.nation.shared)
        for strand in self.strands:
            for r, price in zip(strand.places, strand.master.next(whole=self.rounds % 2 == 1), strict=True):
                prices[r] = price
        return prices

    def news(self, prices: Sequence[int]) -> bool:
        """Whether some strand has not been asked these prices."""
        return any(tuple(prices[r] for r in strand.places) not in strand.master.asked for strand in self.strands)

    def blend(self) -> Round:
        """Mix again what was heard, and tell how far it is."""
        mixtures = [strand.master.blend().score for strand in self.strands]
        return Round(self.rounds, sum(strand.master.whole_bound for strand in self.strands), sum(mixtures))

    def outcome(self) -> Priced:
        """Prices and quotas at the end; a shard that does not touch a resource has no quota of it."""
        prices = [0] * len(self.nation.shared)
        dealt = [[0] * len(prices) for _ in self.nation.folders]
        for strand in self.strands:
            for r, price in zip(strand.places, strand.master.whole, strict=True):
                prices[r] = price
            for (part, r), units in quotas(strand.master).items():
                dealt[strand.parts[part][0]][strand.places[r]] = units
        parts = sum(len(strand.parts) for strand in self.strands)
        return Priced(tuple(prices), [tuple(row) for row in dealt], self.rounds, self.pairs, parts, len(self.strands))


@dataclass(frozen=True, slots=True)
class _Strand:
    """Shared resources (their `places` among all) that parts join, and those parts as (shard, number in the shard)."""

    places: tuple[int, ...]
    parts: tuple[tuple[int, int], ...]
    master: Master


def _strands(nation: Nation, heard: Sequence[Response]) -> list[_Strand]:
    """Each shared resource belongs to one strand; one that nobody can use belongs to none."""
    parts = {(shard, part): touched for shard, one in enumerate(heard) for part, touched in enumerate(one.touches)}
    graph: Graph[int] = Graph()
    for touched in parts.values():
        graph.add_nodes_from(touched)
        graph.add_edges_from(pairwise(touched))
    found = []
    for places in sorted(tuple(sorted(joined)) for joined in connected_components(graph)):
        own = tuple(key for key, touched in sorted(parts.items()) if touched[0] in places)
        number = {place: at for at, place in enumerate(places)}
        touches = tuple(tuple(number[r] for r in parts[key]) for key in own)
        master = Master(tuple(nation.shared[r].stock for r in places), nation.top, touches)
        found.append(_Strand(places, own, master))
    return found


def _refuse_hard(nation: Nation, heard: Sequence[Response]) -> None:
    wrong = (
        "is shared, and a need or rule beside it is no flow (one provider, lot, minimum, exclusive group,"
        " all or nothing, crossing caps)"
    )
    mend = "keep such rules away from what shards share, or give the shard a stock of its own"
    misfits = [
        Misfit(f"shards/{name}/resources", -1, "resource_id", one.hard, wrong, mend)
        for name, one in zip(nation.folders, heard, strict=True)
        if one.hard
    ]
    if misfits:
        raise BadInput(misfits)


def price_shared(nation: Nation, crew: Crew, *, rounds: int, told: Callable[[Round], None] | None) -> Priced:
    """Ask for all and for none, then what the masters wish to know until nothing is left to learn."""
    asking = _Asking(nation, crew)
    for price in (0, nation.top + 1):
        if not asking.ask([price * SCALE] * len(nation.shared)):
            stocks = tuple(row.stock for row in nation.shared)
            return Priced(tuple(0 for _ in stocks), [stocks for _ in nation.folders], asking.rounds, asking.pairs, 0, 0)
    while True:
        state = asking.blend()
        if told is not None:
            told(state)
        wish = asking.next()
        if asking.rounds >= rounds or not asking.news(wish):
            return asking.outcome()
        asking.ask(wish)
