"""What an offer says: plain values, and everything that can be wrong with them.

Enters: answers of the wizard or a row of a file. Leaves: frozen `Terms`, and `Fault`s with a field and a code that
pages translate. Called by the offers' service, wizard and import, so that all three refuse the same things.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import date, timedelta
from typing import Any

from marketplace.offers.models import Acceptance, Offer, OfferState
from marketplace.reference import districts as places
from marketplace.reference.needs import MONEY, NeedKind, need_kind
from marketplace.reference.tables import UnknownCode
from marketplace.reference.words import list_codes

CONFIRMED_FOR = timedelta(days=180)
"""An offer is asked for again after half a year at the latest; until then its end is extended by `reconfirm`."""
PLAUSIBLE_HOUSEHOLDS = 1000
"""A stock that would give more households than this the most plausible amount waits for a person."""
LARGEST = 10**12
"""The largest amount that can be matched; a larger stock is stored and held, because it is a slip to be asked about."""
STORABLE = 2**62
EVERYWHERE = "*"
"""How the whole city stands in an offer's row, as in the allocator's problem."""


@dataclass(frozen=True, slots=True)
class Terms:
    """One offer's terms in whole units of its kind (money: fen). No district means the whole city. What the donor bound
    (`donor_…`) holds beside the giver's own terms: only these districts, only households with all of these tags."""

    title: str
    category: str
    stock_units: int
    lot: int = 1
    min_per_need: int = 1
    max_per_need: int | None = None
    max_per_household: int | None = None
    districts: tuple[str, ...] = ()
    tags_any: tuple[str, ...] = ()
    tags_all: tuple[str, ...] = ()
    tags_none: tuple[str, ...] = ()
    min_urgency: int = 0
    valid_from: date | None = None
    valid_to: date | None = None
    unit_cost_fen: int = 0
    acceptance: Acceptance = Acceptance.EACH
    donor_purpose: str = ""
    donor_districts: tuple[str, ...] = ()
    donor_tags: tuple[str, ...] = ()
    standard: str = ""
    steps: str = ""
    rules: str = ""
    project: str = ""


NAMES = tuple(field.name for field in fields(Terms))
LISTS = ("districts", "tags_any", "tags_all", "tags_none", "donor_districts", "donor_tags")
DAYS = ("valid_from", "valid_to")


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong: the field, the code of a sentence of the intake, and what fills that sentence."""

    field: str
    code: str
    facts: Mapping[str, str | int]


def terms_of(offer: Offer) -> Terms:
    """The terms of a stored offer."""
    values = {name: getattr(offer, name) for name in NAMES}
    lists = {name: tuple(item for item in values[name] if item != EVERYWHERE) for name in LISTS}
    return Terms(**values | lists)


def columns_of(terms: Terms) -> dict[str, Any]:
    """The offer columns that carry these terms."""
    values = {name: getattr(terms, name) for name in NAMES}
    return (
        values | {name: sorted(values[name]) for name in LISTS} | {"districts": sorted(terms.districts) or [EVERYWHERE]}
    )


def served_districts(offer: Offer | Terms) -> frozenset[str]:
    """Where an offer may be used: the giver's districts within the donor's; ``{"*"}`` is everywhere."""
    own, bound = set(offer.districts) - {EVERYWHERE}, set(offer.donor_districts)
    return frozenset((own & bound if own and bound else own | bound) or {EVERYWHERE})


def kept_by_donor(offer: Offer, *, district: str, tags: Iterable[str]) -> bool:
    """Whether what the donor bound lets this offer be used for a household of this district with these tags."""
    here = not offer.donor_districts or district in offer.donor_districts
    return here and set(offer.donor_tags) <= set(tags)


def within_terms(offer: Offer, *, district: str, tags: Iterable[str], urgency: int, on: date) -> bool:
    """Whether the giver's own terms, as they stand now, reach a need of this district, tags and urgency on that day."""
    has, some = set(tags), set(offer.tags_any)
    here = bool({district, EVERYWHERE} & served_districts(offer))
    begun = offer.valid_from is None or offer.valid_from <= on
    fits = set(offer.tags_all) <= has and not has & set(offer.tags_none) and (not some or bool(some & has))
    return here and begun and fits and urgency >= offer.min_urgency


def gives_as_much(offer: Offer, units: int, /) -> bool:
    """Whether the offer gives one need just so many: whole lots between its least and its most."""
    most = offer.max_per_need
    return offer.min_per_need <= units and units % offer.lot == 0 and (most is None or units <= most)


def loosens(before: Terms, after: Terms) -> bool:
    """Whether the change takes away something that the donor had bound: its purpose, a district, a tag."""
    purpose = bool(before.donor_purpose) and after.donor_purpose != before.donor_purpose
    places = bool(before.donor_districts) and (
        not after.donor_districts or not set(after.donor_districts) <= set(before.donor_districts)
    )
    return purpose or places or not set(before.donor_tags) <= set(after.donor_tags)


def donor_bound(terms: Terms) -> dict[str, Any]:
    """What the donor bound, as JSON values."""
    return {
        "purpose": terms.donor_purpose,
        "districts": sorted(terms.donor_districts),
        "tags": sorted(terms.donor_tags),
    }


def faults(terms: Terms, *, on: date, kinds: Callable[[str], NeedKind] = need_kind) -> list[Fault]:
    """Everything wrong with the terms on that day, in the order in which a person fills them in."""
    try:
        kind = kinds(terms.category)
    except UnknownCode:
        return [Fault("category", "unknown_category", {})]
    found = [*_words(terms, "title"), *_amounts(terms, kind), *_people(terms, on=on), *_window(terms, on=on)]
    return found + list(_words(terms, "standard", "steps", "rules"))


def _amounts(terms: Terms, kind: NeedKind) -> Iterator[Fault]:
    stock, lot, most = terms.stock_units, terms.lot, terms.max_per_need
    least = max(terms.min_per_need, lot, 1)
    if not 1 <= stock <= STORABLE:
        yield Fault("stock_units", "too_large" if stock > STORABLE else "not_positive", {})
    for name in ("lot", "min_per_need", "max_per_need", "max_per_household"):
        if (getattr(terms, name) or 0) > LARGEST:
            yield Fault(name, "too_large", {})
    if not 1 <= lot <= max(stock, 1):
        yield Fault("lot", "lot_over_stock", {"most": shown_units(stock, kind.unit)})
    if not 0 <= terms.min_per_need <= max(stock, 1):
        yield Fault("min_per_need", "least_over_stock", {"most": shown_units(stock, kind.unit)})
    if most is not None and most < least:
        yield Fault("max_per_need", "most_under_least", {"least": shown_units(least, kind.unit)})
    elif most is not None and most // lot * lot < terms.min_per_need:
        yield Fault("max_per_need", "no_lot_between", {"lot": shown_units(lot, kind.unit)})
    if terms.max_per_household is not None and terms.max_per_household < least:
        yield Fault("max_per_household", "most_under_least", {"least": shown_units(least, kind.unit)})
    if not 0 <= terms.unit_cost_fen <= LARGEST:
        yield Fault("unit_cost_fen", "too_large", {})
    elif kind.is_money and terms.unit_cost_fen:
        yield Fault("unit_cost_fen", "cost_of_money", {})


def shown_units(units: int, unit: str) -> str:
    """An amount as a person types it: money in yuan."""
    if unit != MONEY:
        return str(units)
    yuan, fen = divmod(units, 100)
    return f"{yuan}.{fen:02d}" if fen else str(yuan)


def _people(terms: Terms, *, on: date) -> Iterator[Fault]:
    known = {district.code for district in places.current(on)}
    for name in ("districts", "donor_districts"):
        if not set(getattr(terms, name)) <= known:
            yield Fault(name, "unknown_district", {})
    tags = set(list_codes("tag"))
    for name in ("tags_any", "tags_all", "tags_none", "donor_tags"):
        if not set(getattr(terms, name)) <= tags:
            yield Fault(name, "not_in_list", {})
    refused = set(terms.tags_none)
    if terms.donor_districts and terms.districts and not set(terms.districts) & set(terms.donor_districts):
        yield Fault("districts", "outside_donor_districts", {})
    if refused & set(terms.donor_tags):
        yield Fault("tags_none", "against_donor_tags", {})
    if refused & set(terms.tags_all) or (terms.tags_any and set(terms.tags_any) <= refused):
        yield Fault("tags_none", "tags_contradict", {})
    if not 0 <= terms.min_urgency <= 3:
        yield Fault("min_urgency", "not_between", {"low": 0, "high": 3})


def _window(terms: Terms, *, on: date) -> Iterator[Fault]:
    if terms.valid_to is None:
        yield Fault("valid_to", "empty", {})
    elif terms.valid_to <= on:
        yield Fault("valid_to", "end_past", {})
    elif terms.valid_from is not None and terms.valid_to <= terms.valid_from:
        yield Fault("valid_to", "dates_reversed", {})


def _words(terms: Terms, *names: str) -> Iterator[Fault]:
    """The law asks a giver to tell the beneficiary its standard, its steps and its rules; a title is for the staff."""
    return (Fault(name, "empty", {}) for name in names if not getattr(terms, name))


def back_from_expiry(offer: Offer, /) -> tuple[OfferState, str]:
    """State and reason in which an expired offer stands again with its giver's word, which replaces nobody's look: one
    that was held waits for civil affairs as long as its amounts ask for it, one that was paused stays paused."""
    if offer.expired_from == OfferState.PAUSED:
        return OfferState.PAUSED, offer.state_reason
    reason = "" if offer.expired_from == OfferState.OPEN else doubt(terms_of(offer))
    return (OfferState.HELD, reason) if reason else (OfferState.OPEN, "")


def doubt(terms: Terms, *, kinds: Callable[[str], NeedKind] = need_kind) -> str:
    """Why a person should look before this is matched (a code), or nothing."""
    bound = kinds(terms.category).plausible_bound
    if terms.stock_units > bound * PLAUSIBLE_HOUSEHOLDS:
        return "stock_implausible"
    return "least_implausible" if terms.min_per_need > bound else ""
