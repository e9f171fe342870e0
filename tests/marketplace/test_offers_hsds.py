"""Offers of services as HSDS: out, edited, in again; and a stranger's file through the same check as any table."""

from __future__ import annotations

import json

import pytest
from sqlmodel import select

from marketplace import intake
from marketplace.actors import Actor, Role
from marketplace.errors import BadInput
from marketplace.offers import hsds, imports
from marketplace.offers import service as offers
from marketplace.offers.models import Offer
from marketplace.offers.table import offer_schema
from tests.factories import NOW, an_organisation
from tests.marketplace.offer_terms import some_terms

VISITS = some_terms(
    title="巡访探视",
    category="CARE.VISIT",
    stock_units=60,
    lot=2,
    min_per_need=4,
    max_per_need=8,
    districts=("500103",),
    tags_all=("alone",),
    min_urgency=1,
    valid_from=NOW.date(),
    unit_cost_fen=1250,
    donor_purpose="独居老人",
    donor_tags=("elder",),
)
FOREIGN = {
    "id": "ac148810-d857-441c-9679-408f346de14b",
    "name": "Home visits",
    "status": "active",
    "description": "One visit a week",
    "application_process": "We call you",
    "fees_description": "Free",
    "service_areas": [{"id": "1", "name": "Yuzhong District"}],
    "schedules": [{"id": "1", "valid_from": "2026-12-01", "valid_to": "2027-02-28"}],
    "capacities": [{"id": "1", "unit": {"id": "1", "name": "visits"}, "available": 12, "updated": "2026-11-01"}],
    "attributes": [{"id": "1", "taxonomy_term": {"taxonomy": "openeligibility", "code": "home-visiting"}}],
}
MAPPING = b'[values.category]\n"home-visiting" = "CARE.VISIT"\n'


@pytest.fixture
def giver(session) -> Actor:
    return Actor(id="manager", role=Role.CHARITY_MANAGER, org_id=an_organisation(session).id)


def checked(session, data, giver, **options):
    return imports.check_file(session, data, file_name="services.json", actor=giver, now=NOW, **options)


@pytest.mark.parametrize("kind", ["json", "zip"])
def test_services_that_went_out_and_were_not_touched_change_nothing(session, giver, kind):
    offers.post_offer(session, VISITS, org_id=giver.org_id, actor=giver, now=NOW)
    offers.post_offer(session, VISITS, org_id=giver.org_id, actor=giver, now=NOW, source_id="自编 1")
    offers.post_offer(session, some_terms(), org_id=giver.org_id, actor=giver, now=NOW)
    data = hsds.services_file(session, kind, actor=giver, now=NOW)
    batch, told = checked(session, data, giver)
    assert told.faults == [], [(f.column, f.code, f.shown) for f in told.faults]
    assert (batch.counts["new"], batch.counts["changed"], batch.counts["same"]) == (0, 0, 2), "goods stay out"


def test_an_edited_service_revises_its_offer(session, giver):
    made = offers.post_offer(session, VISITS, org_id=giver.org_id, actor=giver, now=NOW)
    rows = json.loads(hsds.services_file(session, "json", actor=giver, now=NOW))
    rows[0]["capacities"][0]["maximum"] = 80
    batch, _ = checked(session, json.dumps(rows).encode(), giver)
    imports.confirm_import(session, batch.id, actor=giver, now=NOW)
    offer = session.get_one(Offer, made.id)
    assert (offer.stock_units, offer.lot, offer.max_per_need, offer.donor_tags) == (80, 2, 8, ["elder"])


def test_a_strangers_service_comes_in_with_a_mapping_of_its_taxonomy(session, giver):
    data = json.dumps({"contents": [FOREIGN, FOREIGN | {"id": "2", "status": "defunct"}]}).encode()
    _, told = checked(session, data, giver)
    assert [fault.code for fault in told.faults] == ["unknown_category"]
    mapping = intake.read_mapping(MAPPING, offer_schema(today=NOW.date()))
    batch, told = checked(session, data, giver, mapping=mapping)
    assert told.faults == []
    imports.confirm_import(session, batch.id, actor=giver, now=NOW)
    offer = session.exec(select(Offer)).one()
    assert (offer.category, offer.stock_units, offer.districts) == ("CARE.VISIT", 12, ["500103"])
    assert offer.valid_to.isoformat() == "2027-03-01", "HSDS counts the last day in"
    assert (offer.standard, offer.steps, offer.rules) == ("One visit a week", "We call you", "Free")
    again, _ = checked(session, data, giver, mapping=mapping)
    assert again.counts["same"] == 1


def test_a_service_that_does_not_say_what_the_law_asks_is_refused(session, giver):
    mapping = intake.read_mapping(MAPPING, offer_schema(today=NOW.date()))
    silent = json.dumps([FOREIGN | {"application_process": ""}]).encode()
    _, told = checked(session, silent, giver, mapping=mapping)
    assert [(fault.column, fault.code) for fault in told.faults] == [("工作流程", "empty")]


@pytest.mark.parametrize(
    ("rows", "code"),
    [
        ([FOREIGN | {"status": "inactive"}], "hsds_no_service"),
        ([{"id": "1"}], "hsds_no_id"),
        (
            [FOREIGN | {"organization": {"organization_identifiers": [{"identifier": "another"}]}}],
            "hsds_other_organisation",
        ),
    ],
)
def test_a_file_of_others_or_of_nothing_is_refused_whole(session, giver, rows, code):
    with pytest.raises(BadInput, match=code):
        checked(session, json.dumps(rows).encode(), giver)


def test_ids_go_through_the_other_spelling_unharmed():
    assert hsds.id_of(hsds.uuid_of("w4bmp2zu65snnicxlmr4ou7i2q")) == "w4bmp2zu65snnicxlmr4ou7i2q"
    assert hsds.id_of("no uuid") == ""


def status_of(session, giver, made, status):
    """The state of an offer after its service came in with this status."""
    rows = json.loads(hsds.services_file(session, "json", actor=giver, now=NOW))
    (row,) = [one for one in rows if one["id"] == hsds.uuid_of(made.id)]
    batch, _ = checked(session, json.dumps([row | {"status": status}]).encode(), giver)
    imports.confirm_import(session, batch.id, actor=giver, now=NOW)
    offer = session.get_one(Offer, made.id)
    return offer.state.value, offer.state_reason


def test_a_service_that_is_temporarily_closed_pauses_its_resource_and_only_that_opens_again(session, giver):
    made = offers.post_offer(session, VISITS, org_id=giver.org_id, actor=giver, now=NOW)
    assert status_of(session, giver, made, "temporarily closed") == ("paused", "listed_closed")
    assert status_of(session, giver, made, "temporarily closed") == ("paused", "listed_closed"), "twice is once"
    assert status_of(session, giver, made, "active") == ("open", "")
    offers.pause_offer(session, made.id, actor=giver, now=NOW)
    assert status_of(session, giver, made, "active") == ("paused", ""), "its giver has paused it by hand"


def test_a_strange_service_that_is_temporarily_closed_is_passed_over(session, giver):
    data = json.dumps(FOREIGN | {"status": "temporarily closed"}).encode()
    with pytest.raises(BadInput, match="hsds_no_service"):
        checked(session, data, giver, mapping=intake.read_mapping(MAPPING, offer_schema(today=NOW.date())))
