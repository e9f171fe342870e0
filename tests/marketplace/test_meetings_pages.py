"""Meetings, duties, approval forms, household files and urgent cases on the screen, on paper and as a table."""

from __future__ import annotations

import io
import re
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from python_calamine import CalamineWorkbook
from sqlmodel import select

from marketplace.accounts import service as accounts
from marketplace.accounts.models import Account
from marketplace.actors import Actor, Role
from marketplace.app import create_app
from marketplace.appeals.models import Appeal, AppealKind
from marketplace.audit import AuditRow, subject_ref
from marketplace.config import Settings
from marketplace.db import Database
from marketplace.decisions import approve as approval
from marketplace.decisions.models import FollowUp, Match, MatchState
from marketplace.households.filed import PARTS, on_file
from marketplace.households.service import contact_of
from marketplace.ledger.models import CostBill
from marketplace.meetings.models import UrgentApproval
from marketplace.offers.models import Offer, OfferState
from marketplace.proposals.models import ProposedLine, RunInput
from marketplace.reference.words import list_codes
from tests import factories as make
from tests.marketplace import visiting
from tests.marketplace.test_overrides import a_shortage
from tests.marketplace.test_proposals import a_run
from tests.marketplace.test_same_households import called_same
from tests.marketplace.test_urgent import Night
from tests.pages.people import client_as, household_client

APPROVER = Actor(id="approver-1", role=Role.APPROVER)
HIDDEN = ("王小明", "10000000001", "解放碑街道测试路1号")


@pytest.fixture
def ids(sqlite_database: Database) -> dict[str, str]:
    """A run that serves one of two needs; its line is approved."""
    now = datetime.now(UTC)
    with sqlite_database.transaction() as session:
        urgent, calm, offer = a_shortage(session)
        found = {"urgent": urgent.id, "calm": calm.id, "offer": offer.id, "home": calm.household_id}
    found["run"] = a_run(sqlite_database, APPROVER, now).id
    with sqlite_database.transaction() as session:
        line = session.exec(select(ProposedLine)).one()
        assert approval.approve(session, [line.id], actor=APPROVER, now=now).approved
        found["line"] = line.id
    return found


@pytest.fixture
def app(settings: Settings, sqlite_database: Database, ids: dict[str, str]) -> Flask:
    assert ids
    app = create_app(settings, database=sqlite_database)
    app.config["WTF_CSRF_ENABLED"] = False
    return app


def signed(app: Flask, login: str, role: Role = Role.APPROVER, districts: list[str] | None = None) -> FlaskClient:
    """A client of an account with this login."""
    now, database = datetime.now(UTC), app.extensions["database"]
    with database.transaction() as session:
        found = session.exec(select(Account).where(Account.login == login)).first()
        if found is None:
            values = {"display_name": login, "role": role, "password": "long enough to test", "now": now}
            found = accounts.create_account(session, login, districts=districts or [], **values)
        token = accounts.open_for_account(session, found, now=now)
    client = app.test_client()
    client.set_cookie("sid", token)
    return client


def called(client: FlaskClient, district: str = "") -> str:
    answer = client.post("/meetings/call", data={"district": district})
    assert answer.status_code == 303, answer.text
    return answer.headers["Location"]


def account_id(app: Flask, login: str) -> str:
    with app.extensions["database"].reading() as session:
        return session.exec(select(Account).where(Account.login == login)).one().id


def test_a_sheet_is_called_filled_printed_frozen_and_checked(app, ids):
    staff = signed(app, "chair")
    assert "还没有会商" in staff.get("/meetings/").text
    sheet = called(staff)
    page = staff.get(sheet).text
    for shown in ("卡在哪里", "食品包", "什么办法帮得最多", "未决定"):
        assert shown in page
    assert "增加某一资源的库存" in page  # the same press has asked the run who would lose and what is cheapest
    with app.extensions["database"].transaction() as session:
        home = make.a_household(session, phone="10000000084")
        make.auto_match(session, home)
        make.a_need(session, home)
    assert "1 行是后来增加的" in staff.post(f"{sheet}/look", follow_redirects=True).text
    assert f"{sheet}/rows/2" in staff.get(sheet).text
    row = f"{sheet}/rows/1"
    tried = staff.post(f"{row}/look", data={"offer": ids["offer"], "units": "4"})
    assert tried.status_code == 200
    assert "谁会减少" in tried.text
    wrong = staff.post(row, data={"verdict": "pin", "offer": ids["offer"], "reason": "先顾这户"})
    assert wrong.status_code == 422
    assert "这个决定需要填写此项" in wrong.text
    pin = {"verdict": "pin", "offer": ids["offer"], "units": "4", "reason": "先顾这户"}
    assert "目前没有任何一次计算能落实这项指定" in staff.post(row, data=pin).text, "all of it is approved for the other"
    with app.extensions["database"].transaction() as session:
        session.get_one(Offer, ids["offer"]).stock_units += 4
    assert staff.post(row, data=pin).status_code == 303
    assert "先顾这户" in staff.get(row).text
    assert "先顾这户" in staff.get("/overrides/").text
    paper = staff.get(f"{sheet}/print").text
    assert "先顾这户" in paper
    for where in (paper, staff.get(sheet).text):
        assert "将失去（按一个单位；试过的按所试数量）" in where
        assert "责任人" in where
        assert "若今天给这一行一个单位" in where
    assert not any(secret in paper for secret in HIDDEN)
    assert "未决定" in staff.get(f"{sheet}/close").text
    staff.post(f"{sheet}/close", data={"confirmed": "yes"})
    assert "各行与封存时一致" in staff.get(f"{sheet}/check").text
    again = staff.post(f"{sheet}/close", data={"confirmed": "yes"}, follow_redirects=True)
    assert "会商单已封存" in again.text


def test_rows_that_came_are_told_where_the_run_can_answer_no_more(app, ids):
    staff = signed(app, "chair")
    with app.extensions["database"].transaction() as session:
        session.get_one(RunInput, ids["run"]).payload = b"torn"
    sheet = called(staff)
    with app.extensions["database"].transaction() as session:
        home = make.a_household(session, phone="10000000084")
        make.auto_match(session, home)
        make.a_need(session, home)
    told = staff.post(f"{sheet}/look", follow_redirects=True)
    assert (told.status_code, "1 行是后来增加的" in told.text, "已损坏" in told.text) == (200, True, True)
    assert f"{sheet}/rows/2" in told.text


def test_the_table_of_a_sheet_has_every_row_and_no_name(app, ids):
    staff = signed(app, "chair")
    file = staff.get(f"{called(staff)}/sheet.xlsx")
    rows = CalamineWorkbook.from_filelike(io.BytesIO(file.data)).get_sheet_by_index(0).to_python()
    assert [row[2] for row in rows[1:]] == [ids["calm"]]
    assert rows[1][6] == 10
    assert rows[0][10] == "将失去（按一个单位；试过的按所试数量）"
    assert not any(secret in str(rows) for secret in HIDDEN)


def test_masked_names_are_for_a_districts_own_sheet_only(app, ids):
    assert ids
    staff = signed(app, "chair")
    city, near = called(staff), called(staff, "500103")
    assert "王*明" in staff.get(f"{near}/print?names=masked").text
    for path in (f"{near}/print", f"{city}/print?names=masked"):
        assert "王*明" not in staff.get(path).text


def test_a_second_sheet_of_an_area_and_a_row_that_is_not_there_are_told(app):
    staff = signed(app, "chair")
    sheet = called(staff)
    answer = staff.post("/meetings/call", data={"district": ""})
    assert answer.status_code == 422
    assert "还有一次会商没有结束" in answer.text
    assert staff.get(f"{sheet}/rows/99").status_code == 404
    assert signed(app, "far", districts=["500101"]).get(sheet).status_code == 404
    assert signed(app, "auditor", Role.AUDITOR).get(sheet).status_code == 403


def test_a_duty_is_on_its_officers_home_until_it_is_done(app):
    staff, officer = signed(app, "chair"), signed(app, "officer", Role.VERIFIER)
    data = {"verdict": "duty", "officer": account_id(app, "officer"), "reason": "联系救助站"}
    assert staff.post(f"{called(staff)}/rows/1", data=data).status_code == 303
    home = officer.get("/staff").text
    assert re.search(r"stat-value\">1</span><span class=\"stat-label\">我的会商事项", home)
    mine = officer.get("/meetings/duties/").text
    assert "联系救助站" in mine
    one = re.search(r"/meetings/duties/(\w+)", mine)[0]
    assert "请不要写身份证号和手机号" in officer.post(one, data={"outcome": "电话13800000000"}).text
    assert staff.get(one).status_code == 404
    assert officer.post(one, data={"outcome": "已解决"}).status_code == 303
    assert "没有待办事项" in officer.get("/meetings/duties/").text


def test_an_approval_form_carries_the_plans_hash_and_a_code_that_finds_a_changed_paper(app, ids, sqlite_database):
    staff = signed(app, "chair")
    page = staff.get(f"/meetings/papers/{ids['line']}").text
    for shown in ("审批表", "食品包", "审计链行号", "批准", "<svg"):
        assert shown in page
    assert not any(secret in page for secret in HIDDEN)
    check = re.search(r"/meetings/papers/\w+/check/\w+", page)[0]
    assert "与记录一致" in staff.get(check).text
    assert "与记录一致" in signed(app, "auditor", Role.AUDITOR).get(check).text
    forged = check[:-1] + ("0" if check[-1] != "0" else "1")
    assert "与记录不符" in staff.get(forged).text
    with sqlite_database.transaction() as session:
        session.get_one(ProposedLine, ids["line"]).units += 1
    assert "与记录不符" in staff.get(check).text
    assert "第 1 次匹配的审批表" in staff.get(f"/meetings/papers/runs/{ids['run']}").text
    assert staff.get("/meetings/papers/nobody").status_code == 404


def test_a_household_file_asks_for_its_purpose_and_writes_the_look_before_it_shows_anything(app, ids, sqlite_database):
    staff = signed(app, "chair")
    where = f"/meetings/households/{ids['home']}"
    assert "您为什么查阅" in staff.get(where).text
    assert staff.get(f"{where}/file").status_code == 422
    page = staff.get(f"{where}/file?purpose=complaint")
    for shown in ("一户一档", "投诉或申诉", "食品包", "第 1 次", "王*明"):
        assert shown in page.text
    assert not any(secret in page.text for secret in HIDDEN)
    assert page.headers["Cache-Control"] == "no-store"
    with sqlite_database.reading() as session:
        (look,) = session.exec(select(AuditRow).where(AuditRow.action == "household:file")).all()
        assert (look.purpose, look.subject_ref) == ("complaint", subject_ref(session, ids["home"]))
    far = signed(app, "far", districts=["500101"])
    assert far.get(f"{where}/file?purpose=complaint").status_code == 404
    assert signed(app, "auditor", Role.AUDITOR).get(where).status_code == 403


@pytest.fixture
def night(sqlite_database: Database) -> Night:
    """A critical need, verified just now, and a pair on call."""
    night = Night(sqlite_database, at=datetime.now(UTC))
    with sqlite_database.transaction() as session:
        night.verify(session)
    return night


@pytest.fixture
def site(settings: Settings, sqlite_database: Database, night: Night) -> Flask:
    assert night
    app = create_app(settings, database=sqlite_database)
    app.config["WTF_CSRF_ENABLED"] = False
    return app


def test_the_roster_names_two_people_and_says_what_is_wrong_at_its_field(site, night):
    staff = signed(site, "approver")
    page = staff.get("/meetings/urgent/roster").text
    assert "verifier" in page
    assert "/drop" in page
    phones = {"verifier_phone": "10000000081", "approver_phone": "10000000082"}
    one = {"verifier": night.verifier.id, "approver": night.approver.id, **phones}
    day = (datetime.now(UTC) + timedelta(days=3)).date().isoformat()
    span = {"starts_on": day, "starts_at": "18", "ends_on": day, "ends_at": "06"}
    assert "结束要晚于开始" in staff.post("/meetings/urgent/roster", data={**one, **span}).text
    good = {**one, **span, "ends_at": "23"}
    unreached = staff.post("/meetings/urgent/roster", data={**good, "approver_phone": "12345"}).text
    assert "请填写这个人夜间能接到的手机号" in unreached
    assert staff.post("/meetings/urgent/roster", data=good).status_code == 303
    assert "这段时间已有另一组值班" in staff.post("/meetings/urgent/roster", data=good).text
    phones_page = re.findall(r"/meetings/urgent/roster/\w+/phones", staff.get("/meetings/urgent/roster").text)[-1]
    assert phones["verifier_phone"] not in staff.get(phones_page).text
    assert "请填写这个人夜间能接到的手机号" in staff.post(phones_page, data={"verifier_phone": "12345"}).text
    assert staff.post(phones_page, data={"verifier_phone": "10000000083"}).status_code == 303
    drops = re.findall(r"/meetings/urgent/roster/\w+/drop", staff.get("/meetings/urgent/roster").text)
    assert len(drops) == 2
    for drop in drops:
        assert staff.post(drop).status_code == 303
    assert "现在无人值班" in staff.get("/meetings/urgent/").text
    assert signed(site, "verifier").post(drops[0]).status_code == 403


def test_who_is_not_on_call_or_finds_nothing_free_is_told_so_in_a_sentence(site, night, sqlite_database):
    where = f"/meetings/urgent/needs/{night.need_id}"
    assert "您不是现在的值班审批员" in signed(site, "reviewer").get(where).text
    with sqlite_database.transaction() as session:
        session.get_one(Offer, night.offer_id).state = OfferState.PAUSED
    answer = signed(site, "approver").post(where, data={"reason": "家中断粮"})
    assert answer.status_code == 422
    assert "现在没有合适的空闲资源" in answer.text


def test_a_night_case_is_approved_told_listed_and_reviewed_by_another(site, night, sqlite_database):
    approver, reviewer = signed(site, "approver"), signed(site, "reviewer")
    where = f"/meetings/urgent/needs/{night.need_id}"
    assert where in approver.get("/meetings/urgent/").text
    assert "先行审批（值班）" in approver.get(f"/needs/{night.need_id}").text
    assert "¥2,000" in approver.get(where).text
    assert approver.post(where, data={"reason": "家中断粮"}).status_code == 303
    assert "待复核" in approver.get("/meetings/urgent/").text
    with sqlite_database.reading() as session:
        case = session.exec(select(UrgentApproval)).one()
        line = session.get_one(Match, case.match_id).line_id
    one = f"/meetings/urgent/{case.id}"
    assert "由没有参与核实和审批的人复核" in approver.get(one).text
    assert re.search(r"stat-value\">1</span><span class=\"stat-label\">待复核的紧急个案", reviewer.get("/staff").text)
    assert reviewer.post(one, data={"verdict": "confirmed", "reason": ""}).status_code == 422
    assert reviewer.post(one, data={"verdict": "confirmed", "reason": "材料齐全"}).status_code == 303
    assert "没有待复核的个案" in reviewer.get("/meetings/urgent/").text
    assert "材料齐全" in reviewer.get(one).text
    assert "材料齐全" in approver.get(one).text
    assert "紧急先行审批" in reviewer.get(f"/meetings/papers/{line}").text
    assert "紧急先行审批" in reviewer.get(f"/meetings/households/{night.household_id}/file?purpose=review").text


def test_urgent_help_is_marked_as_such_wherever_its_match_is_shown(site, night, sqlite_database):
    with sqlite_database.transaction() as session:
        (case,) = night.approve(session)
        place = case.match_id
    staff, mark = signed(site, "approver"), 'tag-late">紧急先行'
    giver = client_as(site, Role.CHARITY_MANAGER, org_id=night.org_id)
    home = household_client(site, night.household_id)
    assert mark in giver.get("/our-matches/").text
    with sqlite_database.transaction() as session:
        session.get_one(Match, place).state = MatchState.IN_DELIVERY
    for client, path in (
        (staff, "/matches/running"),
        (giver, f"/our-matches/{place}"),
        (giver, "/deliveries/"),
        (home, f"/offers-to-me/{place}"),
        (giver, f"/proofs/grants/{place}"),
    ):
        page = client.get(path)
        assert (page.status_code, mark in page.text) == (200, True), path
    with sqlite_database.transaction() as session:
        session.get_one(Match, place).at_once = False
    assert mark not in giver.get(f"/our-matches/{place}").text


def test_a_household_file_holds_what_the_other_rooms_know_and_names_the_homes_second_record(app, sqlite_database, now):
    with sqlite_database.transaction() as session:
        scene = visiting.a_scene(session)
        visiting.agreed(session, scene)
        home = scene.household
        other = make.a_household(session, phone="10000000064")
        called_same(session, home, other, now)
        told = {"household_id": home.id, "raised_by": "w", "raised_at": now, "due_at": now}
        session.add(Appeal(id="told", kind=AppealKind.COMPLAINT, **told))
        session.add(Appeal(id="favour", kind=AppealKind.FAVOURS, object_ref="x", **told))
        need = scene.need
        session.add(
            FollowUp(id="f", match_id=scene.match.id, answered_by="w", satisfaction=2, remains="same", created_at=now)
        )
        bill = {"cost_fen": 123_400, "paper": "发票", "recorded_by": "w", "created_at": now, "updated_at": now}
        person = contact_of(session, home.id)
        about = {"need_id": need.id, "household_id": home.id, "person_id": person.id}
        session.add(CostBill(id="b", **about, district_code=home.district_code, **bill))
        ids = (home.id, other.id)
    with sqlite_database.reading() as session:
        found = {code: [entry.ref for entry in entries] for code, entries, _key in on_file(session, ids[0])}
        assert set(found) == {"visit", "complaint", "follow_up", "cost"}
        assert found["complaint"] == ["told"], "not that somebody demanded a favour"
    assert set(PARTS) == set(list_codes("file_part")), "each room that has something hangs it in"
    page = signed(app, "chair").get(f"/meetings/households/{ids[0]}/file?purpose=review").text
    for shown in ("上门服务", "异议和投诉", "困难依旧", "¥1,234", f"/meetings/households/{ids[1]}"):
        assert shown in page
    assert "索要好处" not in page
