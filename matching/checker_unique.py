"""The judge on uniqueness: is there really no other plan as good in every tier?

What enters: a priced case that claims the only best plan. What leaves: whether another plan may be as good, or None
where the judge does not look: hard rules. Called by `checker`. A pure plan is a flow, and every other plan differs from
it by rings of residual arcs: where the prices let no residual arc cost less than nothing, a ring that costs nothing
consists of arcs that cost nothing in any tier.
"""

from __future__ import annotations

from hashlib import sha256

import numpy as np

from matching.checker_bound import TIERS, Priced
from matching.checker_case import Numbers

BITS = 26
"""Of the published lot per tier."""


def another(case: Priced) -> bool | None:
    """Whether some plan may be as good in every tier, by the published prices; None where hard rules stand.

    What a need's next unit costs lies between the tolls of what it could lose or is missing (`lower`) and those of what
    it could get or keep (`upper`). Tier by tier it is put at the highest lower toll, and only arcs just there go on: at
    last those that cost nothing in any tier, which must not close a ring.
    """
    if not _pure(case):
        return None
    if (case.price.any(axis=1) & (case.use < case.limits)).any():
        return True
    n, units, kept = case.pn, case.units, np.minimum(case.kept, case.most)
    first, low = np.minimum(units, kept), np.minimum(case.least, kept)
    need, level = np.nonzero(case.size)
    got, room = case.filled[need, level], case.size[need, level]
    # three kinds of arcs: the promised units of a pair, its other units, the levels of a need
    pair, of = np.concatenate([np.tile(np.arange(len(n)), 2), need * 0 - 1]), np.concatenate([n, n, need])
    more = np.concatenate([first < kept, units - first < case.most - kept, got > 0])
    less = np.concatenate([first > low, units - first > case.least - low, got < room])
    value = np.concatenate([np.zeros(2 * len(n), case.price.dtype), case.worth[need, level]])
    upper, lower = np.flatnonzero(more), np.flatnonzero(less)
    for tier in range(TIERS):
        price = [
            _toll(case, tier, pairs=pair[arcs], needs=of[arcs]) + value[arcs] * (tier == 0) for arcs in (lower, upper)
        ]
        price[0] = price[0] + _cost(case, tier, pairs=pair[lower], promised=lower < len(n))
        top = np.full(len(case.needs), -(2**63) + 1, case.price.dtype)
        np.maximum.at(top, of[lower], price[0])
        # the costs from tier 2 on are never below 0: what is too dear without them needs no look at them
        near = price[1] <= top[of[upper]] + (tier == 1)
        upper, cost = upper[near], price[1][near]
        cost = cost + _cost(case, tier, pairs=pair[upper], promised=upper < len(n))
        if (cost < top[of[upper]]).any():
            return True
        lower, upper = lower[price[0] == top[of[lower]]], upper[cost == top[of[upper]]]
        if tier >= max(2, case.price.shape[1] - 1):
            moves = np.zeros((2, len(pair)), bool)
            moves[0, upper], moves[1, lower] = True, True
            live = np.flatnonzero(moves.any(axis=0))
            if not _ring(case, pair=pair[live], need=of[live], moves=moves[:, live]):
                return False
    return True


def _pure(case: Priced) -> bool:
    """Whether no hard rule stands anywhere."""
    hard = [case.lot > 1, case.floor > 1, case.one, case.whole, case.used >= 0]
    sets = [cap.categories for cap in case.problem.caps]
    crossing = any(a & b and not (a <= b or b <= a) for a in sets for b in sets)
    exclusive = any(x.exclusive_group for x in case.resources)
    stands = crossing or exclusive or any(x.any() for x in hard)
    return not stands and case.policy.objective == "coverage"


def _toll(case: Priced, tier: int, *, pairs: Numbers, needs: Numbers) -> Numbers:
    if tier >= case.price.shape[1]:
        return pairs * 0
    paid = case.paid[:, tier]
    return np.where(pairs >= 0, paid[case.node[pairs]] + paid[case.caps[needs, 0]], 0)


def _cost(case: Priced, tier: int, *, pairs: Numbers, promised: Numbers) -> Numbers:
    """What a unit of each pair costs in promises (tier 1), delivery (2) or by the published lot (3 and on)."""
    if tier < 3:
        plain: Numbers = (pairs >= 0) * (-1 * promised if tier == 1 else case.cost[pairs] * (tier == 2))
        return plain * case.scale
    shift, head, found = 256 - BITS * (tier - 2), case.policy.salt + "\0", np.zeros(len(pairs), np.int64)
    some = np.flatnonzero(pairs >= 0)
    ids = zip(case.pn[pairs[some]].tolist(), case.pr[pairs[some]].tolist(), strict=True)
    names = ((head + case.needs[n].need_id + "\0" + case.resources[r].resource_id).encode() for n, r in ids)
    found[some] = [int.from_bytes(sha256(name).digest(), "big") >> shift & (1 << BITS) - 1 for name in names]
    return found * case.scale


def _ring(case: Priced, *, pair: Numbers, need: Numbers, moves: Numbers) -> bool:
    """Whether arcs that cost nothing close a ring: limits without a price, and what is left of pairs and levels.

    `moves` says of each arc whether it leads to its need, and whether from it. Arcs that lead both ways must form a
    forest; what they join is then one node, and nodes that nothing enters or leaves are taken away.
    """
    rows = np.flatnonzero(~case.price.any(axis=1))[1:]
    tail = np.concatenate([np.where(pair >= 0, case.node[pair], case.caps[need, 0]), case.above[rows]])
    head = np.concatenate([need + len(case.limits), rows])
    part, some = (case.use < case.limits)[rows], (case.use > 0)[rows]
    ahead = np.concatenate([moves[0], np.where(rows < case.first[3], part, some)])
    back = np.concatenate([moves[1], np.where(rows < case.first[3], some, part)])
    root = np.arange(len(case.limits) + len(case.needs))
    both = ahead & back
    while (root[tail[both]] != root[head[both]]).any():
        ends = np.sort([root[tail[both]], root[head[both]]], axis=0)
        np.minimum.at(root, ends[1], ends[0])
        while (root != root[root]).any():
            root = root[root]
    if both.sum() > len(root) - len(np.unique(root)):
        return True
    one, inward, outward = ahead != back, *np.zeros((2, len(root)), bool)
    start, end = root[np.where(ahead, tail, head)[one]], root[np.where(ahead, head, tail)[one]]
    while len(start):
        inward[:], outward[:] = False, False
        inward[end], outward[start] = True, True
        kept = inward[start] & outward[end]
        if kept.all():
            return True
        start, end = start[kept], end[kept]
    return False
