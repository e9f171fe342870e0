"""The pages around deadlines: the board, calls, follow-ups, complaints, late deliveries, and what both sides see."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlmodel import Session, col, select

from marketplace import audit
from marketplace.accounts import service as accounts
from marketplace.actors import Role
from marketplace.app import create_app
from marketplace.clocks import service as clocks
from marketplace.clocks.models import Clock
from marketplace.clocks.steps import STEPS, Side
from marketplace.config import Settings
from marketplace.db import Database
from marketplace.decisions import deadlines, service, unclaimed, waiting
from marketplace.decisions.closing import Answers
from marketplace.decisions.models import FollowUp, HouseholdCall, Match, MatchState
from marketplace.sealed import Vault
from tests import factories as make
from tests.marketplace.match_scene import Scene, a_scene
from tests.pages.people import client_as

NOW = datetime.now(UTC)
BEGUN = NOW - timedelta(days=50)
PHONE = "1000000000{}"


def _fresh(session: Session, scene: Scene, stage: str, now: datetime) -> str:
    match: Match = getattr(scene, stage)(session, now)
    return match.id


class House:
    """One match at each point at which somebody has to do something."""

    app: Flask
    database: Database

    def __init__(self, database: Database) -> None:
        self.ids: dict[str, str] = {}
        self.scenes: dict[str, Scene] = {}
        with database.transaction() as session:
            for n, (name, stage) in enumerate(
                {
                    "silent": "taken_on",
                    "unheard": "delivered",
                    "late": "in_delivery",
                    "fresh": "in_delivery",
                    "arrived": "confirmed",
                    "unhappy": "confirmed",
                    "asked back": "confirmed",
                }.items()
            ):
                scene = a_scene(session, phone=PHONE.format(n), now=BEGUN)
                self.scenes[name] = scene
                begun = BEGUN if name in ("silent", "unheard", "late") else NOW
                self.ids[name] = _fresh(session, scene, stage, begun)
            unhappy, back = self.scenes["unhappy"], self.scenes["asked back"]
            answers = Answers(1, "same", complaint=True)
            service.follow_up(session, self.ids["unhappy"], answers, actor=unhappy.household_actor, now=NOW)
            service.reclaim_open(session, self.ids["asked back"], reason_code="misuse", actor=back.manager, now=NOW)
        for days in (46, 43, 41, 36, 32, 27, 0):
            waiting.sweep(database, clock=lambda d=days: NOW - timedelta(days=d))  # type: ignore[misc]

    def staff(self, role: Role) -> FlaskClient:
        return client_as(self.app, role)

    def giver(self, name: str) -> FlaskClient:
        return client_as(self.app, Role.CHARITY_MANAGER, org_id=self.scenes[name].organisation.id)

    def household(self, name: str) -> FlaskClient:
        scene, client = self.scenes[name], self.app.test_client()
        self.app.config["WTF_CSRF_ENABLED"] = False
        with self.database.transaction() as session:
            token = accounts.open_for_person(session, scene.person.id, scene.household.id, now=datetime.now(UTC))
        client.set_cookie("sid", token)
        return client

    def state(self, name: str) -> MatchState:
        with self.database.reading() as session:
            return session.get_one(Match, self.ids[name]).state

    def steps(self, name: str) -> list[str]:
        with self.database.reading() as session:
            running = select(Clock.step).where(col(Clock.object_ref) == self.ids[name], col(Clock.ended_at).is_(None))
            return list(session.exec(running))


def _opened(file: Path, settings: Settings) -> Database:
    return Database(f"sqlite:///{file}", info={"vault": Vault(settings.kek), "settings": settings})


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, settings: Settings, sqlite_template: Path) -> tuple[House, Path]:
    """The house, built once, and the file that it stands in."""
    file = tmp_path_factory.mktemp("deadlines") / "house.db"
    shutil.copy(sqlite_template, file)
    database = _opened(file, settings)
    house = House(database)
    database.close()
    return house, file


@pytest.fixture
def house(built: tuple[House, Path], settings: Settings, tmp_path: Path) -> Iterator[House]:
    """A copy of it for each test."""
    house, file = built
    shutil.copy(file, tmp_path / "house.db")
    house.database = _opened(tmp_path / "house.db", settings)
    house.app = create_app(settings, database=house.database)
    yield house
    house.database.close()


def test_the_board_names_every_step_with_its_holder_and_last_day(house: House) -> None:
    page = house.staff(Role.APPROVER).get("/deadlines/").text
    for shown in ("给家庭打电话", "送达逾期，请处理", "送达", "回访评价", "处理投诉", "追回", "测试慈善会", "个工作日"):
        assert shown in page
    assert "还没有指定人" in page
    assert "王小明" not in page


@pytest.mark.parametrize(
    ("query", "there", "gone"),
    [
        ("?step=deliver", "送达", "<strong>回访评价"),
        ("?state=late", "逾期", "<strong>回访评价"),
        ("?district=500106", "没有待处理的事项", "<strong>"),
        ("?mine=y", "没有待处理的事项", "<strong>"),
        ("?group=calls", "<strong>给家庭打电话", "<strong>回访评价"),
        ("?group=follow_ups", "<strong>处理投诉", "<strong>给家庭打电话"),
        ("?group=late", "<strong>送达逾期", "<strong>回访评价"),
        ("?group=unclaimed", "没有待处理的事项", "<strong>"),
    ],
)
def test_the_board_is_filtered(house: House, query: str, there: str, gone: str) -> None:
    page = house.staff(Role.APPROVER).get(f"/deadlines/{query}").text
    body = page[page.index("</form>") :]
    assert there in body
    assert gone not in body


def test_an_unclaimed_need_leads_to_its_page(house: House) -> None:
    with house.database.transaction() as session:
        home = make.a_household(session, phone="10000000009")
        make.auto_match(session, home, now=BEGUN)
        need = make.a_need(session, home, created_at=BEGUN, verified_on=BEGUN.date())
    unclaimed.look(house.database, now=NOW)
    assert f"/needs/{need.id}" in house.staff(Role.APPROVER).get("/deadlines/?group=unclaimed").text


def test_staff_of_another_district_see_and_take_nothing(house: House) -> None:
    client = house.staff(Role.WORKER)
    with house.database.transaction() as session:
        account = session.exec(select(accounts.Account).where(accounts.Account.role == Role.WORKER)).one()
        account.districts = ["500106"]
        session.add(account)
        clock = session.exec(select(Clock).where(Clock.object_ref == house.ids["silent"], Clock.side == "staff")).one()
    assert "给家庭打电话</strong>" not in client.get("/deadlines/").text
    assert client.post(f"/deadlines/{clock.id}/take").status_code == 404
    assert client.get(f"/calls/{house.ids['silent']}").status_code == 404


def test_a_person_takes_a_step_and_finds_it_under_its_name(house: House) -> None:
    client = house.staff(Role.WORKER)
    with house.database.reading() as session:
        staffs = select(Clock).where(Clock.object_ref == house.ids["silent"], Clock.side == "staff")
        clock = session.exec(staffs).one()
        givers = session.exec(select(Clock).where(Clock.side == "giver", col(Clock.ended_at).is_(None))).first()
        assert givers is not None
    assert client.post(f"/deadlines/{clock.id}/take").headers["Location"] == "/deadlines/?mine=y"
    assert "<strong>给家庭打电话" in client.get("/deadlines/?mine=y").text
    assert client.post(f"/deadlines/{givers.id}/take").status_code == 409


def test_a_worker_opens_the_number_once_and_the_look_is_recorded(house: House) -> None:
    client, path = house.staff(Role.WORKER), f"/calls/{house.ids['silent']}"
    page = client.get(path)
    assert PHONE.format(0) not in page.text
    assert page.headers["Cache-Control"] == "no-store"
    assert PHONE.format(0) in client.post(f"{path}/phone").text
    with house.database.reading() as session:
        row = session.exec(select(audit.AuditRow).where(audit.AuditRow.action == "household:reveal")).one()
    assert (row.rule_id, row.fields) == ("CONTACT", "phone")


def test_a_call_is_written_down_and_a_no_needs_its_reason(house: House) -> None:
    client, path = house.staff(Role.WORKER), f"/calls/{house.ids['silent']}"
    assert client.post(path, data={}).status_code == 422
    assert client.post(path, data={"outcome": "received"}).status_code == 422
    refused = client.post(path, data={"outcome": "declines"})
    assert (refused.status_code, "请选择家庭不要的原因" in refused.text) == (422, True)
    assert client.post(path, data={"outcome": "not_reached"}).status_code == 303
    assert "没有联系上" in client.get(path).text
    client.post(path, data={"outcome": "declines", "reason_code": "not_needed"})
    assert house.state("silent") is MatchState.DECLINED_HOUSEHOLD
    assert client.get(path).status_code == 404
    with house.database.reading() as session:
        assert len(session.exec(select(HouseholdCall)).all()) == 2


def test_a_worker_writes_down_that_help_arrived(house: House) -> None:
    client, path = house.staff(Role.WORKER), f"/calls/{house.ids['unheard']}"
    assert "没有回音不等于收到" in client.get(path).text
    client.post(path, data={"outcome": "received"})
    assert (house.state("unheard"), house.steps("unheard")) == (MatchState.CONFIRMED, ["follow_up"])


def _leads_to_its_rows(house: House) -> None:
    """The giver's number of confirmed help, which a follow-up does not make smaller."""
    giver, path = house.giver("arrived"), "/our-matches/arrived"
    assert f'href="{path}"><span class="stat-value">1<' in giver.get("/charity").text
    assert f"/our-matches/{house.ids['arrived']}" in giver.get(path).text


def test_a_follow_up_asks_three_things_and_closes_the_match(house: House) -> None:
    client, path = house.staff(Role.WORKER), f"/follow-ups/{house.ids['arrived']}"
    assert PHONE.format(4) in client.post(f"{path}/phone").text
    assert client.post(path, data={"satisfaction": "5"}).status_code == 422
    _leads_to_its_rows(house)
    client.post(path, data={"satisfaction": "4", "remains": "part", "staff_minutes": "15"})
    assert house.state("arrived") is MatchState.CLOSED
    _leads_to_its_rows(house)
    with house.database.reading() as session:
        row = session.exec(select(FollowUp).where(FollowUp.match_id == house.ids["arrived"])).one()
    assert (row.satisfaction, row.remains, row.staff_minutes) == (4, "part", 15)
    assert client.get(path).status_code == 404


def test_a_complaint_is_settled_by_somebody_above_the_worker(house: House) -> None:
    path = f"/complaints/{house.ids['unhappy']}"
    assert house.staff(Role.WORKER).get(path).status_code == 403
    client = house.staff(Role.APPROVER)
    assert "家庭自己" in client.get(path).text
    assert client.post(path, data={}).status_code == 422
    client.post(path, data={"settlement": "put_right"})
    assert house.state("unhappy") is MatchState.CLOSED
    assert client.get(f"/complaints/{house.ids['arrived']}").status_code == 404


def test_a_late_delivery_gets_more_time_once(house: House) -> None:
    client, path = house.staff(Role.APPROVER), f"/late-deliveries/{house.ids['late']}"
    assert "再给机构一次时间" in client.get(path).text
    assert client.post(path, data={"x": "y"}).status_code == 303
    assert house.steps("late") == ["deliver"]
    assert "再给机构一次时间" not in client.get(path).text
    assert client.post(path, data={"x": "y"}).status_code == 409


def test_a_giver_sees_its_last_day_and_delivers_less(house: House) -> None:
    client, path = house.giver("fresh"), f"/our-matches/{house.ids['fresh']}"
    page = client.get(path).text
    assert "期限" in page
    assert re.search("还有 1[45] 个工作日", page), (
        "15 days from the beginning of this file, 14 if midnight passed since"
    )
    assert "个工作日" in client.get("/deliveries/").text
    assert client.post(f"{path}/deliver", data={"units": "11"}).status_code == 422
    assert client.post(f"{path}/deliver", data={"units": "0"}).status_code == 422
    assert client.post(f"{path}/deliver", data={"units": "4"}).status_code == 303
    assert "6 份" in client.get(path).text
    assert "6 份" in house.household("fresh").get(f"/offers-to-me/{house.ids['fresh']}").text


def test_a_giver_asks_its_help_back_and_has_it(house: House) -> None:
    client, back = house.giver("arrived"), f"/deliveries/{house.ids['arrived']}"
    assert client.post(f"{back}/reclaim", data={}).status_code == 422
    client.post(f"{back}/reclaim", data={"reason_code": "wrong_payee"})
    assert house.state("arrived") is MatchState.RECLAIMING
    shown = house.household("arrived").get(f"/offers-to-me/{house.ids['arrived']}").text
    assert "给错了对象" in shown
    client.post(f"{back}/reclaim", data={"x": "y"})
    assert house.state("arrived") is MatchState.RECLAIMED
    assert "已追回" in client.get("/our-matches/over").text


def test_civil_affairs_may_end_a_reclaim(house: House) -> None:
    client, path = house.staff(Role.APPROVER), f"/matches/{house.ids['asked back']}/drop-reclaim"
    assert "没有按约定使用" in client.get(path).text
    client.post(path, data={"x": "y"})
    assert house.state("asked back") is MatchState.CONFIRMED
    assert client.get(path).status_code == 404


def test_a_giver_writes_down_that_it_has_its_help_back(house: House) -> None:
    client, path = house.giver("arrived"), f"/deliveries/{house.ids['arrived']}/handed-back"
    assert client.post(path, data={}).status_code == 422
    client.post(path, data={"reason_code": "faulty"})
    assert house.state("arrived") is MatchState.GIVEN_BACK


def test_a_household_says_how_it_went_or_gives_it_back(house: House) -> None:
    client, path = house.household("arrived"), f"/offers-to-me/{house.ids['arrived']}"
    page = client.get(path).text
    assert "how-it-went" in page
    assert "give-back" in page
    assert client.post(f"{path}/how-it-went", data={"remains": "part"}).status_code == 422
    client.post(f"{path}/how-it-went", data={"satisfaction": "2", "remains": "part", "complaint": "y"})
    assert house.steps("arrived") == ["complaint"]
    assert "how-it-went" not in client.get(path).text
    client.post(f"{path}/give-back", data={"reason_code": "not_fitting"})
    assert house.state("arrived") is MatchState.GIVEN_BACK


def test_a_household_sees_by_when_and_who_has_it(house: House) -> None:
    client = house.household("fresh")
    assert "前送达" in client.get("/offers-to-me").text
    assert "现在由帮扶机构办理" in client.get("/home").text
    assert house.household("silent").get(f"/offers-to-me/{house.ids['fresh']}").status_code == 404


def test_each_number_of_the_home_page_leads_to_its_rows(house: House) -> None:
    page = house.staff(Role.WORKER).get("/staff").text
    assert "/deadlines/?state=late" in page
    assert "/deadlines/?group=calls" in page


def test_whoever_is_named_for_a_step_finds_it_on_its_home_page_with_its_letter(house: House) -> None:
    client = house.staff(Role.WORKER)
    waiting.sweep(house.database, clock=lambda: NOW + timedelta(days=2))
    for lang, label, letter, act in (
        ("zh_Hans", "我手上的步骤", "给家庭打电话 · ", "去办理"),
        ("en", "steps that I hold", "Call the household · ", "Act on it"),
    ):
        client.set_cookie("lang", lang)
        page = client.get("/staff").text
        found = re.search(
            r'href="/deadlines/\?mine=y"><span class="stat-value">(\d+)</span>[^<]*<span[^>]*>' + label, page
        )
        assert found is not None
        assert 0 < int(found[1]) == client.get("/deadlines/?mine=y").text.count("<strong>")
        told = page[page.index("<h2>") :]
        assert (letter in told, act in told, f"/calls/{house.ids['silent']}" in told) == (True, True, True)
        assert re.search(r"\d{4}-\d\d-\d\d", told) is None
        assert re.search(r"\d{4}-\d\d-\d\d(?!\")", client.get("/stand-in/").text.partition("</form>")[2]) is None


@pytest.mark.parametrize("known", [True, False])
def test_staff_read_when_the_holidays_of_a_year_with_limits_are_not_announced(
    house: House, monkeypatch: pytest.MonkeyPatch, known: bool
) -> None:
    monkeypatch.setattr("marketplace.portal.views.is_announced", lambda _year: known)
    page = house.staff(Role.WORKER).get("/staff").text
    assert ("放假安排尚未公布" in page) is not known


def test_every_step_of_staff_leads_to_a_page_on_which_somebody_acts(house: House) -> None:
    of_staff = {step.code for step in STEPS.values() if step.side is Side.STAFF}
    assert of_staff <= deadlines.ACTS.keys()
    rules = {rule.endpoint: rule for rule in house.app.url_map.iter_rules() if "GET" in (rule.methods or ())}
    for step, (endpoint, argument) in deadlines.ACTS.items():
        assert endpoint in rules, step
        assert rules[endpoint].arguments <= {argument}, step


def test_the_board_leads_to_a_duty_for_its_officer_alone_and_to_every_other_task_for_whoever_may(house: House) -> None:
    with house.database.transaction() as session:
        holder = clocks.Holder(district_code="500103")
        match_id = house.ids["fresh"]
        for step, ref in (
            ("urgent_review", "urgent-1"),
            ("payout_overlap", "overlap-1"),
            ("visit_call", f"visits:{match_id}"),
            ("payee_help", f"pay:{match_id}"),
            ("payee_check", "payee-1"),
            ("record_consent", house.scenes["fresh"].household.id),
            ("first_approval", "lines:500103:run-1"),
            ("meeting_duty", "duty-1"),
        ):
            clocks.start(session, step, ref, holder=holder, now=NOW)
    approver, worker = (house.staff(role).get("/deadlines/").text for role in (Role.APPROVER, Role.WORKER))
    for path in (
        "/meetings/urgent/urgent-1",
        "/insurance/overlaps/overlap-1",
        "/payments/accounts/payee-1",
        "/matches/?run=run-1&amp;district=500103",
    ):
        assert path in approver, path
    for path in (f"city/calls/{match_id}", "/account", "/consent"):
        assert path in worker, path
    assert "duty-1" not in approver + worker, "the officer alone can open it"
