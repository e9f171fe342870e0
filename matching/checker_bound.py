"""The judge's bound: what no plan can exceed, from the published prices alone.

What enters: the judge's facts and a plan's tier-1 prices. What leaves: a whole number that no score can pass:
Σ price·limit + Σ over needs of the most a need could score at these prices, every unit paying the prices of its
resource, its earmark and all above, its household maximum and its household caps. Any prices ≥ 0 prove some bound;
good prices prove a tight one. Called by `checker`.

Needs that look alike are one block: a matrix of needs × the resources that may serve them. Where a need may combine
resources, its lots and minima only round the most that one resource can give: that keeps the bound valid. A need
with one provider, all-or-nothing or served by `units_used` gets its exact best. Exclusive groups are left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from matching.checker_facts import Facts
from matching.model import Need, Pair, Resource
from matching.plan import Plan

Numbers = NDArray[Any]
"""Whole numbers: int64, or Python integers (dtype object) where int64 could overflow."""

CHUNK = 2_000_000
"""Most entries of one block's matrix."""


def level_units(gap: Numbers, start: Numbers, end: Numbers, *, levels: int) -> Numbers:
    """Units start+1 … end of each need by level, shape (N, levels). Level k ends at unit ceil(k·gap / levels)."""
    edges = -(-np.arange(levels + 1) * gap[:, None] // levels)
    units: Numbers = np.maximum(np.minimum(edges[:, 1:], end[:, None]) - np.maximum(edges[:, :-1], start[:, None]), 0)
    return units


@dataclass(frozen=True, slots=True)
class _Block:
    """n needs of one kind × m resources that may serve some of them; units, and tolls in 1/price_scale ranks."""

    levels: Numbers
    """(n, L) open units per level."""
    worth: Numbers
    """(n, L) rank times price_scale, falling."""
    toll: Numbers
    """(n, m) prices a unit of the pair pays."""
    least: Numbers
    """(n, m) pinned."""
    most: Numbers
    """(n, m); 0 where the pair is not eligible after all."""
    lot: Numbers
    """(m,)"""
    floor: Numbers
    """(m,) least amount if anything."""

    def gain(self, units: Numbers) -> Numbers:
        """Worth of the first `units` of each need, shape of `units` (n, m)."""
        total, start = units * 0, np.zeros_like(self.levels[:, 0])
        for k in range(self.worth.shape[1]):
            size, worth = self.levels[:, k], self.worth[:, k][:, None]
            total = total + worth * np.minimum(np.maximum(units - start[:, None], 0), size[:, None])
            start = start + size
        return total

    def combined(self, *, whole: bool) -> Numbers:
        """The best of each need from several resources: pinned units first, then the cheapest while they pay."""
        order = np.argsort(self.toll, axis=1, kind="stable")
        size = np.take_along_axis(self.most - self.least, order, axis=1)
        toll = np.take_along_axis(self.toll, order, axis=1)
        if self.least.any():
            size = np.concatenate([self.least, size], axis=1)
            toll = np.concatenate([self.toll, toll], axis=1)
        forced = np.arange(size.shape[1]) < size.shape[1] - self.least.shape[1]
        end = np.cumsum(size, axis=1)
        total, start = np.zeros_like(self.levels[:, 0]), np.zeros_like(self.levels[:, 0])
        for k in range(self.worth.shape[1]):
            until = start + self.levels[:, k]
            inside = np.maximum(np.minimum(end, until[:, None]) - np.maximum(end - size, start[:, None]), 0)
            margin = self.worth[:, k][:, None] - toll
            kept = margin if whole else np.where(forced, margin, np.maximum(margin, 0))
            total = total + (inside * kept).sum(axis=1)
            start = until
        if whole:
            pinned = self.least.sum(axis=1) > 0
            total = np.where(end[:, -1] < start, 0, np.where(pinned, total, np.maximum(total, 0)))
        return total

    def single(self, *, whole: bool) -> Numbers:
        """The best of each need from one resource, in lots and not below its minimum."""
        low = -(-np.maximum(self.least, np.maximum(self.floor, 1)) // self.lot) * self.lot
        high = self.most // self.lot * self.lot
        if whole:
            choices = [self.levels.sum(axis=1)[:, None] + 0 * self.toll]
        else:
            pays = (self.levels[:, :, None] * (self.worth[:, :, None] > self.toll[:, None, :])).sum(axis=1)
            choices = [pays // self.lot * self.lot, -(-pays // self.lot) * self.lot]
            choices = [np.minimum(np.maximum(units, low), high) for units in choices]
        pinned = self.least.sum(axis=1) > 0
        best: Numbers | None = None
        for units in choices:
            fits = (low <= units) & (units <= high) & (units % self.lot == 0)
            fits &= ~pinned[:, None] | (self.least > 0)
            value = np.where(fits, self.gain(units) - self.toll * units, -(2**62) if pinned.any() else 0)
            best = value if best is None else np.maximum(best, value)
        assert best is not None
        top: Numbers = best.max(axis=1)
        return np.where(pinned, top, np.maximum(top, 0))


def proven_bound(facts: Facts, plan: Plan) -> int:
    """The bound that the tier-1 prices prove, rounded down: a score is whole. O(pairs · levels)."""
    return _Proof(facts, plan).bound()


class _Proof:
    """One proof: the prices, and what is special about single pairs, by need."""

    def __init__(self, facts: Facts, plan: Plan) -> None:
        self.facts, self.scale = facts, plan.certificate.price_scale
        self.prices = {(p.kind, p.id, p.household_id): p.price for p in plan.prices if p.tier == 1 and p.price}
        top = max(self.prices.values(), default=0) * (3 + len(facts.budgets) + len(facts.caps))
        peak = (4 * facts.problem.policy.levels * self.scale + top) * max(1, sum(facts.open.values()))
        self.kind: np.dtype[Any] = np.dtype(np.int64) if peak < 2**60 else np.dtype(object)
        self.homes: dict[str, list[tuple[str, str, int]]] = {}
        for (kind, name, household), price in self.prices.items():
            if household:
                self.homes.setdefault(household, []).append((kind, name, price))
        self.pinned, self.banned = _by_need(facts.pins), _by_need(facts.bans)
        self.listed = None if facts.listed is None else _by_need(facts.listed)
        levels = range(1, facts.problem.policy.levels + 1)
        ranks = facts.problem.policy.ranks()
        self.worth = np.array([[ranks[u, k] * self.scale for k in levels] for u in range(4)], self.kind)

    def bound(self) -> int:
        """Σ price·limit + Σ of every block's best."""
        worth = sum(price * (self.facts.size(limit) or 0) for limit, price in self.prices.items())
        return (worth + sum(self._surpluses())) // self.scale

    def _surpluses(self) -> Iterator[int]:
        for shelf, needs in _kinds(self.facts):
            served = _Shelf(self.facts, shelf, supply=[self._supply(r) for r in shelf], kind=self.kind)
            step = max(1, CHUNK // len(shelf))
            for at in range(0, len(needs), step):
                part = needs[at : at + step]
                block = self._block(part, served)
                if part[0].need_id in self.facts.by_use:
                    gains = (block.levels * block.worth).sum(axis=1).tolist()
                    may = block.most > 0
                    yield sum(
                        self._best_by_use(need, [shelf[j] for j in np.flatnonzero(may[i])], gain=gains[i])
                        for i, need in enumerate(part)
                    )
                elif part[0].one_provider:
                    yield int(block.single(whole=part[0].all_or_nothing).sum())
                else:
                    yield int(block.combined(whole=part[0].all_or_nothing).sum())

    def _block(self, needs: Sequence[Need], shelf: _Shelf) -> _Block:
        facts, kind = self.facts, self.kind
        gap = np.array([n.gap for n in needs], kind)
        past = np.array([facts.past[n.need_id] for n in needs], kind)
        by_use = needs[0].need_id in facts.by_use
        most = np.minimum((gap - past)[:, None], shelf.own) // shelf.lot * shelf.lot
        most = (gap - past)[:, None] + 0 * most if by_use else np.where(most < shelf.floor, 0, most)
        block = _Block(
            levels=level_units(gap, past, gap, levels=facts.problem.policy.levels),
            worth=self.worth[[n.urgency for n in needs]],
            toll=shelf.supply[None, :].repeat(len(needs), axis=0),
            least=np.zeros_like(most),
            most=np.where(shelf.allows(needs), most, 0),
            lot=shelf.lot,
            floor=shelf.floor,
        )
        for i, n in enumerate(needs):
            self._mark(block, i, n, place=shelf.place)
        return block

    def _supply(self, resource: Resource) -> int:
        earmarks = sum(self.prices.get(("earmark", node, ""), 0) for node in self.facts.ancestors(resource))
        return self.prices.get(("resource", resource.resource_id, ""), 0) + earmarks

    def _mark(self, block: _Block, row: int, need: Need, *, place: dict[str, int]) -> None:
        """Write what concerns this need alone: its household's prices, pins, bans and listed pairs."""
        for kind, name, price in self.homes.get(need.household_id, ()):
            if kind == "household_cap" and need.category in self.facts.caps[name].categories:
                block.toll[row] += price
            elif kind == "max_per_household" and name in place:
                block.toll[row, place[name]] += price
        closed = [place[r] for r in self.banned.get(need.need_id, ()) if r in place]
        if self.listed is not None:
            open_ones = set(self.listed.get(need.need_id, ()))
            closed += [j for r, j in place.items() if r not in open_ones]
        if closed:
            block.most[row, closed] = 0
        for resource_id in self.pinned.get(need.need_id, ()):
            if resource_id in place:
                units = self.facts.pins[need.need_id, resource_id]
                block.least[row, place[resource_id]] = min(units, block.most[row, place[resource_id]])

    def _best_by_use(self, need: Need, resources: Sequence[Resource], *, gain: int) -> int:
        """A need served by `units_used`: worth `gain`, paid by what the cheapest of its resources gives."""
        facts = self.facts
        caps = sum(self.prices.get(("household_cap", c, need.household_id), 0) for c in facts.caps_of(need))
        pins = self.pinned.get(need.need_id, ())
        outlays = [
            used * self._supply(r) + caps * facts.open[need.need_id]
            for r in resources
            for used in [facts.units_used((need.need_id, r.resource_id))]
            if used is not None
            and used <= r.stock
            and (need.need_id, r.resource_id) not in facts.bans
            and set(pins) <= {r.resource_id}
        ]
        best = max((gain - outlay for outlay in outlays), default=0)
        return best if pins else max(0, best)


def _by_need(pairs: Iterable[Pair]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for need_id, resource_id in pairs:
        found.setdefault(need_id, []).append(resource_id)
    return found


def _kinds(facts: Facts) -> Iterator[tuple[list[Resource], list[Need]]]:
    """Open needs of one category, district and hardness, with the resources that serve the category there."""
    groups: dict[tuple[str, str, str, bool, bool, bool], list[Need]] = {}
    for n in facts.problem.needs:
        alive = facts.open[n.need_id] > 0 and n.need_id not in facts.cooling and facts.is_active(n)
        if alive and (n.need_id, "*") not in facts.bans:
            hard = (n.one_provider, n.all_or_nothing, n.need_id in facts.by_use)
            groups.setdefault((n.category, n.unit, n.district, *hard), []).append(n)
    shelves: dict[tuple[str, str], list[Resource]] = {}
    for r in facts.problem.resources:
        if facts.is_active(r) and ("*", r.resource_id) not in facts.bans:
            shelves.setdefault((r.category, r.unit), []).append(r)
    for (category, unit, district, *_), needs in groups.items():
        shelf = [r for r in shelves.get((category, unit), []) if {"*", district} & r.districts]
        if shelf:
            yield shelf, needs


class _Shelf:
    """m resources of one category that serve one district, as arrays, and whom they may serve."""

    def __init__(self, facts: Facts, shelf: Sequence[Resource], *, supply: list[int], kind: np.dtype[Any]) -> None:
        self._facts, self._resources = facts, shelf
        limits = [(r.stock, r.max_per_need, r.max_per_household) for r in shelf]
        self.own = np.array([min(x for x in limit if x is not None) for limit in limits], kind)
        self.lot, self.floor = np.array([r.lot for r in shelf], kind), np.array([r.min_per_need for r in shelf], kind)
        self.supply = np.array(supply, kind)
        self.place = {r.resource_id: j for j, r in enumerate(shelf)}

    def allows(self, needs: Sequence[Need]) -> Numbers:
        """Consent, tags and urgency, shape (n, m); needs that look alike are asked once."""
        rows: dict[tuple[object, ...], list[bool]] = {}
        looks = [(n.consented, n.tags, n.urgency) for n in needs]
        for look, n in zip(looks, needs, strict=True):
            if look not in rows:
                rows[look] = [
                    ("*" in n.consented or r.org_id in n.consented)
                    and n.urgency >= r.min_urgency
                    and self._facts.tags_fit(n, r)
                    for r in self._resources
                ]
        place = {look: i for i, look in enumerate(rows)}
        return np.array(list(rows.values()))[[place[look] for look in looks]]
