"""Why a need with eligible pairs does not get more.

What enters: a compiled problem, where the plan leaves everyone, and the tier-1 prices of resources. What leaves: the
reasons `provider_chosen`, `exclusive`, `cap`, `lot_or_minimum`, `earmark`, `stock`, `priced_out`, `tie_break` and
`within_gap`. Called by `matching.explain`.

For every eligible pair of a need that is still open it counts the limits that keep the next step away. The pair with
the fewest, then the shortest queue, explains the need: one row per limit, those that block the next step first; a
limit that would only be reached later (its `left` is not 0) follows for the flip test. `short_by` says how much of the
limit would be enough for the need to gain even if all waiting units that rank as high or higher came first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from matching.compiled import Compiled
from matching.network import announced_units
from matching.plan import Reason
from matching.standing import Standing
from matching.waiting import EXCLUSIVE, GAP, PROVIDER, SHARE, Queue, Queues, nearest, queue_up

Detail = dict[str, str | int]
Row = tuple[str, Detail]

AT_HOME = ("max_per_household", "household_cap")
"""The limits that only needs of one household share."""


def short(compiled: Compiled, stands: Standing, prices: Mapping[str, int]) -> Iterator[Reason]:
    """Reasons of all needs with eligible pairs that are still open, by need. O(E · L)."""
    queue = queue_up(compiled, stands)
    if len(queue.pairs):
        teller = _Teller(compiled, stands, queue=queue, prices=prices)
        for case in _cases(compiled, stands, queue):
            yield from teller.reasons(case)


class _Case(NamedTuple):
    """The pair that explains a need, with what the queue and the plan say of it."""

    pair: int
    need: int
    resource: int
    units: int
    step: int
    counted: int
    ahead: int
    share_left: int
    stock_left: int
    own: bool
    """Whether a rule of its own or a limit that no other need shares is in the way."""
    shared: bool
    blocked: list[bool]


def _cases(compiled: Compiled, stands: Standing, queue: Queue) -> Iterator[_Case]:
    """The nearest pair of every need in the queue."""
    at = nearest(compiled, queue)
    pairs = queue.pairs[at]
    resource = compiled.pair_resource[pairs]
    own = (pairs, compiled.pair_need[pairs], resource, stands.units[pairs])
    said = (queue.step[at], queue.counted[at], queue.ahead[at], stands.share_left[pairs], stands.stock_left[resource])
    blocked = queue.blocked[at]
    ways = (blocked[:, :SHARE].any(axis=1), blocked[:, SHARE:].any(axis=1), blocked)
    yield from map(_Case._make, zip(*(column.tolist() for column in (*own, *said, *ways)), strict=True))


class _Way(NamedTuple):
    """A shared limit on the way of one pair: what is left of it, and how many units wait for it before this need."""

    kind: str
    name: str
    limit: int
    left: int
    step: int
    ahead: int


class _Teller:
    """Turns the case of one need into rows."""

    def __init__(self, compiled: Compiled, stands: Standing, *, queue: Queue, prices: Mapping[str, int]) -> None:
        self.compiled, self.stands, self.prices = compiled, stands, prices
        self.order = compiled.problem.policy.order
        self.last = _last_served(compiled, stands)
        self.queues = Queues(compiled, stands, queue)
        self.promised = announced_units(compiled)
        self.drawn, self.drawn_by_group = _drawn(compiled, stands)
        self.next_rank = stands.next_rank.tolist()
        self.above = [[node for node in row if node >= 0] for row in stands.ancestors.tolist()]
        self.earmark_left = stands.earmark_left.tolist()

    def reasons(self, case: _Case) -> Iterator[Reason]:
        """One row per limit in the way of this pair."""
        rows = [self._own(place, case) for place in range(SHARE) if case.blocked[place]] if case.own else []
        if case.shared:
            ways, wanted = self._wanted(case)
            short = sorted((way for way in ways if way.left < wanted), key=lambda way: way.left >= way.step)
            rows += [self._told(way, case, wanted=wanted) for way in short]
        for code, detail in rows or [self._free(case.need)]:
            yield Reason(self.compiled.need_ids[case.need], self.compiled.resource_ids[case.resource], code, detail)

    def _own(self, place: int, case: _Case) -> Row:
        """A rule of the need itself, or a limit that no other need shares."""
        compiled, need = self.compiled, case.need
        terms = compiled.problem.resources[case.resource]
        if place == PROVIDER:
            return "provider_chosen", {"provider": self.drawn[need]}
        if place == EXCLUSIVE:
            group = terms.exclusive_group or ""
            return "exclusive", {"group": group, "drawn": self.drawn_by_group[int(compiled.household[need]), group]}
        if place == GAP:
            left = int(compiled.open[need] - self.stands.received[need])
            return _steps("need", left=left, step=case.counted)
        limit = terms.max_per_need or 0
        left = limit - case.units
        if left > 0:
            return _steps("max_per_need", left=left, step=case.step)
        detail: Detail = {"kind": "max_per_need", "id": terms.resource_id, "limit": limit, "left": left}
        return "cap", detail | {"short_by": case.step - left}

    def _wanted(self, case: _Case) -> tuple[list[_Way], int]:
        """The shared limits of the pair, and how much must be left of each for the need to gain.

        Where a limit at home and one of supply are both short, two lower units can outweigh this one: one elsewhere
        takes the supply, one at home, served from elsewhere, takes the room. Then all who wait at home come first.
        """
        ways = list(self._ways(case))
        wanted = _enough(ways, step=case.step)
        if {way.kind in AT_HOME for way in ways if way.left < wanted} == {True, False}:
            ways = list(self._ways(case, everyone=True))
            wanted = _enough(ways, step=case.step)
        return ways, wanted

    def _ways(self, case: _Case, *, everyone: bool = False) -> Iterator[_Way]:
        """All shared limits of the pair: household maximum, household caps, earmarks, stock.

        `everyone` counts all units that wait at home, not only those that rank at least as high.
        """
        compiled, stands, need, step = self.compiled, self.stands, case.need, case.step
        terms, mine = compiled.problem.resources[case.resource], compiled.problem.needs[need]
        if terms.max_per_household is not None and compiled.pair_used[case.pair] < 0:
            # the need may move here what it draws elsewhere, and others come first to what it leaves
            elsewhere = int(stands.received[need]) - case.units
            ahead = self.queues.at_home(need, {mine.category}, resource=case.resource, everyone=everyone)
            ahead += min(elsewhere, case.ahead)
            most = terms.max_per_household
            yield _Way("max_per_household", terms.resource_id, most, case.share_left, step, ahead)
        for cap, left in stands.caps_left(compiled, need):
            ahead = self.queues.at_home(need, cap.categories, everyone=everyone)
            yield _Way("household_cap", cap.cap_id, cap.max_units, left, case.counted, ahead)
        for node in self.above[case.resource]:
            mark, left = compiled.problem.earmarks[node], self.earmark_left[node]
            yield _Way("earmark", mark.earmark, mark.budget, left, step, self.queues.under(need, node))
        yield _Way("resource", terms.resource_id, terms.stock, case.stock_left, step, case.ahead)

    def _told(self, way: _Way, case: _Case, *, wanted: int) -> Row:
        """The row of one shared limit, which would have to grow until `wanted` units are left of it."""
        if 0 < way.left < way.step:
            return _steps(way.kind, left=way.left, step=way.step)
        detail: Detail = {"limit": way.limit, "left": way.left, "short_by": wanted - way.left}
        if way.kind in AT_HOME:
            return "cap", detail | {"kind": way.kind, "id": way.name}
        next_rank = self.next_rank[case.need]
        detail |= self._cell("next_", next_rank)
        if way.kind == "earmark":
            return "earmark", detail | {"id": way.name}
        served_last = self.last.get(case.resource, ())
        last = next((row for row in served_last if row[1] != case.need), None)
        if last is None or way.left > 0 or last[0] < next_rank:
            return "stock", detail
        detail |= self._cell("", last[0])
        detail |= {"need": self.compiled.need_ids[last[1]], "price": self.prices.get(way.name, 0)}
        if last[0] > next_rank:
            return "priced_out", detail
        return "tie_break", detail | {"by": self._tie(case.pair, last[2])}

    def _tie(self, pair: int, other: int) -> str:
        """The first tier in which the waiting pair and the served one differ."""
        kept = int(self.stands.units[other]) <= self.promised.get(other, 0)
        if kept and self.promised.get(pair, 0) <= int(self.stands.units[pair]):
            return "stability"
        return "cost" if self.compiled.pair_cost[pair] != self.compiled.pair_cost[other] else "hash"

    def _cell(self, prefix: str, rank: int) -> Detail:
        urgency, level = self.order[len(self.order) - rank]
        return {prefix + "urgency": urgency, prefix + "level": level}

    def _free(self, need: int) -> Row:
        """No limit blocks one step: all-or-nothing finds too little in all, or the plan is not the best."""
        compiled, stands = self.compiled, self.stands
        pairs = np.arange(compiled.pairs_of(need).start, compiled.pairs_of(need).stop)
        resources = compiled.pair_resource[pairs].astype(np.int64)
        room = np.minimum(stands.stock_left[resources], stands.earmark_room(resources))
        room = np.minimum(np.minimum(room, stands.share_left[pairs]), compiled.pair_most[pairs])
        left = min(int(np.maximum(room, 0).sum()), int(stands.cap_left[need]))
        if compiled.problem.needs[need].all_or_nothing and left < compiled.open[need]:
            return _steps("all_or_nothing", left=left, step=int(compiled.open[need]))
        return "within_gap", {"left": left}


def _enough(ways: Sequence[_Way], *, step: int) -> int:
    """How much must be left of every limit for the need to gain after everyone who waits before it.

    Lifting one limit lets others pass, who may use up the next one: so the queues of all limits that are short add up.
    """
    wanted = max([step, *(way.step for way in ways)])
    while True:
        more = step + sum(way.ahead for way in ways if way.left < max(wanted, way.step))
        if more <= wanted:
            return wanted
        wanted = more


def _steps(kind: str, *, left: int, step: int) -> Row:
    return "lot_or_minimum", {"kind": kind, "left": left, "step": step, "short_by": step - left}


def _last_served(compiled: Compiled, stands: Standing) -> dict[int, list[tuple[int, int, int]]]:
    """Resource ► (rank, need, pair) of the two needs with the lowest cells that it fills beyond what is pinned."""
    lines = np.flatnonzero(stands.units > compiled.pair_least)
    rank = stands.last_rank[compiled.pair_need[lines]]
    resource = compiled.pair_resource[lines]
    by = np.lexsort((lines, rank, resource))
    place = np.arange(len(by))
    start = np.maximum.accumulate(np.where(np.diff(resource[by], prepend=-1) != 0, place, 0))
    lowest = by[place - start < 2]
    found: dict[int, list[tuple[int, int, int]]] = {}
    columns = (resource[lowest], rank[lowest], compiled.pair_need[lines[lowest]], lines[lowest])
    for giver, *row in zip(*(column.tolist() for column in columns), strict=True):
        found.setdefault(giver, []).append((row[0], row[1], row[2]))
    return found


def _drawn(compiled: Compiled, stands: Standing) -> tuple[dict[int, str], dict[tuple[int, str], str]]:
    """The first resource that each need draws on, and each household within an exclusive group."""
    by_need: dict[int, str] = {}
    by_group: dict[tuple[int, str], str] = {}
    lines = np.flatnonzero(stands.units)
    needs, goods = compiled.pair_need[lines].tolist(), compiled.pair_resource[lines].tolist()
    for need, resource in zip(needs, goods, strict=True):
        by_need.setdefault(need, compiled.resource_ids[resource])
        group = compiled.problem.resources[resource].exclusive_group
        if group is not None:
            by_group.setdefault((int(compiled.household[need]), group), compiled.resource_ids[resource])
    return by_need, by_group
