"""A household comes in from WeChat: only after its telephone was proved beside it, and only as long as that holds."""

from __future__ import annotations

import json
import subprocess
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from playwright._impl._driver import compute_driver_executable
from sqlmodel import Session, select

from adapters.fakes_wechat import FakeWeChat
from marketplace.accounts import codes
from marketplace.accounts.models import AccountSession, SignInCode
from marketplace.actors import Actor, Role
from marketplace.app import create_app
from marketplace.audit import AuditRow
from marketplace.config import Settings
from marketplace.db import Database
from marketplace.errors import NotAllowed
from marketplace.households import wechat
from marketplace.households.models import Person, WeChatTie
from marketplace.notices import Notice
from tests import factories as make
from tests.marketplace.test_proxies import session

__all__ = ["session"]
PHONE = "13800000077"
IN_WECHAT = {"User-Agent": "Mozilla/5.0 MicroMessenger/8.0 miniProgram/wx0"}
SHELL = Path(__file__).parents[2] / "wechat"


@pytest.fixture
def door() -> FakeWeChat:
    return FakeWeChat()


@pytest.fixture
def app(settings: Settings, sqlite_database: Database, door: FakeWeChat) -> Flask:
    app = create_app(replace(settings, demo=False), database=sqlite_database, wechat=door)
    app.config["WTF_CSRF_ENABLED"] = False
    with sqlite_database.transaction() as session:
        make.a_person(session, make.a_household(session, phone=PHONE), phone="13800000078")
    return app


def prove(app: Flask, client: FlaskClient) -> str:
    """Sign in by telephone; where it leads."""
    client.post("/enter", data={"phone": PHONE})
    with app.extensions["database"].reading() as session:
        digits = codes.code_text(session, session.exec(select(SignInCode.id)).one())
    return client.post("/enter/code", data={"code": digits}).headers["Location"]


def enter(client: FlaskClient, code: str) -> str:
    return client.post("/wechat", data={"code": code}, headers=IN_WECHAT).headers["Location"]


def tied(app: Flask, code: str = "ann.1") -> FlaskClient:
    """A browser in which a WeChat was tied."""
    client = app.test_client()
    assert enter(client, code) == "/enter"
    assert prove(app, client) == "/wechat/tie"
    assert "是我的微信" in client.get("/wechat/tie").text
    assert client.post("/wechat/tie").status_code == 303
    return client


def test_a_wechat_opens_a_household_only_after_its_telephone_was_proved_and_told(app: Flask) -> None:
    tied(app)
    other = app.test_client()
    assert other.get("/wechat?code=ann.2", headers=IN_WECHAT).status_code == 200
    assert other.get("/cases/mine").status_code == 303
    home = enter(other, "ann.2")
    assert other.get(home).status_code == 200
    assert "微信" in other.get("/sessions/").text
    stranger = app.test_client()
    assert enter(stranger, "bob.1") == "/enter"
    assert stranger.get("/cases/mine").status_code == 303
    with app.extensions["database"].reading() as session:
        assert session.exec(select(AccountSession.method)).all() == ["code", "wechat"]
        assert session.exec(select(Notice.letter)).all() == ["sign_in_code", "wechat_tied"]
        assert "ann" not in session.exec(select(WeChatTie)).one().openid_index
        acts = session.exec(select(AuditRow.action).where(AuditRow.action.startswith("account:wechat"))).all()
        assert acts == ["account:wechat_tie"]


def test_a_code_from_a_link_outside_the_mini_program_is_neither_used_nor_tied(app: Flask, door: FakeWeChat) -> None:
    client = app.test_client()
    assert 'name="code"' not in client.get("/wechat?code=eve.1").text
    assert client.post("/wechat", data={"code": "eve.1"}).headers["Location"] == "/enter"
    assert door.used == set()
    assert prove(app, client) != "/wechat/tie"
    assert client.post("/wechat/tie").headers["Location"] == "/wechat/tie"
    with app.extensions["database"].reading() as session:
        assert session.exec(select(WeChatTie)).all() == []


def test_a_used_code_and_a_busy_platform_lead_to_the_telephone(app: Flask, door: FakeWeChat) -> None:
    client = tied(app)
    client.post("/sign-out")
    assert enter(client, "ann.1") == "/enter"
    assert client.get("/cases/mine").status_code == 303


def test_a_tie_ends_with_the_telephone_with_a_press_and_with_the_person(app: Flask) -> None:
    database: Database = app.extensions["database"]
    client = tied(app)
    with database.transaction() as session:
        row = session.exec(select(WeChatTie)).one()
        person = session.get_one(Person, row.person_id)
        known, person.phone_index = person.phone_index, "another"
        session.add(person)
        session.flush()
        assert wechat.enter(session, row.openid_index, now=datetime.now(UTC)) == ""
        person.phone_index = known
        session.add(person)
    by_wechat = app.test_client()
    assert enter(by_wechat, "ann.9") != "/enter"
    client.post("/wechat/untie")
    assert by_wechat.get("/cases/mine").status_code == 303
    assert client.get("/cases/mine").status_code == 200
    assert enter(app.test_client(), "ann.10") == "/enter"


def test_a_helper_ties_no_wechat(session: Session, now: datetime) -> None:
    home = make.a_household(session)
    helper = Actor(id="power-1", role=Role.HELPER, household_id=home.id)
    with pytest.raises(NotAllowed):
        wechat.tie(session, "index", actor=helper, now=now)


@pytest.mark.parametrize(
    ("login", "language", "asked"),
    [
        ("answer.success({code: 'c&1'})", "zh_CN", "https://aid.example.cn/wechat?lang=zh_Hans&code=c%261"),
        ("answer.success({code: 'own'})", "en", "https://aid.example.cn/wechat?lang=en&code=own"),
        ("answer.fail()", "en", "https://aid.example.cn/wechat?lang=en"),
    ],
)
def test_the_shell_opens_our_page_with_its_own_code_and_never_with_one_it_was_given(
    login: str, language: str, asked: str
) -> None:
    play = f"""
    global.wx = {{ login: (answer) => {login}, getAppBaseInfo: () => ({{ language: "{language}" }}) }};
    global.Page = (page) => {{
      page.setData = (data) => console.log(data.address);
      page.onLoad({{ code: "foreign" }});
    }};
    require({json.dumps(str(SHELL / "pages/index/index.js"))});
    """
    node = compute_driver_executable()[0]
    done = subprocess.run([node, "-e", play], capture_output=True, text=True, check=True, timeout=20)
    assert done.stdout.strip() == asked
    for name in ("app.json", "sitemap.json", "pages/index/index.json"):
        assert json.loads((SHELL / name).read_text(encoding="utf-8"))
