"""The limits that needs share, beyond stock: only those that can bind.

What enters: a compiled problem. What leaves: `Limits`, the earmarks, household caps and household maxima that could
hold anything back; a limit that even everything together cannot reach is left out and has price 0. Called by
`matching.components` and the solvers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from matching.compiled import Compiled
from matching.eligibility import Ints
from matching.model import FAR, Cap


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits that can bind; B earmarks, G household caps, S household maxima.

    A cap group is one cap for one household; its needs are ``group_needs[group_start[g]:group_start[g + 1]]``.
    A share is one resource with `max_per_household` for one household of which several needs could draw on it.
    """

    earmark_ids: tuple[str, ...]
    earmark_parent: Ints
    """(B,) the nearest ancestor that can bind, or -1."""
    earmark_budget: Ints
    resource_earmark: Ints
    """(R,) the nearest earmark that can bind, or -1."""
    group_cap: Ints
    """(G,) index into ``problem.caps``."""
    group_household: Ints
    group_limit: Ints
    group_start: Ints
    """(G + 1,)"""
    group_needs: Ints
    share_household: Ints
    share_resource: Ints
    share_limit: Ints
    pair_share: Ints
    """(E,) the share a pair falls under, or -1."""

    def needs_of(self, group: int) -> Ints:
        """The needs under one household cap."""
        return self.group_needs[self.group_start[group] : self.group_start[group + 1]]


def shared_limits(compiled: Compiled) -> Limits:
    """Every shared limit that can bind. O(E + rows · caps for all households)."""
    marks = _earmarks(compiled)
    groups = _groups(compiled)
    start = np.cumsum([0, *(len(needs) for _, _, needs in groups)])
    caps = compiled.problem.caps
    household, resource, limit, pair_share = _shares(compiled)
    return Limits(
        *marks,
        group_cap=np.array([cap for cap, _, _ in groups], np.int64),
        group_household=np.array([home for _, home, _ in groups], np.int64),
        group_limit=np.array([caps[cap].max_units for cap, _, _ in groups], np.int64),
        group_start=start.astype(np.int64),
        group_needs=np.concatenate([needs for _, _, needs in groups] or [np.empty(0, np.int64)]),
        share_household=household,
        share_resource=resource,
        share_limit=limit,
        pair_share=pair_share,
    )


def usable_stock(compiled: Compiled) -> Ints:
    """Stock in whole lots, shape (R,): no plan can give more. All of it where a need takes `units_used`."""
    lot = np.array([row.lot for row in compiled.problem.resources], np.int64)
    lot[compiled.pair_resource[compiled.pair_used >= 0]] = 1
    return compiled.stock // lot * lot


def reach(compiled: Compiled) -> tuple[Ints, Ints]:
    """The most each need could receive and each resource could give; shapes (N,) and (R,)."""
    most = compiled.pair_most
    received = np.zeros(len(compiled.need_ids), np.int64)
    given = np.zeros(len(compiled.resource_ids), np.int64)
    taken = np.where(compiled.pair_used < 0, most, np.where(most > 0, compiled.pair_used, 0))
    np.add.at(received, compiled.pair_need, most)
    np.add.at(given, compiled.pair_resource, taken)
    return np.minimum(received, compiled.open), np.minimum(given, compiled.stock)


def _earmarks(compiled: Compiled) -> tuple[tuple[str, ...], Ints, Ints, Ints]:
    rows = compiled.problem.earmarks
    place = {mark.earmark: i for i, mark in enumerate(rows)}
    parent = [-1 if mark.parent is None else place[mark.parent] for mark in rows]
    own = [-1 if r.earmark is None else place[r.earmark] for r in compiled.problem.resources]
    below = [0] * len(rows)
    for mark, units in zip(own, reach(compiled)[1].tolist(), strict=True):
        if mark >= 0:
            below[mark] += units
    binds = [False] * len(rows)
    for i in _leaves_first(parent):
        binds[i] = below[i] > rows[i].budget
        if parent[i] >= 0:
            below[parent[i]] += min(below[i], rows[i].budget)
    kept = [i for i in range(len(rows)) if binds[i]]
    number = {i: at for at, i in enumerate(kept)}

    def nearest(i: int) -> int:
        while i >= 0 and not binds[i]:
            i = parent[i]
        return number[i] if i >= 0 else -1

    return (
        tuple(rows[i].earmark for i in kept),
        np.array([nearest(parent[i]) for i in kept], np.int64),
        np.array([rows[i].budget for i in kept], np.int64),
        np.array([nearest(i) for i in own], np.int64),
    )


def _leaves_first(parent: list[int]) -> list[int]:
    children = [0] * len(parent)
    for above in parent:
        if above >= 0:
            children[above] += 1
    order = [i for i, count in enumerate(children) if count == 0]
    for i in order:
        if parent[i] >= 0:
            children[parent[i]] -= 1
            if children[parent[i]] == 0:
                order.append(parent[i])
    return order


def _groups(compiled: Compiled) -> list[tuple[int, int, Ints]]:
    """(cap, household, its needs) where the needs could together pass the cap, in that order."""
    received = reach(compiled)[0]
    by_home = np.argsort(compiled.household, kind="stable")
    start = np.searchsorted(compiled.household[by_home], np.arange(len(compiled.household_ids) + 1))
    number = {name: i for i, name in enumerate(sorted({n.category for n in compiled.problem.needs}))}
    category = np.array([number[n.category] for n in compiled.problem.needs], np.int64)
    home_of = {home: i for i, home in enumerate(compiled.household_ids)}
    groups: list[tuple[int, int, Ints]] = []
    for i, cap in enumerate(compiled.problem.caps):
        if cap.household_id == "*":
            candidates = by_home
        elif cap.household_id in home_of:
            home = home_of[cap.household_id]
            candidates = by_home[start[home] : start[home + 1]]
        else:
            continue
        wanted = [number[name] for name in cap.categories if name in number]
        under = candidates[np.isin(category[candidates], wanted) & (received[candidates] > 0)]
        groups.extend((i, home, needs) for home, needs in _passing(compiled, cap, under, received))
    return groups


def _passing(compiled: Compiled, cap: Cap, needs: Ints, received: Ints) -> list[tuple[int, Ints]]:
    """Split `needs` (sorted by household) by household; keep those that could pass the cap."""
    homes, first = np.unique(compiled.household[needs], return_index=True)
    if not len(homes):
        return []
    total = np.add.reduceat(received[needs], first)
    ends = np.append(first[1:], len(needs))
    return [(int(homes[i]), np.sort(needs[first[i] : ends[i]])) for i in np.flatnonzero(total > cap.max_units).tolist()]


def _shares(compiled: Compiled) -> tuple[Ints, Ints, Ints, Ints]:
    most = [r.max_per_household for r in compiled.problem.resources]
    limit = np.array([FAR if m is None else m for m in most], np.int64)
    key = compiled.household[compiled.pair_need] * max(1, len(most)) + compiled.pair_resource
    bound = (limit[compiled.pair_resource] < FAR) & (compiled.pair_used < 0)
    names, share, size = np.unique(key[bound], return_inverse=True, return_counts=True)
    total = np.zeros(len(names), np.int64)
    np.add.at(total, share, compiled.pair_most[bound])
    binds = (size > 1) & (total > limit[names % max(1, len(most))])
    number = np.where(binds, np.cumsum(binds) - 1, -1)
    pair_share = np.full(len(key), -1, np.int64)
    pair_share[bound] = number[share]
    kept = names[binds]
    resource = kept % max(1, len(most))
    return kept // max(1, len(most)), resource, limit[resource], pair_share
