"""A giver brings in a table: the template, the faults with their mends, the exact counts, the receipt."""

from __future__ import annotations

import io
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlmodel import select

from adapters.tabular import read_table
from marketplace.actors import Role
from marketplace.app import create_app
from marketplace.config import Settings
from marketplace.db import Database
from marketplace.offers.models import Offer
from tests.factories import an_organisation
from tests.marketplace.test_offers_imports import HEAD, ROW_TODAY
from tests.pages.people import client_as


@pytest.fixture
def app(settings: Settings, sqlite_database: Database) -> Flask:
    return create_app(settings, database=sqlite_database)


@pytest.fixture
def org_id(sqlite_database: Database) -> str:
    with sqlite_database.transaction() as session:
        return an_organisation(session).id


@pytest.fixture
def giver(app: Flask, org_id: str) -> FlaskClient:
    return client_as(app, Role.CHARITY_MANAGER, org_id=org_id)


def upload(client: FlaskClient, *rows: str, **over: Any) -> Any:
    data = "\n".join((HEAD, *rows)).encode("gb18030")
    fields = {"file": (io.BytesIO(data), "offers.csv"), **over}
    return client.post("/offers/import", data=fields, content_type="multipart/form-data")


def stored(database: Database) -> list[Offer]:
    with database.reading() as session:
        return list(session.exec(select(Offer)))


def test_a_table_is_checked_confirmed_and_receipted(giver, sqlite_database):
    assert "还没有表格" in giver.get("/offers/import").text
    answer = upload(giver, ROW_TODAY, ROW_TODAY.replace("A-1", "A-2").replace(",100,", ",900000,"))
    assert answer.status_code == 303, answer.text
    page = giver.get(answer.headers["Location"]).text
    assert "其中暂缓、待人工核对" in page
    assert "900,000 份" in page
    assert stored(sqlite_database) == []
    giver.post(f"{answer.headers['Location']}/confirm")
    assert len(stored(sqlite_database)) == 2
    assert "完成情况" in giver.get(answer.headers["Location"]).text
    assert "offers.csv" in giver.get("/offers/import").text
    again = upload(giver, ROW_TODAY).headers["Location"]
    assert "无需操作" in giver.get(again).text


def test_faults_are_shown_with_row_column_and_mend_and_as_a_file(giver, sqlite_database):
    where = upload(giver, ROW_TODAY, ROW_TODAY.replace("A-1", "A-2").replace("渝中区", "渝都区")).headers["Location"]
    page = giver.get(where).text
    assert "没有这个区县" in page
    assert "渝都区" in page
    assert giver.post(f"{where}/confirm").status_code == 409
    assert stored(sqlite_database) == []
    (row,) = read_table(giver.get(f"{where}/errors.csv").data).rows
    assert (row[0], row[1]) == ("3", "区县")
    giver.post(f"{where}/drop")
    assert giver.post(f"{where}/confirm").status_code == 409


def test_a_mapping_file_names_other_columns(giver, sqlite_database):
    data = "\n".join((HEAD.replace("资源编号", "我的编号"), ROW_TODAY)).encode()
    mapping = '[columns]\nsource_id = "我的编号"\n'.encode()
    fields = {"file": (io.BytesIO(data), "o.csv"), "mapping": (io.BytesIO(mapping), "m.toml")}
    answer = giver.post("/offers/import", data=fields, content_type="multipart/form-data")
    assert answer.status_code == 303, answer.text
    giver.post(f"{answer.headers['Location']}/confirm")
    assert len(stored(sqlite_database)) == 1
    wrong = upload(giver, ROW_TODAY, mapping=(io.BytesIO(b"columns = ["), "m.toml"))
    assert wrong.status_code == 422


def test_the_template_has_every_column_as_the_check_wants_it(giver):
    answer = giver.get("/offers/import/template.xlsx")
    assert answer.status_code == 200
    assert answer.data.startswith(b"PK")


def test_a_file_of_another_organisation_does_not_exist(app, giver, sqlite_database):
    where = upload(giver, ROW_TODAY).headers["Location"]
    with sqlite_database.transaction() as session:
        other = an_organisation(session).id
    stranger = client_as(app, Role.INSURER, org_id=other)
    assert stranger.get(where).status_code == 404
    assert stranger.post(f"{where}/confirm").status_code == 404
    assert client_as(app, Role.CHARITY_WORKER, org_id=other).get("/offers/import").status_code == 403
