"""Where a plan leaves everyone: what each need got and waits for, and what is left of every limit.

What enters: a compiled problem and the lines of a plan. What leaves: `Standing`, arrays beside those of `Compiled`.
Called by the parts of `matching.explain` and by `matching.displace`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from matching.compiled import Compiled
from matching.eligibility import Bools, Ints
from matching.model import FAR, Cap
from matching.plan import Line


@dataclass(frozen=True, slots=True)
class Standing:
    """N needs, R resources, E pairs, B earmarks, D the depth of the earmark tree, K cells."""

    units: Ints
    """(E,) units of each pair in the plan."""
    received: Ints
    """(N,) units that count for the need."""
    next_rank: Ints
    """(N,) rank of the cell of the next unit; 0 if nothing is open."""
    last_rank: Ints
    """(N,) rank of the cell of the last unit got in this run; 0 if nothing was got."""
    stock_left: Ints
    earmark_left: Ints
    """(B,)"""
    ancestors: Ints
    """(R, D) indices of the resource's earmark and all above it; -1 where there is none."""
    share_left: Ints
    """(E,) left of max_per_household for the need's household; FAR if there is no such limit."""
    cap_left: Ints
    """(N,) least left of the household's caps; FAR if none applies."""
    cap_used: tuple[Ints, ...]
    """Per cap, (H,) units that each household receives under it."""

    def earmark_room(self, resources: Ints) -> Ints:
        """Least left of the earmarks above each of these resources."""
        left = np.append(self.earmark_left, FAR)[self.ancestors[resources]]
        return left.min(axis=1) if left.shape[1] else np.full(len(resources), FAR)

    def caps_left(self, compiled: Compiled, need: int) -> Iterator[tuple[Cap, int]]:
        """Every household cap that counts what this need receives, with what is left of it."""
        home = int(compiled.household[need])
        for cap, used in zip(compiled.problem.caps, self.cap_used, strict=True):
            concerns = cap.household_id in ("*", compiled.household_ids[home])
            if concerns and compiled.problem.needs[need].category in cap.categories:
                yield cap, cap.max_units - int(used[home])


def rank_of(compiled: Compiled, *, position: Ints, needs: Ints) -> Ints:
    """Rank of the cell that holds unit number `position` (from 1) of each need, which must have a gap."""
    levels = compiled.problem.policy.levels
    table = np.zeros((4, levels), np.int64)
    for (urgency, level), rank in compiled.problem.policy.ranks().items():
        table[urgency, level - 1] = rank
    ranks: Ints = table[compiled.urgency[needs], (position - 1) * levels // compiled.gap[needs]]
    return ranks


def standing(compiled: Compiled, lines: Sequence[Line]) -> Standing:
    """Work out where `lines` leave everyone. O(lines + E + N · caps)."""
    units = units_of(compiled, lines)
    received = _received(compiled, units)
    given = np.zeros(len(compiled.resource_ids), np.int64)
    np.add.at(given, compiled.pair_resource, units)
    ancestors, earmark_left = _earmarks(compiled, given)
    cap_left, cap_used = _caps(compiled, received)
    return Standing(
        units=units,
        received=received,
        next_rank=_ranks(compiled, compiled.past + received + 1, received < compiled.open),
        last_rank=_ranks(compiled, compiled.past + received, received > 0),
        stock_left=compiled.stock - given,
        earmark_left=earmark_left,
        ancestors=ancestors,
        share_left=_shares(compiled, units),
        cap_left=cap_left,
        cap_used=cap_used,
    )


def units_of(compiled: Compiled, lines: Sequence[Line]) -> Ints:
    """Units of every pair in the plan, shape (E,)."""
    need = {name: i for i, name in enumerate(compiled.need_ids)}
    resource = {name: i for i, name in enumerate(compiled.resource_ids)}
    width = max(1, len(resource))
    keys = compiled.pair_need.astype(np.int64) * width + compiled.pair_resource
    wanted = np.array([need[x.need_id] * width + resource[x.resource_id] for x in lines], np.int64)
    units = np.zeros(len(keys), np.int64)
    units[np.searchsorted(keys, wanted)] = [x.units for x in lines]
    return units


def _received(compiled: Compiled, units: Ints) -> Ints:
    received = np.zeros(len(compiled.need_ids), np.int64)
    counted = np.where(compiled.pair_used < 0, units, np.where(units > 0, compiled.open[compiled.pair_need], 0))
    np.add.at(received, compiled.pair_need, counted)
    return received


def _ranks(compiled: Compiled, position: Ints, some: Bools) -> Ints:
    needs = np.flatnonzero(some)
    ranks = np.zeros(len(compiled.need_ids), np.int64)
    ranks[needs] = rank_of(compiled, position=position[needs], needs=needs)
    return ranks


def _earmarks(compiled: Compiled, given: Ints) -> tuple[Ints, Ints]:
    rows = compiled.problem.earmarks
    place = {row.earmark: i for i, row in enumerate(rows)}
    paths: dict[str | None, list[int]] = {None: []}

    def path(name: str | None) -> list[int]:
        if name not in paths:
            paths[name] = [place[name], *path(rows[place[name]].parent)] if name is not None else []
        return paths[name]

    own = [path(r.earmark) for r in compiled.problem.resources]
    ancestors = np.full((len(own), max((len(p) for p in own), default=0)), -1, np.int64)
    left = np.array([row.budget for row in rows], np.int64)
    for i, nodes in enumerate(own):
        ancestors[i, : len(nodes)] = nodes
        left[nodes] -= given[i]
    return ancestors, left


def _shares(compiled: Compiled, units: Ints) -> Ints:
    most = [r.max_per_household for r in compiled.problem.resources]
    limit = np.array([FAR if m is None else m for m in most], np.int64)
    left = np.full(len(units), FAR, np.int64)
    bound = np.flatnonzero((limit[compiled.pair_resource] < FAR) & (compiled.pair_used < 0))
    if len(bound):
        key = compiled.household[compiled.pair_need[bound]] * len(limit) + compiled.pair_resource[bound]
        _, share = np.unique(key, return_inverse=True)
        used = np.zeros(int(share.max()) + 1, np.int64)
        np.add.at(used, share, units[bound])
        left[bound] = limit[compiled.pair_resource[bound]] - used[share]
    return left


def _caps(compiled: Compiled, received: Ints) -> tuple[Ints, tuple[Ints, ...]]:
    needs = compiled.problem.needs
    least = np.full(len(needs), FAR, np.int64)
    categories = np.array([n.category for n in needs], str)
    home = {name: i for i, name in enumerate(compiled.household_ids)}
    found = []
    for cap in compiled.problem.caps:
        under = np.isin(categories, list(cap.categories))
        if cap.household_id != "*":
            under &= compiled.household == home.get(cap.household_id, -1)
        used = np.zeros(len(home), np.int64)
        np.add.at(used, compiled.household[under], received[under])
        least = np.minimum(least, np.where(under, cap.max_units - used[compiled.household], FAR))
        found.append(used)
    return least, tuple(found)
