"""The present: a plan as a flow in one network, ready to be changed a little many times.

What enters: a compiled problem and the lines of a plan for it. What leaves: `Present`, the network of all pairs with
the plan's flow, bounds that keep every hard choice as it is, and potentials that show the flow to be the best of its
kind. Called by `matching.whatif`, once per plan; every override then costs only its own repair.

The network holds every limit that could bind if any stock grew, so that an override never needs another one. Source
and sink are one node here, the ground: what leaves the ground is stock, what comes back are filled levels.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array

from matching.compiled import Compiled
from matching.components import Component, split
from matching.flow import NegativeCycle, potentials_of, whole_flow
from matching.limits import Limits, shared_limits
from matching.model import FAR
from matching.network import SINK, SOURCE, Ints, Network, build, level_sizes
from matching.parts import filled, receipts
from matching.plan import Line
from matching.rules import column, flag, rival_key
from matching.standing import rank_of, units_of

GROUND = SOURCE
PLENTY = 2**50
"""A stock that never runs out."""


@dataclass(frozen=True, slots=True)
class Present:
    """A network of V nodes and A arcs, and the plan in it; P pairs can carry something.

    `low` and `high` bound the flow of each arc: a pair that a hard rule holds fast has both at its present units.
    ``codes[start[v]:start[v + 1]]`` are the arcs at node v: ``2·arc`` where v is its tail, ``2·arc + 1`` its head.
    """

    compiled: Compiled
    limits: Limits
    part: Component
    network: Network
    tail: Ints
    head: Ints
    units: Ints
    """(E,) units of every pair in the plan."""
    flow: Ints
    low: Ints
    high: Ints
    potentials: Ints
    start: NDArray[np.int32]
    codes: NDArray[np.int32]
    hard: NDArray[np.bool_]
    """(N,) needs of hard parts."""
    fixed: NDArray[np.bool_]
    """(E,) pairs that a hard rule holds at their present units."""
    arcs_of: Ints
    """(E, 2) the arcs of each pair: the promised units, then the rest; -1 where there is none."""
    stock_arc: Ints
    """(R,) the arc that carries the stock; -1 where no pair needs it."""
    most: Ints
    """(E,) the most that a pair can carry however large the stock."""
    drains: Ints
    """(V,) the arc by which a need's units, or a household cap's, flow on; -1 elsewhere."""
    last_rank: Ints
    """(N,) rank of the cell of the last unit that a need got; 0 if it got nothing."""
    best: bool
    """Whether the plan is the best that these bounds allow; else `flow` is better than the plan."""

    def caps_over(self, need: int) -> Iterator[int]:
        """The arcs of the household caps that count what this need receives."""
        home = int(self.compiled.household[need])
        names = {
            ("household_cap", self.compiled.problem.caps[self.limits.group_cap[group]].cap_id)
            for group in np.flatnonzero(self.limits.group_household == home).tolist()
            if need in self.limits.needs_of(group)
        }
        for arc, name in self.network.limits.items() if names else ():
            if name[:2] in names and name[2] == self.compiled.household_ids[home]:
                yield arc


def present(compiled: Compiled, lines: Sequence[Line]) -> Present:
    """Lay the plan into its network. O(E · rounds): a few seconds for a city."""
    most = _most(compiled)
    wide = replace(compiled, stock=np.full_like(compiled.stock, PLENTY), pair_most=most)
    limits = shared_limits(wide)
    parts = split(wide, limits)
    whole = _joined(parts)
    network = build(wide, limits, pairs=whole.pairs, groups=whole.groups)
    units = units_of(compiled, lines)
    hard = np.zeros(len(compiled.need_ids), bool)
    for part in parts:
        hard[part.needs] = part.hard
    fixed = _fixed(compiled, limits, whole, network=network, units=units, hard=hard)
    arcs_of, stock_arc = _places(compiled, network)
    flow = _flow(compiled, limits, network=network, units=units, arcs_of=arcs_of)
    low, high = _bounds(compiled, limits, network=network, flow=flow, units=units, fixed=fixed, stock_arc=stock_arc)
    bounded = replace(network, lower=low, upper=high)
    best = True
    try:
        potentials = potentials_of(bounded, flow, arcs=np.arange(len(flow)), costs=network.costs[0])
    except NegativeCycle:
        best, flow = False, whole_flow(bounded, costs=network.costs[0])
        potentials = potentials_of(bounded, flow, arcs=np.arange(len(flow)), costs=network.costs[0])
    tail, head = (np.where(ends == SINK, GROUND, ends) for ends in (network.tail, network.head))
    start, codes = _around(network.nodes, tail, head)
    return Present(
        compiled=compiled, limits=limits, part=whole, network=network, tail=tail, head=head, units=units, flow=flow,
        low=low, high=high, potentials=potentials, start=start, codes=codes, hard=hard, fixed=fixed, arcs_of=arcs_of,
        stock_arc=stock_arc, most=most, drains=_drains(network, tail), last_rank=_last_rank(compiled, units), best=best,
    )  # fmt: skip


def _most(compiled: Compiled) -> Ints:
    """The most that a pair can carry however large the stock."""
    rows, resource = compiled.problem.resources, compiled.pair_resource
    limit = np.array(
        [min(FAR if m is None else m for m in (r.max_per_need, r.max_per_household)) for r in rows], np.int64
    )
    lot, least = column(compiled, "lot")[resource], column(compiled, "min_per_need")[resource]
    most = np.minimum(compiled.open[compiled.pair_need], limit[resource]) // lot * lot
    most = np.where(most < least, 0, most)
    return np.asarray(np.where(compiled.pair_used < 0, most, compiled.open[compiled.pair_need]), dtype=np.int64)


def _joined(parts: Sequence[Component]) -> Component:
    def all_of(name: str) -> Ints:
        return np.sort(np.concatenate([np.empty(0, np.int64), *(getattr(part, name) for part in parts)]))

    return Component(
        needs=all_of("needs"), resources=all_of("resources"), pairs=all_of("pairs"), earmarks=all_of("earmarks"),
        groups=all_of("groups"), shares=all_of("shares"), hard=any(part.hard for part in parts),
    )  # fmt: skip


def _fixed(
    compiled: Compiled, limits: Limits, part: Component, *, network: Network, units: Ints, hard: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Pairs of hard parts whose amounts are no plain flow, as `refill.soft` has it, and those under crossing caps."""
    need, resource = compiled.pair_need, compiled.pair_resource
    chosen = flag(compiled, "one_provider")[need] | (column(compiled, "min_per_need")[resource] > 1)
    chosen[part.pairs[rival_key(compiled, part) >= 0]] = True
    drawn = {name for name in network.limits.values() if name[0] == "household_cap"}
    crossing = np.zeros(len(compiled.need_ids), bool)
    for group in range(len(limits.group_cap)):
        cap = compiled.problem.caps[limits.group_cap[group]].cap_id
        if ("household_cap", cap, compiled.household_ids[limits.group_household[group]]) not in drawn:
            crossing[limits.needs_of(group)] = True
    fast = flag(compiled, "all_or_nothing")[need] | (compiled.pair_used >= 0) | crossing[need]
    fast |= (column(compiled, "lot")[resource] > 1) | (chosen & (units == 0))
    return np.asarray(fast & hard[need])


def _places(compiled: Compiled, network: Network) -> tuple[Ints, Ints]:
    arcs_of = np.full((len(compiled.pair_need), 2), -1, np.int64)
    carries = np.flatnonzero(network.pair >= 0)
    promised = network.costs[1][carries] < 0
    arcs_of[network.pair[carries[promised]], 0] = carries[promised]
    arcs_of[network.pair[carries[~promised]], 1] = carries[~promised]
    place = {name: i for i, name in enumerate(compiled.resource_ids)}
    stock_arc = np.full(len(place), -1, np.int64)
    for arc, name in network.limits.items():
        if name[0] == "resource":
            stock_arc[place[name[1]]] = arc
    return arcs_of, stock_arc


def _flow(compiled: Compiled, limits: Limits, *, network: Network, units: Ints, arcs_of: Ints) -> Ints:
    """The plan on every arc; needs served by `units_used` are no flow and stay out."""
    flow = np.zeros(len(network.tail), np.int64)
    plain = np.where(compiled.pair_used < 0, units, 0)
    first = np.where(arcs_of[:, 0] >= 0, np.minimum(plain, network.upper[arcs_of[:, 0]]), 0)
    for column_of, amount in ((arcs_of[:, 0], first), (arcs_of[:, 1], plain - first)):
        flow[column_of[column_of >= 0]] = amount[column_of >= 0]
    _fill_levels(compiled, network, flow, units=plain)
    kinds = {arc: name[0] for arc, name in network.limits.items()}
    supply = sorted((arc for arc, kind in kinds.items() if kind != "household_cap"), reverse=True)
    caps = sorted((arc for arc, kind in kinds.items() if kind == "household_cap"), reverse=True)
    leaves, arrives = np.zeros((2, network.nodes), np.int64)
    carried = network.pair >= 0
    np.add.at(leaves, network.tail[carried], flow[carried])
    named = np.zeros(len(flow), bool)
    named[[*supply, *caps]] = True
    levels = ~carried & ~named
    np.add.at(arrives, network.head[levels], flow[levels])
    for arc in supply:  # laid out from the root to the leaves
        flow[arc] = leaves[network.head[arc]]
        leaves[network.tail[arc]] += flow[arc]
    for arc in caps:  # laid out from the widest to the narrowest
        flow[arc] = arrives[network.tail[arc]]
        arrives[network.head[arc]] += flow[arc]
    flow[-1] = network.upper[-1] - arrives[SINK]
    return flow


def _fill_levels(compiled: Compiled, network: Network, flow: Ints, *, units: Ints) -> None:
    every = np.arange(len(units))
    received = receipts(replace(compiled, pair_used=np.full_like(units, -1)), pairs=every, units=units)
    row, level = np.nonzero(level_sizes(compiled, network.needs))
    count = filled(compiled, needs=network.needs, received=received)[row, level]
    flow[len(flow) - 1 - len(row) : len(flow) - 1] = count  # the levels are laid last, before the bypass


def _drains(network: Network, tail: Ints) -> Ints:
    drains = np.full(network.nodes, -1, np.int64)
    onward = np.flatnonzero(network.costs[0] < 0)
    drains[tail[onward]] = onward
    for arc, name in network.limits.items():
        if name[0] == "household_cap":
            drains[tail[arc]] = arc
    return drains


def _last_rank(compiled: Compiled, units: Ints) -> Ints:
    received = receipts(compiled, pairs=np.arange(len(units)), units=units)
    some = np.flatnonzero(received)
    ranks = np.zeros(len(received), np.int64)
    ranks[some] = rank_of(compiled, position=(compiled.past + received)[some], needs=some)
    return ranks


def _bounds(
    compiled: Compiled,
    limits: Limits,
    *,
    network: Network,
    flow: Ints,
    units: Ints,
    fixed: NDArray[np.bool_],
    stock_arc: Ints,
) -> tuple[Ints, Ints]:
    low, high = network.lower.copy(), network.upper.copy()
    placed = np.flatnonzero(stock_arc >= 0)
    high[stock_arc[placed]] = compiled.stock[placed]
    _without_flowless(compiled, limits, network, high=high, units=units)
    carries = np.flatnonzero(network.pair >= 0)
    pair = network.pair[carries]
    floor = column(compiled, "min_per_need")[compiled.pair_resource[pair]]
    kept = (units[pair] > 0) & (floor > 1) & ~fixed[pair]
    low[carries[kept]] = np.maximum(low[carries], np.minimum(floor, flow[carries]))[kept]
    low[carries[fixed[pair]]] = high[carries[fixed[pair]]] = flow[carries[fixed[pair]]]
    high[-1] += 1
    return low, high


def _without_flowless(compiled: Compiled, limits: Limits, network: Network, *, high: Ints, units: Ints) -> None:
    """Take what needs served by `units_used` hold off every limit."""
    held = np.flatnonzero((compiled.pair_used >= 0) & (units > 0))
    at = {name: arc for arc, name in network.limits.items()} if len(held) else {}
    for pair in held.tolist():
        need, resource = int(compiled.pair_need[pair]), int(compiled.pair_resource[pair])
        high[at["resource", compiled.resource_ids[resource], ""]] -= units[pair]
        mark = int(limits.resource_earmark[resource])
        while mark >= 0:
            high[at["earmark", limits.earmark_ids[mark], ""]] -= units[pair]
            mark = int(limits.earmark_parent[mark])
        home = compiled.household_ids[compiled.household[need]]
        for group in np.flatnonzero(limits.group_household == compiled.household[need]).tolist():
            name = ("household_cap", compiled.problem.caps[limits.group_cap[group]].cap_id, home)
            if need in limits.needs_of(group) and name in at:
                high[at[name]] -= compiled.open[need]


def _around(nodes: int, tail: Ints, head: Ints) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """The codes of the arcs at every node, without the last arc (the bypass, which the ground makes needless)."""
    arcs = np.arange(len(tail) - 1, dtype=np.int64)
    code = np.concatenate([2 * arcs, 2 * arcs + 1])
    node = np.concatenate([tail[:-1], head[:-1]])
    shape = (nodes, 2 * len(tail))
    table = coo_array((np.ones(len(code), np.int8), (node, code)), shape=shape).tocsr()
    return table.indptr.astype(np.int32), table.indices.astype(np.int32)
