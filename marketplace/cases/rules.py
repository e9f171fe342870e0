"""The rules of the thirteen items as dated data: paths, steps with limits, standards, and what each item waits for.

Enters: a code, a district, a day. Leaves: the row in force; a row of the district itself goes before the city's. The
graph of items is checked to have no circle whenever it is drawn. Marks and sources stand beside each value in
`reference/data`; D marks our own proposal. Called by every module of this room.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import TYPE_CHECKING

from marketplace.cases.models import Unit
from marketplace.reference.tables import UnknownCode, day, in_force, rows
from marketplace.reference.words import list_codes

if TYPE_CHECKING:
    import networkx as nx

FAST = "LINSHI_FAST"
"""The path of one step, whose limit is the limit of all of it: the street office is alone, nobody outside looks before
the money goes."""


@dataclass(frozen=True, slots=True)
class Path:
    """The way of one item: the name of its steps and its total in working days, ordinary and in special cases."""

    name: str
    total: int
    extended: int


@dataclass(frozen=True, slots=True)
class StepRule:
    """One step: who holds it and how long it may take."""

    no: int
    code: str
    holder: str
    limit: int
    unit: Unit


def _standing(table: str, key: str, value: str, *, district: str, on: date) -> list[Mapping[str, str]]:
    """The rows of a code in force on a day, those of the district itself if it has any."""
    found = [
        row
        for row in rows(table)
        if row[key] == value
        and row["district"] in ("", district)
        and in_force(day(row["valid_from"]), day(row["valid_to"]), on=on)
    ]
    if not found:
        raise UnknownCode(table, value)
    return found


def path_of(code: str, /, *, district: str, on: date) -> Path:
    """How an item is worked on in this district on this day."""
    found = _standing("item_paths", "code", code, district=district, on=on)
    row = max(found, key=lambda one: one["district"])
    return Path(row["path"], int(row["total"]), int(row["extended"]))


def steps_of(path: str, /, *, district: str, on: date) -> tuple[StepRule, ...]:
    """The steps of a path in order; a district's own row takes the place of the city's with the same number."""
    chosen: dict[int, Mapping[str, str]] = {}
    for row in sorted(_standing("item_steps", "path", path, district=district, on=on), key=lambda one: one["district"]):
        chosen[int(row["no"])] = row
    return tuple(
        StepRule(no, row["step"], row["holder"], int(row["limit"]), Unit(row["unit"]))
        for no, row in sorted(chosen.items())
    )


def standard(code: str, /, *, district: str, on: date) -> int:
    """A standard's value: fen, per cent or months."""
    found = _standing("standards", "code", code, district=district, on=on)
    return int(max(found, key=lambda one: one["district"])["value"])


@dataclass(frozen=True, slots=True)
class ItemRule:
    """Which department owns an item, for whom or what it is had once at a time, and whether a grant lasts."""

    department: str
    once_for: str
    lasts: bool


def item_rule(code: str, /, *, district: str, on: date) -> ItemRule:
    """The rule of an item in this district on this day."""
    row = max(_standing("item_rules", "code", code, district=district, on=on), key=lambda one: one["district"])
    return ItemRule(row["department"], row["once_for"], row["lasts"] == "1")


def papers_of(items: Iterable[str], /, *, district: str, on: date) -> list[str]:
    """The papers that these items want, each named once; what offices ask each other for is not among them. A district
    that says it for an item says all of it."""
    wanted: set[str] = set()
    for code in items:
        try:
            found = _standing("item_papers", "code", code, district=district, on=on)
        except UnknownCode:
            continue
        wanted |= {row["paper"] for row in _own_or_all(found)}
    return [code for code in list_codes("item_paper") if code in wanted]


def illness_bands(kind: str, /, *, district: str, on: date) -> list[Mapping[str, str]]:
    """The bands of a class of illness aid; where the district chose its own for the class, those alone."""
    return _own_or_all(_standing("illness_aid", "class", kind, district=district, on=on))


def event_aid(event: str, kind: str, /, *, district: str, on: date) -> Mapping[str, str]:
    """What a class of families gets for an event besides the costs of an illness: months of the city's standard, or a
    floor. Nothing where no source gives a figure; what a district says for a class takes the place of the city's."""
    with contextlib.suppress(UnknownCode):
        found = _standing("event_aid", "event", event, district=district, on=on)
        return max((row for row in found if row["class"] == kind), key=lambda row: row["district"], default={})
    return {}


def _own_or_all(found: list[Mapping[str, str]]) -> list[Mapping[str, str]]:
    """What the district says for itself takes the place of all that the city says."""
    return [row for row in found if row["district"]] or found


def review_months(code: str, kind: str, /, *, district: str, on: date) -> int:
    """After how many months a granted item is looked at again in its class; 0 where no rule says so."""
    try:
        found = [
            row for row in _standing("item_reviews", "code", code, district=district, on=on) if row["class"] == kind
        ]
    except UnknownCode:
        return 0
    return int(max(found, key=lambda one: one["district"])["months"]) if found else 0


def graph(*, district: str, on: date) -> nx.DiGraph[str]:
    """Items as nodes; an edge from an item to one that waits for its result, with the result it waits for (`when`), as
    it is in this district on this day. A district that says it for an item says all of it; a row without `after` says
    that it waits for nothing."""
    told: list[tuple[str, str, str]] = []
    for code in _items():
        with contextlib.suppress(UnknownCode):
            for row in _own_or_all(_standing("item_edges", "item", code, district=district, on=on)):
                if row["after"]:
                    told.append((row["after"], code, row["when"]))
    return _drawn(tuple(told))


def _items() -> tuple[str, ...]:
    return tuple(dict.fromkeys(row["code"] for row in rows("item_paths")))


@cache
def _drawn(edges: tuple[tuple[str, str, str], ...]) -> nx.DiGraph[str]:
    import networkx as nx  # slow to load, and most commands ask for no path

    drawn: nx.DiGraph[str] = nx.DiGraph()
    drawn.add_nodes_from(_items())
    for before, code, when in edges:
        drawn.add_edge(before, code, when=when)
    if not nx.is_directed_acyclic_graph(drawn):
        raise ValueError("item_edges.csv: items wait for each other in a circle")
    return drawn


def waits_for(code: str, /, *, district: str, on: date) -> dict[str, str]:
    """The items whose results this one needs ► the result that starts it."""
    drawn = graph(district=district, on=on)
    return {before: str(drawn.edges[before, code]["when"]) for before in sorted(drawn.predecessors(code))}


def in_order(*, district: str, on: date) -> tuple[str, ...]:
    """All items, each after those it waits for."""
    import networkx as nx

    return tuple(nx.lexicographical_topological_sort(graph(district=district, on=on)))
