"""The start page of the demo: one press a role, and a tour whose every step opens."""

import re
import shutil
from dataclasses import replace
from html import unescape
from pathlib import Path
from urllib.parse import unquote

import pytest
from flask import Flask
from flask.testing import FlaskClient

from marketplace.demo.accounts import ACCOUNTS, TOUR, TourStep
from marketplace.demo.command import settings_for, site
from marketplace.wiring import open_database
from tests.pages.fixtures import built_once

FORM = re.compile(r'<form[^>]*action="([^"]+)".*?name="csrf_token"[^>]*value="([^"]+)"', re.DOTALL)
BASE = "http://127.0.0.1:8000"


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("tour")
    shutil.copytree(built_once(tmp_path_factory), folder, dirs_exist_ok=True)
    settings = settings_for(folder, seed=7, port=8000)
    database = open_database(settings)
    yield site(settings, database)
    database.close()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


def start_forms(client: FlaskClient) -> dict[str, str]:
    """Where each button of the start page leads, with its token."""
    page = client.get("/", base_url=BASE).get_data(as_text=True)
    return {unquote(unescape(action)): token for action, token in FORM.findall(page)}


def press(client: FlaskClient, action: str) -> str:
    """Press the start page's button; return where it leads."""
    token = start_forms(client)[action]
    answer = client.post(action, data={"csrf_token": token}, base_url=BASE)
    assert answer.status_code == 303
    return answer.headers["Location"]


@pytest.mark.parametrize("account", ACCOUNTS, ids=lambda account: account.login)
def test_one_press_opens_the_home_of_each_role(client: FlaskClient, account):
    action = "/demo/household" if account.role == "household" else f"/demo/sign-in/{account.login}"
    home = client.get(press(client, action), base_url=BASE)
    assert home.status_code == 200


@pytest.mark.parametrize("step", TOUR, ids=lambda step: step.title_en)
def test_each_step_of_the_tour_opens_its_page(client: FlaskClient, step: TourStep):
    if step.login == "demo-household":
        place = press(client, "/demo/household")
    else:
        place = press(client, f"/demo/sign-in/{step.login}?next={step.path}")
    assert place.endswith(step.path)
    assert client.get(place, base_url=BASE).status_code == 200


def test_the_tour_speaks_both_languages(client: FlaskClient):
    chinese = client.get("/", base_url=BASE).get_data(as_text=True)
    english = client.get("/?lang=en", base_url=BASE).get_data(as_text=True)
    assert TOUR[0].title_zh in chinese
    assert TOUR[0].title_en in english


def test_a_press_never_leads_to_another_site(client: FlaskClient):
    token = next(iter(start_forms(client).values()))
    answer = client.post(
        "/demo/sign-in/demo-auditor?next=https://elsewhere.invalid/", data={"csrf_token": token}, base_url=BASE
    )
    assert answer.headers["Location"] == "/audit/"


def test_outside_the_demonstration_the_links_do_not_exist(tmp_path: Path):
    settings = replace(settings_for(tmp_path, seed=1, port=8000), demo=False)
    database = open_database(settings)
    real = site(settings, database).test_client()
    assert not [action for action in start_forms(real) if "demo" in action]
    database.close()
