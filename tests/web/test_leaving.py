"""What leaves with rows of people: written down, bounded, and marked with who took it."""

from __future__ import annotations

import io
import zipfile

import pytest
from flask import Flask
from sqlmodel import select

from marketplace import audit
from marketplace.actors import Role
from marketplace.app import create_app
from marketplace.audit import AuditRow
from marketplace.calendar import utc_now
from marketplace.config import Settings
from marketplace.db import Database
from marketplace.guards import current_actor
from marketplace.web import leaving
from tests import factories as make
from tests.pages.people import client_as

FILE = "/visits/volunteers/records.xlsx"


@pytest.fixture
def app(settings: Settings, sqlite_database: Database) -> Flask:
    return create_app(settings, database=sqlite_database)


@pytest.fixture
def org_id(sqlite_database: Database) -> str:
    with sqlite_database.transaction() as session:
        return make.an_organisation(session).id


def _taken(database: Database) -> list[AuditRow]:
    with database.reading() as session:
        return list(session.exec(select(AuditRow).where(AuditRow.action == "file:take").order_by(AuditRow.seq)))


@pytest.mark.threat("T23")
def test_a_file_says_who_took_it_when_and_under_which_number_and_the_chain_has_the_same(
    app: Flask, sqlite_database: Database, org_id: str
) -> None:
    answer = client_as(app, Role.CHARITY_MANAGER, org_id=org_id).get(FILE)
    assert answer.status_code == 200
    [row] = _taken(sqlite_database)
    assert (row.object_ref, row.rule_id, row.org_ref) == ("appointments.records_file", "volunteer:list", org_id)
    with zipfile.ZipFile(io.BytesIO(answer.data)) as book:
        properties, sheet = book.read("docProps/core.xml").decode(), book.read("xl/worksheets/sheet1.xml").decode()
    for part in (properties, sheet):
        assert row.actor_ref in part
        assert row.request_id in part
        assert "volunteer:list" not in part, "the number leads to the act; a code is no word for paper"


@pytest.mark.threat("T23")
def test_one_account_takes_away_only_so_many_files_in_a_day(
    app: Flask, sqlite_database: Database, org_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leaving, "MOST_A_DAY", 2)
    client, other = (client_as(app, Role.CHARITY_MANAGER, org_id=org_id) for _ in range(2))
    assert [client.get(FILE).status_code for _ in range(3)] == [200, 200, 403]
    assert other.get(FILE).status_code == 200
    assert len(_taken(sqlite_database)) == 3


def test_of_two_files_taken_at_once_only_what_is_left_goes_out(
    app: Flask, sqlite_database: Database, org_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leaving, "MOST_A_DAY", 1)
    made = leaving.make_response

    def meanwhile(answer: object) -> object:
        with sqlite_database.transaction() as session:
            audit.record(session, audit.Entry("file:take"), actor=current_actor(), now=utc_now())
        return made(answer)

    monkeypatch.setattr(leaving, "make_response", meanwhile)
    assert client_as(app, Role.CHARITY_MANAGER, org_id=org_id).get(FILE).status_code == 403
    assert len(_taken(sqlite_database)) == 1


def test_a_printed_page_carries_its_reader_and_a_household_s_own_does_not(app: Flask, org_id: str) -> None:
    page = client_as(app, Role.CHARITY_MANAGER, org_id=org_id).get("/offers/").text
    assert 'class="seen-by"' in page
    assert "offer:list" not in page
    assert 'class="seen-by"' not in app.test_client().get("/sign-in").text
