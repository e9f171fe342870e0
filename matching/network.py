"""One part of a problem as a flow network: source ► earmarks ► resources ► needs ► levels ► household caps ► sink.

What enters: a compiled problem and the indices of the eligible pairs of one part (or of several parts that are solved
together). What leaves: arrays of nodes and arcs with limits and one cost per tier, and the list of *shared limits*
(resource, earmark, max_per_household, household_cap) that carry prices. `flow` solves it, `prices` reads it, `priced`
uses it as a relaxation of hard parts.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from matching.compiled import Compiled
from matching.limits import Limits, usable_stock

Ints = NDArray[np.int64]
SOURCE, SINK = 0, 1

Limit = tuple[str, str, str]
"""(kind, id, household_id) of one shared limit, as `prices.csv` names it."""


@dataclass(frozen=True, slots=True)
class Network:
    """Nodes 0 (source) and 1 (sink) and others; A arcs in parallel arrays of shape (A,).

    `costs` holds one array per tier: minus the rank (coverage), minus 1 for an announced unit (stability), the cost of
    delivery. `pair` is the eligible pair that an arc carries, or -1. `limits` names the shared limit of an arc. The
    last arc is the bypass from source to sink.
    """

    nodes: int
    tail: Ints
    head: Ints
    lower: Ints
    upper: Ints
    costs: tuple[Ints, Ints, Ints]
    pair: Ints
    limits: dict[int, Limit]
    needs: Ints
    need_node: Ints


class _Draft:
    """Arcs gathered block by block before they become one `Network`."""

    def __init__(self) -> None:
        self.nodes = 2
        self.columns: list[list[Ints]] = [[] for _ in range(8)]
        self.arcs = 0
        self.limits: dict[int, Limit] = {}

    def node(self) -> int:
        self.nodes += 1
        return self.nodes - 1

    def many(self, count: int) -> Ints:
        self.nodes += count
        return np.arange(self.nodes - count, self.nodes, dtype=np.int64)

    def add(
        self,
        tail: Ints,
        head: Ints,
        *,
        upper: Ints,
        lower: Ints | int = 0,
        rank: Ints | int = 0,
        kept: int = 0,
        cost: Ints | int = 0,
        pair: Ints | int = -1,
    ) -> None:
        block = np.broadcast_arrays(tail, head, lower, upper, -np.asarray(rank), -kept, cost, pair)
        for column, values in zip(self.columns, block, strict=True):
            column.append(values.astype(np.int64))
        self.arcs += len(block[0])

    def limit(self, tail: int, head: int, *, upper: int, name: Limit) -> None:
        self.limits[self.arcs] = name
        self.add(np.array([tail]), np.array([head]), upper=np.array([upper]))

    def finish(self, *, needs: Ints, need_node: Ints) -> Network:
        # The draft of a column goes when the column is there: two whole networks at once are too many.
        tail, head, lower, upper, rank, kept, cost, pair = (
            np.concatenate(self.columns.pop(0)) for _ in range(len(self.columns))
        )
        return Network(
            nodes=self.nodes, tail=tail, head=head, lower=lower, upper=upper, costs=(rank, kept, cost),
            pair=pair, limits=self.limits, needs=needs, need_node=need_node,
        )  # fmt: skip


def build(compiled: Compiled, limits: Limits, *, pairs: Ints, groups: Ints) -> Network:
    """Lay out the network of the given pairs and cap groups; O(pairs + needs·levels).

    Rules that are no flow (one provider, lots, minima, exclusive groups, all-or-nothing, crossing caps) are left out:
    for a pure part there are none, for a hard part the optimum is an upper bound.
    """
    draft = _Draft()
    needs, at_need = numbered(compiled.pair_need[pairs], size=len(compiled.need_ids))
    resources, at_resource = numbered(compiled.pair_resource[pairs], size=len(compiled.resource_ids))
    resource_node = _supply_side(draft, compiled, limits, resources=resources)
    need_node = draft.many(len(needs))
    givers = _households(draft, compiled, limits, pairs=pairs, givers=resource_node[at_resource])
    _pairs(draft, compiled, pairs=pairs, tail=givers, head=need_node[at_need])
    heads = _caps(draft, compiled, limits, needs=needs, groups=groups)
    _levels(draft, compiled, needs=needs, tail=need_node, head=heads)
    draft.add(np.array([SOURCE]), np.array([SINK]), upper=np.array([int(compiled.open[needs].sum()) + 1]))
    return draft.finish(needs=needs, need_node=need_node)


def numbered(values: NDArray[np.signedinteger[Any]], *, size: int) -> tuple[Ints, Ints]:
    """The distinct values, ascending, and the place of each value among them, for values of 0 to `size` - 1.

    What `numpy.unique` tells, without sorting: O(values + size).
    """
    among = np.zeros(size, dtype=np.bool_)
    among[values] = True
    place = np.cumsum(among) - 1
    return np.flatnonzero(among).astype(np.int64), place[values].astype(np.int64)


def carried(network: Network, flow: Ints, *, pairs: Ints) -> Ints:
    """Units that a flow gives to each of `pairs` (ascending, all that the network holds), in their order."""
    units = np.zeros(len(pairs), dtype=np.int64)
    carries = network.pair >= 0
    np.add.at(units, np.searchsorted(pairs, network.pair[carries]), flow[carries])
    return units


def level_sizes(compiled: Compiled, needs: Ints) -> Ints:
    """Open units per level, shape (len(needs), L): units of this run lie on top of what the ledger holds."""
    levels = np.arange(compiled.problem.policy.levels + 1, dtype=np.int64)
    gap, past = compiled.gap[needs][:, None], compiled.past[needs][:, None]
    edges = -(-gap * levels // compiled.problem.policy.levels)
    sizes: Ints = np.maximum(edges[:, 1:] - np.maximum(edges[:, :-1], past), 0)
    return sizes


def rank_table(compiled: Compiled) -> Ints:
    """Rank of each cell, shape (4, L): row urgency, column level - 1."""
    table = np.zeros((4, compiled.problem.policy.levels), dtype=np.int64)
    for (urgency, level), rank in compiled.problem.policy.ranks().items():
        table[urgency, level - 1] = rank
    return table


def _supply_side(draft: _Draft, compiled: Compiled, limits: Limits, *, resources: Ints) -> Ints:
    placed: dict[int, int] = {-1: SOURCE}

    def place(mark: int) -> int:
        if mark not in placed:
            above = place(int(limits.earmark_parent[mark]))
            placed[mark] = draft.node()
            name = ("earmark", limits.earmark_ids[mark], "")
            draft.limit(above, placed[mark], upper=int(limits.earmark_budget[mark]), name=name)
        return placed[mark]

    tails = np.array([place(mark) for mark in limits.resource_earmark[resources].tolist()], dtype=np.int64)
    for at, resource in enumerate(resources.tolist(), draft.arcs):
        draft.limits[at] = ("resource", compiled.resource_ids[resource], "")
    nodes = draft.many(len(resources))
    draft.add(tails, nodes, upper=usable_stock(compiled)[resources])
    return nodes


def _households(draft: _Draft, compiled: Compiled, limits: Limits, *, pairs: Ints, givers: Ints) -> Ints:
    """Put a node between a resource and a household whose maximum can bind; return the pairs' tails."""
    share = limits.pair_share[pairs]
    held, first = np.unique(share, return_index=True)
    held, first = held[held >= 0], first[held >= 0]
    nodes = np.full(len(limits.share_limit) + 1, -1, dtype=np.int64)
    nodes[held] = draft.many(len(held))
    for at, mark in enumerate(held.tolist(), draft.arcs):
        resource, household = limits.share_resource[mark], limits.share_household[mark]
        draft.limits[at] = (
            "max_per_household", compiled.resource_ids[resource], compiled.household_ids[household]
        )  # fmt: skip
    draft.add(givers[first], nodes[held], upper=limits.share_limit[held])
    return np.asarray(np.where(share >= 0, nodes[share], givers), dtype=np.int64)


def _pairs(draft: _Draft, compiled: Compiled, *, pairs: Ints, tail: Ints, head: Ints) -> None:
    # A need served by `units_used` is no flow: its pin is left to the hard solvers.
    least = np.where(compiled.pair_used[pairs] < 0, compiled.pair_least[pairs], 0)
    most, cost = compiled.pair_most[pairs], compiled.pair_cost[pairs]
    promised = announced_units(compiled)
    index = {pair: at for at, pair in enumerate(pairs.tolist())} if promised else {}
    kept = np.zeros(len(pairs), dtype=np.int64)
    for pair, units in promised.items():
        if pair in index:
            kept[index[pair]] = units
    kept = np.minimum(kept, most)
    low = np.minimum(least, kept)
    some = kept > 0
    draft.add(tail[some], head[some], lower=low[some], upper=kept[some], kept=1, cost=cost[some], pair=pairs[some])
    rest = most > kept
    draft.add(
        tail[rest], head[rest], lower=(least - low)[rest], upper=(most - kept)[rest], cost=cost[rest], pair=pairs[rest]
    )


def announced_units(compiled: Compiled) -> dict[int, int]:
    """Units announced per still eligible pair, keyed by the index of the pair."""
    found: dict[int, int] = {}
    for row in compiled.problem.announced:
        at = pair_index(compiled, need_id=row.need_id, resource_id=row.resource_id)
        if at is not None and row.units:
            found[at] = found.get(at, 0) + row.units
    return found


def promised_units(compiled: Compiled, pairs: Ints) -> Ints:
    """Units announced for each of these pairs, shape (len(pairs),)."""
    promised = announced_units(compiled)
    return np.fromiter((promised.get(pair, 0) for pair in pairs.tolist()), np.int64, len(pairs))


def pair_index(compiled: Compiled, *, need_id: str, resource_id: str) -> int | None:
    """Index of an eligible pair by its ids, or None; O(log E)."""
    need, resource = _place(compiled.need_ids, need_id), _place(compiled.resource_ids, resource_id)
    if need is None or resource is None:
        return None
    low, high = np.searchsorted(compiled.pair_need, [need, need + 1]).tolist()
    at = low + int(np.searchsorted(compiled.pair_resource[low:high], resource))
    return at if at < high and int(compiled.pair_resource[at]) == resource else None


def _place(ids: tuple[str, ...], wanted: str) -> int | None:
    at = bisect_left(ids, wanted)
    return at if at < len(ids) and ids[at] == wanted else None


def _levels(draft: _Draft, compiled: Compiled, *, needs: Ints, tail: Ints, head: Ints) -> None:
    sizes = level_sizes(compiled, needs)
    row, level = np.nonzero(sizes)
    ranks = rank_table(compiled)[compiled.urgency[needs[row]], level]
    draft.add(tail[row], head[row], upper=sizes[row, level], rank=ranks)


def _caps(draft: _Draft, compiled: Compiled, limits: Limits, *, needs: Ints, groups: Ints) -> Ints:
    """Node that a need's levels flow into: its narrowest household cap that can bind, else the sink."""
    heads = np.full(len(needs), SINK, dtype=np.int64)
    arcs: list[tuple[int, int, int]] = []
    for group, held in _nested(limits, groups):
        at = np.minimum(np.searchsorted(needs, held), len(needs) - 1)
        at = at[needs[at] == held]
        if not len(at):
            continue
        node, below = draft.node(), int(heads[at[0]])
        cap = compiled.problem.caps[limits.group_cap[group]].cap_id
        home = compiled.household_ids[limits.group_household[group]]
        draft.limits[draft.arcs + len(arcs)] = ("household_cap", cap, home)
        arcs.append((node, below, int(limits.group_limit[group])))
        heads[at] = node
    if arcs:
        tail, head, upper = np.array(arcs, dtype=np.int64).T
        draft.add(tail, head, upper=upper)
    return heads


def _nested(limits: Limits, groups: Ints) -> list[tuple[int, Ints]]:
    """Cap groups with their needs, the widest first, leaving out any that crosses a wider one: no tree holds both."""
    kept: list[tuple[int, Ints]] = []
    taken: dict[int, list[set[int]]] = {}
    for group in sorted(groups.tolist(), key=lambda group: (-len(limits.needs_of(group)), group)):
        needs = limits.needs_of(group)
        wider = taken.setdefault(int(limits.group_household[group]), [])
        if all(set(needs.tolist()) <= held or not held & set(needs.tolist()) for held in wider):
            wider.append(set(needs.tolist()))
            kept.append((group, needs))
    return kept
