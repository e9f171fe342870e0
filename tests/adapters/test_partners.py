"""Offers from partners who keep their services in HSDS, as JSON and as CSV: the same service, the same offer."""

from __future__ import annotations

import json
from typing import Any

import pytest

from adapters.partners import offers_from_csv, offers_from_json
from adapters.ports import OFFER_COLUMNS, WillNeverWork

CATEGORIES = {"warm": "winter_clothes"}
COAT: dict[str, Any] = {
    "id": "s-1",
    "name": "Coats",
    "status": "active",
    "description": "One padded coat",
    "eligibility_description": "Low income",
    "application_process": "Show the match code",
    "attributes": [{"taxonomy_term": {"code": "other"}}, {"taxonomy_term": {"code": "warm"}}, {"label": "no term"}],
    "capacities": [{"available": 40, "unit": {"name": "coat"}}],
    "service_areas": [{"name": "500103"}, {"extent": "unnamed"}, {"name": "500106"}],
    "schedules": [{"valid_from": "2026-11-01", "valid_to": "2027-03-01"}],
}
CLOSED = {"id": "s-2", "name": "Soup", "status": "inactive"}
FILES = {
    "services": (
        b"id,name,status,description,eligibility_description,application_process\n"
        b"s-1,Coats,active,One padded coat,Low income,Show the match code\n"
        b"s-2,Soup,inactive,,,\n"
    ),
    "attributes": b"id,link_id,taxonomy_term_id\na1,s-1,t1\na2,s-1,t2\na3,s-1,gone\n",
    "taxonomy_terms": b"id,code\nt1,other\nt2,warm\n",
    "service_capacity": b"id,service_id,unit_id,available\nc1,s-1,u1,40\n",
    "units": b"id,name\nu1,coat\n",
    "service_areas": b"id,service_id,name\nx,s-1,500103\ny,s-1,500106\n",
    "schedules": b"id,service_id,valid_from,valid_to\nd1,s-1,2026-11-01,2027-03-01\n",
}
WANTED = {
    "source_id": "s-1",
    "title": "Coats",
    "category": "winter_clothes",
    "unit": "coat",
    "stock": 40,
    "districts": "500103;500106",
    "valid_from": "2026-11-01",
    "valid_to": "2027-03-01",
    "rules": "Low income",
    "steps": "Show the match code",
    "standard": "One padded coat",
}


@pytest.mark.parametrize("content", [[COAT, CLOSED], {"contents": [COAT, CLOSED], "total_items": 2}, COAT])
def test_active_services_in_json_become_offers(content: object) -> None:
    (offer,) = offers_from_json(json.dumps(content).encode(), categories=CATEGORIES)
    assert offer.source_id == "s-1"
    assert dict(offer.cells) == WANTED
    assert set(offer.cells) <= set(OFFER_COLUMNS)


def test_the_same_service_in_csv_becomes_the_same_offer() -> None:
    (offer,) = offers_from_csv(FILES, categories=CATEGORIES)
    assert dict(offer.cells) == {**WANTED, "stock": "40"}


def test_what_a_partner_does_not_say_stays_out() -> None:
    bare = {"id": "s-3", "status": "active", "service_areas": None, "attributes": ["x"], "name": {"zh": "x"}}
    (offer,) = offers_from_json(json.dumps(bare).encode(), categories=CATEGORIES)
    assert dict(offer.cells) == {"source_id": "s-3"}
    (thin,) = offers_from_csv({"services": b"id,status\ns-4,active\n"}, categories=CATEGORIES)
    assert dict(thin.cells) == {"source_id": "s-4"}


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"<xml/>", "not_json"),
        (b'"word"', "no_services"),
        (b'{"contents": {}}', "no_services"),
        (b"[1]", "no_services"),
        (b'[{"status": "active"}]', "no_services"),
    ],
)
def test_what_holds_no_services_is_refused(data: bytes, code: str) -> None:
    with pytest.raises(WillNeverWork) as caught:
        offers_from_json(data, categories=CATEGORIES)
    assert caught.value.code == code


def test_a_package_without_services_is_refused() -> None:
    with pytest.raises(WillNeverWork):
        offers_from_csv({"schedules": b"id\n1\n"}, categories=CATEGORIES)
