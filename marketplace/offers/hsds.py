"""Offers of services as HSDS, and HSDS as the table that the import reads (docs/hsds.md).

Enters: a giver's services, or the bytes of an HSDS file. Leaves: an HSDS file; or a table with the import's columns,
which then passes the very same check, counts and confirmation as any other. What HSDS has no word for (portions,
limits, answers, the donor's bounds) travels as attributes of our own taxonomy, so that nothing is lost on the way.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from datetime import date, datetime
from typing import Literal
from uuid import UUID

from sqlmodel import Session, col, select

from adapters import hsds, tabular_writer
from adapters.ports import WillNeverWork
from marketplace.actors import Actor
from marketplace.calendar import local_day
from marketplace.errors import BadInput
from marketplace.offers.export import rows_by_column
from marketplace.offers.models import Offer, OfferState
from marketplace.offers.service import source_index
from marketplace.offers.table import CLOSED_FOR_NOW, OPEN, offer_schema
from marketplace.organisations.models import Organisation
from marketplace.policy import require
from marketplace.reference.needs import need_kind

Format = Literal["json", "zip"]
GOODS = ("FEN", "PACK", "ITEM")
"""Units of money and goods: not services, so they stay out of HSDS."""
NEED, TERM = "shanqiao-need", "shanqiao-term"
"""Our taxonomies: kinds of need, and terms of an offer that HSDS has no word for."""
STATUS = {
    OfferState.OPEN: hsds.ACTIVE,
    OfferState.PAUSED: hsds.CLOSED_FOR_NOW,
    OfferState.HELD: "inactive",
    OfferState.EXPIRED: "inactive",
}
WORDED = (
    "source_id",
    "title",
    "category",
    "unit",
    "stock",
    "districts",
    "valid_from",
    "valid_to",
    "status",
    "standard",
    "steps",
    "rules",
)
"""Columns for which HSDS has a word; the others travel as attributes."""


def services_file(session: Session, kind: Format, /, *, actor: Actor, now: datetime) -> bytes:
    """Every service of the actor's organisation that is not closed."""
    require(actor, "offer:list", org_id=actor.org_id)
    giver = session.get_one(Organisation, actor.org_id)
    mine = select(Offer).where(col(Offer.org_id) == giver.id, col(Offer.state) != OfferState.CLOSED)
    offers = session.exec(mine.where(col(Offer.unit).not_in(GOODS)).order_by(col(Offer.created_at), col(Offer.id)))
    services = [_service(offer, giver, on=local_day(now)) for offer in offers]
    return hsds.write_json(services) if kind == "json" else hsds.write_package(services)


def _service(offer: Offer, giver: Organisation, *, on: date) -> hsds.Service:
    cells = {name: _plain(cell) for name, cell in rows_by_column(offer, on=on, lang="zh").items()}
    terms = [hsds.Term(TERM, name, value=cells[name]) for name in sorted(cells) if name not in WORDED and cells[name]]
    return hsds.Service(
        id=uuid_of(offer.id),
        name=offer.title,
        status=STATUS[offer.state],
        description=offer.standard,
        application_process=offer.steps,
        fees_description=offer.rules,
        eligibility_description="；".join(cells[name] for name in ("tags_all", "tags_any") if cells.get(name)),
        assured_date=local_day(offer.updated_at).isoformat(),
        organization=giver.name,
        organization_code=giver.credit_code,
        areas=tuple(cells["districts"].split("、")),
        valid_from=cells.get("valid_from", ""),
        valid_to=cells.get("valid_to", ""),
        unit=cells["unit"],
        maximum=str(offer.stock_units),
        available=str(offer.stock_units - offer.committed_units),
        updated=offer.updated_at.isoformat(),
        terms=(hsds.Term(NEED, offer.category), *terms),
    )


def _plain(cell: object) -> str:
    return "" if cell is None else cell.isoformat() if isinstance(cell, date) else str(cell)


def uuid_of(offer_id: str) -> str:
    """Our ids are 128 bits in another spelling."""
    return str(UUID(bytes=base64.b32decode(offer_id.upper() + "======")))


def id_of(uuid: str) -> str:
    """The offer's id that `uuid_of` spelt; empty for any other text."""
    try:
        return base64.b32encode(UUID(uuid).bytes).decode().rstrip("=").lower()
    except ValueError:
        return ""


def as_table(session: Session, data: bytes, /, *, giver: Organisation, now: datetime) -> bytes:
    """The services of an HSDS file that are active, or known here and temporarily closed, as a table for the import. A
    file of another giver is refused whole."""
    try:
        found = hsds.read_services(data)
    except WillNeverWork as error:
        raise BadInput(error.code, field="file") from error
    if any(one.organization_code not in ("", giver.credit_code) for one in found):
        raise BadInput("hsds_other_organisation", field="file")
    numbers = {one.id: one.id for one in found} | _references(session, found, giver)
    closed = _known(session, [numbers[one.id] for one in found if one.status == hsds.CLOSED_FOR_NOW], giver)
    read = [one for one in found if one.status in ("", hsds.ACTIVE) or numbers[one.id] in closed]
    if not read:
        raise BadInput("hsds_no_service", field="file")
    columns = offer_schema(today=local_day(now)).columns
    rows = ({"source_id": numbers[one.id], **dict(_cells(one))} for one in read)
    table = [[row.get(column.name) for column in columns] for row in rows]
    return tabular_writer.write_csv([column.label(lang="zh") for column in columns], table)


def _references(session: Session, services: list[hsds.Service], giver: Organisation) -> dict[str, str]:
    """The giver's own numbers of services that went out from here."""
    ids = {own: one.id for one in services if (own := id_of(one.id))}
    mine = select(Offer.id, Offer.reference).where(col(Offer.org_id) == giver.id)
    return {ids[row[0]]: row[1] or row[0] for row in session.execute(mine) if row[0] in ids}


def _known(session: Session, numbers: list[str], giver: Organisation) -> set[str]:
    """Those of the giver's numbers that stand for a resource here."""
    by_index = {source_index(session, giver.id, source_id=number): number for number in numbers}
    mine = select(Offer.source_index).where(col(Offer.source_index).in_(by_index))
    return {by_index[index] for index in session.exec(mine)} if by_index else set()


def _cells(one: hsds.Service) -> Iterator[tuple[str, str]]:
    """Column ► cell; what HSDS says in its own words goes before attributes of the same name."""
    for term in one.terms:
        if term.taxonomy == TERM and term.code not in WORDED:
            yield term.code, term.value
    ours = [term.code for term in one.terms if term.taxonomy == NEED]
    others = [term.code for term in one.terms if term.taxonomy not in (NEED, TERM)]
    category = next(iter(ours + others), "")
    yield "category", category
    yield "status", CLOSED_FOR_NOW if one.status == hsds.CLOSED_FOR_NOW else OPEN
    yield "title", one.name
    yield "unit", one.unit or _usual_unit(category)
    yield "stock", one.maximum if one.maximum not in ("", "0") else one.available
    yield "districts", "、".join(one.areas)
    yield "valid_from", one.valid_from
    yield "valid_to", one.valid_to
    yield "standard", one.description
    yield "steps", one.application_process
    yield "rules", one.fees_description


def _usual_unit(category: str) -> str:
    try:
        return need_kind(category).unit
    except LookupError:
        return ""
