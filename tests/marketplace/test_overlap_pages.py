"""The pages of the rules, of documented costs and of what was prevented, in both languages."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlmodel import select

from marketplace.accounts import service as accounts
from marketplace.actors import Role
from marketplace.app import create_app
from marketplace.calendar import local_day, utc_now
from marketplace.config import Settings
from marketplace.db import Database
from marketplace.decisions import approve as approval
from marketplace.households.models import Person
from marketplace.ledger.book import Book
from marketplace.ledger.models import CostBill, HitState, OverlapHit, OverlapRule
from marketplace.needs.models import Need
from marketplace.reference.duplicate_rules import duplicate_rule
from tests import factories as make
from tests.marketplace.match_scene import APPROVER, a_scene
from tests.marketplace.test_overlap_runs import past
from tests.pages.people import client_as


@pytest.fixture
def app(settings: Settings, sqlite_database: Database) -> Flask:
    now = utc_now()
    with sqlite_database.transaction() as session:
        scene = a_scene(session, now=now - timedelta(hours=1))
        past(session, scene.household, "LIVING.FOOD_PACK", 2, local_day(now) - timedelta(days=3))
        approval.approve(session, [scene.line.id], actor=APPROVER, now=now)
        make.a_need(session, scene.household, category="MEDICAL.MAJOR", unit="FEN", gap_units=3_000_000)
    return create_app(settings, database=sqlite_database)


@pytest.fixture
def staff(app: Flask) -> FlaskClient:
    return client_as(app, Role.APPROVER)


def english(client: FlaskClient, path: str) -> str:
    return client.get(path, headers={"Accept-Language": "en"}).text


def the_need(database: Database) -> str:
    with database.reading() as session:
        return session.exec(select(Need.id).where(Need.category == "MEDICAL.MAJOR")).one()


def whose(database: Database, need_id: str) -> str:
    """The one person of the need's household: who was treated."""
    with database.reading() as session:
        home = session.get_one(Need, need_id).household_id
        return session.exec(select(Person.id).where(Person.household_id == home)).one()


def test_everybody_reads_the_rules_in_one_sentence_each(app, staff):
    page = staff.get("/aid/rules").text
    assert "同类物资180天内帮助一次。" in page
    assert page.count("/aid/rules/D") == 21
    assert "180天" in page


def test_a_rule_is_changed_by_two_people(app, staff, sqlite_database):
    day = local_day(utc_now())
    form = {
        "days": "90",
        "district": "*",
        "valid_from": day.isoformat(),
        "source": "渝民发〔2026〕1号",
    }
    assert staff.get("/aid/rules/D08/change").status_code == 200
    assert staff.post("/aid/rules/D08/change", data=form).status_code == 303
    assert "等待另一人批准" in staff.get("/aid/rules").text
    with sqlite_database.reading() as session:
        change = session.exec(select(OverlapRule)).one()
    assert f"/aid/rules/changes/{change.id}/approve" not in staff.get("/aid/rules/D08").text
    assert staff.post(f"/aid/rules/changes/{change.id}/approve").status_code == 409
    other = client_as(app, Role.APPROVER)
    assert f"/aid/rules/changes/{change.id}/approve" in other.get("/aid/rules/D08").text
    other.post(f"/aid/rules/changes/{change.id}/approve")
    page = other.get("/aid/rules/D08").text
    assert "90天" in page
    assert "渝民发〔2026〕1号" in page


def test_a_rule_without_days_asks_for_none_and_an_empty_change_is_refused(staff):
    page = staff.get("/aid/rules/D14/change").text
    assert 'name="limit"' in page
    assert 'name="days"' not in page
    form = {"district": "*", "valid_from": local_day(utc_now()).isoformat(), "source": "x"}
    assert staff.post("/aid/rules/D14/change", data=form).status_code == 422
    assert staff.get("/aid/rules/D99").status_code == 404


def test_two_people_change_whom_a_rule_counts_for(app, staff, sqlite_database):
    """The household in every kind, some kinds for the person, all for the person; a rule of heads asks nothing."""
    form = {"district": "*", "valid_from": local_day(utc_now()).isoformat(), "source": "渝民发〔2026〕1号"}
    page = staff.get("/aid/rules/D08/change").text
    assert re.search(r'name="by_person"[^>]*value="CHILD.WISH"[^>]*checked', page)
    assert 'name="binds"' not in staff.get("/aid/rules/D15/change").text
    assert 'name="by_person"' not in staff.get("/aid/rules/D06/change").text
    assert staff.post("/aid/rules/D08/change", data={**form, "binds": "some"}).status_code == 422
    told = {**form, "binds": "some", "by_person": ["LIVING.GOODS", "CHILD.WISH"]}
    for code, data, stands in (
        ("D08", told, {"LIVING.GOODS", "CHILD.WISH"}),
        ("D06", {**form, "binds": "home"}, set()),
    ):
        assert staff.post(f"/aid/rules/{code}/change", data=data).status_code == 303
        with sqlite_database.reading() as session:
            change = session.exec(select(OverlapRule).where(OverlapRule.code == code)).one()
        client_as(app, Role.APPROVER).post(f"/aid/rules/changes/{change.id}/approve")
        with sqlite_database.reading() as session:
            rules = Book(session, on=local_day(utc_now())).of("500103")
        assert {one.code: one.by_person for one in rules}[code] == stands
    page = staff.get("/aid/rules/D06").text
    assert page.count("对整个家庭计算") >= 2, "beside the rule and in its history"


def test_two_people_change_groups_that_exclude_each_other_and_the_order_of_payers(app, staff, sqlite_database):
    form = {"district": "*", "valid_from": local_day(utc_now()).isoformat(), "source": "渝民发〔2026〕1号"}
    page = staff.get("/aid/rules/D18/change").text
    assert re.search(r'name="second_group"[^>]*value="TEKUN"[^>]*checked', page)
    page = staff.get("/aid/rules/D06/change").text
    assert 'name="first_group"' in page
    assert 'name="second_group"' not in page
    assert 'name="moves"' not in page
    order = staff.get("/aid/rules/D01/change").text
    moves = re.search(r'<select[^>]*"moves".*?</select>', order, re.DOTALL)
    assert moves
    assert "TEMPORARY_AID" in moves[0]
    assert "CHARITY" not in moves[0], "charity stays the last"
    assert re.search("全市今天的付款顺序：.*补充保险 → 医疗救助 → 临时救助 → 慈善", order)
    assert "哪一个付款方" in staff.post("/aid/rules/D01/change", data={**form, "moves": "TEMPORARY_AID"}).text
    for code, data, stands in (
        ("D06", {"first_group": ["NATIONAL_GRANT", "NATIONAL_ENDEAVOUR"]}, "国家助学金"),
        ("D18", {"first_group": ["DISABILITY_CARE"], "second_group": ["TEKUN"]}, " | 特困供养"),
        ("D01", {"moves": "TEMPORARY_AID", "before": "MEDICAL_ASSISTANCE"}, "补充保险、临时救助、医疗救助"),
    ):
        assert staff.post(f"/aid/rules/{code}/change", data={**form, **data}).status_code == 303
        with sqlite_database.reading() as session:
            change = session.exec(select(OverlapRule).where(OverlapRule.code == code)).one()
        client_as(app, Role.APPROVER).post(f"/aid/rules/changes/{change.id}/approve")
        assert stands in staff.get(f"/aid/rules/{code}").text
    with sqlite_database.reading() as session:
        rules = {one.code: one for one in Book(session, on=local_day(utc_now())).of("500103")}
    assert rules["D06"].apart == (frozenset({"NATIONAL_GRANT", "NATIONAL_ENDEAVOUR"}),)
    assert rules["D18"].apart == (frozenset({"DISABILITY_CARE"}), frozenset({"TEKUN"}))
    assert rules["D01"].order[3:] == ("COMMERCIAL_SUPPLEMENT", "TEMPORARY_AID", "MEDICAL_ASSISTANCE", "CHARITY")


def test_a_district_s_own_order_of_payers_is_shown_before_it_is_changed(app, staff, sqlite_database):
    """Another payer than the one that was seen would move before the one that was seen."""
    form = {"valid_from": local_day(utc_now()).isoformat(), "source": "x", "district": "500103"}
    moves = {"moves": "TEMPORARY_AID", "before": "MEDICAL_ASSISTANCE"}
    assert staff.post("/aid/rules/D01/change", data={**form, **moves}).status_code == 303
    with sqlite_database.reading() as session:
        change = session.exec(select(OverlapRule)).one()
    client_as(app, Role.APPROVER).post(f"/aid/rules/changes/{change.id}/approve")
    page = staff.get("/aid/rules/D01/change?lang=en").text
    assert re.search("Yuzhong[^:]* they pay in this order today: .*Temporary aid → Medical assistance → Charity", page)
    assert re.search("whole city they pay in this order today: .*Medical assistance → Temporary aid → Charity", page)
    other = {"moves": "COMMERCIAL_SUPPLEMENT", "before": "CHARITY"}
    again = staff.post("/aid/rules/D01/change?lang=en", data={**form, **other})
    assert "they pay in another order" in again.text
    assert re.search(r"another order: .*Temporary aid → Medical assistance", again.text)
    assert 'name="ticks_of" value="500103"' in again.text
    shown = {"ticks_of": "500103", "categories": sorted(duplicate_rule("D01").categories)}
    assert staff.post("/aid/rules/D01/change", data={**form, **other, **shown}).status_code == 303


def test_the_last_exception_of_a_rule_can_be_taken_away_and_the_last_kind_is_asked_for(staff, sqlite_database):
    form = {"valid_from": local_day(utc_now()).isoformat(), "source": "x", "district": "*", "ticks_of": "*"}
    none = staff.post("/aid/rules/D08/change?lang=en", data={**form, "days": "90"})
    assert none.status_code == 422
    assert "Choose at least one from the list" in none.text
    programmes = sorted(duplicate_rule("D17").programmes)
    assert staff.post("/aid/rules/D17/change", data={**form, "programmes": programmes}).status_code == 303
    with sqlite_database.reading() as session:
        assert session.exec(select(OverlapRule)).one().terms == {"excepted": []}


def test_a_district_s_own_ticks_are_shown_before_it_changes_a_rule(app, staff, sqlite_database):
    """Yuzhong looks at one programme more under D11 than the city: a change of its days leaves that as it is."""
    form = {"valid_from": local_day(utc_now()).isoformat(), "source": "x", "district": "500103"}
    city = ["DANGEROUS_HOUSE", "DISASTER_REBUILD"]
    own = [*city, "TEKUN"]
    first = staff.post("/aid/rules/D11/change", data={**form, "programmes": own})
    assert first.status_code == 303
    with sqlite_database.reading() as session:
        change = session.exec(select(OverlapRule)).one()
    client_as(app, Role.APPROVER).post(f"/aid/rules/changes/{change.id}/approve")
    kinds = sorted(duplicate_rule("D11").categories)
    again = staff.post(
        "/aid/rules/D11/change?lang=en", data={**form, "days": "90", "programmes": city, "categories": kinds}
    )
    assert "other boxes are ticked" in again.text
    assert re.search(r'name="programmes"[^>]*value="TEKUN"[^>]*checked', again.text)
    assert 'name="ticks_of" value="500103"' in again.text
    told = {**form, "days": "90", "programmes": own, "categories": kinds, "ticks_of": "500103"}
    assert staff.post("/aid/rules/D11/change", data=told).status_code == 303
    with sqlite_database.reading() as session:
        draft = session.exec(select(OverlapRule).where(OverlapRule.state == "draft")).one()
    assert (draft.terms["days"], draft.terms["programmes"], draft.terms.get("categories")) == (90, sorted(own), None)


def test_one_limit_of_a_rule_is_changed_in_yuan_and_the_others_stay(app, staff, sqlite_database):
    """D02 has five limits; 35,000 yuan for a serious illness leaves the 5,000 of emergency cash alone."""
    form = {"district": "*", "valid_from": local_day(utc_now()).isoformat(), "source": "x", "limit": "35000"}
    assert "选择修改哪一项" in staff.post("/aid/rules/D02/change", data=form).text
    assert staff.post("/aid/rules/D02/change", data={**form, "limit_of": "MEDICAL.MAJOR"}).status_code == 303
    with sqlite_database.reading() as session:
        limits = session.exec(select(OverlapRule)).one().terms["limits"]
    assert limits == {"MEDICAL.MAJOR": 3_500_000}
    assert staff.post("/aid/rules/D14/change", data={**form, "limit": "800", "limit_of": "*"}).status_code == 303
    with sqlite_database.reading() as session:
        change = session.exec(select(OverlapRule).where(OverlapRule.code == "D14")).one()
    assert change.terms["limits"] == {"*": 80_000}
    client_as(app, Role.APPROVER).post(f"/aid/rules/changes/{change.id}/approve")
    with sqlite_database.reading() as session:
        rule = next(one for one in Book(session, on=local_day(utc_now())).of("500103") if one.code == "D14")
    assert rule.limits == {"*": 80_000, "*RURAL": 63_000}, "the country's number is not overwritten"


def test_the_waterfall_shows_each_step_with_its_source_and_what_charity_may_give(app, sqlite_database):
    """50,000 − 30,000 = 20,000 yuan once all have answered; the warning stands while temporary aid is open."""
    worker, need = client_as(app, Role.WORKER), the_need(sqlite_database)
    assert "凭据登记之前，慈善帮助先等待" in worker.get(f"/aid/bills/{need}").text
    form = {"cost": "50000", "paper": "结算单", "person": whose(sqlite_database, need)}
    assert worker.post(f"/aid/bills/{need}/cost", data={**form, "person": "somebody"}).status_code == 422
    assert worker.post(f"/aid/bills/{need}/cost", data=form).status_code == 303
    page = worker.get(f"/aid/bills/{need}").text
    assert "慈善现在最多可以给" in page
    assert "临时救助可能会相应减少" in page
    with sqlite_database.reading() as session:
        assert session.exec(select(CostBill)).one().cost_fen == 5_000_000
    for payer in ("THIRD_PARTY_COMPENSATION", "SERIOUS_ILLNESS_INSURANCE", "COMMERCIAL_SUPPLEMENT", "TEMPORARY_AID"):
        worker.post(f"/aid/bills/{need}/{payer}", data={"state": "none"})
    worker.post(f"/aid/bills/{need}/MEDICAL_ASSISTANCE", data={"state": "none"})
    wrong = worker.post(f"/aid/bills/{need}/BASIC_INSURANCE", data={"state": "paid", "amount": "60000"})
    assert wrong.status_code == 422
    worker.post(f"/aid/bills/{need}/BASIC_INSURANCE", data={"state": "paid", "amount": "30000"})
    page = worker.get(f"/aid/bills/{need}").text
    assert "20,000" in page
    assert "临时救助可能会相应减少" not in page
    assert "王小明" not in page


def test_cover_that_nobody_has_claimed_is_shown_with_the_way_to_claim_it(app, sqlite_database):
    worker, need = client_as(app, Role.WORKER), the_need(sqlite_database)
    worker.post(
        f"/aid/bills/{need}/cost", data={"cost": "50000", "paper": "结算单", "person": whose(sqlite_database, need)}
    )
    worker.post(f"/aid/bills/{need}/COMMERCIAL_SUPPLEMENT", data={"state": "expected", "amount": "12000"})
    page = worker.get(f"/aid/bills/{need}").text
    assert "尚未理赔" in page
    assert "医保结算单" in page, "the papers, for the worker who helps"
    with sqlite_database.reading() as session:
        home = session.get_one(Need, need).household_id
        person = session.exec(select(Person).where(Person.household_id == home)).one()
    with sqlite_database.transaction() as session:
        token = accounts.open_for_person(session, person.id, home, now=utc_now())
    theirs = app.test_client()
    theirs.set_cookie("sid", token)
    page = theirs.get("/home").text
    assert "医保结算单" in page, "and for the household"


def test_the_report_of_prevented_duplicates_leads_to_the_rows_and_takes_a_finding(staff, sqlite_database):
    page = staff.get("/aid/duplicates").text
    assert "1,000" in page
    assert "红十字会" in page
    assert "D08" in staff.get("/aid/duplicates/rows?code=D08").text
    assert "没有符合" in staff.get("/aid/duplicates/rows?code=D12").text
    with sqlite_database.reading() as session:
        hit = session.exec(select(OverlapHit)).one()
    page = staff.get(f"/aid/duplicates/{hit.id}").text
    assert "红十字会" in page
    assert "王小明" not in page
    form = {"state": "false_alarm", "minutes": "7"}
    assert staff.post(f"/aid/duplicates/{hit.id}/finding", data=form).status_code == 303
    assert "误报" in staff.get("/aid/duplicates").text
    assert staff.post(f"/aid/duplicates/{hit.id}/finding", data=form).status_code == 409
    other = f"/aid/duplicates/{hit.id}/finding?otherwise=1"
    assert other in staff.get(f"/aid/duplicates/{hit.id}").text, "who pressed the wrong one has a way on"
    assert f'action="{other}"' in staff.get(other).text
    assert staff.post(other, data=form).status_code == 409, "the same again is nothing else"
    assert staff.post(other, data={**form, "state": "duplicate"}).status_code == 303
    with sqlite_database.reading() as session:
        found = session.get_one(OverlapHit, hit.id)
        assert (found.state, found.minutes) == (HitState.DUPLICATE, 14)


def test_who_may_not_sees_neither_the_report_nor_a_bill(app, sqlite_database):
    auditor = client_as(app, Role.AUDITOR)
    assert auditor.get("/aid/rules").status_code == 200
    assert auditor.get("/aid/duplicates").status_code == 403
    assert auditor.get(f"/aid/bills/{the_need(sqlite_database)}").status_code == 403


def test_the_pages_speak_english_too(app, staff):
    assert "The same kind of goods is given once in 180 days." in english(staff, "/aid/rules?lang=en")
