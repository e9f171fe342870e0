"""The scarcest gifts: for which terms would one more unit reach the highest-ranking open need?

What enters: a problem, its plan and the plan's prices. What leaves: `Scarce` rows, the scarcest first, with exact
counts of households. Called by the marketplace when a run is stored, which hides and rounds before anybody reads them.

A price says what one more unit of a posted resource is worth to the plan. Kinds that nobody gives have no price; for
them, and for each kind in each district, the rank of the best unit still open is asked directly: one more unit
without conditions is worth that much at least.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from matching.compiled import Compiled, compile_problem
from matching.eligibility import Ints
from matching.model import Cell, Problem, Resource
from matching.plan import Plan
from matching.standing import standing

ANYWHERE = frozenset({"*"})
_PROBE = "\N{WHITE QUESTION MARK ORNAMENT}"
"""Begins the ids of resources that are only thought of."""


@dataclass(frozen=True, slots=True, order=True)
class Terms:
    """What a gift is for: one kind, and whom it may reach; no district means everywhere."""

    category: str
    districts: tuple[str, ...] = ()
    tags_any: tuple[str, ...] = ()
    tags_all: tuple[str, ...] = ()
    tags_none: tuple[str, ...] = ()
    min_urgency: int = 0


@dataclass(frozen=True, slots=True)
class Scarce:
    """One more unit on these terms would fill a unit of `cell`; `households` with something open could get it."""

    terms: Terms
    rank: int
    cell: Cell
    households: int


def scarcest(problem: Problem, plan: Plan) -> tuple[Scarce, ...]:
    """Every kind, every kind in every district, and the terms of every resource with a price. O(pairs)."""
    known = replace(problem, resources=(*problem.resources, *_probes(problem)))
    compiled = compile_problem(known)
    reach = standing(compiled, plan.lines)
    scale, order = plan.certificate.price_scale, problem.policy.order
    prices = {row.id: -(-row.price // scale) for row in plan.prices if row.tier == 1 and row.kind == "resource"}
    found: dict[Terms, tuple[int, int]] = {}
    for place, needs in _open_needs(compiled, reach.next_rank):
        row = compiled.problem.resources[place]
        best = int(reach.next_rank[needs].max())
        rank = best if row.resource_id.startswith(_PROBE) else min(len(order), prices.get(row.resource_id, 0))
        if rank > 0:
            terms, homes = _terms(row), len(np.unique(compiled.household[needs]))
            found[terms] = max(found.get(terms, (0, 0)), (rank, homes))
    rows = sorted(found.items(), key=lambda item: (-item[1][0], -item[1][1], item[0]))
    return tuple(Scarce(terms, rank, order[len(order) - rank], homes) for terms, (rank, homes) in rows)


def _probes(problem: Problem) -> Iterator[Resource]:
    """An empty resource for each kind, and for each kind in each district, that somebody needs."""
    places = {(need.category, need.unit, need.district) for need in problem.needs}
    cells = {(kind, unit, "*") for kind, unit, _district in places} | places
    for kind, unit, district in sorted(cells):
        name = f"{_PROBE}{kind}/{unit}/{district}"
        yield Resource(name, _PROBE, kind, unit, stock=0, districts=frozenset({district}))


def _open_needs(compiled: Compiled, next_rank: Ints) -> Iterator[tuple[int, Ints]]:
    """The place of each resource, with the needs that it may serve and that have something open."""
    some = next_rank[compiled.pair_need] > 0
    place, need = compiled.pair_resource[some].astype(np.int64), compiled.pair_need[some].astype(np.int64)
    order = np.argsort(place, kind="stable")
    places, starts = np.unique(place[order], return_index=True)
    yield from zip(places.tolist(), np.split(need[order], starts[1:]), strict=True)


def _terms(row: Resource) -> Terms:
    districts = row.districts if "*" not in row.districts else frozenset[str]()
    some, every, none = (tuple(sorted(tags)) for tags in (row.tags_any, row.tags_all, row.tags_none))
    return Terms(row.category, tuple(sorted(districts)), some, every, none, row.min_urgency)
