"""Offers of partners who keep their services in HSDS 3 (Human Services Data Specification), as JSON or CSV.

Enters: the bytes of a service list in JSON, or the CSV files of a tabular package by name. Leaves: `OfferRecord`
values with raw cells under OFFER_COLUMNS, or a `WillNeverWork`. The offer imports of the marketplace call it. Only
active services come through. HSDS knows neither lots nor limits: those cells stay out, and the import asks for them.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from adapters.ports import Cell, OfferRecord, WillNeverWork
from adapters.tabular import read_table

_JOIN: Final = ";"
_PLAIN: Final = {
    "title": "name",
    "rules": "eligibility_description",
    "steps": "application_process",
    "standard": "description",
}
# Which file of the package hangs on a service, under which name, by which column.
_LINKED: Final = (
    ("service_areas", "service_areas", "service_id"),
    ("schedules", "schedules", "service_id"),
    ("capacities", "service_capacity", "service_id"),
    ("attributes", "attributes", "link_id"),
)


def offers_from_json(data: bytes, *, categories: Mapping[str, str]) -> tuple[OfferRecord, ...]:
    """Read one service, a list of them, or a page with `contents`; `categories` goes from their term codes to ours."""
    try:
        content = json.loads(data)
    except ValueError as error:
        raise WillNeverWork("The file is not JSON.", code="not_json") from error
    if isinstance(content, dict):
        content = content.get("contents", [content])
    if not isinstance(content, list) or not all(isinstance(service, dict) for service in content):
        raise WillNeverWork("The file holds no list of services.", code="no_services")
    return tuple(_offers(content, categories))


def offers_from_csv(files: Mapping[str, bytes], *, categories: Mapping[str, str]) -> tuple[OfferRecord, ...]:
    """Read the files of a tabular package by their names without ending; only `services` must be there."""
    if "services" not in files:
        raise WillNeverWork("The package has no file named services.", code="no_services")
    terms = {row.get("id"): row for row in _rows(files, "taxonomy_terms")}
    units = {row.get("id"): row for row in _rows(files, "units")}
    linked: dict[Cell, dict[str, list[Any]]] = defaultdict(lambda: defaultdict(list))
    for name, file, by in _LINKED:
        for row in _rows(files, file):
            whole = {
                **row,
                "taxonomy_term": terms.get(row.get("taxonomy_term_id")),
                "unit": units.get(row.get("unit_id")),
            }
            linked[row.get(by)][name].append(whole)
    services = ({**row, **linked[row.get("id")]} for row in _rows(files, "services"))
    return tuple(_offers(services, categories))


def _rows(files: Mapping[str, bytes], name: str) -> Iterator[dict[str, Cell]]:
    if name in files:
        for _, row in read_table(files[name]).records():
            yield row


def _offers(services: Iterable[Mapping[str, Any]], categories: Mapping[str, str]) -> Iterator[OfferRecord]:
    for service in services:
        if service.get("status") == "active":
            if not isinstance(service.get("id"), str):
                raise WillNeverWork("A service has no id.", code="no_services")
            cells = {name: cell for name, cell in _cells(service, categories).items() if cell not in (None, "")}
            yield OfferRecord(source_id=service["id"], cells=cells)


def _cells(service: Mapping[str, Any], categories: Mapping[str, str]) -> dict[str, Cell]:
    codes = [str(term.get("code")) for term in _each(_each_of(service, "attributes"), "taxonomy_term")]
    capacity = next(_each_of(service, "capacities"), {})
    schedule = next(_each_of(service, "schedules"), {})
    areas = [str(area["name"]) for area in _each_of(service, "service_areas") if area.get("name")]
    return {
        "source_id": _flat(service.get("id")),
        **{ours: _flat(service.get(theirs)) for ours, theirs in _PLAIN.items()},
        "category": next((categories[code] for code in codes if code in categories), None),
        "unit": next((_flat(unit.get("name")) for unit in _each(iter([capacity]), "unit")), None),
        "stock": _flat(capacity.get("available")),
        "districts": _JOIN.join(areas),
        "valid_from": _flat(schedule.get("valid_from")),
        "valid_to": _flat(schedule.get("valid_to")),
    }


def _each_of(service: Mapping[str, Any], name: str) -> Iterator[Mapping[str, Any]]:
    items = service.get(name)
    return (item for item in items if isinstance(item, dict)) if isinstance(items, list) else iter(())


def _each(items: Iterator[Mapping[str, Any]], name: str) -> Iterator[Mapping[str, Any]]:
    return (item[name] for item in items if isinstance(item.get(name), dict))


def _flat(value: object) -> Cell:
    return value if isinstance(value, str | int | float) else None
