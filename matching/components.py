"""Independent parts of a problem, each pure (an exact network flow) or hard.

What enters: a compiled problem and its shared limits. What leaves: components whose needs, resources and pairs share
nothing with each other, so each can be solved alone, in any order and on any worker. Called by `matching.solve`.
Needs and pairs that can carry nothing belong to no component.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from matching.compiled import Compiled
from matching.eligibility import Bools, Ints
from matching.limits import Limits, shared_limits


@dataclass(frozen=True, slots=True)
class Component:
    """Indices into the compiled arrays, ascending; `earmarks`, `groups` and `shares` index `Limits`.

    `hard` if some need here is served by one provider of several, all or nothing, or by `units_used`, or if lots,
    minimums, exclusive groups or caps that cross can bind.
    """

    needs: Ints
    resources: Ints
    pairs: Ints
    earmarks: Ints
    groups: Ints
    shares: Ints
    hard: bool


def split(compiled: Compiled, limits: Limits | None = None) -> list[Component]:
    """The independent parts, ordered by their first need. O(E + limits)."""
    limits = limits or shared_limits(compiled)
    pairs = np.flatnonzero(compiled.pair_most > 0)
    if not len(pairs):
        return []
    rivals = _rival_pairs(compiled, pairs)
    label = _labels(compiled, limits, pairs, rivals)
    n, r = len(compiled.need_ids), len(compiled.resource_ids)
    need_of = compiled.pair_need[pairs]
    needs, resources = _named(need_of, n), _named(compiled.pair_resource[pairs], r)
    hard = np.unique(label[_hard_needs(compiled, limits, pairs, rivals)])
    parts, first = np.unique(label[needs], return_index=True)
    order = parts[np.argsort(first)]
    number = np.full(int(label.max()) + 1, -1, np.int64)
    number[order] = np.arange(len(order))
    mark = number[label[n + r :]]
    return [
        Component(own, givers, held, earmarks, groups, shares, bool(np.isin(order[i], hard)))
        for i, (own, givers, held, earmarks, groups, shares) in enumerate(
            zip(
                _dealt(needs, number[label[needs]], len(order)),
                _dealt(resources, number[label[n + resources]], len(order)),
                _dealt(pairs, number[label[need_of]], len(order)),
                _dealt(np.arange(len(mark)), mark, len(order)),
                _dealt(np.arange(len(limits.group_cap)), number[label[_first_needs(limits)]], len(order)),
                _dealt(np.arange(len(limits.share_resource)), number[label[n + limits.share_resource]], len(order)),
                strict=True,
            )
        )
    ]


def joined(parts: Sequence[Component]) -> Component | None:
    """All parts as one, or None if there is none."""
    if not parts:
        return None
    names = ("needs", "resources", "pairs", "earmarks", "groups", "shares")
    rows = {name: np.sort(np.concatenate([getattr(part, name) for part in parts])) for name in names}
    return Component(**rows, hard=any(part.hard for part in parts))


def _dealt(items: NDArray[np.integer], part: Ints, parts: int) -> list[Ints]:
    """`items` split by their part, ascending within each."""
    part = part.astype(np.int16 if parts < 2**15 else np.int64)  # numpy sorts short numbers in one pass
    order = np.argsort(part, kind="stable")
    cuts = np.searchsorted(part[order], np.arange(1, parts))
    return [held.astype(np.int64) for held in np.split(items[order], cuts)]


def _named(places: NDArray[np.integer], size: int) -> Ints:
    """Which of `size` places are named, ascending."""
    return np.flatnonzero(np.bincount(places, minlength=size))


def _first_needs(limits: Limits) -> Ints:
    return limits.group_needs[limits.group_start[:-1]]


def _labels(compiled: Compiled, limits: Limits, pairs: Ints, rivals: Ints) -> Ints:
    """A part for every node: needs, then resources, then earmarks."""
    n, r = len(compiled.need_ids), len(compiled.resource_ids)
    earmarked = np.flatnonzero(limits.resource_earmark >= 0)
    under = np.flatnonzero(limits.earmark_parent >= 0)
    homes = np.repeat(_first_needs(limits), np.diff(limits.group_start))
    key = _group_of(compiled)[compiled.pair_resource[rivals]] + compiled.household[compiled.pair_need[rivals]] * (
        len(compiled.resource_ids) + 1
    )
    by_key = np.argsort(key, kind="stable")
    rival_needs = compiled.pair_need[rivals][by_key]
    same = np.flatnonzero(np.diff(key[by_key]) == 0)
    ends = (
        (compiled.pair_need[pairs], n + compiled.pair_resource[pairs]),
        (n + earmarked, n + r + limits.resource_earmark[earmarked]),
        (n + r + under, n + r + limits.earmark_parent[under]),
        (limits.group_needs, homes),
        (rival_needs[same], rival_needs[same + 1]),
    )
    left = np.concatenate([np.asarray(a, np.int64) for a, _ in ends])
    right = np.concatenate([np.asarray(b, np.int64) for _, b in ends])
    size = n + r + len(limits.earmark_ids)
    graph = coo_array((np.ones(len(left), np.int8), (left, right)), shape=(size, size))
    return np.asarray(connected_components(graph.tocsr(), directed=False)[1], np.int64)


def _rival_pairs(compiled: Compiled, pairs: Ints) -> Ints:
    """Pairs by which a household could draw on two resources of one exclusive group."""
    group = _group_of(compiled)
    held = pairs[group[compiled.pair_resource[pairs]] >= 0]
    resource = compiled.pair_resource[held].astype(np.int64)
    home = compiled.household[compiled.pair_need[held]] * (len(group) + 1) + group[resource]
    drawn = np.unique(np.stack([home, resource]), axis=1)
    homes, resources = np.unique(drawn[0], return_counts=True)
    return held[np.isin(home, homes[resources > 1])]


def _group_of(compiled: Compiled) -> Ints:
    """The number of each resource's exclusive group, -1 where it has none."""
    names = [r.exclusive_group for r in compiled.problem.resources]
    number = {name: i for i, name in enumerate(sorted({name for name in names if name is not None}))}
    return np.array([-1 if name is None else number[name] for name in names], np.int64)


def _hard_needs(compiled: Compiled, limits: Limits, pairs: Ints, rivals: Ints) -> Ints:
    """Needs that a hard rule touches."""
    needs, resources = compiled.problem.needs, compiled.problem.resources
    choice = np.bincount(compiled.pair_need[pairs], minlength=len(needs))
    one = np.array([n.one_provider for n in needs], bool) & (choice > 1)
    whole = np.array([n.all_or_nothing for n in needs], bool) & (choice > 0) & (compiled.open > 1)
    coarse = np.array([r.lot > 1 or r.min_per_need > 1 for r in resources], bool)
    stepped = pairs[coarse[compiled.pair_resource[pairs]] | (compiled.pair_used[pairs] >= 0)]
    touched: Bools = one | whole
    touched[compiled.pair_need[stepped]] = True
    touched[compiled.pair_need[rivals]] = True
    touched[_crossing_needs(limits)] = True
    return np.flatnonzero(touched)


def _crossing_needs(limits: Limits) -> list[int]:
    """Needs of households whose caps overlap without one holding the other."""
    by_home: dict[int, list[set[int]]] = {}
    for group, home in enumerate(limits.group_household.tolist()):
        by_home.setdefault(home, []).append(set(limits.needs_of(group).tolist()))
    return [
        need
        for held in by_home.values()
        for i, one in enumerate(held)
        for other in held[:i]
        if one & other and one - other and other - one
        for need in sorted(one & other)
    ]
