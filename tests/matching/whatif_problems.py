"""Overrides to try on small problems, and the problem that each of them stands for.

In: a problem and a source of chance, or a problem and what is tried. Out: a `Try`, or the problem as a new run would
get it. Called by the tests of the preview. A reserve becomes a twin of the resource: the twin serves the district only.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from random import Random
from typing import Any

from matching.model import Ban, Pin, Problem, levels_first, urgency_first
from matching.whatif import More, Reserve, Try

KINDS = ("pin", "ban", "wide_ban", "reserve", "more", "less", "order")


def drawn(rng: Random, of: Problem, *, kind: str | None = None) -> Try:
    """Something of one kind to try."""
    kind = kind or rng.choice(KINDS)
    need, resource = rng.choice(of.needs), rng.choice(of.resources)
    fitting = [row for row in of.resources if row.category == need.category]
    if fitting:
        resource = rng.choice(fitting)
    units = rng.randint(1, max(1, resource.stock))
    if kind == "pin":
        return Try(pins=(Pin(need.need_id, resource.resource_id, rng.randint(1, max(1, need.gap))),))
    if kind == "ban":
        return Try(bans=(Ban(need.need_id, resource.resource_id),))
    if kind == "wide_ban":
        sides = (("*", resource.resource_id), (need.need_id, "*"))[rng.randrange(2)]
        return Try(bans=(Ban(*sides),))
    if kind == "reserve":
        return Try(reserves=(Reserve(resource.resource_id, need.district, units),))
    if kind in ("more", "less"):
        return Try(more=(More(resource.resource_id, units if kind == "more" else -units),))
    levels = of.policy.levels
    order = levels_first(levels) if of.policy.order == urgency_first(levels) else urgency_first(levels)
    return Try(order=order)


def both(one: Try, other: Try) -> Try:
    """Two things tried together; of two orders the first."""
    return Try(
        pins=one.pins + other.pins,
        bans=one.bans + other.bans,
        reserves=one.reserves + other.reserves,
        more=one.more + other.more,
        order=one.order or other.order,
    )


def changed(of: Problem, tried: Try) -> Problem:
    """The problem that a new run would solve; reserves are left to `divided`."""
    stock = {row.resource_id: row.stock for row in of.resources}
    for row in tried.more:
        stock[row.resource_id] = max(0, stock[row.resource_id] + row.units)
    goods = (replace(r, stock=stock[r.resource_id]) for r in of.resources)
    pins = {(row.need_id, row.resource_id): row.units for row in of.pins}
    for pin in tried.pins:
        pins[pin.need_id, pin.resource_id] = max(pin.units, pins.get((pin.need_id, pin.resource_id), 0))
    bans = {(row.need_id, row.resource_id): row for row in (*of.bans, *tried.bans)}
    return replace(
        of,
        policy=replace(of.policy, order=tried.order or of.policy.order),
        resources=tuple(goods),
        pins=tuple(Pin(*ids, units) for ids, units in pins.items()),
        bans=tuple(bans.values()),
    )


def divided(of: Problem, kept: Reserve) -> Problem:
    """The problem in which the units kept for a district are a resource of their own, which serves only it.

    Two resources cannot share a maximum per need or household, nor a pin: the problem must have none.
    """
    own = next(r for r in of.resources if r.resource_id == kept.resource_id)
    units = min(own.stock, kept.units)
    served = {kept.district} & own.districts if "*" not in own.districts else {kept.district}
    twin = replace(own, resource_id=f"{own.resource_id} kept", stock=units, districts=frozenset(served or {"nowhere"}))
    rest = (replace(r, stock=r.stock - units * (r is own)) for r in of.resources)

    def doubled(rows: Iterable[Any]) -> tuple[Any, ...]:
        rows = list(rows)
        return (*rows, *(replace(r, resource_id=twin.resource_id) for r in rows if r.resource_id == own.resource_id))

    return replace(
        of,
        resources=(*rest, twin),
        bans=doubled(of.bans),
        pairs=None if of.pairs is None else doubled(of.pairs),
        announced=(),
    )
