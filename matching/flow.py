"""The exact optimum of a flow network in every tier, with potentials and a proof of uniqueness.

What enters: a `Network`. What leaves: the one flow that is best in coverage, then stability, then delivery cost, then
the hash tie-break; whole potentials per tier; whether the optimum is unique. Called by `solve` for pure parts and by
`priced` for relaxations. Each tier is an integer min-cost flow (OR-Tools) over the arcs that every earlier tier leaves
free: an arc whose reduced cost is not 0 can never change again, and neither can one on no residual cycle.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from hashlib import sha256

import numpy as np
from ortools.graph.python.min_cost_flow import SimpleMinCostFlow
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components, reverse_cuthill_mckee

from matching.bundle import bundled
from matching.compiled import Compiled
from matching.network import SINK, SOURCE, Ints, Network, numbered

FAR = 2**60
"""Larger than any path cost: a node the source cannot reach."""

PATIENCE, EVERY = 256, 32
"""Rounds of Bellman–Ford after which, and how often, it looks for a negative cycle: a city's best flow takes 200."""

KEPT_STEP = 4
"""Kept units that one rank of coverage is worth in the first flow, which is looked at again."""

WIDEST = 2**60
"""What the solver's range allows the largest cost times the nodes."""

HASH_BITS = 26
HASH_TIERS = 256 // HASH_BITS


class NoFlow(Exception):
    """No flow meets the lower bounds."""


class NegativeCycle(Exception):
    """The flow is not optimal for these costs."""


@dataclass(frozen=True, slots=True)
class Flow:
    """The optimum: `flow` (A,), one array of potentials (nodes,) per tier, the costs of each tier, and uniqueness."""

    flow: Ints
    potentials: tuple[Ints, ...]
    unique: bool


def optimum(network: Network, compiled: Compiled, *, tiers: int = 3) -> Flow:
    """Solve the tiers one after the other, then break ties by hash until one plan is left.

    Raises
    ------
    NoFlow
        If the pins cannot be met.
    """
    bundle = bundled(network)
    small = bundle.network if bundle else network
    flow = _rerouted(small, _sent(small), arcs=np.arange(len(small.tail)), costs=_folded(small), near=True)
    active = movable = np.arange(len(small.tail), dtype=np.int64)
    potentials: list[Ints] = []
    for costs in small.costs[:tiers]:
        try:
            active, movable = _settled(small, flow, potentials, active=active, costs=costs)
        except NegativeCycle:
            _improve(small, flow, arcs=movable, costs=costs)
            active, movable = _settled(small, flow, potentials, active=active, costs=costs)
    if bundle:
        potentials = [levels[: network.nodes] for levels in potentials]
        flow, active = bundle.spread(flow, size=len(network.tail)), bundle.whole_arcs(active)
        movable = _on_cycles(network, flow, active)
        del bundle, small
    for part in range(HASH_TIERS):
        if not len(movable):
            break
        costs = _hashes(compiled, network, active, part=part)
        if costs[movable].any():
            _improve(network, flow, arcs=movable, costs=costs)
        active, movable = _settled(network, flow, potentials, active=active, costs=costs)
    return Flow(flow=flow, potentials=tuple(potentials), unique=not len(movable))


def _settled(network: Network, flow: Ints, found: list[Ints], *, active: Ints, costs: Ints) -> tuple[Ints, Ints]:
    """Book the potentials of a tier; return the arcs that it leaves free, and those of them that can still change."""
    levels = potentials_of(network, flow, arcs=active, costs=costs)
    found.append(levels)
    slack = costs[active] + levels[network.tail[active]] - levels[network.head[active]]
    active = active[slack == 0]
    return active, _on_cycles(network, flow, active)


def _folded(network: Network) -> Ints:
    """The tiers in one number, coverage alone if they do not fit: a first flow that mostly is the best in all of them.

    The steps between them outweigh what one exchange costs, not what a long one may: so every tier is looked at again.
    """
    ranks, kept, cost = network.costs
    step = 2 * int(cost.max(initial=0)) + 1
    high = (KEPT_STEP * int(-ranks.min(initial=0)) + 1) * step
    return (ranks * KEPT_STEP + kept) * step + cost if high * network.nodes < WIDEST else ranks


def _sent(network: Network) -> Ints:
    """What every node sends out: all of it starts at the source and ends at the sink."""
    balance = np.zeros(network.nodes, dtype=np.int64)
    balance[SOURCE], balance[SINK] = network.upper[-1], -network.upper[-1]
    return balance


def whole_flow(network: Network, *, costs: Ints, quick: bool = False) -> Ints:
    """The flow of least cost that meets every lower bound; what is not worth sending takes the last arc, the bypass.

    Where it is `quick`, needs with the same givers are bundled: a flow of the same cost that splits more needs.
    """
    bundle = bundled(replace(network, costs=(costs * 0, costs * 0, costs))) if quick else None
    small, paid = (bundle.network, bundle.network.costs[2]) if bundle else (network, costs)
    flow = _rerouted(small, _sent(small), arcs=np.arange(len(small.tail)), costs=paid, near=quick)
    return bundle.spread(flow, size=len(network.tail)) if bundle else flow


def _rerouted(network: Network, balance: Ints, *, arcs: Ints, costs: Ints, near: bool = False) -> Ints:
    """The cheapest flow on `arcs` that sends `balance` out of every node.

    `near` numbers nodes by neighbourhood, which the solver's memory likes: for tiers whose ties do not matter, as
    another order takes another flow of the same cost.
    """
    tail, head, lower = network.tail[arcs], network.head[arcs], network.lower[arcs]
    if (lower > network.upper[arcs]).any():
        raise NoFlow
    supply = balance.copy()
    np.add.at(supply, tail, -lower)
    np.add.at(supply, head, lower)
    room = network.upper[arcs] - lower
    if near:
        place = _neighbourly(network.nodes, tail, head)
        moved = np.empty_like(supply)
        moved[place] = supply
        tail, head, supply = place[tail], place[head], moved
    return lower + cheapest(network.nodes, tail, head, room=room, cost=costs[arcs], supply=supply)


def _neighbourly(nodes: int, tail: Ints, head: Ints) -> Ints:
    """A new number for each node, close to those of its neighbours; source and sink are everybody's."""
    inner = (np.minimum(tail, head) > SINK) & (tail != head)
    ends = np.concatenate([tail[inner], head[inner]]), np.concatenate([head[inner], tail[inner]])
    graph = coo_array((np.ones(len(ends[0]), dtype=np.int8), ends), shape=(nodes, nodes)).tocsr()
    place = np.empty(nodes, dtype=np.int64)
    place[reverse_cuthill_mckee(graph, symmetric_mode=True)] = np.arange(nodes)
    return place


def _improve(network: Network, flow: Ints, *, arcs: Ints, costs: Ints) -> None:
    """Replace the flow on `arcs` by the cheapest one with the same balance at every node."""
    balance = np.zeros(network.nodes, dtype=np.int64)
    np.add.at(balance, network.tail[arcs], flow[arcs])
    np.add.at(balance, network.head[arcs], -flow[arcs])
    flow[arcs] = _rerouted(network, balance, arcs=arcs, costs=costs, near=True)


def cheapest(nodes: int, tail: Ints, head: Ints, *, room: Ints, cost: Ints, supply: Ints) -> Ints:
    """Whole flow of least cost that meets every node's supply (positive: sends, negative: takes)."""
    divisor = int(np.gcd.reduce(cost)) or 1
    used, place = numbered(np.concatenate([tail, head]), size=nodes)
    if len(np.flatnonzero(supply)) > len(np.flatnonzero(supply[used])):
        raise NoFlow
    solver = SimpleMinCostFlow()
    at_tail, at_head = np.split(place.astype(np.int32), 2)
    arcs = solver.add_arcs_with_capacity_and_unit_cost(at_tail, at_head, room, cost // divisor)
    solver.set_nodes_supplies(np.arange(len(used), dtype=np.int32), supply[used])
    status = solver.solve()
    if status == solver.INFEASIBLE:
        raise NoFlow
    if status != solver.OPTIMAL:
        raise ArithmeticError(f"the flow solver gave up with {status}: the costs or amounts are too large")
    return np.asarray(solver.flows(arcs), dtype=np.int64)


def residual(network: Network, flow: Ints, *, arcs: Ints, costs: Ints) -> tuple[Ints, Ints, Ints]:
    """Tails, heads and costs of the residual arcs: forward where there is room, backward above the lower bound."""
    ahead, back = arcs[flow[arcs] < network.upper[arcs]], arcs[flow[arcs] > network.lower[arcs]]
    tail = np.concatenate([network.tail[ahead], network.head[back]])
    head = np.concatenate([network.head[ahead], network.tail[back]])
    return tail, head, np.concatenate([costs[ahead], -costs[back]])


def potentials_of(network: Network, flow: Ints, *, arcs: Ints, costs: Ints) -> Ints:
    """Whole potentials (nodes,): what one more unit at each node would cost the plan, as the source sees it.

    Nodes that the source cannot reach take the least potential that keeps every residual arc's reduced cost from
    falling below 0. Bellman–Ford with vectorised rounds: O(rounds · arcs).

    Raises
    ------
    NegativeCycle
        If the flow is not optimal for `costs`.
    """
    tail, head, cost = residual(network, flow, arcs=arcs, costs=costs)
    levels = np.full(network.nodes, FAR, dtype=np.int64)
    levels[SOURCE] = 0
    relax(levels, tail, head, cost)
    stranded = levels > FAR // 2
    if stranded.any():
        against = np.where(stranded, 0, -levels)
        kept = stranded[tail]
        relax(against, head[kept], tail[kept], cost[kept])
        levels = np.where(stranded, -against, levels)
    return levels


def relax(levels: Ints, tail: Ints, head: Ints, cost: Ints) -> None:
    """Lower `levels` in place until ``levels[head] <= levels[tail] + cost`` on every arc.

    Raises
    ------
    NegativeCycle
        If that cannot be.
    """
    if not len(head):
        return
    order = np.argsort(head, kind="stable")
    tail, head, cost = tail[order], head[order], cost[order]
    starts = np.flatnonzero(np.concatenate([[True], head[1:] != head[:-1]]))
    heads, sizes = head[starts], np.diff(starts, append=len(head))
    parent = np.full(len(levels), -1, dtype=np.int64)
    for turn in range(len(levels) + 1):
        offers = levels[tail] + cost
        offer = np.minimum.reduceat(offers, starts)
        better = offer < levels[heads]
        if not better.any():
            return
        levels[heads[better]] = offer[better]
        if turn >= PATIENCE:
            won = (offers == np.repeat(offer, sizes)) & np.repeat(better, sizes)
            parent[head[won]] = tail[won]
            if turn % EVERY == EVERY - 1 and _in_a_ring(parent):
                break
    raise NegativeCycle


def _in_a_ring(parent: Ints) -> bool:
    """Whether following `parent` from some node never ends (at -1): then the costs around that ring are below 0."""
    step = np.append(np.where(parent < 0, len(parent), parent), len(parent))
    for _ in range(len(parent).bit_length()):
        step = step[step]
    return bool((step < len(parent)).any())


def total(amounts: Ints) -> int:
    """The sum, past 2^63 too."""
    return (int((amounts >> 32).sum()) << 32) + int((amounts & 0xFFFFFFFF).sum())


def _on_cycles(network: Network, flow: Ints, arcs: Ints) -> Ints:
    """The arcs that lie on a residual cycle of more than one arc: only these can still change."""
    tail, head, _ = residual(network, flow, arcs=arcs, costs=np.zeros(len(network.tail), dtype=np.int64))
    shape = (network.nodes, network.nodes)
    graph = coo_array((np.ones(len(tail), dtype=np.int8), (tail, head)), shape=shape).tocsr()
    _, label = connected_components(graph, directed=True, connection="strong")
    open_arcs = arcs[network.lower[arcs] < network.upper[arcs]]
    inside = label[network.tail[open_arcs]] == label[network.head[open_arcs]]
    open_arcs = open_arcs[inside]
    groups = label[network.tail[open_arcs]]
    edges = np.bincount(groups, minlength=int(label.max()) + 1)
    members = np.bincount(label, minlength=int(label.max()) + 1)
    return np.asarray(open_arcs[(edges > members - 1)[groups]], dtype=np.int64)


def _hashes(compiled: Compiled, network: Network, arcs: Ints, *, part: int) -> Ints:
    """Costs (A,) of one hash tier: `tie_hash` of the pair on every arc still in play that carries one."""
    costs = np.zeros(len(network.tail), dtype=np.int64)
    arcs = arcs[network.pair[arcs] >= 0]
    pairs = network.pair[arcs]
    names = [name.encode() for name in compiled.resource_ids]
    salt, asking = compiled.problem.policy.salt, np.unique(compiled.pair_need[pairs]).tolist()
    heads = {need: f"{salt}\0{compiled.need_ids[need]}\0".encode() for need in asking}
    first, digests = HASH_BITS * part // 8, bytearray()
    for need, resource in zip(compiled.pair_need[pairs].tolist(), compiled.pair_resource[pairs].tolist(), strict=True):
        digests += sha256(heads[need] + names[resource]).digest()
    window = np.zeros((len(pairs), 8), dtype=np.uint8)
    digest = np.frombuffer(digests, dtype=np.uint8).reshape(-1, 32)[:, first : first + 8]
    window[:, : digest.shape[1]] = digest
    shift = 64 - HASH_BITS - HASH_BITS * part % 8
    costs[arcs] = (window.view(">u8").reshape(-1) >> np.uint64(shift)).astype(np.int64) & ((1 << HASH_BITS) - 1)
    return costs


def tie_hash(salt: str, *, need_id: str, resource_id: str, part: int = 0) -> int:
    """The 26 bits of SHA-256(salt ‖ 0 ‖ need ‖ 0 ‖ resource) that start at bit 26·part."""
    digest = sha256(f"{salt}\0{need_id}\0{resource_id}".encode()).digest()
    return int.from_bytes(digest, "big") >> (256 - HASH_BITS * (part + 1)) & ((1 << HASH_BITS) - 1)
