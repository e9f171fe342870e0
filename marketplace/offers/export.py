"""A giver's resources as a table: what was brought in goes out again, to be edited and brought in anew.

Enters: the giver, a language and a kind of file. Leaves: bytes with the very columns of the import (`table`), each row
under the giver's own number (or ours, where it gave none), so that nothing is keyed twice. Called by a page.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from typing import Literal

from sqlmodel import Session, col, select

from adapters import tabular_writer
from adapters.ports import Cell
from marketplace.actors import Actor
from marketplace.calendar import last_before, local_day
from marketplace.offers.models import Offer, OfferState
from marketplace.offers.table import ANSWERS, CLOSED_FOR_NOW, EVERYWHERE, OPEN, STATUS, offer_schema
from marketplace.offers.terms import shown_units, terms_of
from marketplace.policy import require
from marketplace.reference.districts import district_name
from marketplace.reference.needs import MONEY, need_kind
from marketplace.reference.words import label

Format = Literal["xlsx", "csv"]
CITY = {"zh": EVERYWHERE[0], "en": EVERYWHERE[3]}


def offers_file(session: Session, kind: Format, /, *, actor: Actor, now: datetime, lang: str) -> bytes:
    """Every resource of the actor's organisation that is not closed, the oldest first."""
    require(actor, "offer:list", org_id=actor.org_id)
    columns = offer_schema(today=local_day(now)).columns
    mine = select(Offer).where(col(Offer.org_id) == actor.org_id, col(Offer.state) != OfferState.CLOSED)
    offers = session.exec(mine.order_by(col(Offer.created_at), col(Offer.id)))
    named = (rows_by_column(offer, on=local_day(now), lang=lang) for offer in offers)
    rows = ([cells.get(column.name) for column in columns] for cells in named)
    if kind == "csv":
        return tabular_writer.write_csv([column.label(lang=lang) for column in columns], rows)
    heads = [tabular_writer.Column(column.label(lang=lang), column.kind) for column in columns]
    return tabular_writer.write_xlsx(heads, rows)


def rows_by_column(offer: Offer, /, *, on: date, lang: str) -> dict[str, Cell]:
    """One offer's cells by the name of their column."""
    return dict(_cells(offer, on=on, lang=lang))


def _cells(offer: Offer, *, on: date, lang: str) -> Iterator[tuple[str, Cell]]:
    """Column ► cell, in the words that the import reads in this language."""
    terms, english = terms_of(offer), lang.startswith("en")
    comma = "; " if english else "、"

    def places(codes: tuple[str, ...]) -> str:
        return comma.join(district_name(code, on=on, lang=lang) for code in codes)

    def tags(codes: tuple[str, ...]) -> str:
        return comma.join(label("tag", code, lang=lang) for code in codes)

    yield "source_id", offer.reference or offer.id
    yield "category", need_kind(offer.category).name(lang=lang)
    yield "unit", label("unit", offer.unit, lang=lang)
    for name, units in (("stock", terms.stock_units), ("lot", terms.lot), ("min_per_need", terms.min_per_need)):
        yield name, _amount(units, offer.unit)
    yield "max_per_need", _amount(terms.max_per_need, offer.unit)
    yield "max_per_household", _amount(terms.max_per_household, offer.unit)
    yield "unit_cost", _amount(terms.unit_cost_fen, MONEY)
    yield "districts", places(terms.districts) or CITY["en" if english else "zh"]
    yield "donor_districts", places(terms.donor_districts)
    for name in ("tags_any", "tags_all", "tags_none", "donor_tags"):
        yield name, tags(getattr(terms, name))
    if offer.state in (OfferState.OPEN, OfferState.PAUSED):
        yield "status", STATUS[OPEN if offer.state is OfferState.OPEN else CLOSED_FOR_NOW][english]
    yield "min_urgency", label("urgency", terms.min_urgency, lang=lang)
    yield "acceptance", ANSWERS[terms.acceptance.value][english]
    over = offer.state is OfferState.EXPIRED and terms.valid_to is not None and terms.valid_to <= on
    yield "valid_to", None if over or terms.valid_to is None else last_before(terms.valid_to)
    for name in ("title", "project", "valid_from", "donor_purpose", "standard", "steps", "rules"):
        yield name, getattr(terms, name)


def _amount(units: int | None, unit: str) -> Cell:
    """A number where it is whole, exact text where it is not; nothing where there is no limit or no cost."""
    if not units:
        return None
    text = shown_units(units, unit)
    return int(text) if text.isdigit() else text
