"""The judge on the later tiers and on uniqueness: in which tiers is no plan better, and is no other one as good?

What enters: a case. What leaves: the number of tiers that the prices prove, or None where the judge does not look: hard
rules. Called by `checker`. A pure plan is a flow, and every other plan differs from it by rings of residual arcs: where
the prices let no residual arc cost less than nothing, a ring that costs nothing consists of arcs that cost nothing in
any tier.
"""

from __future__ import annotations

from hashlib import sha256

import numpy as np

from matching.checker_case import TIERS, Case
from matching.checker_numbers import FAR, Numbers

BITS = 26
"""Of the published lot per tier."""

ALONE = TIERS + 1
"""All tiers are proven, and no other plan is as good in all of them."""


def is_flow(case: Case) -> bool:
    """Whether no hard rule stands anywhere in the problem, so that every plan is a flow."""
    sets, hard = [cap.categories for cap in case.problem.caps], [case.lot > 1, case.floor > 1, case.one, case.whole]
    crossing = any(a & b and not (a <= b or b <= a) for a in sets for b in sets)
    exclusive = any(x.exclusive_group for x in case.resources)
    return not (crossing or exclusive or any(x.any() for x in [*hard, case.used >= 0]))


def proven_tiers(case: Case) -> int | None:
    """In how many tiers the published prices prove that no plan is better, or `ALONE`; None where hard rules stand.

    What a need's next unit costs lies between the tolls of what it could lose or is missing (`less`) and those of what
    it could get or keep (`more`). Tier by tier it is put at the highest toll of the former, and only arcs just there go
    on to the next tier, from the third on only those that may lie on a ring.
    """
    if case.policy.objective != "coverage" or not is_flow(case):
        return None
    idle = (case.price[case.use < case.limits] != 0).any(axis=0)
    if idle.any():
        return int(idle.argmax())
    pair, of, own, ways = _residual(case)
    promised = case.kept.any() or case.price[:, 1].any()
    for tier in range(TIERS) if promised else (0, *range(2, TIERS)):
        paid, (more, less) = case.paid[:, tier], ways
        cost = np.where(pair >= 0, paid[case.node[pair]] + paid[case.caps[of, 0]], 0)
        if tier < 3:
            cost += case.cost[pair] * case.scale if tier == 2 else np.clip(own, *((0, None), (None, 0))[tier])
        if tier > 2:
            cost[less] += _lot(case, tier, pair[less])
        top = np.full(len(case.needs), 1 - 2 * FAR, cost.dtype)
        np.maximum.at(top, of[less], cost[less])
        top = top[of]
        if tier > 2:
            near = more & ~less & (cost <= top)  # a lot is never below 0: others are too dear without it
            cost[near] += _lot(case, tier, pair[near])
        if (more & (cost < top)).any():
            return tier
        ways = ways & (cost == top)
        kept = np.flatnonzero(ways[0] | ways[1])
        if tier > 1:
            kept = kept[_ringed(case, tier, pair=pair[kept], of=of[kept], ways=ways[:, kept])]
        pair, of, own, ways = pair[kept], of[kept], own[kept], ways[:, kept]
        if not len(pair):
            return ALONE
    return TIERS


def _residual(case: Case) -> tuple[Numbers, Numbers, Numbers, Numbers]:
    """Of each residual arc the pair (-1 for a level), the need, a level's worth or what a promise saves, and its ways.

    The promised units of a pair, its other units, and the levels of a need are three kinds of arcs; the two ways say
    whether the need could get a unit more, and one less, of each.
    """
    n, units, kept = case.pn, case.units, np.minimum(case.kept, case.most)
    first, low, (need, level) = np.minimum(units, kept), np.minimum(case.least, kept), np.nonzero(case.size)
    got, room, told = case.filled[need, level], case.size[need, level], np.flatnonzero(kept)
    more = np.concatenate([(first < kept)[told], units - first < case.most - kept, got > 0])
    less = np.concatenate([(first > low)[told], units - first > case.least - low, got < room])
    arcs = np.flatnonzero(more | less)
    pair, of = np.concatenate([told, np.arange(len(n)), need * 0 - 1])[arcs], np.concatenate([n[told], n, need])[arcs]
    saved = np.repeat(np.array([-case.scale, 0], case.worth.dtype), [len(told), len(n)])
    return pair, of, np.append(saved, case.worth[need, level])[arcs], np.stack([more, less])[:, arcs]


def _lot(case: Case, tier: int, pairs: Numbers) -> Numbers:
    """What a unit of each pair costs by the published lot, from tier 4 on (`tier` counts from 0)."""
    found, some, head = np.zeros(len(pairs), np.int64), np.flatnonzero(pairs >= 0), case.policy.salt + "\0"
    needs, resources = [(head + x + "\0").encode() for x in case.n], [x.encode() for x in case.r]
    ids = zip(case.pn[pairs[some]].tolist(), case.pr[pairs[some]].tolist(), strict=True)
    drawn = b"".join([sha256(needs[n] + resources[r]).digest() for n, r in ids])
    word, start = divmod(BITS * (tier - 3), 32)
    high, low = np.frombuffer(drawn, ">u4").reshape(-1, 8)[:, word : word + 2].astype(np.int64).T
    found[some] = (high << 32 | low) >> 64 - BITS - start & (1 << BITS) - 1
    return found * case.scale


def _ringed(case: Case, tier: int, *, pair: Numbers, of: Numbers, ways: Numbers) -> Numbers:
    """Which arcs may lie on a ring with others and with limits that have no price up to this tier.

    Arcs that lead both ways close a ring unless they are a forest; what they join is then one node, and one-way arcs
    from nodes that nothing enters, or to nodes that nothing leaves, are taken away.
    """
    rows = np.flatnonzero(~case.price[:, : tier + 1].any(axis=1))[1:]
    tail = np.concatenate([np.where(pair >= 0, case.node[pair], case.caps[of, 0]), case.above[rows]])
    head = np.concatenate([of + len(case.limits), rows])
    spare, some, supply = (case.use < case.limits)[rows], (case.use > 0)[rows], rows < case.first_cap
    ahead = np.concatenate([ways[0], np.where(supply, spare, some)])
    back = np.concatenate([ways[1], np.where(supply, some, spare)])
    root, both, kept = np.arange(len(case.limits) + len(case.needs)), ahead & back, ahead != back
    while (root[tail[both]] != root[head[both]]).any():
        ends = np.sort([root[tail[both]], root[head[both]]], axis=0)
        np.minimum.at(root, ends[1], ends[0])
        while (root != root[root]).any():
            root = root[root]
    start, end = root[np.where(ahead, tail, head)], root[np.where(ahead, head, tail)]
    closed = np.bincount(start[both], minlength=len(root)) >= np.bincount(root, minlength=len(root))
    while True:
        inward, outward = closed.copy(), closed.copy()
        inward[end[kept]] = outward[start[kept]] = True
        still = kept & inward[start] & outward[end]
        if still.sum() == kept.sum():
            break
        kept = still
    alive = closed | (inward & outward)
    found: Numbers = (kept | (both & alive[start]))[: len(pair)]
    return found
