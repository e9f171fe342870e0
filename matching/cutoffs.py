"""The line in each queue: what the last unit of a resource went to, and what waits behind it.

What enters: a compiled problem and the lines of a plan. What leaves: one `Cutoff` per resource and district that has
somebody waiting for a resource that is used up. `matching.wording.cutoff_sentence` puts it into words. Called by
whoever shows a public list: it names cells and ids of resources, never a need.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from matching.compiled import Compiled
from matching.model import FAR, Cell
from matching.network import Ints
from matching.plan import Line
from matching.standing import standing


@dataclass(frozen=True, slots=True)
class Cutoff:
    """`last` is the lowest cell that a unit of the resource (pins left out) went to, in whatever district.

    `next` is the highest cell that still waits for it in this district, `waiting` the needs that do: an eligible pair
    that could take more, and something open.
    """

    resource_id: str
    district: str
    last: Cell
    next: Cell
    waiting: int


def cutoffs(compiled: Compiled, lines: Sequence[Line]) -> tuple[Cutoff, ...]:
    """Every line that has somebody behind it, by resource and district. O(E)."""
    stands = standing(compiled, lines)
    size = len(compiled.resource_ids)
    some = np.flatnonzero(stands.units > compiled.pair_least)
    last = np.full(size, len(compiled.problem.policy.order) + 1, np.int64)
    np.minimum.at(last, compiled.pair_resource[some], stands.last_rank[compiled.pair_need[some]])
    order = compiled.problem.policy.order
    room = np.minimum(stands.stock_left, stands.earmark_room(np.arange(size)))
    used_up = (room < 1) & (last <= len(order))
    most = np.array([FAR if r.max_per_need is None else r.max_per_need for r in compiled.problem.resources], np.int64)
    waits = np.flatnonzero(
        used_up[compiled.pair_resource]
        & (stands.next_rank > 0)[compiled.pair_need]
        & (compiled.pair_most > 0)
        & (stands.units < most[compiled.pair_resource])
        & (stands.share_left > 0)
        & (stands.cap_left > 0)[compiled.pair_need]
    )
    places, district = _districts(compiled)
    key = compiled.pair_resource[waits].astype(np.int64) * max(1, len(places)) + district[compiled.pair_need[waits]]
    groups, at, count = np.unique(key, return_inverse=True, return_counts=True)
    best = np.zeros(len(groups), np.int64)
    np.maximum.at(best, at, stands.next_rank[compiled.pair_need[waits]])
    return tuple(
        Cutoff(
            resource_id=compiled.resource_ids[group // len(places)],
            district=places[group % len(places)],
            last=order[len(order) - int(last[group // len(places)])],
            next=order[len(order) - rank],
            waiting=needs,
        )
        for group, rank, needs in zip(groups.tolist(), best.tolist(), count.tolist(), strict=True)
    )


def _districts(compiled: Compiled) -> tuple[list[str], Ints]:
    places = sorted({need.district for need in compiled.problem.needs})
    number = {name: i for i, name in enumerate(places)}
    return places, np.array([number[need.district] for need in compiled.problem.needs], np.int64)
