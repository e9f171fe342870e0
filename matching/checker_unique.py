"""The judge on uniqueness: is there really no other plan as good in every tier?

What enters: the judge's facts and a plan that claims to be the only best one. What leaves: whether another plan is as
good or better, or None where the judge cannot tell: hard rules, or more than `MOST` eligible pairs. Called by
`checker`. Works for pure problems: the plan is a flow, and every other plan differs from it by cycles of the residual
graph. Cell, promise, cost and published lot (three times 26 bits) are folded into one whole number per arc.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from itertools import pairwise

from matching.checker_facts import Facts
from matching.model import Cap, Need, Pair, Resource

MOST = 3_000

Node = Hashable


@dataclass(frozen=True, slots=True)
class _Arc:
    tail: Node
    head: Node
    cost: int
    onward: bool
    """More can flow."""
    back: bool
    """Less can flow."""


def another(facts: Facts) -> bool | None:
    """Whether some other plan is at least as good; None if the judge does not look."""
    if not _pure(facts):
        return None
    pairs = [
        (n.need_id, r.resource_id)
        for n in facts.problem.needs
        for r in facts.problem.resources
        if n.category == r.category and facts.refusal((n.need_id, r.resource_id)) is None
    ]
    if len(pairs) > MOST:
        return None
    arcs = [*_supply(facts), *_given(facts, pairs), *_levels(facts), *_caps(facts)]
    steps = [(a.tail, a.head, a.cost) for a in arcs if a.onward]
    steps += [(a.head, a.tail, -a.cost) for a in arcs if a.back]
    heights = _heights(steps)
    return True if heights is None else _has_free_cycle(arcs, heights)


def _pure(facts: Facts) -> bool:
    rows = facts.problem.resources
    stepped = any(r.lot > 1 or r.min_per_need > 1 or r.exclusive_group is not None for r in rows)
    needs = any(n.one_provider or n.all_or_nothing for n in facts.problem.needs)
    if stepped or needs or facts.by_use or facts.problem.policy.objective != "coverage":
        return False
    sets = [cap.categories for cap in facts.problem.caps]
    return all(not a & b or a <= b or b <= a for a in sets for b in sets)


def _arc(tail: Node, head: Node, *, cost: int = 0, used: int, size: int, least: int = 0) -> _Arc:
    return _Arc(tail, head, cost, used < size, used > least)


def _supply(facts: Facts) -> Iterator[_Arc]:
    """Sink ► earmarks from the root down ► resources: the flow goes round, so the sink is also the source."""
    for mark in facts.problem.earmarks:
        node = ("earmark", mark.earmark, "")
        above: Node = ("earmark", mark.parent, "") if mark.parent is not None else "sink"
        yield _arc(above, node, used=facts.use[node], size=mark.budget)
    for r in facts.problem.resources:
        node = ("resource", r.resource_id, "")
        above = ("earmark", r.earmark, "") if r.earmark is not None else "sink"
        yield _arc(above, node, used=facts.use[node], size=r.stock)


def _given(facts: Facts, pairs: list[Pair]) -> Iterator[_Arc]:
    """Resource ► household's share ► need; announced units first, for they are cheaper."""
    promised = {(a.need_id, a.resource_id): a.units for a in facts.problem.announced}
    shares = set()
    for pair in pairs:
        need, resource = facts.needs[pair[0]], facts.resources[pair[1]]
        units, least = facts.amounts.get(pair, 0), facts.pins.get(pair, 0)
        most = facts.open[need.need_id] if resource.max_per_need is None else resource.max_per_need
        tail: Node = ("resource", resource.resource_id, "")
        if resource.max_per_household is not None:
            share = ("max_per_household", resource.resource_id, need.household_id)
            if share not in shares:
                shares.add(share)
                yield _arc(tail, share, used=facts.use[share], size=resource.max_per_household)
            tail = share
        cost, kept = _cost(facts, need, resource), min(promised.get(pair, 0), most)
        first = min(units, kept)
        if kept:
            yield _arc(tail, need.need_id, cost=cost - KEPT, used=first, size=kept, least=min(least, kept))
        rest = max(0, least - kept)
        yield _arc(tail, need.need_id, cost=cost, used=units - first, size=most - kept, least=rest)


LOT = 2 ** (3 * 26 + 64)
COST = LOT * 2**64
"""Weights so far apart that no cycle's sum in one tier reaches the next: a cost is at most 10^12 (2^40)."""
KEPT = COST * 2**64
RANK = KEPT * 2**64


def _cost(facts: Facts, need: Need, resource: Resource) -> int:
    text = b"\0".join(word.encode() for word in (facts.problem.policy.salt, need.need_id, resource.resource_id))
    bits = int.from_bytes(sha256(text).digest(), "big")
    lots = [bits >> shift & (1 << 26) - 1 for shift in (230, 204, 178)]
    drawn = (lots[0] << 128) + (lots[1] << 64) + lots[2]
    return facts.cost((need.need_id, resource.resource_id)) * COST + drawn


def _levels(facts: Facts) -> Iterator[_Arc]:
    """Need ► its innermost household cap (or the sink), one arc per level."""
    policy = facts.problem.policy
    ranks = policy.ranks()
    for need in facts.problem.needs:
        head = next(iter(_caps_above(facts, need)), "sink")
        start = facts.past[need.need_id]
        end = start + facts.received[need.need_id]
        for k in range(1, policy.levels + 1):
            low, high = (-(-edge * need.gap // policy.levels) for edge in (k - 1, k))
            size = max(0, high - max(low, start))
            used = max(0, min(high, end) - max(low, start))
            yield _arc(need.need_id, head, cost=-ranks[need.urgency, k] * RANK, used=used, size=size)


def _caps_above(facts: Facts, need: Need) -> list[Node]:
    """The caps that count a need, the narrowest first."""
    caps = [facts.caps[name] for name in facts.caps_of(need)]
    return [("household_cap", cap.cap_id, need.household_id) for cap in sorted(caps, key=_width)]


def _width(cap: Cap) -> tuple[int, str]:
    return len(cap.categories), cap.cap_id


def _caps(facts: Facts) -> Iterator[_Arc]:
    seen = set()
    for need in facts.problem.needs:
        path = [*_caps_above(facts, need), "sink"]
        for node, above in pairwise(path):
            if node not in seen and isinstance(node, tuple):
                seen.add(node)
                yield _arc(node, above, used=facts.use[node], size=facts.caps[node[1]].max_units)


def _heights(steps: list[tuple[Node, Node, int]]) -> dict[Node, int] | None:
    """Least cost of a walk to each node from anywhere (Bellman–Ford); None if some cycle costs less than nothing."""
    out: dict[Node, list[tuple[Node, int]]] = {}
    for tail, head, cost in steps:
        out.setdefault(tail, []).append((head, cost))
        out.setdefault(head, [])
    heights, length = dict.fromkeys(out, 0), dict.fromkeys(out, 0)
    waiting, queued = deque(out), set(out)
    while waiting:
        node = waiting.popleft()
        queued.discard(node)
        for head, cost in out[node]:
            if heights[node] + cost < heights[head]:
                heights[head], length[head] = heights[node] + cost, length[node] + 1
                if length[head] >= len(out):
                    return None
                if head not in queued:
                    queued.add(head)
                    waiting.append(head)
    return heights


def _has_free_cycle(arcs: list[_Arc], heights: dict[Node, int]) -> bool:
    """Whether the residual arcs that cost nothing at these heights close a cycle other than to and fro one arc."""
    home = {node: node for node in heights}

    def root(node: Node) -> Node:
        while home[node] != node:
            home[node] = home[home[node]]
            node = home[node]
        return node

    free = [a for a in arcs if (a.onward or a.back) and heights[a.tail] + a.cost == heights[a.head]]
    for arc in free:
        if arc.onward and arc.back:
            if root(arc.tail) == root(arc.head):
                return True
            home[root(arc.tail)] = root(arc.head)
    one_way = [(a.tail, a.head) if a.onward else (a.head, a.tail) for a in free if a.onward != a.back]
    return _cyclic([(root(tail), root(head)) for tail, head in one_way])


def _cyclic(steps: list[tuple[Node, Node]]) -> bool:
    """Whether a directed graph has a cycle: take away nodes that nothing leads to until none is left."""
    out: dict[Node, list[Node]] = {}
    into: dict[Node, int] = {}
    for tail, head in steps:
        out.setdefault(tail, []).append(head)
        into[head] = into.get(head, 0) + 1
        into.setdefault(tail, 0)
    ready = [node for node, count in into.items() if count == 0]
    gone = 0
    while ready:
        gone += 1
        for head in out.get(ready.pop(), ()):
            into[head] -= 1
            if into[head] == 0:
                ready.append(head)
    return gone < len(into)
