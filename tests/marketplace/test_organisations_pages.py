"""Staff pages of organisations: registering with a checked code, finding, suspending with a reason."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlmodel import select

from marketplace.actors import Role
from marketplace.addressing import compose
from marketplace.app import create_app
from marketplace.audit import AuditRow
from marketplace.config import Settings
from marketplace.db import Database
from marketplace.notices import Notice
from marketplace.organisations.models import Organisation
from marketplace.reference.organisation_number import make_uscc
from tests import factories as make
from tests.factories import NOW
from tests.pages.people import client_as

NEW = {
    "name": "江风基金会",
    "kind": "foundation",
    "credit_code": make_uscc(5),
    "contact": "office@example.org",
    "contract_ref": "协议 7",
}


@pytest.fixture
def app(settings: Settings, sqlite_database: Database) -> Flask:
    return create_app(settings, database=sqlite_database)


@pytest.fixture
def staff(app: Flask) -> FlaskClient:
    return client_as(app, Role.APPROVER)


def test_an_organisation_is_registered_approved_found_suspended_and_taken_back(app, staff, sqlite_database):
    assert "还没有机构" in staff.get("/organisations/").text
    made = staff.post("/organisations/new", data=NEW)
    assert made.status_code == 303, made.text
    page = staff.get(made.headers["Location"]).text
    assert "协议 7" in page
    where = made.headers["Location"]
    assert "由他人决定" in page
    assert staff.post(f"{where}/approve", data={"confirmed": "yes"}).status_code == 409
    second = client_as(app, Role.APPROVER)
    assert "等待第二人审批" in second.get(where).text
    assert "医疗救助" in second.get(f"{where}/approve").text
    assert second.post(f"{where}/approve", data={"confirmed": "yes"}).status_code == 200, "the first manager's code"
    assert "江风基金会" in staff.get("/organisations/?text=江风&state=active").text
    assert "没有符合" in staff.get("/organisations/?text=江风&state=suspended").text
    assert staff.post(f"{where}/suspend", data={}).status_code == 422
    staff.post(f"{where}/suspend", data={"reason": "complaint"})
    assert "已暂停资格" in staff.get(where).text
    staff.post(f"{where}/reinstate", data={"confirmed": "yes"})
    assert "有效" in staff.get(where).text


@pytest.mark.parametrize(
    ("code", "told"),
    [("123", "18 位"), (make_uscc(5)[:-1] + "?", "不会出现的字符"), (make_uscc(5)[:-2] + make_uscc(6)[-2:], "校验位")],
)
def test_a_wrong_credit_code_is_told_beside_its_field(staff, sqlite_database, code, told):
    answer = staff.post("/organisations/new", data=NEW | {"credit_code": code})
    assert answer.status_code == 422
    assert told in answer.text
    assert 'aria-invalid="true"' in answer.text
    with sqlite_database.reading() as session:
        assert session.exec(select(Organisation)).all() == []


def test_the_same_code_twice_is_told_beside_its_field(staff):
    staff.post("/organisations/new", data=NEW)
    answer = staff.post("/organisations/new", data=NEW | {"name": "另一家"})
    assert answer.status_code == 422
    assert "已经登记" in answer.text


def test_a_verifier_sees_but_does_not_register(app):
    client = client_as(app, Role.VERIFIER)
    assert client.get("/organisations/").status_code == 200
    assert client.get("/organisations/new").status_code == 403
    assert client.post("/organisations/new", data=NEW).status_code == 403


@pytest.mark.parametrize("contact", ["", "023-6000 0000", "63000000", "office"])
def test_a_giver_without_an_address_that_takes_letters_is_not_registered(staff, sqlite_database, contact):
    answer = staff.post("/organisations/new", data=NEW | {"contact": contact})
    assert answer.status_code == 422
    assert "#contact" in answer.text, "the summary of errors leads to the field"
    with sqlite_database.reading() as session:
        assert session.exec(select(Organisation)).all() == []


def test_a_manager_says_where_letters_go_and_the_next_letter_goes_there_by_mail_or_by_telephone(
    app: Flask, settings: Settings, sqlite_database: Database
) -> None:
    with sqlite_database.transaction() as session:
        org_id = make.an_organisation(session, contact="023-60000000").id
    client = client_as(app, Role.CHARITY_MANAGER, org_id=org_id)
    page = "/organisations/ours/contact"
    assert "023-60000000" in client.get(page).text
    assert client.post(page, data={"contact": "023-60000001"}).status_code == 422
    reached = []
    for contact in ("13900000002", "office@example.org"):
        assert client.post(page, data={"contact": contact}).status_code == 303
        assert contact in client.get("/organisations/ours").text
        with sqlite_database.reading() as session:
            letter = Notice(id="n", key="n", letter="match_expired", org_id=org_id, next_try_at=NOW, created_at=NOW)
            message = compose(settings, session, letter)
            assert message is not None
            reached.append((message.channel, message.address))
    assert reached == [("sms", "13900000002"), ("email", "office@example.org")]
    with sqlite_database.reading() as session:
        kept = select(AuditRow).where(AuditRow.action == "organisation:contact").order_by(AuditRow.seq)
        rows = session.exec(kept).all()
    assert [(row.object_ref, row.org_ref) for row in rows] == [(org_id, org_id)] * 2
    assert client_as(app, Role.CHARITY_WORKER, org_id=org_id).get(page).status_code == 403
