"""Staff see the aid without names, load past aid, and read from when on the duplicate check sees each source."""

from __future__ import annotations

import io
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlmodel import select

from marketplace.actors import Role
from marketplace.app import create_app
from marketplace.config import Settings
from marketplace.db import Database
from marketplace.ledger.models import AidSource, LedgerEntry
from tests.marketplace.test_ledger_imports import HEAD, a_known_household, a_known_need
from tests.pages.people import client_as

ROWS = (
    "A1,H-1,,N-1,LIVING.FOOD_PACK,12,2026-10-01,delivered,红十字会",
    "A2,H-9,,,CARE.MEAL,5,2026-10-01,delivered,红十字会",
)


@pytest.fixture
def app(settings: Settings, sqlite_database: Database) -> Flask:
    with sqlite_database.transaction() as session:
        a_known_need(session, a_known_household(session))
    return create_app(settings, database=sqlite_database)


@pytest.fixture
def staff(app: Flask) -> FlaskClient:
    return client_as(app, Role.VERIFIER)


def upload(client: FlaskClient, *rows: str, **over: Any) -> Any:
    data = (HEAD + "\n".join(rows)).encode()
    fields = {"file": (io.BytesIO(data), "aid.csv"), "source": "redcross", "seen_from": "2026-01-01", **over}
    return client.post("/aid/import", data=fields, content_type="multipart/form-data")


def test_past_aid_is_checked_confirmed_and_seen(staff, sqlite_database):
    assert "还没有加载任何来源" in staff.get("/aid/").text
    where = upload(staff, *ROWS).headers["Location"]
    page = staff.get(where).text
    assert "密封保存一年：家庭尚未登记" in page
    with sqlite_database.reading() as session:
        assert session.exec(select(LedgerEntry)).all() == []
    staff.post(f"{where}/confirm")
    page = staff.get("/aid/").text
    for shown in ("红十字会", "10 份", "2 份", "历史", "渝中区", "redcross", "1月1日"):
        assert shown in page
    assert "王小明" not in page
    assert "没有符合" in staff.get("/aid/?state=returned").text
    assert "10 份" in staff.get("/aid/?state=delivered&category=LIVING.FOOD_PACK&source=redcross").text


def test_a_source_with_nobody_of_ours_is_seen_all_the_same(staff, sqlite_database):
    where = upload(staff, ROWS[1]).headers["Location"]
    staff.post(f"{where}/confirm")
    with sqlite_database.reading() as session:
        assert [source.source for source in session.exec(select(AidSource))] == ["redcross"]


@pytest.mark.parametrize(
    ("over", "told"), [({"source": "red cross"}, "字母、数字"), ({"seen_from": "2099-01-01"}, "在今天之后")]
)
def test_a_wrong_answer_is_told_beside_its_field(staff, over, told):
    answer = upload(staff, *ROWS, **over)
    assert answer.status_code == 422
    assert told in answer.text


def test_only_a_verifier_loads_aid_and_others_do_not_see_it(app):
    approver = client_as(app, Role.APPROVER)
    assert approver.get("/aid/").status_code == 200
    assert approver.get("/aid/import").status_code == 403
    assert client_as(app, Role.CHARITY_MANAGER, org_id=None).get("/aid/").status_code == 403
