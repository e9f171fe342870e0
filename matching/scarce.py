"""The scarcest gifts: for which terms would one more unit reach the highest-ranking open need?

What enters: a problem, its plan and the plan's prices. What leaves: `Scarce` rows, the scarcest first, with exact
counts of households. Called by the marketplace when a run is stored, which hides and rounds before anybody reads them.

Asked about are the terms of every resource with a price (one without has stock left), every kind, and every kind in
every district. One more unit on such terms would fill the best unit that is still open among the needs it may reach;
by moving others it may do better, up to the price, which is what the last unit is worth. So the rank is the least.
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
    """One more unit on these terms would fill a unit of `cell` at least; so many `households` could get it."""

    terms: Terms
    rank: int
    cell: Cell
    households: int


def scarcest(problem: Problem, plan: Plan) -> tuple[Scarce, ...]:
    """Every kind, every kind in every district, and the terms of every resource with a price. O(pairs)."""
    known = replace(problem, resources=(*problem.resources, *_probes(problem)))
    compiled = compile_problem(known)
    reach = standing(compiled, plan.lines)
    order = problem.policy.order
    scarce = {row.id for row in plan.prices if row.tier == 1 and row.kind == "resource" and row.price > 0}
    found: dict[Terms, tuple[int, int]] = {}
    for place, needs in _open_needs(compiled, reach.next_rank):
        row = compiled.problem.resources[place]
        if row.resource_id in scarce or row.resource_id.startswith(_PROBE):
            rank, homes = int(reach.next_rank[needs].max()), len(np.unique(compiled.household[needs]))
            found[_terms(row)] = max(found.get(_terms(row), (0, 0)), (rank, homes))
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
    yield from zip(places.tolist(), np.split(need[order], starts)[1:], strict=True)


def _terms(row: Resource) -> Terms:
    districts = row.districts if "*" not in row.districts else frozenset[str]()
    some, every, none = (tuple(sorted(tags)) for tags in (row.tags_any, row.tags_all, row.tags_none))
    return Terms(row.category, tuple(sorted(districts)), some, every, none, row.min_urgency)
