"""A name near to that of a known programme is a question wherever it is written, and the answer is believed."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlmodel import Session, select

from marketplace.actors import Role
from marketplace.app import create_app
from marketplace.calendar import local_day, utc_now
from marketplace.config import Settings
from marketplace.db import Database
from marketplace.errors import BadInput
from marketplace.intake import ImportState
from marketplace.ledger import given_desk, handing_in
from marketplace.ledger import imports as aid
from marketplace.ledger.models import LedgerEntry
from marketplace.ledger.models_reports import AidReport, ReportDoor
from marketplace.offers import imports as offers
from marketplace.offers import service
from marketplace.offers.models import Offer
from marketplace.offers.terms import terms_of
from marketplace.organisations.programmes import programmes
from marketplace.sealed import number_index
from tests import factories as make
from tests.marketplace.test_given_elsewhere import STRANGER, VERIFIER
from tests.pages.people import client_as

SLIP, RIGHT = "天使阳兴", "天使阳光"
ROW = "source_id,household_ref,category,units,unit,given_on,project,other_project\n"


@pytest.fixture
def session(sqlite_database: Database) -> Any:
    """Names are compared outside of the database: one engine tells all."""
    with sqlite_database.session(writes=True) as opened:
        yield opened
        opened.rollback()


@pytest.fixture
def giver(session: Session) -> Any:
    org = make.an_organisation(session, id="org-sun")
    make.an_offer(session, org, project=RIGHT)
    return org


def table(name: str, other: str = "") -> bytes:
    return f"{ROW}A-1,H-1,MEDICAL.CHILD_CHD,1000,元,2026-11-01,{name},{other}\n".encode()


def test_a_table_of_aid_and_a_report_ask_about_a_near_name_and_believe_the_answer(session: Session, giver: Any) -> None:
    now = utc_now()
    told: dict[str, Any] = {"file_name": "a.csv", "now": now}
    staff = {**told, "source": "redcross", "seen_from": date(2026, 1, 1), "actor": VERIFIER}
    for check, more in ((aid.check_file, staff), (given_desk.check_file, {**told, "actor": make.as_giver(giver)})):
        _batch, checked = check(session, table(SLIP), **more)
        assert [(f.code, f.params["known"], f.column) for f in checked.faults] == [("project_near", RIGHT, "project")]
        for name, other in ((SLIP, "是"), ("天使 阳光", ""), ("春蕾计划", "")):
            batch, checked = check(session, table(name, other), **more)
            assert (checked.faults, batch.state) == ([], ImportState.CHECKED)
    record: dict[str, Any] = {"source_id": "R-1", "household_ref": "H-1", "category": "MEDICAL.CHILD_CHD", "units": 9}
    record |= {"given_on": "2026-11-01", "project": SLIP}
    actor = make.as_giver(giver)
    heard = handing_in.hand_in(session, [record], door=ReportDoor.API, actor=actor, now=now)
    assert (heard.taken, [fault.code for fault in heard.faults]) == (0, ["project_near"])
    heard = handing_in.hand_in(session, [{**record, "other_project": "yes"}], door=ReportDoor.API, actor=actor, now=now)
    assert (heard.taken, heard.faults) == (1, ())


def test_an_offer_with_a_near_name_is_asked_about_once_and_another_giver_s_reports_do_not_show(
    session: Session, giver: Any
) -> None:
    now, actor = utc_now(), make.as_giver(giver)
    terms = terms_of(session.exec(select(Offer)).one())
    values: dict[str, Any] = {name: getattr(terms, name) for name in service.columns_of(terms)}
    values |= {"project": SLIP, "valid_to": local_day(now) + timedelta(days=30)}
    posted: dict[str, Any] = {"org_id": giver.id, "actor": actor, "now": now}
    with pytest.raises(BadInput, match="project_near") as refused:
        service.post_offer(session, type(terms)(**values), **posted)
    assert refused.value.facts["known"] == RIGHT
    service.post_offer(session, type(terms)(**values), **posted, other_project=True)
    assert service.post_offer(session, type(terms)(**values), **posted).project == SLIP, "not asked a second time"
    entry = make.a_ledger_entry(
        session, make.a_need(session, make.a_household(session)), session.exec(select(Offer)).first()
    )
    entry.project, entry.org_id = "护苗行动", make.an_organisation(session).id
    session.flush()
    assert programmes(session).near("护苗行功") == "护苗行动"
    assert programmes(session, giver.id).near("护苗行功") == ""


def test_two_near_names_in_one_table_of_offers_are_a_fault_of_the_second(session: Session, giver: Any) -> None:
    heads = "source_id,title,project,category,stock,standard,steps,rules"
    rows = "\n".join(f"O-{n},大米,{name},LIVING.FOOD_PACK,9,a,b,c" for n, name in enumerate(("雨露计划", "雨路计划")))
    actor = replace(make.as_giver(giver), role=Role.CHARITY_MANAGER)
    told: dict[str, Any] = {"file_name": "o.csv", "actor": actor, "now": utc_now()}
    _batch, checked = offers.check_file(session, f"{heads}\n{rows}\n".encode(), **told)
    assert [(fault.row, fault.code) for fault in checked.faults] == [(3, "project_near")]


@pytest.fixture
def app(sqlite_database: Database, settings: Settings) -> Flask:
    with sqlite_database.transaction() as session:
        org = make.an_organisation(session, id="org-sun")
        make.an_offer(session, org, project=RIGHT)
        home = make.a_household(session)
        person = make.a_person(session, home)
        person.id_number_index = number_index(make.vault_of(session), STRANGER)
    return create_app(settings, database=sqlite_database)


def test_the_pages_offer_known_names_ask_about_a_near_one_and_take_the_person(app: Flask) -> None:
    client = client_as(app, Role.CHARITY_WORKER, org_id="org-sun")
    assert f'<option value="{RIGHT}">' in client.get("/aid/given/new").text
    form = {"reference": "P-1", "person_id_number": STRANGER, "category": "EDU.TERM_SUPPORT", "units": "2000"}
    form |= {"given_on": local_day(utc_now()).isoformat(), "project": SLIP}
    asked = client.post("/aid/given/new", data=form)
    assert (asked.status_code, f"“{RIGHT}”很接近" in asked.text) == (422, True)
    assert client.post("/aid/given/new", data={**form, "other_project": "y"}).status_code == 303
    with app.extensions["database"].reading() as session:
        entry = session.exec(select(LedgerEntry)).one()
        assert (entry.project, bool(entry.person_id), session.exec(select(AidReport)).one().cause) == (SLIP, True, "")
    step = client.post("/offers/drafts").location
    kind: dict[str, Any] = {"category": "LIVING.FOOD_PACK", "title": "大米", "project": "天使阳光二"}
    assert "<datalist" in client.get(step).text
    assert client.post(step, data=kind).status_code == 422
    assert client.post(step, data={**kind, "other_project": "y"}).status_code == 303
