"""The pages of portraits, department tasks, boards, the paper and what a household says, as staff walk them."""

from __future__ import annotations

import re
from datetime import timedelta
from io import BytesIO

import pytest
from flask import Flask
from flask.testing import FlaskClient
from python_calamine import CalamineWorkbook
from sqlmodel import select

from marketplace import audit
from marketplace.accounts import limits
from marketplace.actors import Role
from marketplace.app import create_app
from marketplace.boards import keeping
from marketplace.boards.counting import ALL
from marketplace.calendar import local_day, utc_now
from marketplace.config import Settings
from marketplace.db import Database
from marketplace.needs.service import NeedFacts, create_need
from marketplace.portraits.models import Push
from marketplace.reference.indicators import indicators
from marketplace.reference.need_points import points
from marketplace.signals import sweeping
from marketplace.signals.models import Declared, Rule
from marketplace.web.formats import moment
from tests.marketplace.signal_scene import CLERK, a_home, a_number, at_work, told
from tests.marketplace.test_signal_pages import a_client
from tests.pages.people import client_as


@pytest.fixture
def app(sqlite_database: Database, settings: Settings) -> Flask:
    return create_app(settings, database=sqlite_database)


@pytest.fixture
def clerk(app: Flask) -> FlaskClient:
    client = client_as(app, Role.VERIFIER)
    client.set_cookie("lang", "en")
    return client


@pytest.fixture
def home_id(sqlite_database: Database) -> str:
    """A household of 渝中 with a large bill and a red alert."""
    number, now = a_number(), utc_now()
    with sqlite_database.transaction() as session:
        home = a_home(session, numbers=(number,), names=("欧阳小芳",), now=now)
        at_work(session, "W05", "W19", now=now)
        today = local_day(now)
        told(session, "MEDICAL_BILLS", (number, "OWN_COST", today, 60_000), as_of=today, now=now)
        told(session, "SPENDING", (number, "INCOME", today, 24_000), as_of=today, now=now)
        told(session, "UTILITIES", as_of=today - timedelta(days=9), now=now)
        sweeping.sweep(session, actor=CLERK, now=now)
        return home.id


def test_a_portrait_asks_for_its_purpose_and_goes_along_as_a_file_that_is_written_down(
    app: Flask, clerk: FlaskClient, home_id: str
) -> None:
    assert "purpose=VISIT" in clerk.get(f"/portraits/households/{home_id}/open").text
    assert clerk.get(f"/portraits/households/{home_id}").status_code == 422
    page = clerk.get(f"/portraits/households/{home_id}?purpose=VISIT").text
    assert "¥60,000" in page
    assert "欧阳小芳" not in page
    file = clerk.get(f"/portraits/households/{home_id}/portrait.xlsx?purpose=REVIEW")
    book = CalamineWorkbook.from_filelike(BytesIO(file.data))
    sheets = [book.get_sheet_by_index(place).to_python() for place in range(5)]
    assert [len(rows) - 1 for rows in sheets] == [len(indicators()), sum(map(bool, points().values())) + 2, 12, 0, 1]
    assert sheets[4][1][1:3] == ["", "¥24,000"]
    assert "What the household said and what departments tell" in page
    with app.extensions["database"].reading() as session:
        looks = session.exec(select(audit.AuditRow.action, audit.AuditRow.purpose).order_by(audit.AuditRow.seq)).all()
    assert [row for row in looks if row[0].startswith("portrait:")] == [
        ("portrait:view", "VISIT"),
        ("portrait:export", "REVIEW"),
    ]
    assert client_as(app, Role.WORKER).get(file.request.full_path).status_code == 403
    assert "nobody tells of work" in clerk.get("/portraits/score").text


def test_a_need_is_pushed_answered_and_its_rest_opens_as_a_need(app: Flask, clerk: FlaskClient, home_id: str) -> None:
    asked = {"department": "HUD", "indicator": "dwelling_safety", "category": "HOUSING.REPAIR", "amount": "6000"}
    address = f"/portraits/households/{home_id}/push"
    assert clerk.post(address, data={**asked, "amount": "many"}).status_code == 422
    assert clerk.post(address, data=asked).status_code == 303
    with app.extensions["database"].transaction() as session:
        push_id = session.exec(select(Push.id)).one()
        same = NeedFacts("HOUSING.REPAIR", 600_000)
        before = create_need(session, same, household_id=home_id, actor=CLERK, now=utc_now()).id
    assert f"/portraits/tasks/{push_id}" in clerk.get("/portraits/?state=asked").text
    one = f"/portraits/tasks/{push_id}"
    assert clerk.post(one, data={"answer": "return", "reason": ""}).status_code == 422
    assert clerk.post(one, data={"answer": "done", "covered": "7000"}).status_code == 422
    assert re.findall(r'value="(accept|done|return)"', clerk.get(one).text) == ["accept", "done", "return"]
    assert clerk.post(one, data={"answer": "accept"}).status_code == 303
    taken = clerk.get(one).text
    assert re.findall(r'value="(accept|done|return)"', taken) == ["done", "return"], "what was taken may come back"
    assert "Act by" in taken
    assert clerk.post(one, data={"answer": "return", "reason": ""}).status_code == 422
    assert clerk.post(one, data={"answer": "done", "covered": "4500"}).status_code == 303
    assert "¥4,500" in clerk.get(one).text
    with app.extensions["database"].reading() as session:
        need_id = session.exec(select(Push.need_id)).one()
    assert need_id == before
    drawn = clerk.get(f"/portraits/households/{home_id}?purpose=VISIT").text
    assert "¥4,500 of ¥6,000 covered" in drawn
    assert f'/needs/{need_id}">The rest' in drawn
    assert f'/needs/{need_id}">A need of this kind was open' in clerk.get(one).text
    held = clerk.get(f"/needs/{need_id}").text
    assert "A department covered some of it" in held
    assert f"/portraits/households/{home_id}/open" in held


def test_a_department_opens_its_task_with_a_code_and_answers_it_twice_without_harm(
    app: Flask, clerk: FlaskClient, home_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = {"department": "HUD", "indicator": "dwelling_safety", "category": "HOUSING.REPAIR", "amount": "6000"}
    clerk.post(f"/portraits/households/{home_id}/push", data=asked)
    with app.extensions["database"].reading() as session:
        push_id = session.exec(select(Push.id)).one()
    codes = [
        re.search(r"[A-Z2-9]{4} [A-Z2-9]{4} [A-Z2-9]{4}", clerk.post(f"/portraits/tasks/{push_id}/code").text)
        for _n in range(2)
    ]
    old, code = (found.group() for found in codes if found is not None)
    stranger = app.test_client()
    stranger.set_cookie("lang", "en")

    def say(**given: str) -> str:
        return stranger.post("/portraits/department", data={"code": code, **given}).text

    assert stranger.get("/portraits/department").status_code == 200
    assert "No task has this code" in say(code=old)
    page = say()
    assert "¥6,000" in page
    assert "欧阳" not in page
    assert "can be right" in say(answer="done", covered="7000")
    assert "Choose a reason" in say(answer="returned")
    assert "is kept" in say(answer="done", covered="4500")
    for late in ({"answer": "done", "covered": "4500"}, {"answer": "accepted"}) * 3:
        assert "Nothing changed" in say(**late), "an office answers many tasks from one address"
    monkeypatch.setattr(limits, "MOST_OF_NETWORK", 1)
    assert "Too many tries" in say()
    with app.extensions["database"].reading() as session:
        row = session.exec(select(Push)).one()
        assert (row.state.value, row.covered_units, row.answered_by) == ("done", 450_000, "department-HUD")
    assert clerk.post(f"/portraits/tasks/{push_id}/code").status_code in (303, 409)


def test_what_a_household_says_stands_beside_what_departments_tell(
    app: Flask, clerk: FlaskClient, home_id: str
) -> None:
    address, today = f"/alerts/households/{home_id}/declare", local_day(utc_now()).isoformat()
    assert clerk.post(address, data={"kind": "INCOME", "amount": "about 9", "on": today}).status_code == 422
    assert clerk.post(address, data={"kind": "INCOME", "amount": "9", "on": "2999-01-01"}).status_code == 422
    assert clerk.post(address, data={"kind": "INCOME", "amount": "9000", "on": today}).status_code == 303
    with app.extensions["database"].reading() as session:
        assert session.exec(select(Declared.amount)).one() == 900_000
    assert "Difference" in clerk.get(address).text


def test_the_board_of_a_large_register_says_when_it_was_counted(
    app: Flask, clerk: FlaskClient, home_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    database, then = app.extensions["database"], utc_now() - timedelta(days=31)
    with database.transaction() as session:
        keeping.keep(session, {**{key: {} for key in ALL}, "red": {("500103", ""): 1234}}, seq=0, now=then)
    live = clerk.get("/boards/?district=500103").text
    assert "those of now" not in live
    assert re.search(r'class="hint">[^<]*: 1,234<', live)
    assert live.count("1,234") == 1
    monkeypatch.setattr(keeping, "LIVE_UP_TO", 0)
    kept, rows = (clerk.get(f"/boards/{way}district=500103").text for way in ("?", "rows?measure=red&"))
    with app.test_request_context(headers={"Cookie": "lang=en"}):
        when = moment(then)
    assert f"Counted {when}." in kept
    assert "those of now" in kept
    assert kept.count("1,234") > 1
    assert f"was counted {when}." in rows
    assert f"/alerts/households/{home_id}" in rows


def test_a_board_leads_to_its_rows_and_the_paper_to_its_counts(app: Flask, clerk: FlaskClient, home_id: str) -> None:
    page = clerk.get("/boards/?measure=red").text
    assert "measure=red" in page
    assert "/feeds/UTILITIES" in page
    assert "With a red alert, answered in 90 days" in clerk.get("/boards/rows?measure=answered_red").text
    assert f"/alerts/households/{home_id}" in clerk.get("/boards/rows?measure=red&district=500103").text
    assert a_client(app, Role.WORKER, "500101").get("/boards/?district=500103").status_code == 404
    own, two = (a_client(app, Role.WORKER, "500103", *more) for more in ((), ("500101",)))
    for worker, name, tiles in ((own, "Yuzhong District", 0), (two, "Wanzhou District, Yuzhong District", 35)):
        page = worker.get("/boards/").text
        assert f"Board: {name}</h1>" in page
        assert "The whole city" not in page
        assert page.count(">—</text>") == tiles
    with app.extensions["database"].reading() as session:
        rule = session.exec(select(Rule.id).where(Rule.code == "W05")).one()
    assert clerk.get("/boards/paper").status_code == 200
    assert clerk.post("/boards/paper/result", data={"kind": "line", "percent": ""}).status_code == 422
    assert clerk.post("/boards/paper/result", data={"kind": "line", "percent": "10"}).status_code == 200
    category = clerk.post("/boards/paper/result", data={"kind": "category", "rule": rule, "amount": "300"})
    assert "¥300" in category.text
    assert "nobody told" not in category.text
    assert clerk.post("/boards/paper/result", data={"kind": "category", "rule": rule, "amount": ""}).status_code == 422
    assert clerk.post("/boards/paper/result", data={"kind": "giver", "giver": ""}).status_code == 422
