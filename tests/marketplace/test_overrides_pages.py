"""Overrides on pages: try, see who would lose, keep with a reason, withdraw; and a run whose pins contradict."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from types import SimpleNamespace
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlmodel import select

from marketplace.actors import Actor, Role
from marketplace.app import create_app
from marketplace.config import Settings
from marketplace.db import Database
from marketplace.proposals import outlook
from marketplace.proposals.models import Override, OverrideState, ProposedLine, Run
from marketplace.proposals.overrides import Wish
from tests import factories as make
from tests.marketplace.test_overrides import PIN, a_shortage, keep
from tests.marketplace.test_proposals import a_run
from tests.pages.people import client_as


@dataclass(frozen=True, slots=True)
class Try:
    """The face of `matching.whatif.Try`."""

    pins: tuple[Any, ...] = ()
    bans: tuple[Any, ...] = ()
    reserves: tuple[Any, ...] = ()
    more: tuple[Any, ...] = ()
    order: tuple[Any, ...] = ()


@dataclass
class City:
    """Two needs, one offer of ten units, a finished run."""

    urgent: str
    calm: str
    offer: str
    run: Run

    def at(self, page: str) -> str:
        return f"/overrides/{page}?need={self.calm}&offer={self.offer}"


@pytest.fixture
def app(settings: Settings, sqlite_database: Database) -> Flask:
    return create_app(settings, database=sqlite_database)


@pytest.fixture
def staff(app: Flask) -> FlaskClient:
    return client_as(app, Role.APPROVER)


@pytest.fixture
def city(sqlite_database: Database, approver: Actor, now: datetime) -> City:
    with sqlite_database.transaction() as session:
        urgent, calm, offer = a_shortage(session)
    return City(urgent.id, calm.id, offer.id, a_run(sqlite_database, approver, now))


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, city: City) -> list[Try]:
    """A stand-in for the matching half: four units go from the urgent need to the calm one."""
    seen: list[Try] = []

    def preview(compiled: Any, lines: Any, *, tried: Try) -> Any:
        assert [(line.need_id, line.units) for line in lines] == [(city.urgent, 10)]
        seen.append(tried)
        shift = [
            SimpleNamespace(need_id=n, before=b, after=a, rank=1)
            for n, b, a in ((city.urgent, 10, 6), (city.calm, 0, 4))
        ]
        cells = compiled.problem.policy.order
        coverage = tuple({(3, 7): -4, (0, 1): 4}.get(cell, 0) for cell in cells)
        figures = {"score": -96, "broken_units": 4, "cost": 0, "exact": True, "conflict": ()}
        return SimpleNamespace(losers=(shift[0],), winners=(shift[1],), lines=(), coverage=coverage, **figures)

    face = SimpleNamespace(Try=Try, Reserve=lambda *values: values, More=lambda *values: values, preview=preview)
    monkeypatch.setattr(outlook, "whatif", face)
    return seen


def kept(database: Database) -> list[Override]:
    with database.reading() as session:
        return list(session.exec(select(Override)))


def test_an_override_is_tried_kept_listed_and_withdrawn(
    staff: FlaskClient, city: City, asked: list[Try], sqlite_database: Database
) -> None:
    form = staff.get(city.at("try"))
    assert (form.status_code, "试算人工干预" in form.text) == (200, True)
    answers = {"kind": "pin", "offer": city.offer, "units": "4", "district": ""}
    tried = staff.post(city.at("preview"), data=answers)
    assert tried.status_code == 200
    assert [(pin.need_id, pin.units) for pin in asked[0].pins] == [(city.calm, 4)]
    assert "谁会少得" in tried.text
    assert "王小明" not in tried.text
    assert kept(sqlite_database) == []
    nothing = staff.post(city.at("keep"), data={**answers, "reason": ""})
    assert (nothing.status_code, kept(sqlite_database)) == (422, [])
    named = staff.post(city.at("keep"), data={**answers, "reason": "走访 13800000001 后提出"})
    assert (named.status_code, kept(sqlite_database)) == (422, [])
    assert "请不要写身份证号和手机号。" in named.text
    assert staff.post(city.at("keep"), data={**answers, "reason": "街道走访后提出"}).status_code == 303
    (row,) = kept(sqlite_database)
    assert (row.need_id, row.units, row.reason) == (city.calm, 4, "街道走访后提出")
    assert "街道走访后提出" in staff.get("/overrides/").text
    assert staff.post(f"/overrides/{row.id}/withdraw").status_code == 303
    assert kept(sqlite_database)[0].state is OverrideState.WITHDRAWN
    assert "这里没有人工干预" in staff.get("/overrides/").text
    assert "街道走访后提出" in staff.get("/overrides/?state=withdrawn").text


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("ban", "bans"),
        ("ban_need", "bans"),
        ("ban_offer", "bans"),
        ("reserve", "reserves"),
        ("more", "more"),
        ("order", "order"),
    ],
)
def test_every_kind_can_be_tried_and_only_pins_and_bans_can_be_kept(
    staff: FlaskClient, city: City, asked: list[Try], kind: str, name: str
) -> None:
    answers = {"kind": kind, "offer": city.offer, "units": "4", "district": "500103"}
    tried = staff.post(city.at("preview"), data=answers)
    assert tried.status_code == 200
    assert getattr(asked[0], name)
    assert ("保留到下次计算" in tried.text) == (name == "bans")
    english = staff.post(city.at("preview") + "&lang=en", data=answers)
    assert "Who would lose" in english.text
    changes = english.text.split("Change of coverage by urgency")[-1]
    assert re.findall(r'class="num">([^<]+)</td>', changes) == ["-4 packs", "+4 packs"], "by urgency, with the unit"


def test_a_pin_that_no_plan_can_meet_is_not_offered_to_be_kept(staff: FlaskClient, city: City) -> None:
    tried = staff.post(city.at("preview") + "&lang=en", data={"kind": "pin", "offer": city.offer, "units": "11"})
    assert "No plan can meet this" in tried.text
    assert "Keep for the next run" not in tried.text


def test_a_change_of_language_leads_back_to_the_form(staff: FlaskClient, city: City) -> None:
    for page in ("preview", "keep"):
        answer = staff.get(city.at(page) + "&lang=en")
        assert answer.status_code == 303
        assert answer.location == f"/overrides/try?need={city.calm}&lang=en"
    assert staff.get("/runs/preview?lang=en").location == "/runs/new?lang=en"


def test_the_tabs_speak_the_reader_s_language_whoever_came_first(staff: FlaskClient) -> None:
    assert ">有效<" in staff.get("/overrides/?lang=zh_Hans").text
    english = staff.get("/overrides/?lang=en").text
    assert (">Standing<" in english, "有效" in english) == (True, False)


@pytest.mark.parametrize(("kind", "field"), [("pin", "units"), ("ban", "offer"), ("reserve", "district")])
def test_what_the_kind_needs_must_be_filled_in(
    staff: FlaskClient, city: City, asked: list[Try], kind: str, field: str
) -> None:
    answers = {"kind": kind, "offer": city.offer, "units": "4", "district": "500103", field: ""}
    answer = staff.post(city.at("preview"), data=answers)
    assert (answer.status_code, f'id="{field}-error"' in answer.text, asked) == (422, True, [])


def test_without_a_finished_run_the_page_says_what_to_do(staff: FlaskClient) -> None:
    answer = staff.get("/overrides/try")
    assert (answer.status_code, "还没有可供试算的结果" in answer.text) == (200, True)


def test_a_contradiction_has_a_page_that_names_the_pins_and_withdraws_them(
    staff: FlaskClient, city: City, sqlite_database: Database, approver: Actor, now: datetime
) -> None:
    with sqlite_database.transaction() as session:
        pins = [keep(session, Wish(PIN, need, city.offer, 6), approver, now) for need in (city.urgent, city.calm)]
    run = a_run(sqlite_database, approver, now)
    page = staff.get(f"/runs/{run.id}").text
    assert all(f"/overrides/{pin}/withdraw" in page for pin in pins)
    assert "没有方案能同时满足这些指定" in page
    assert "No plan can meet these pins" in staff.get(f"/runs/{run.id}?lang=en").text
    staff.post(f"/overrides/{pins[0]}/withdraw")
    assert f"/overrides/{pins[0]}/withdraw" not in staff.get(f"/runs/{run.id}").text
    assert "指定相互矛盾" in staff.get("/runs/?lang=zh_Hans").text


def test_the_page_of_an_unchanged_run_says_that_all_announced_links_were_kept(
    staff: FlaskClient, city: City, sqlite_database: Database, approver: Actor, now: datetime
) -> None:
    page = staff.get(f"/runs/{a_run(sqlite_database, approver, now).id}?lang=en").text
    assert "Announced links kept / changed</dt><dd>1 / 0</dd>" in page


def test_an_amount_of_money_is_typed_in_yuan_and_tried_in_fen(
    staff: FlaskClient, city: City, asked: list[Try], sqlite_database: Database, approver: Actor, now: datetime
) -> None:
    with sqlite_database.transaction() as session:
        money = make.an_offer(
            session, make.an_organisation(session), category="MEDICAL.MAJOR", unit="FEN", stock_units=50_000
        )
    a_run(sqlite_database, approver, now)
    answers = {"kind": "more", "offer": money.id, "units": "12.50", "district": ""}
    assert staff.post("/overrides/preview", data=answers).status_code == 200
    assert asked[0].more == ((money.id, 1_250),)


def test_a_need_left_at_zero_asks_in_one_press_who_would_lose(staff: FlaskClient, city: City) -> None:
    page = staff.get(f"/runs/{city.run.id}/unserved?lang=en").text
    (link,) = re.findall(r'href="(/overrides/try[^"]+)">Who would lose if it got this', page)
    assert f"need={city.calm}" in link
    assert f"offer={city.offer}" in link
    form = staff.get(link.replace("&amp;", "&")).text
    assert re.search(r'value="pin"[^>]*checked|checked[^>]*value="pin"', form)
    assert re.search(r'id="units"[^>]*value="10"|value="10"[^>]*id="units"', form), "all that it misses"


def test_a_line_asks_who_would_gain_without_it(staff: FlaskClient, city: City, sqlite_database: Database) -> None:
    with sqlite_database.reading() as session:
        (line,) = session.exec(select(ProposedLine)).all()
    page = staff.get(f"/runs/lines/{line.id}?lang=en").text
    (link,) = re.findall(r'href="(/overrides/try[^"]+)">Who would gain without this line', page)
    form = staff.get(link.replace("&amp;", "&")).text
    assert re.search(r'value="ban"[^>]*checked|checked[^>]*value="ban"', form)
