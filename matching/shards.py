"""One shard of a nation, as a worker sees it: a city that shares some resources with other cities.

What enters: the folder of one shard, the ids of the shared resources, and prices or quotas for them. What leaves: few
numbers: what the shard would take and score at those prices, or the plan it has under its quotas. Called by `nation`
through `cluster`, on any worker. Every function here depends on its arguments alone: what a worker keeps in `_HELD`
only saves it from reading and compiling its shard again, so that a lost worker changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from hashlib import blake2b
from pathlib import Path
from resource import RUSAGE_SELF, getrusage

import numpy as np
from numpy.typing import NDArray

from matching.certify import price_bound, versions
from matching.compiled import compile_problem
from matching.components import split
from matching.flow import NoFlow, whole_flow
from matching.folder import input_sha256, read_problem, write_plan
from matching.limits import shared_limits
from matching.model import Problem, Resource
from matching.nation_folder import files_sha256, with_stocks, write_prices
from matching.network import Ints, Network, build
from matching.plan import Price
from matching.policy_file import policy_text
from matching.relaxed import prices_of
from matching.solve import allocate
from matching.wellformed import BadInput, Misfit

Hashes = NDArray[np.uint64]


class Changed(Exception):
    """A shard's folder is no longer what was surveyed; the argument is the folder."""


@dataclass(frozen=True, slots=True)
class Site:
    """Where a shard lies, the hash of its files, the ids of the nation's shared resources, and which run asks."""

    folder: str
    sha256: str
    shared: tuple[str, ...]
    run: str

    def read(self) -> Problem:
        """The shard's problem.

        Raises
        ------
        Changed
            If it is not the one that was surveyed.
        """
        if files_sha256(Path(self.folder)) != self.sha256:
            raise Changed(self.folder)
        return read_problem(Path(self.folder))


@dataclass(frozen=True, slots=True)
class Survey:
    """What a shard must tell before it may join: its misfits, or what must agree with the other shards.

    `needs` and `households` are 64-bit hashes of ids in the order of the sorted needs and of the sorted households;
    `pinned` the units pinned per resource.
    """

    misfits: tuple[Misfit, ...] = ()
    sha256: str = ""
    policy: str = ""
    objective: str = ""
    ranks: int = 0
    resources: tuple[Resource, ...] = ()
    needs: Hashes | None = None
    households: Hashes | None = None
    pinned: Mapping[str, int] | None = None
    versions: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What one part of a shard does at given prices: its score, and what it takes of each shared resource there."""

    score: int
    used: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Response:
    """One message back: an answer per part that touches a shared resource, or what forbids an answer.

    `touches` names for each answer the places of its resources in the list of shared ones; `pairs` counts the eligible
    pairs of the shard, `hard` names a shared resource inside a hard part; `stuck`: pins cannot be kept.
    """

    answers: tuple[Answer, ...] = ()
    touches: tuple[tuple[int, ...], ...] = ()
    pairs: int = 0
    hard: str = ""
    stuck: bool = False


@dataclass(frozen=True, slots=True)
class Settled:
    """The final plan of a shard in numbers; `bound` is by the nation's prices, without the worth of shared stock."""

    status: str
    conflict: tuple[str, ...]
    score: int
    bound: int
    units: int
    households_served: int
    input_sha256: str
    plan_sha256: str
    peak_bytes: int


@dataclass(frozen=True, slots=True)
class _Piece:
    """A part that touches shared resources: its network, and for each of those its arc and its place in `shared`."""

    network: Network
    arcs: Ints
    places: Ints
    known: dict[tuple[int, ...], Answer]
    """Answers already worked out, by the prices of this part's own shared resources."""


@dataclass(frozen=True, slots=True)
class _Shard:
    pieces: tuple[_Piece, ...]
    pairs: int
    hard: str


_HELD: dict[Site, _Shard] = {}
"""Shards of one run that this process has compiled."""


def survey(folder: str) -> Survey:
    """Read and check one shard. O(rows)."""
    try:
        problem = read_problem(Path(folder))
    except BadInput as error:
        return Survey(misfits=error.misfits)
    pinned: dict[str, int] = {}
    for pin in problem.pins:
        pinned[pin.resource_id] = pinned.get(pin.resource_id, 0) + pin.units
    return Survey(
        sha256=files_sha256(Path(folder)),
        policy=policy_text(problem.policy),
        objective=problem.policy.objective,
        ranks=len(problem.policy.order),
        resources=problem.resources,
        needs=hashes(sorted(need.need_id for need in problem.needs)),
        households=hashes(sorted({need.household_id for need in problem.needs})),
        pinned=pinned,
        versions=versions(),
    )


def hashes(ids: list[str]) -> Hashes:
    """64 bits of each id, shape (len(ids),)."""
    digests = b"".join(blake2b(name.encode(), digest_size=8).digest() for name in ids)
    return np.frombuffer(digests, dtype=np.uint64)


def names(folder: str, kind: str, wanted: frozenset[int]) -> tuple[str, ...]:
    """The ids (`kind` need_id or household_id) whose hash is in `wanted`: asked only where two shards seem to meet."""
    found = sorted({getattr(need, kind) for need in read_problem(Path(folder)).needs})
    return tuple(name for name, mark in zip(found, hashes(found).tolist(), strict=True) if mark in wanted)


def respond(site: Site, prices: tuple[int, ...], scale: int) -> Response:
    """What every part of the shard that touches a shared resource does at `prices` (in 1/`scale` of a rank).

    One min-cost flow per part: the price lies on the arc into the resource. O(one flow of the touched parts).
    """
    shard = _held(site)
    try:
        answers = tuple(_answer(piece, prices=prices, scale=scale) for piece in shard.pieces)
    except NoFlow:
        return Response(pairs=shard.pairs, hard=shard.hard, stuck=True)
    return Response(answers, tuple(tuple(piece.places.tolist()) for piece in shard.pieces), shard.pairs, shard.hard)


def _held(site: Site) -> _Shard:
    if site not in _HELD:
        for old in [old for old in _HELD if old.run != site.run]:
            del _HELD[old]
        _HELD[site] = _compiled(site.read(), site.shared)
    return _HELD[site]


def _compiled(problem: Problem, shared: tuple[str, ...]) -> _Shard:
    compiled = compile_problem(problem)
    limits = shared_limits(compiled)
    place = {name: at for at, name in enumerate(shared)}
    pieces, hard = [], ""
    for part in split(compiled, limits):
        touched = [compiled.resource_ids[r] for r in part.resources.tolist() if compiled.resource_ids[r] in place]
        if touched and part.hard:
            hard = touched[0]
        elif touched:
            pieces.append(_piece(build(compiled, limits, pairs=part.pairs, groups=part.groups), place))
    return _Shard(tuple(pieces), len(compiled.pair_need), hard)


def _piece(network: Network, place: Mapping[str, int]) -> _Piece:
    """The network without what only later tiers need: a worker holds many of these."""
    arcs = [arc for arc, (kind, name, _) in sorted(network.limits.items()) if kind == "resource" and name in place]
    none = np.zeros(0, dtype=np.int64)
    light = replace(network, costs=(network.costs[0], none, none), pair=none, needs=none, need_node=none)
    places = [place[network.limits[arc][1]] for arc in arcs]
    return _Piece(light, np.array(arcs, dtype=np.int64), np.array(places, dtype=np.int64), {})


def _answer(piece: _Piece, *, prices: tuple[int, ...], scale: int) -> Answer:
    own = (scale, *(prices[place] for place in piece.places.tolist()))
    if own not in piece.known:
        flow = whole_flow(piece.network, costs=_tolled(piece, prices=prices, scale=scale))
        piece.known[own] = Answer(-int((piece.network.costs[0] * flow).sum()), tuple(flow[piece.arcs].tolist()))
    return piece.known[own]


def _tolled(piece: _Piece, *, prices: tuple[int, ...], scale: int) -> Ints:
    costs: Ints = piece.network.costs[0] * scale
    costs[piece.arcs] += np.array(prices, dtype=np.int64)[piece.places]
    return costs


def settle(site: Site, out: str, prices: tuple[int, ...], quotas: tuple[int, ...]) -> Settled:
    """Solve the shard in every tier with its quotas as stock, and bound it by the nation's whole `prices`.

    Writes the ordinary output folder of the shard as it is with these quotas, and `nation_prices.csv` beside it: prices
    for the limits of the shard as it is with the nation's stock.
    """
    problem = site.read()
    plan = allocate(with_stocks(problem, dict(zip(site.shared, quotas, strict=True))))
    write_plan(plan, Path(out))
    said, bound = plan.certificate, 0
    if said.status != "infeasible":
        tolls = dict(zip(site.shared, prices, strict=True))
        rows = _nation_prices(problem, plan.prices, site=site, tolls=tolls)
        write_prices(rows, Path(out))
        worth = sum(tolls.get(row.resource_id, 0) * row.stock for row in problem.resources)
        bound = price_bound(compile_problem(problem), rows) - worth
    return Settled(
        status=said.status,
        conflict=said.conflict,
        score=said.score,
        bound=bound,
        units=said.units,
        households_served=said.households_served,
        input_sha256=input_sha256(problem),
        plan_sha256=said.plan_sha256,
        peak_bytes=getrusage(RUSAGE_SELF).ru_maxrss * 1024,
    )


def _nation_prices(
    problem: Problem, local: tuple[Price, ...], *, site: Site, tolls: Mapping[str, int]
) -> tuple[Price, ...]:
    """Tier-1 prices that bound the shard at the nation's prices.

    Parts that share nothing keep the prices of their own plan. The others are priced again under the tolls; a shared
    resource costs its toll, and more where this shard alone would take all of it.
    """
    found: dict[tuple[str, str, str], int] = {("resource", name, ""): toll for name, toll in tolls.items() if toll}
    ours = {row.resource_id for row in problem.resources}
    touched: set[tuple[str, str, str]] = {("resource", name, "") for name in tolls}
    for piece in _held(site).pieces:
        costs = _tolled(piece, prices=tuple(tolls.values()), scale=1)
        tolled = replace(piece.network, costs=(costs, *piece.network.costs[1:]))
        touched |= set(tolled.limits.values())
        for row in prices_of(tolled, whole_flow(tolled, costs=costs)):
            limit = (row.kind, row.id, row.household_id)
            found[limit] = max(row.price, found.get(limit, 0))
    found |= {
        (row.kind, row.id, row.household_id): row.price
        for row in local
        if row.tier == 1 and (row.kind, row.id, row.household_id) not in touched
    }
    return tuple(
        Price(1, *limit, price)
        for limit, price in sorted(found.items())
        if price and (limit[0] != "resource" or limit[1] in ours)
    )
