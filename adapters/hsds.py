"""Services in the words of Open Referral (HSDS 3.1 and later): JSON, or the zipped package of CSV tables.

Enters: bytes of a partner's file, or plain `Service` values. Leaves: the same the other way round. Only the parts that
the marketplace can use are read (docs/hsds.md); what else a file holds is passed over. Nothing is fetched from
anywhere. Called by the offers' import and export.
"""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from adapters.ports import WillNeverWork
from adapters.tabular_cells import harmless_text

LARGEST = 64 * 1024 * 1024
"""So many bytes of tables a package may unfold to."""
MOST = 20_000
ACTIVE, CLOSED_FOR_NOW = "active", "temporarily closed"
JSON_STARTS = (b"{", b"[")
_ZIP = b"PK\x03\x04"
_TABLES = ("services", "organizations", "organization_identifiers", "attributes", "taxonomy_terms", "taxonomies")
_MORE = ("service_areas", "schedules", "service_capacity", "units")
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Term:
    """One attribute: the code of a taxonomy (`taxonomy`), what it says of the service (`link`), and a value."""

    taxonomy: str
    code: str
    link: str = ""
    value: str = ""


@dataclass(frozen=True, slots=True)
class Service:
    """One service with what the marketplace reads of it. Days are ISO texts, the last one counted in."""

    id: str
    name: str
    status: str = ACTIVE
    description: str = ""
    application_process: str = ""
    fees_description: str = ""
    eligibility_description: str = ""
    assured_date: str = ""
    organization: str = ""
    organization_code: str = ""
    areas: tuple[str, ...] = ()
    valid_from: str = ""
    valid_to: str = ""
    unit: str = ""
    maximum: str = ""
    available: str = ""
    updated: str = ""
    terms: tuple[Term, ...] = ()


def is_hsds(data: bytes) -> bool:
    """Whether these bytes are JSON or a zip that holds a table of services."""
    if data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(JSON_STARTS):
        return True
    if not data.startswith(_ZIP):
        return False
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as package:
            return any(name.rsplit("/", 1)[-1] == "services.csv" for name in package.namelist())
    except zipfile.BadZipFile:
        return False


def read_services(data: bytes) -> list[Service]:
    """Every service of a file.

    Raises
    ------
    WillNeverWork
        The file is neither JSON nor a package, unfolds to too much, or a service lacks its id or name.
    """
    try:
        whole = list(_unpacked(data) if data.startswith(_ZIP) else _listed(json.loads(data.decode("utf-8-sig"))))
    except (ValueError, RecursionError, zipfile.BadZipFile, csv.Error, KeyError) as error:
        raise WillNeverWork("This is no HSDS file that can be read.", code="hsds_unreadable") from error
    if len(whole) > MOST:
        raise WillNeverWork(f"The file holds more than {MOST} services.", code="hsds_too_large")
    return [_service(row) for row in whole]


def _listed(found: Any) -> list[Row]:
    """One service, a list of them, or a page of the API whose `contents` hold them."""
    rows = found.get("contents", [found]) if isinstance(found, dict) else found
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise ValueError("no services")
    return rows


def _service(row: Row) -> Service:
    texts = {name: _text(row.get(name)) for name in _TEXTS}
    if not texts["id"] or not texts["name"]:
        raise WillNeverWork("A service has no id or no name.", code="hsds_no_id")
    organization = _dict(row.get("organization"))
    codes = [_text(one.get("identifier")) for one in _dicts(organization.get("organization_identifiers"))]
    schedules = _dicts(row.get("schedules"))
    capacity = next(iter(_dicts(row.get("capacities"))), {})
    return Service(
        **texts,
        organization=_text(organization.get("name")),
        organization_code=next(iter(codes), ""),
        areas=tuple(name for area in _dicts(row.get("service_areas")) if (name := _text(area.get("name")))),
        valid_from=min((day for s in schedules if (day := _text(s.get("valid_from")))), default=""),
        valid_to=max((day for s in schedules if (day := _text(s.get("valid_to")))), default=""),
        unit=_text(_dict(capacity.get("unit")).get("name")),
        maximum=_text(capacity.get("maximum")),
        available=_text(capacity.get("available")),
        updated=_text(capacity.get("updated")),
        terms=tuple(_term(one) for one in _dicts(row.get("attributes"))),
    )


_TEXTS = (
    "id",
    "name",
    "status",
    "description",
    "application_process",
    "fees_description",
    "eligibility_description",
    "assured_date",
)


def _term(row: Row) -> Term:
    term = _dict(row.get("taxonomy_term"))
    taxonomy = _text(term.get("taxonomy")) or _text(_dict(term.get("taxonomy_detail")).get("name"))
    code = _text(term.get("code")) or _text(term.get("name"))
    return Term(taxonomy, code, _text(row.get("link_type")), _text(row.get("value")))


def _text(value: Any) -> str:
    return "" if value is None or isinstance(value, dict | list) else str(value).strip()


def _dict(value: Any) -> Row:
    return value if isinstance(value, dict) else {}


def _dicts(value: Any) -> list[Row]:
    return [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []


def _unpacked(data: bytes) -> Iterator[Row]:
    """The tables of a package, nested as the JSON is."""
    tables = _tables_of(data)
    terms = {row["id"]: row for row in tables["taxonomy_terms"]}
    units = {row["id"]: row for row in tables["units"]}
    organizations = {row["id"]: row for row in tables["organizations"]}
    codes = _by(tables["organization_identifiers"], "organization_id")
    areas, schedules = (_by(tables[name], "service_id") for name in ("service_areas", "schedules"))
    capacities, attributes = _by(tables["service_capacity"], "service_id"), _by(tables["attributes"], "link_id")
    for row in tables["services"]:
        own, giver = row["id"], row.get("organization_id", "")
        yield {
            **row,
            "organization": {**organizations.get(giver, {}), "organization_identifiers": codes.get(giver, [])},
            "service_areas": areas.get(own, []),
            "schedules": schedules.get(own, []),
            "capacities": [{**one, "unit": units.get(one.get("unit_id", ""), {})} for one in capacities.get(own, [])],
            "attributes": [
                {**one, "taxonomy_term": terms.get(one.get("taxonomy_term_id", ""), {})}
                for one in attributes.get(own, [])
            ],
        }


def _by(rows: Iterable[dict[str, str]], key: str) -> dict[str, list[dict[str, str]]]:
    found: dict[str, list[dict[str, str]]] = {}
    for row in rows:
        found.setdefault(row.get(key) or "", []).append(row)
    return found


def _tables_of(data: bytes) -> dict[str, list[dict[str, str]]]:
    tables: dict[str, list[dict[str, str]]] = {name: [] for name in (*_TABLES, *_MORE)}
    with zipfile.ZipFile(io.BytesIO(data)) as package:
        found = {info.filename.rsplit("/", 1)[-1].removesuffix(".csv"): info for info in package.infolist()}
        if sum(info.file_size for info in found.values()) > LARGEST:
            raise WillNeverWork("The package unfolds to too much.", code="hsds_too_large")
        for name in tables.keys() & found.keys():
            with package.open(found[name]) as file:
                text = file.read(LARGEST).decode("utf-8-sig")
            tables[name] = [dict(row) for row in csv.DictReader(io.StringIO(text))]
    return tables


def write_json(services: Iterable[Service]) -> bytes:
    """A list of services, each whole, as an HSDS API gives it out."""
    return json.dumps([_nested(one) for one in services], ensure_ascii=False, indent=1).encode()


def _uuid(*parts: str) -> str:
    return str(uuid5(NAMESPACE_URL, "shanqiao:" + ":".join(parts)))


def _nested(one: Service) -> dict[str, Any]:
    organization = _uuid("organization", one.organization_code or one.organization)
    row: dict[str, Any] = {name: value for name in _TEXTS if (value := getattr(one, name))}
    row["organization_id"] = organization
    row["organization"] = {"id": organization, "name": one.organization, "description": one.organization}
    if one.organization_code:
        identifier = {"id": _uuid("identifier", one.organization_code), "organization_id": organization}
        kind = {"identifier_type": "USCC", "identifier": one.organization_code}
        row["organization"]["organization_identifiers"] = [identifier | kind]
    row["service_areas"] = [
        {"id": _uuid(one.id, "area", area), "service_id": one.id, "name": area} for area in one.areas
    ]
    row["schedules"] = [
        {"id": _uuid(one.id, "schedule"), "service_id": one.id} | _filled(one, "valid_from", "valid_to")
    ]
    row["capacities"] = [
        {
            "id": _uuid(one.id, "capacity"),
            "service_id": one.id,
            "unit_id": _uuid("unit", one.unit),
            "unit": {"id": _uuid("unit", one.unit), "name": one.unit},
            "available": int(one.available or 0),
            "maximum": int(one.maximum or 0),
            "updated": one.updated,
        }
    ]
    row["attributes"] = [_attribute(one, term, place) for place, term in enumerate(one.terms)]
    return row


def _filled(one: Service, *names: str) -> dict[str, str]:
    return {name: value for name in names if (value := getattr(one, name))}


def _attribute(one: Service, term: Term, place: int) -> dict[str, Any]:
    term_id = _uuid("term", term.taxonomy, term.code)
    row: dict[str, Any] = {"id": _uuid(one.id, "attribute", str(place)), "link_id": one.id, "link_entity": "service"}
    row |= {name: value for name, value in (("link_type", term.link), ("value", term.value)) if value}
    named = {"id": term_id, "code": term.code, "name": term.code, "description": term.code, "taxonomy": term.taxonomy}
    return row | {"taxonomy_term_id": term_id, "taxonomy_term": named}


def write_package(services: Sequence[Service]) -> bytes:
    """The same as a zip of CSV tables, one for each kind of object."""
    tables: dict[str, dict[str, Row]] = {}

    def add(table: str, row: Mapping[str, Any]) -> None:
        flat = {name: value for name, value in row.items() if not isinstance(value, dict | list)}
        tables.setdefault(table, {})[str(row["id"])] = flat

    for whole in map(_nested, services):
        add("services", whole)
        add("organizations", whole["organization"])
        for name, rows in (("organization_identifiers", whole["organization"]), ("service_areas", whole)):
            for row in rows.get(name, ()):
                add(name, row)
        add("schedules", whole["schedules"][0])
        add("service_capacity", whole["capacities"][0])
        add("units", whole["capacities"][0]["unit"])
        for row in whole["attributes"]:
            add("attributes", row)
            add("taxonomy_terms", row["taxonomy_term"])
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as package:
        for table, found in sorted(tables.items()):
            package.writestr(zipfile.ZipInfo(f"{table}.csv", (1980, 1, 1, 0, 0, 0)), _csv(list(found.values())))
    return out.getvalue()


def _csv(rows: list[Row]) -> bytes:
    names = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(names)
    writer.writerows([harmless_text(row.get(name, "")) for name in names] for row in rows)
    return text.getvalue().encode("utf-8")
