"""The rights on the screen: one page each from the start page, the task of staff, the answer; the public map."""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlmodel import select

from marketplace.accounts import service as accounts
from marketplace.accounts.models import AccountSession
from marketplace.actors import Actor, Role
from marketplace.app import create_app
from marketplace.audit import AuditRow
from marketplace.calendar import utc_now
from marketplace.config import Settings
from marketplace.db import Database
from marketplace.households import by_hand
from marketplace.households.models import Spell
from marketplace.notices import Notice
from marketplace.offers import demand
from marketplace.offers.models import DemandSnapshot
from marketplace.proxies import service as proxies
from marketplace.reference.identity_number import make_id_number
from marketplace.reference.words import label
from marketplace.rights import service as rights
from marketplace.rights.models import MatchReview, RequestState, RightKind, RightRequest
from marketplace.signals import declaring
from marketplace.signals.taking import record_fact
from tests.marketplace.match_scene import Scene, a_scene
from tests.marketplace.test_proxies import come_in


@pytest.fixture
def scene(sqlite_database: Database) -> Scene:
    """A household with one match under way, in the house of today."""
    with sqlite_database.transaction() as session:
        made = a_scene(session)
        made.in_delivery(session, datetime.now(UTC))
        session.expunge_all()
    return made


@pytest.fixture
def app(settings: Settings, sqlite_database: Database) -> Flask:
    app = create_app(settings, database=sqlite_database)
    app.config["WTF_CSRF_ENABLED"] = False
    return app


def home(app: Flask, scene: Scene) -> FlaskClient:
    """The household's own client."""
    with app.extensions["database"].transaction() as session:
        token = accounts.open_for_person(session, scene.person.id, scene.household.id, now=datetime.now(UTC))
    return _with(app, token)


def staff(app: Flask, login: str, role: Role = Role.VERIFIER) -> FlaskClient:
    """A client of a member of staff."""
    now = datetime.now(UTC)
    with app.extensions["database"].transaction() as session:
        made = accounts.create_account(
            session, login, display_name=login, role=role, password="a-long-password", now=now
        )
        token = accounts.open_for_account(session, made, now=now)
    return _with(app, token)


def _with(app: Flask, token: str) -> FlaskClient:
    client = app.test_client()
    client.set_cookie("sid", token)
    return client


def test_every_right_has_its_page_within_two_links_of_the_start_page_in_both_languages(app, scene):
    client = home(app, scene)
    assert "/my-rights/" in client.get("/home").text
    mine = client.get("/my-rights/").text
    for kind in RightKind:
        assert f"/my-rights/{kind.value}" in mine
        for lang, words in (("zh_Hans", "15 个工作日"), ("en", "15 working days")):
            page = client.get(f"/my-rights/{kind.value}?lang={lang}", follow_redirects=True)
            assert page.status_code == 200
            assert words in client.get(f"/my-rights/?lang={lang}", follow_redirects=True).text


def test_each_page_offers_what_its_right_is_about(app, scene):
    client = home(app, scene)
    for kind in ("see", "copy", "move"):
        assert 'href="/my-rights/record"' in client.get(f"/my-rights/{kind}").text
    assert 'href="/my-rights/copy.json"' in client.get("/my-rights/copy").text
    correct = client.get("/my-rights/correct").text
    assert 'name="new_value"' in correct
    assert 'value="phone"' in correct
    assert "10 份" in client.get("/my-rights/explain").text
    client.post("/my-rights/by_hand", data={"words": ""})
    assert 'href="/my-rights/by_hand/end"' in client.get("/my-rights/by_hand").text


def test_a_complaint_goes_to_staff_and_its_answer_comes_back_by_letter(app, scene):
    client, clerk = home(app, scene), staff(app, "clerk")
    assert client.post("/my-rights/complain", data={"words": ""}).status_code == 422
    assert client.post("/my-rights/complain", data={"words": "没有人来过"}).status_code == 303
    again = client.post("/my-rights/complain", data={"words": "没有人来过"})
    assert again.status_code == 422
    address = re.search(r'href="(/rights/\w{26})"', clerk.get("/rights/").text)
    assert address
    task = clerk.get(address[1]).text
    assert "没有人来过" in task
    assert "王小明" not in task
    assert clerk.post(f"{address[1]}/answer", data={"text": ""}).status_code == 422
    assert clerk.post(f"{address[1]}/answer", data={"text": "已电话致歉"}).status_code == 303
    assert "已电话致歉" in client.get("/my-rights/complain").text
    with app.extensions["database"].reading() as session:
        assert session.exec(select(Notice.letter).where(Notice.letter == "right_answered")).all()
        looks = session.exec(select(AuditRow).where(AuditRow.action == "right:look")).all()
        assert len(looks) == 2, "the page that came back with a fault showed the words once more"


def test_a_correction_through_the_pages_brings_the_match_back_and_a_person_lets_it_go_on(app, scene):
    client, clerk = home(app, scene), staff(app, "clerk")
    wrong = {"field": "phone", "new_value": "12", "words": ""}
    assert client.post("/my-rights/correct", data=wrong).status_code == 422
    right = {"field": "household_size", "new_value": "3", "words": "看户口簿"}
    assert client.post("/my-rights/correct", data=right).status_code == 303
    [address] = set(re.findall(r'href="(/rights/\w{26})"', clerk.get("/rights/").text))
    assert clerk.post(f"{address}/dispute").status_code == 303
    assert clerk.post(f"{address}/answer", data={"text": "已更正"}).status_code == 303
    [match_id] = set(re.findall(r"/rights/matches/(\w+)", clerk.get(address).text))
    page = clerk.get(f"/rights/matches/{match_id}").text
    assert 'value="keep"' in page
    board = clerk.get("/deadlines/?group=rights").text
    assert f"/rights/matches/{match_id}" in board
    assert clerk.post(f"/rights/matches/{match_id}", data={"verdict": "keep", "confirmed": "yes"}).status_code == 303
    dispute = re.search(r"/rights/disputes/\w+", board)
    assert dispute
    assert clerk.get(dispute[0]).status_code == 200
    assert clerk.post(dispute[0], data={"said": "corrected", "confirmed": "yes"}).status_code == 303
    with app.extensions["database"].reading() as session:
        assert [one.state.value for one in session.exec(select(MatchReview))] == ["kept"]


def test_a_copy_is_a_file_and_a_page_and_each_opening_is_in_the_chain(app, scene):
    client = home(app, scene)
    told = json.loads(client.get("/my-rights/copy.json").data)
    assert told["person"]["name"] == "王小明"
    page = client.get("/my-rights/record")
    assert "解放碑街道测试路1号" in page.text
    assert page.headers["Cache-Control"] == "no-store"
    with app.extensions["database"].reading() as session:
        rows = session.exec(select(AuditRow.purpose).where(AuditRow.action == "right:copy")).all()
    assert sorted(rows) == ["copy", "see"]
    stranger = staff(app, "other")
    assert stranger.get("/my-rights/copy.json").status_code == 403


def test_the_page_of_everything_on_record_shows_all_that_the_file_holds(app, scene, now):
    client, at = home(app, scene), {"on": now.date(), "actor": Actor(id="w", role=Role.WORKER), "now": now}
    told = json.loads(client.get("/my-rights/copy.json").data)
    empty = client.get("/my-rights/record").text
    assert [key for key in told if f'id="{key}"' not in empty] == ["made_at", "schema"]
    assert "暂无记录" in empty
    assert client.post("/my-rights/complain", data={"words": "没有人来过"}).status_code == 303
    with app.extensions["database"].transaction() as session:
        record_fact(session, session.merge(scene.person), "MEDICAL_SPENDING", ref="m", amount=123_400, **at)
        declaring.declare(session, scene.household.id, "INCOME", amount=567_800, **at)
        told_of = {"household_id": scene.household.id, "source": "test", "entered_at": now}
        session.add(Spell(id="s", category="IN_REGISTER", from_on=now.date(), **told_of))
        request = session.exec(select(RightRequest.id)).one()
        rights.answer(session, request, text="已电话致歉", actor=Actor(id="v", role=Role.VERIFIER), now=now)
    page = client.get("/my-rights/record").text
    for words in ("没有人来过", "已电话致歉", "1,234", "5,678", label("monitoring_category", "IN_REGISTER", lang="zh")):
        assert words in page
    assert label("letter", "right_answered", lang="zh") in page


def test_refusing_programs_puts_the_needs_into_the_manual_queue_and_can_be_taken_back(app, scene):
    client, clerk = home(app, scene), staff(app, "clerk")
    assert client.post("/my-rights/by_hand", data={"words": ""}).status_code == 303
    assert scene.need.id in clerk.get("/rights/by-hand").text
    assert client.post("/my-rights/by_hand/end", data={"confirmed": "yes"}).status_code == 303
    with app.extensions["database"].reading() as session:
        assert by_hand.by_hand(session) == frozenset()


def test_an_erasure_needs_two_people_on_the_pages_too_and_can_be_taken_back(app, scene):
    client, first = home(app, scene), staff(app, "first", Role.APPROVER)
    assert client.post("/my-rights/erase", data={"words": ""}).status_code == 303
    with app.extensions["database"].reading() as session:
        request = session.exec(select(RightRequest)).one().id
    assert first.post(f"/rights/{request}/answer", data={"text": "同意"}).status_code == 303
    assert 'name="text"' not in first.get(f"/rights/{request}").text
    assert first.post(f"/rights/{request}/answer", data={"text": "同意"}).status_code == 403
    assert client.get(f"/my-rights/requests/{request}/take-back").status_code == 200
    assert client.post(f"/my-rights/requests/{request}/take-back", data={"confirmed": "yes"}).status_code == 303


def test_a_death_is_recorded_by_staff_and_kin_ask_at_the_counter(app, scene):
    clerk = staff(app, "clerk")
    address = f"/rights/deaths/{scene.household.id}"
    assert clerk.get(f"/rights/kin/{scene.household.id}").status_code == 409
    answers = {"person": scene.person.id, "died_on": "2026-11-01", "evidence": "证明 1"}
    assert clerk.post(address, data={**answers, "evidence": ""}).status_code == 422
    assert clerk.post(address, data=answers).status_code == 303
    kin = {"person": scene.person.id, "kind": "copy", "evidence": "户口簿", "words": "我是女儿"}
    assert clerk.post(f"/rights/kin/{scene.household.id}", data=kin).status_code == 303
    with app.extensions["database"].reading() as session:
        assert [one.capacity for one in session.exec(select(RightRequest))] == ["kin"]
    assert "Nobody else" in clerk.get(f"{address}?lang=en", follow_redirects=True).text
    back = f"{address}/{scene.person.id}/back"
    assert f'href="{back}"' in clerk.get(address).text
    assert clerk.post(back, data={"why": ""}).status_code == 422
    assert clerk.post(back, data={"why": "wrong_person"}).status_code == 303
    assert (clerk.get(back).status_code, clerk.get(f"/rights/kin/{scene.household.id}").status_code) == (404, 409)


def test_an_assessment_is_written_by_one_person_and_approved_by_another_on_the_pages(app, scene):
    writer, second = staff(app, "one", Role.APPROVER), staff(app, "two", Role.APPROVER)
    form = {"purpose": "JOB", "recipient_kind": "enterprise", "data_fields": ["name"]}
    assert writer.post("/assessments/new", data=form).status_code == 422
    form |= {"necessity": "联系", "risks": "泄露", "measures": "留痕"}
    assert writer.post("/assessments/new", data={**form, "data_fields": ["id_number"]}).status_code == 422
    address = writer.post("/assessments/new", data=form).headers["Location"]
    assert "/approve" not in writer.get(address).text
    assert writer.post(f"{address}/approve").status_code == 403
    assert second.post(f"{address}/approve").status_code == 303
    assert second.get(f"{address}/withdraw").status_code == 200
    assert second.post(f"{address}/withdraw", data={"confirmed": "yes"}).status_code == 303


@pytest.mark.threat("T32")
def test_anybody_reads_the_map_and_takes_only_rounded_cells_along(app, sqlite_database):
    stranger = app.test_client()
    assert stranger.get("/offers/map").status_code == 200
    assert stranger.get("/offers/map.csv").status_code == 404
    cells = {"CARE.MEAL": {"500103": 25}, "CHILD.WISH": {"": 40}}
    with sqlite_database.transaction() as session:
        session.add(DemandSnapshot(week_on=demand.week_of(datetime.now(UTC)), cells=cells, taken_at=datetime.now(UTC)))
    page = stranger.get("/offers/map?category=CARE.MEAL").text
    assert "<svg" in page
    assert "25" in page
    rows = list(csv.reader(io.StringIO(stranger.get("/offers/map.csv").data.decode("utf-8-sig"))))
    assert [(row[1], row[3], row[5]) for row in rows[1:]] == [("CARE.MEAL", "500103", "25"), ("CHILD.WISH", "", "40")]


def test_an_erasure_is_agreed_to_only_with_a_fresh_proof(settings, sqlite_database, scene):
    app = create_app(replace(settings, demo=False), database=sqlite_database)
    app.config["WTF_CSRF_ENABLED"] = False
    with sqlite_database.transaction() as session:
        asker = Actor(id=scene.person.id, role=Role.HOUSEHOLD, household_id=scene.household.id)
        asked = rights.ask(session, session.merge(scene.person), RightKind.ERASE, actor=asker, now=utc_now()).id
        account = accounts.create_account(session, "zhou", display_name="zhou", role=Role.APPROVER, now=utc_now())
        token = accounts.open_for_account(session, account, now=utc_now())
    client = app.test_client()
    client.set_cookie("sid", token)
    told: dict[str, Any] = {"data": {"text": "as asked"}}
    with sqlite_database.transaction() as session:
        held = session.get_one(AccountSession, accounts.hash_of(token))
        held.proved_at = utc_now() - timedelta(minutes=6)
    assert "/prove" in client.post(f"/rights/{asked}/answer", **told).headers["Location"]
    with sqlite_database.transaction() as session:
        assert session.get_one(RightRequest, asked).state is RequestState.OPEN
        session.get_one(AccountSession, accounts.hash_of(token)).proved_at = utc_now()
    assert "/prove" not in client.post(f"/rights/{asked}/answer", **told).headers["Location"]
    with sqlite_database.reading() as session:
        assert session.get_one(RightRequest, asked).state is not RequestState.OPEN


@pytest.mark.threat("T26")
def test_a_helper_has_its_own_requests_only_and_changes_nothing_that_lets_somebody_in(app, scene):
    client, clerk = home(app, scene), staff(app, "clerk")
    now, himself = datetime.now(UTC), Actor(id=scene.person.id, role=Role.HOUSEHOLD, household_id=scene.household.id)
    with app.extensions["database"].transaction() as session:
        told = {"helper_kind": "relative", "acts": ("see", "answer"), "actor": himself, "now": now}
        power, code = proxies.invite(session, scene.person.id, **told)
        helper = _with(app, come_in(session, code, phone="10000000003", now=now))
    assert client.post("/my-rights/complain", data={"words": "我的帮办人逼我"}).status_code == 303
    with app.extensions["database"].reading() as session:
        hers = session.exec(select(RightRequest.id)).one()
    clerk.get(f"/rights/{hers}")
    for one in (client, helper, clerk):
        one.set_cookie("lang", "en")
    assert "a helper, not the person" not in clerk.get(f"/rights/{hers}").text
    assert "What you have asked" not in helper.get("/my-rights/").text
    asked_for = "What you asked under your rights"
    assert [asked_for in one.get("/who-saw").text for one in (client, helper)] == [True, False]
    assert "我的帮办人逼我" not in helper.get("/my-rights/complain").text
    assert helper.post(f"/my-rights/requests/{hers}/take-back", data={"confirmed": "yes"}).status_code == 409
    for field, value in (("phone", "10000000003"), ("id_number", make_id_number("509900", date(1950, 1, 2), seq=7))):
        refused = helper.post("/my-rights/correct", data={"field": field, "new_value": value, "words": ""})
        assert (refused.status_code, "Only the person itself" in refused.text) == (422, True), field
    asked = {"field": "household_size", "new_value": "3", "words": ""}
    assert helper.post("/my-rights/correct", data=asked).status_code == 303
    assert "What you have asked" in helper.get("/my-rights/").text
    with app.extensions["database"].reading() as session:
        found = {one.asked_by: (one.id, one.state) for one in session.exec(select(RightRequest))}
    assert found[scene.person.id] == (hers, RequestState.OPEN)
    assert "a helper, not the person" in clerk.get(f"/rights/{found[power.id][0]}").text
