"""The pages of needs, through the app as staff and charities use them."""

from __future__ import annotations

import io
import re
from datetime import date
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlmodel import select

from marketplace.actors import Role
from marketplace.app import create_app
from marketplace.audit import AuditRow
from marketplace.config import Settings
from marketplace.db import Database
from marketplace.households.models import Household, Person
from marketplace.households.service import list_people
from marketplace.needs.models import Need, NeedState
from marketplace.reference.identity_number import make_id_number
from tests.factories import a_household, a_need, a_person, an_organisation
from tests.marketplace.test_needs_imports import GOOD_ID, a_file, a_row
from tests.pages.people import client_as


@pytest.fixture
def app(settings: Settings, sqlite_database: Database) -> Flask:
    return create_app(settings, database=sqlite_database)


@pytest.fixture
def staff(app: Flask) -> FlaskClient:
    return client_as(app, Role.VERIFIER)


@pytest.fixture
def giver(app: Flask, sqlite_database: Database) -> FlaskClient:
    with sqlite_database.transaction() as session:
        org_id = an_organisation(session).id
    return client_as(app, Role.CHARITY_MANAGER, org_id=org_id)


def a_stored_need(database: Database, **over: Any) -> str:
    with database.transaction() as session:
        return a_need(session, a_household(session), **over).id


def need(database: Database, need_id: str) -> Need:
    with database.reading() as session:
        found = session.get(Need, need_id)
        assert found is not None
        return found


def upload(client: FlaskClient, data: bytes, **over: Any) -> Any:
    fields = {"file": (io.BytesIO(data), "march.csv"), "source": "yuzhong", **over}
    return client.post("/needs/import", data=fields, content_type="multipart/form-data")


def test_an_empty_house_says_how_needs_come_in(staff: FlaskClient) -> None:
    page = staff.get("/needs/").text
    assert "还没有需求" in page
    assert "/needs/import" in page


def test_the_queue_shows_masked_names_filters_and_pages(staff: FlaskClient, sqlite_database: Database) -> None:
    with sqlite_database.transaction() as session:
        home = a_household(session, name="欧阳小明")
        for _number in range(30):
            a_need(session, home, state=NeedState.UNVERIFIED)
        a_need(session, home, state=NeedState.HELD, state_reason="implausible_amount", category="CARE.MEAL")
    page = staff.get("/needs/").text
    assert "欧**明" in page
    assert "欧阳小明" not in page
    assert "page=2" in page
    assert "(30)" in page
    held = staff.get("/needs/?state=held").text
    assert "数量超出合理范围" in held
    assert "没有符合条件的需求" in staff.get("/needs/?state=held&category=LEGAL.AID").text


def test_a_table_goes_from_check_to_receipt(staff: FlaskClient, sqlite_database: Database) -> None:
    answer = upload(staff, a_file(a_row(), a_row(source_id="N2", category="CARE.MEAL", unit=None, gap=500)))
    assert answer.status_code == 303
    at = answer.headers["Location"]
    page = staff.get(at).text
    assert "就这样保存" in page
    assert "第 3 行: 500 餐" in page
    with sqlite_database.reading() as session:
        assert session.exec(select(Need)).all() == []
    receipt = staff.post(f"{at}/confirm", follow_redirects=True).text
    assert "已保存，这是您的回执" in receipt
    assert "查看暂缓的需求" in receipt
    with sqlite_database.reading() as session:
        assert {row.state for row in session.exec(select(Need)).all()} == {NeedState.VERIFIED, NeedState.HELD}
    again = upload(staff, a_file(a_row(), a_row(source_id="N2", category="CARE.MEAL", unit=None, gap=500)))
    assert "无需操作" in staff.get(again.headers["Location"]).text
    assert staff.post(f"{at}/confirm").status_code == 409


def test_faults_are_shown_one_class_at_a_time_with_a_file_of_all(staff: FlaskClient) -> None:
    rows = [a_row(source_id=f"N{n}", head_id_number="5.099E+17") for n in range(40)]
    at = upload(staff, a_file(*rows, a_row(source_id="X", gap="many"))).headers["Location"]
    page = staff.get(at).text
    assert page.count("请把该列设为文本") == 15
    assert "不是数字" not in page
    assert "就这样保存" not in page
    told = staff.get(f"{at}/errors.csv")
    assert told.text.count("head_id_number") == 40
    assert told.headers["Cache-Control"] == "no-store"
    dropped = staff.post(f"{at}/drop", follow_redirects=True).text
    assert "没有保存任何内容" in dropped


def test_missing_columns_and_a_wrong_mapping_are_told(staff: FlaskClient) -> None:
    at = upload(staff, "编号,金额\n1,2\n".encode()).headers["Location"]
    page = staff.get(at).text
    assert "缺少列“区县”" in page
    wrong = upload(staff, a_file(a_row()), mapping=(io.BytesIO(b"[columns"), "m.toml"))
    assert wrong.status_code == 422
    assert "不是可读的 TOML" in wrong.text
    assert upload(staff, a_file(a_row()), source="a b").status_code == 422


def test_the_template_is_a_spreadsheet_that_the_check_reads(staff: FlaskClient) -> None:
    data = staff.get("/needs/import/template.xlsx").data
    at = upload(staff, data).headers["Location"]
    assert "只有列名，没有数据行" in staff.get(at).text


def test_a_need_is_verified_on_its_page(staff: FlaskClient, sqlite_database: Database) -> None:
    need_id = a_stored_need(sqlite_database, state=NeedState.UNVERIFIED, verification_level=0)
    at = f"/needs/{need_id}"
    assert "王*明" in staff.get(at).text
    fields = {"level": "3", "evidence": "入户核实", "referral_reason": "NOT_ELIGIBLE", "gap": "8"}
    wrong = staff.post(f"{at}/verify", data={**fields, "evidence": ""})
    assert wrong.status_code == 422
    personal = staff.post(f"{at}/verify", data={**fields, "evidence": f"号码 {GOOD_ID}"})
    assert "请删去文字里的身份证号和电话" in personal.text
    assert staff.post(f"{at}/verify", data=fields).status_code == 303
    row = need(sqlite_database, need_id)
    assert (row.state, row.verification_level, row.gap_units) == (NeedState.VERIFIED, 3, 8)


def test_a_need_is_held_released_and_sent_back_with_reasons(staff: FlaskClient, sqlite_database: Database) -> None:
    need_id = a_stored_need(sqlite_database)
    at = f"/needs/{need_id}"
    assert staff.post(f"{at}/hold", data={}).status_code == 422
    assert staff.post(f"{at}/hold", data={"reason": "needs_visit"}).status_code == 303
    assert need(sqlite_database, need_id).state is NeedState.HELD
    assert "需要入户核实" in staff.get(at).text
    assert staff.post(f"{at}/release", data={"gap": "4"}).status_code == 303
    assert need(sqlite_database, need_id).gap_units == 4
    assert staff.get(f"{at}/refuse").status_code == 200
    assert staff.post(f"{at}/refuse", data={"reason": "DUPLICATE"}).status_code == 303
    assert need(sqlite_database, need_id).state is NeedState.REFUSED
    assert "与另一需求重复" in staff.get(at).text


def test_a_personal_detail_is_shown_once_with_a_reason_in_the_record(
    staff: FlaskClient, sqlite_database: Database
) -> None:
    need_id = a_stored_need(sqlite_database)
    with sqlite_database.reading() as session:
        person = session.exec(select(Person)).one().id
    at = f"/needs/{need_id}"
    refused = staff.post(f"{at}/reveal", data={"person": person, "field": "phone", "reason": ""})
    assert refused.status_code == 422
    assert "10000000001" not in refused.text
    shown = staff.post(f"{at}/reveal", data={"person": person, "field": "phone", "reason": "CONTACT"})
    assert "10000000001" in shown.text
    assert shown.headers["Cache-Control"] == "no-store"
    assert "10000000001" not in staff.get(at).text
    with sqlite_database.reading() as session:
        rows = session.exec(select(AuditRow).where(AuditRow.action == "household:reveal")).all()
        assert [(row.fields, row.rule_id) for row in rows] == [("phone", "CONTACT")]


PERSON = {
    "name": "赵小花",
    "phone": "100 0000 0077",
    "id_number": make_id_number("509900", date(1950, 1, 2), seq=5),
    "address": "测试路9号",
    "district": "500103",
    "category": "MEDICAL.MAJOR",
    "amount": "12,000.50",
    "valid_from": "2026-11-01",
    "valid_to": "2099-06-30",
    "urgency": "2",
    "evidence": "住院费用清单",
    "tags": ["elder", "ill"],
}


def test_staff_type_in_one_need(staff: FlaskClient, sqlite_database: Database) -> None:
    assert staff.get("/needs/new").status_code == 200
    for wrong in ({"id_number": "123456789012345678"}, {"amount": "0"}, {"phone": "12"}, {"amount": "1.005"}):
        answer = staff.post("/needs/new", data={**PERSON, **wrong})
        assert answer.status_code == 422, wrong
    answer = staff.post("/needs/new", data=PERSON)
    assert answer.status_code == 303, answer.text
    row = need(sqlite_database, answer.headers["Location"].rsplit("/", 1)[1])
    assert row.valid_to == date(2099, 7, 1), "the last day counts"
    assert (row.gap_units, row.unit, row.state, row.tags) == (1_200_050, "FEN", NeedState.UNVERIFIED, ["elder", "ill"])
    again = staff.post("/needs/new", data=PERSON)
    assert again.status_code == 422
    assert "已有同类未结束的需求" in again.text


def test_a_need_of_a_known_household_asks_for_no_person_again(staff: FlaskClient, sqlite_database: Database) -> None:
    with sqlite_database.transaction() as session:
        home = a_household(session)
        home_id = home.id
    path = f"/needs/new?household={home_id}&category=MEDICAL.MAJOR"
    page = staff.get(path).text
    assert 'name="id_number"' not in page
    need_alone = {name: PERSON[name] for name in ("category", "amount", "valid_to", "urgency", "evidence")}
    assert staff.post(path, data={**need_alone, "amount": "0"}).status_code == 422
    answer = staff.post(path, data=need_alone)
    assert answer.status_code == 303, answer.text
    row = need(sqlite_database, answer.headers["Location"].rsplit("/", 1)[1])
    assert (row.household_id, row.gap_units) == (home_id, 1_200_050)
    assert staff.get("/needs/new?household=nobody").status_code == 404


def test_a_need_is_for_one_of_the_household_where_staff_say_so(staff: FlaskClient, sqlite_database: Database) -> None:
    with sqlite_database.transaction() as session:
        home = a_household(session)
        home_id, head = home.id, list_people(session, home.id)[0].id
        path = f"/needs/new?household={home_id}&category=EDU.TERM_SUPPORT"
    assert 'name="for_person"' not in staff.get(path).text, "one person alone is asked nothing"
    with sqlite_database.transaction() as session:
        child = a_person(session, session.get_one(Household, home_id), name="王小小").id
    sent = {**{name: PERSON[name] for name in ("amount", "urgency", "evidence")}, "category": "EDU.TERM_SUPPORT"}
    assert "这项需求是为谁" in staff.get(path).text
    assert staff.post(path, data={**sent, "for_person": "somebody"}).status_code == 422
    answers = [staff.post(path, data={**sent, "for_person": who}) for who in (head, child, child)]
    assert [answer.status_code for answer in answers] == [303, 303, 422], "one open need of the kind for each"
    at = answers[1].headers["Location"]
    need_id = at.rsplit("/", 1)[1]
    assert need(sqlite_database, need_id).person_id == child
    assert "为谁" in staff.get(at).text
    fields = {"level": "3", "evidence": "入户核实", "referral_reason": "NOT_ELIGIBLE", "gap": "8"}
    for whom in (head, "all"):
        refused = staff.post(f"{at}/verify", data={**fields, "for_person": whom})
        assert refused.status_code == 422, "the other need is open"
    with sqlite_database.transaction() as session:
        session.exec(select(Need).where(Need.person_id == head)).one().state = NeedState.CLOSED
    assert staff.post(f"{at}/verify", data={**fields, "for_person": "all"}).status_code == 303
    assert need(sqlite_database, need_id).person_id == ""


def test_a_charity_refers_a_person_only_with_a_yes(giver: FlaskClient, sqlite_database: Database) -> None:
    assert giver.get("/needs/refer").status_code == 200
    yes = {"how": "WRITTEN", "given_on": "2026-11-20", "told": "y"}
    assert giver.post("/needs/refer", data=PERSON).status_code == 422
    answer = giver.post("/needs/refer", data={**PERSON, **yes})
    assert answer.status_code == 200, answer.text
    assert re.search(r"panel-reference\">[a-z2-7]{26}<", answer.text)
    second = giver.post("/needs/refer", data={**PERSON, **yes})
    assert second.status_code == 200
    with sqlite_database.reading() as session:
        [row] = session.exec(select(Need)).all()
        assert row.referred_by_org_id is not None


def test_charities_and_auditors_do_not_see_the_queue(app: Flask, giver: FlaskClient) -> None:
    auditor = client_as(app, Role.AUDITOR)
    for client in (giver, auditor):
        for path in ("/needs/", "/needs/import", "/needs/new"):
            assert client.get(path).status_code == 403


def test_an_unknown_need_or_batch_is_missing(staff: FlaskClient) -> None:
    assert staff.get("/needs/nothing").status_code == 404
    assert staff.get("/needs/import/nothing").status_code == 404


def test_the_pages_speak_english_too(staff: FlaskClient, sqlite_database: Database) -> None:
    need_id = a_stored_need(sqlite_database, state=NeedState.HELD, state_reason="implausible_amount")
    assert "Amount beyond the plausible bound" in staff.get(f"/needs/{need_id}?lang=en").text
    assert "Bring in a table of needs" in staff.get("/needs/import?lang=en").text
