"""A plan of a large hard part that is being improved, and the smaller problems that are left when most of it is fixed.

What enters: a compiled problem, one component and units per pair. What leaves: a `State` that keeps the use of every
shared limit, and for any set of free pairs the *residual problem*: the same problem with all other units taken off the
stocks, gaps and limits, so that every solver here can work on it as on any other. Called by `priced`, `refill` and
`neighbourhoods`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from matching.compiled import Compiled
from matching.components import Component
from matching.limits import Limits
from matching.model import Announced
from matching.network import Ints, announced_units, numbered
from matching.rules import column, counted, earmarked, rival_key

MANY = 64
"""Places from which on a change is booked for all households at once."""


@dataclass(frozen=True, slots=True)
class Residual:
    """A smaller problem of the same kind; `places` says where each pair of its component stands in the state."""

    compiled: Compiled
    limits: Limits
    part: Component
    places: Ints


def _plainly(*arrays: Ints) -> Iterator[memoryview]:
    return (array.data for array in arrays)


class _Plain:
    """The same numbers as in the arrays of a `State`, read and written one by one as plain Python integers."""

    def __init__(self, state: State) -> None:
        compiled, limits = state.compiled, state.limits
        self.need, self.resource, self.share = _plainly(state.need, state.resource, state.share)
        self.pairs, self.used, self.open, self.stock = _plainly(
            state.part.pairs, compiled.pair_used, compiled.open, compiled.stock
        )  # fmt: skip
        self.units, self.given, self.received = _plainly(state.units, state.given, state.received)
        self.shared, self.grouped, self.spent = _plainly(state.shared, state.grouped, state.spent)
        self.share_limit, self.group_limit = _plainly(limits.share_limit, limits.group_limit)
        self.mark, self.parent, self.budget = _plainly(
            limits.resource_earmark, limits.earmark_parent, limits.earmark_budget
        )  # fmt: skip

    def above(self, resource: int) -> Iterator[int]:
        """The earmarks above a resource, from the nearest up."""
        mark = self.mark[resource]
        while mark >= 0:
            yield mark
            mark = self.parent[mark]


class State:
    """Units of each pair of a part (`units`, by place in ``part.pairs``) and what they take from every limit."""

    def __init__(self, compiled: Compiled, limits: Limits, part: Component, units: Ints) -> None:
        self.compiled, self.limits, self.part = compiled, limits, part
        self.need = compiled.pair_need[part.pairs].astype(np.int64)
        self.resource = compiled.pair_resource[part.pairs].astype(np.int64)
        self.share = limits.pair_share[part.pairs]
        self.marks = dict(earmarked(limits, part))
        self.group_of = _groups_by_need(limits, part)
        members = [(group, need) for need, groups in self.group_of.items() for group in groups]
        self.member_group, self.member_need = np.array(members or [(0, 0)], dtype=np.int64)[: len(members)].T
        self.rival = rival_key(compiled, part)
        self.rivals = np.flatnonzero(self.rival >= 0)
        self.promised = announced_units(compiled)
        self.units = np.zeros(len(part.pairs), dtype=np.int64)
        self.given = np.zeros(len(compiled.resource_ids), dtype=np.int64)
        self.received = np.zeros(len(compiled.need_ids), dtype=np.int64)
        self.shared = np.zeros(len(limits.share_limit) + 1, dtype=np.int64)
        self.grouped = np.zeros(len(limits.group_limit), dtype=np.int64)
        self.spent = np.zeros(len(limits.earmark_ids), dtype=np.int64)
        self.plain = _Plain(self)
        self.add(np.arange(len(units)), units)

    def add(self, places: Ints, units: Ints) -> None:
        """Give (or, where negative, take back) units at these places."""
        after = self.units[places] + units
        count = counted(self.compiled, pairs=self.part.pairs[places], units=after)
        count = count - counted(self.compiled, pairs=self.part.pairs[places], units=self.units[places])
        self.units[places] = after
        np.add.at(self.given, self.resource[places], units)
        np.add.at(self.received, self.need[places], count)
        np.add.at(self.shared, self.share[places], units)
        if len(places) > MANY:
            self.grouped[:] = 0
            np.add.at(self.grouped, self.member_group, self.received[self.member_need])
            for mark, under in self.marks.items():
                self.spent[mark] = self.given[under].sum()
            return
        for resource, more in zip(self.resource[places].tolist(), units.tolist(), strict=True) if self.marks else ():
            for mark in self.plain.above(resource):
                self.spent[mark] += more
        for need, more in zip(self.need[places].tolist(), count.tolist(), strict=True) if self.group_of else ():
            for group in self.group_of.get(need, ()):
                self.grouped[group] += more

    def give(self, place: int, units: int) -> None:
        """`add` at one place."""
        plain = self.plain
        need, resource, before = plain.need[place], plain.resource[place], plain.units[place]
        count = units
        if plain.used[plain.pairs[place]] >= 0:
            count = plain.open[need] * ((before + units > 0) - (before > 0))
        plain.units[place] = before + units
        plain.given[resource] += units
        plain.received[need] += count
        plain.shared[plain.share[place]] += units
        for mark in plain.above(resource):
            plain.spent[mark] += units
        for group in self.group_of.get(need, ()):
            plain.grouped[group] += count

    def change(self, places: Ints, units: Ints) -> None:
        """Set the units at these places."""
        self.add(places, units - self.units[places])

    def fits(self, places: Ints) -> bool:
        """Whether every limit that needs share still holds the pairs at these places."""
        compiled, limits = self.compiled, self.limits
        resources, shares = np.unique(self.resource[places]), np.unique(self.share[places])
        groups = sorted(
            {group for need in np.unique(self.need[places]).tolist() for group in self.group_of.get(need, ())}
        )
        return bool(
            (self.given[resources] <= compiled.stock[resources]).all()
            and (self.shared[shares[shares >= 0]] <= limits.share_limit[shares[shares >= 0]]).all()
            and (self.grouped[groups] <= limits.group_limit[groups]).all()
            and (self.spent <= limits.earmark_budget).all()
        )

    def closed(self) -> Ints:
        """Places that a household may not use because it draws on another resource of the exclusive group."""
        held = self.rivals[self.units[self.rivals] > 0][::-1]
        drawn = np.full(int(self.rival.max(initial=-1)) + 1, -1, dtype=np.int64)
        drawn[self.rival[held]] = self.resource[held]
        chosen = drawn[self.rival[self.rivals]]
        shut: Ints = self.rivals[(chosen >= 0) & (chosen != self.resource[self.rivals])]
        return shut

    def residual(self, free: Ints) -> Residual:
        """The problem of these places (ascending) with everything else fixed."""
        old = self.units[free].copy()
        self.add(free, -old)
        try:
            shut = np.zeros(len(self.units), dtype=np.bool_)
            shut[self.closed()] = True
            return self._cut(free[~shut[free]])
        finally:
            self.add(free, old)

    def _cut(self, free: Ints) -> Residual:
        compiled, limits, pairs = self.compiled, self.limits, self.part.pairs[free]
        still_open, stock = compiled.open - self.received, compiled.stock - self.given
        need, resource, used = self.need[free], self.resource[free], compiled.pair_used[pairs]
        lot, least = column(compiled, "lot")[resource], column(compiled, "min_per_need")[resource]
        most = np.minimum(np.minimum(compiled.pair_most[pairs], still_open[need]), stock[resource]) // lot * lot
        most = np.where(most < least, 0, most)
        whole = np.where((used <= stock[resource]) & (compiled.pair_most[pairs] > 0), compiled.pair_most[pairs], 0)
        cut = replace(
            compiled,
            problem=replace(compiled.problem, announced=self._announced(pairs)),
            past=compiled.past + self.received, open=still_open, stock=stock,
            pair_need=compiled.pair_need[pairs], pair_resource=compiled.pair_resource[pairs],
            pair_cost=compiled.pair_cost[pairs], pair_value=compiled.pair_value[pairs], pair_used=used,
            pair_least=compiled.pair_least[pairs], pair_most=np.where(used < 0, most, whole),
        )  # fmt: skip
        left = replace(
            limits,
            earmark_budget=limits.earmark_budget - self.spent,
            group_limit=limits.group_limit - self.grouped,
            share_limit=limits.share_limit - self.shared[:-1],
            pair_share=limits.pair_share[pairs],
        )  # fmt: skip
        needs, resources = (
            numbered(values, size=size)[0] for values, size in ((need, len(still_open)), (resource, len(stock)))
        )
        groups = {group for n in needs.tolist() for group in self.group_of.get(n, ())}
        kept = np.flatnonzero((cut.pair_most > 0) | (cut.pair_least > 0))
        part = replace(
            self.part, needs=needs, resources=resources, pairs=kept,
            groups=np.array(sorted(groups), dtype=np.int64),
        )  # fmt: skip
        return Residual(cut, left, part, free[kept])

    def _announced(self, pairs: Ints) -> tuple[Announced, ...]:
        ids, goods, owner, giver = (
            self.compiled.need_ids, self.compiled.resource_ids, self.compiled.pair_need, self.compiled.pair_resource
        )  # fmt: skip
        kept = [pair for pair in pairs.tolist() if pair in self.promised] if self.promised else []
        return tuple(Announced(ids[owner[pair]], goods[giver[pair]], self.promised[pair]) for pair in kept)


def _groups_by_need(limits: Limits, part: Component) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for group in part.groups.tolist():
        for need in limits.needs_of(group).tolist():
            found.setdefault(need, []).append(group)
    return found


class Places:
    """The places of each value of an array."""

    def __init__(self, values: Ints) -> None:
        self.order = np.argsort(values, kind="stable")
        self.sorted = values[self.order]

    def at(self, value: int) -> Ints:
        """All places that hold `value`, ascending."""
        low, high = np.searchsorted(self.sorted, [value, value + 1])
        return self.order[low:high]
