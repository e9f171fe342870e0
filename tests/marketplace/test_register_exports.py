"""A list of people leaves only after two people, at most 200 rows, once, and each household reads that it did."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest
from flask import Flask
from sqlmodel import Session, col, select

from marketplace.actors import Actor, Role
from marketplace.app import create_app
from marketplace.audit import AuditBody, AuditRow
from marketplace.calendar import utc_now
from marketplace.config import Settings
from marketplace.db import Database
from marketplace.errors import BadInput, NotAllowed, NotFound, WrongState
from marketplace.households import exports
from marketplace.households.models import ExportState, RegisterExport
from marketplace.sharing.looks import staff_looks
from tests import factories as make
from tests.marketplace.signal_scene import into
from tests.pages.people import client_as, household_client

WORKER = Actor(id="worker-1", role=Role.WORKER, districts=frozenset({"500103"}))
VERIFIER = Actor(id="verifier-2", role=Role.VERIFIER, districts=frozenset({"500103"}))
HEADS = {"purpose": "VISIT", "district": "500103", "category": "IN_REGISTER"}


def _homes(session: Session, number: int, now: datetime) -> list[str]:
    homes = [make.a_household(session, name=f"测试{n}", phone=f"1000000{n:04d}") for n in range(number)]
    for home in homes:
        into(session, home, "IN_REGISTER", from_on=date(2026, 1, 1), now=now)
    return [home.id for home in homes]


def _agreed(session: Session, now: datetime) -> RegisterExport:
    row = exports.ask(session, **HEADS, actor=WORKER, now=now)
    return exports.decide(session, row.id, agrees=True, actor=VERIFIER, now=now)


@pytest.mark.threat("T23")
def test_who_asked_takes_the_rows_once_after_a_second_persons_yes(session: Session, now: datetime) -> None:
    homes = _homes(session, 2, now)
    make.a_household(session, phone="10000000099")
    into(session, make.a_household(session, district_code="500106"), "IN_REGISTER", from_on=date(2026, 1, 1), now=now)
    row = exports.ask(session, **HEADS, actor=WORKER, now=now)
    with pytest.raises(WrongState, match="export_not_open"):
        exports.take(session, row.id, actor=WORKER, now=now)
    exports.decide(session, row.id, agrees=True, actor=VERIFIER, now=now)
    with pytest.raises(NotAllowed, match="export_not_yours"):
        exports.take(session, row.id, actor=VERIFIER, now=now)
    fields, rows = exports.take(session, row.id, actor=WORKER, now=now)
    assert fields == ("name", "phone", "address")
    assert sorted(line[0] for line in rows) == ["测试0", "测试1"]
    with pytest.raises(WrongState, match="export_not_open"):
        exports.take(session, row.id, actor=WORKER, now=now)
    for home in homes:
        [look] = staff_looks(session, home)
        assert (look.action, look.purpose, look.fields) == ("export:row", "VISIT", "name,phone,address")
    taken = select(AuditBody.body).join(AuditRow, col(AuditRow.seq) == AuditBody.seq)
    assert session.exec(taken.where(AuditRow.action == "export:take")).one() == '{"rows":2}'
    assert (row.state, row.row_count) == (ExportState.TAKEN, 2)


@pytest.mark.threat("T18")
def test_nobody_agrees_to_an_own_list_neither_as_nor_through_a_stand_in(session: Session, now: datetime) -> None:
    _homes(session, 1, now)
    first = replace(VERIFIER, id="verifier-1")
    stand_in = replace(VERIFIER, id="deputy-1", on_behalf_of=first.id)
    other = replace(VERIFIER, id="deputy-2", on_behalf_of=first.id)
    for asks, agrees in ((first, first), (first, stand_in), (stand_in, first), (stand_in, other)):
        row = exports.ask(session, **HEADS, actor=asks, now=now)
        with pytest.raises(NotAllowed, match="export_own"):
            exports.decide(session, row.id, agrees=True, actor=agrees, now=now)
    with pytest.raises(NotAllowed):
        exports.decide(session, row.id, agrees=True, actor=WORKER, now=now)
    agreed = exports.ask(session, **HEADS, actor=first, now=now)
    exports.decide(session, agreed.id, agrees=True, actor=replace(VERIFIER, id="verifier-3"), now=now)
    with pytest.raises(NotAllowed, match="export_not_yours"):
        exports.take(session, agreed.id, actor=replace(first, on_behalf_of="verifier-3"), now=now)


def test_a_yes_that_comes_late_or_is_not_used_within_a_day_opens_nothing(session: Session, now: datetime) -> None:
    _homes(session, 1, now)
    row = exports.ask(session, **HEADS, actor=WORKER, now=now)
    with pytest.raises(WrongState, match="export_decided"):
        exports.decide(session, row.id, agrees=True, actor=VERIFIER, now=now + exports.AGREE_WITHIN)
    exports.decide(session, row.id, agrees=True, actor=VERIFIER, now=now)
    with pytest.raises(WrongState, match="export_not_open"):
        exports.take(session, row.id, actor=WORKER, now=now + exports.TAKE_WITHIN)
    no = exports.ask(session, **HEADS, actor=WORKER, now=now)
    exports.decide(session, no.id, agrees=False, actor=VERIFIER, now=now)
    with pytest.raises(WrongState, match="export_decided"):
        exports.decide(session, no.id, agrees=True, actor=VERIFIER, now=now)
    with pytest.raises(WrongState, match="export_not_open"):
        exports.take(session, no.id, actor=WORKER, now=now + timedelta(hours=1))


@pytest.mark.threat("T23")
def test_no_list_is_longer_than_200_rows_and_none_is_empty_or_elsewhere(
    session: Session, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert exports.MOST == 200
    monkeypatch.setattr(exports, "MOST", 2)
    with pytest.raises(BadInput, match="export_empty"):
        exports.ask(session, **HEADS, actor=WORKER, now=now)
    _homes(session, 2, now)
    row = _agreed(session, now)
    _homes(session, 1, now)
    with pytest.raises(BadInput, match="export_too_long"):
        exports.ask(session, **HEADS, actor=WORKER, now=now)
    with pytest.raises(BadInput, match="export_too_long"):
        exports.take(session, row.id, actor=WORKER, now=now)
    assert row.state is ExportState.AGREED, "somebody came into the category after the yes; nothing left"
    with pytest.raises(NotFound):
        exports.ask(session, **(HEADS | {"district": "500106"}), actor=WORKER, now=now)
    with pytest.raises(NotFound):
        exports.take(session, row.id, actor=replace(WORKER, districts=frozenset({"500106"})), now=now)
    for wrong in ({"purpose": "CURIOUS"}, {"category": "NO_SUCH"}):
        with pytest.raises(BadInput):
            exports.ask(session, **(HEADS | wrong), actor=WORKER, now=now)
    assert exports.list_exports(session, actor=replace(WORKER, districts=frozenset({"500106"}))) == []


@pytest.mark.parametrize("lang", ["zh_Hans", "en"])
def test_two_people_press_their_way_to_the_file_and_the_household_reads_of_it(
    sqlite_database: Database, settings: Settings, lang: str
) -> None:
    app: Flask = create_app(settings, database=sqlite_database)
    with sqlite_database.transaction() as session:
        [home] = _homes(session, 1, utc_now())
    worker, verifier = client_as(app, Role.WORKER), client_as(app, Role.VERIFIER)
    for client in (worker, verifier):
        client.set_cookie("lang", lang)
    page = worker.get("/register/exports").text
    assert ("No list was asked for" if lang == "en" else "还没有申请过名单") in page
    empty = worker.post("/register/exports", data=HEADS | {"category": "EXITED_2Y"})
    assert ("Nobody of this district" if lang == "en" else "目前没有人属于") in empty.text
    assert worker.post("/register/exports", data=HEADS).status_code == 303
    with sqlite_database.reading() as session:
        number = session.exec(select(RegisterExport.id)).one()
    take, agree = f"/register/exports/{number}/file", f"/register/exports/{number}/agree"
    assert agree not in worker.get("/register/exports").text
    assert worker.post(take).status_code == 303
    assert agree in verifier.get("/register/exports").text
    assert verifier.post(agree).status_code == 303
    assert ("decided already" if lang == "en" else "已经处理过") in verifier.post(agree, follow_redirects=True).text
    file = worker.post(take)
    assert file.headers["Content-Disposition"].endswith('.xlsx"')
    assert file.data.startswith(b"PK")
    assert "测试0" not in worker.get("/register/exports").text
    seen = household_client(app, home).get("/who-saw?lang=" + lang).text
    assert ("A row in a list taken as a file" if lang == "en" else "名单文件中的一行") in seen
    assert ("To visit people at home" if lang == "en" else "上门走访") in seen
