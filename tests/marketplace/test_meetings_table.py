"""The sheet of a meeting as a table: it goes out, is filled in, and comes back as the decisions that its page makes."""

from __future__ import annotations

import csv
import io
from datetime import datetime, timedelta
from typing import Any

import pytest
from python_calamine import CalamineWorkbook
from sqlmodel import Session, select

from marketplace.accounts import service as accounts
from marketplace.actors import Actor, Role
from marketplace.app import create_app
from marketplace.calendar import local_day, utc_now
from marketplace.config import Settings
from marketplace.db import Database
from marketplace.errors import Conflict
from marketplace.intake import ImportBatch, told
from marketplace.intake.batches import faults_of
from marketplace.meetings import service, sheet_import
from marketplace.meetings.models import Duty, MeetingRow, Verdict
from marketplace.meetings.service import Decision
from marketplace.meetings.sheet_table import sheet_schema
from marketplace.needs.models import Need, NeedState
from marketplace.proposals.models import Override
from tests import factories as make
from tests.marketplace.test_proposals import a_run
from tests.pages.people import client_as

APPROVER = Actor(id="approver-1", role=Role.APPROVER)
OFFICER = "王主任"


def a_sheet(database: Database, now: datetime, needs: int) -> str:
    """A sheet with so many needs that nobody has claimed, two open resources of one name and one of another."""
    with database.transaction() as session:
        giver = make.an_organisation(session)
        for title in ("食品包", "食品包", "米面油"):
            make.an_offer(session, giver, title=title)
    a_run(database, APPROVER, now)
    with database.transaction() as session:
        accounts.create_account(
            session, "officer", display_name=OFFICER, role=Role.WORKER, password="long enough to test", now=now
        )
        for one in range(needs):
            household = make.a_household(session, phone=f"1000000001{one}")
            make.auto_match(session, household, now=now)
            make.a_need(session, household)
        return service.call(session, "", actor=APPROVER, now=now).id


def table(heads: list[str], rows: list[list[Any]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows([heads, *rows])
    return text.getvalue().encode()


def a_file(sheet: str, *rows: dict[str, str]) -> bytes:
    """A table of a few rows; its columns are named as the schema names them."""
    columns = sheet_schema().columns
    return table(
        [one.en for one in columns], [[{"sheet": sheet, **row}.get(c.name, "") for c in columns] for row in rows]
    )


def made(session: Session) -> tuple[int, int, int]:
    """Pins and bans, duties, closed needs."""
    closed = session.exec(select(Need).where(Need.state == NeedState.CLOSED)).all()
    return len(session.exec(select(Override)).all()), len(session.exec(select(Duty)).all()), len(closed)


def test_a_filled_sheet_comes_back_as_the_decisions_of_its_page(settings: Settings, sqlite_database: Database) -> None:
    """Six rows: one of each decision and one without; first a look, then in; the same again changes nothing."""
    database, now = sqlite_database, utc_now()
    sheet = a_sheet(database, now, 6)
    app = create_app(settings, database=database)
    staff, here = client_as(app, Role.APPROVER), f"/meetings/{sheet}"
    assert 'href="/meetings/import"' in staff.get(here).text

    def out(lang: str) -> tuple[list[str], list[list[Any]]]:
        file = staff.get(f"{here}/sheet.xlsx?lang={lang}").data
        heads, *rows = CalamineWorkbook.from_filelike(io.BytesIO(file)).get_sheet_by_index(0).to_python()
        return [str(head) for head in heads], rows

    def brought(heads: list[str], rows: list[list[Any]]) -> str:
        data = {"file": (io.BytesIO(table(heads, rows)), "sheet.csv")}
        return staff.post("/meetings/import", data=data).headers["Location"]

    heads, rows = out("zh_Hans")
    day = local_day(now) + timedelta(days=9)
    for row, words in zip(
        rows,
        (
            {"决定": "已指定", "资源": "米面油", "指定数额": "4"},
            {"决定": "排除", "资源": "米面油"},
            {"决定": "已交办", "责任人": OFFICER, "期限": day.isoformat()},
            {"决定": "转政府救助"},
            {"决定": "已结束"},
            {},
        ),
        strict=True,
    ):
        for head, value in {**words, **({"原因": "会商决定"} if words else {})}.items():
            row[heads.index(head)] = value
    batch = brought(heads, rows)
    page = staff.get(batch).text
    for words in ("指定", "排除", "交办", "转政府救助的需求", "未作决定的行"):
        assert words in page
    with database.reading() as session:
        assert made(session) == (0, 0, 0), "a look stores nothing"
        assert {row.verdict for row in session.exec(select(MeetingRow))} == {""}
    assert staff.post(f"{batch}/confirm").status_code == 303
    with database.reading() as session:
        assert made(session) == (2, 1, 2)
        duty = session.exec(select(Duty)).one()
        assert (duty.due_on, duty.task) == (day, "会商决定")
        verdicts = [row.verdict for row in session.exec(select(MeetingRow).order_by(MeetingRow.number))]
        assert verdicts == ["pin", "ban", "duty", "government", "closed", ""]
    for lang in ("en", "zh_Hans"):
        batch = brought(*out(lang))
        with database.reading() as session:
            counts = session.get_one(ImportBatch, batch.rsplit("/", 1)[-1]).counts
        assert (counts["same"], counts["undecided"], counts["new"], counts["faults"]) == (5, 1, 0, 0), lang


def refused(session: Session, batch: ImportBatch) -> list[tuple[int, str, str]]:
    return [(fault.row, fault.column, fault.code) for fault in faults_of(session, batch)]


def check(session: Session, data: bytes, now: datetime, actor: Actor = APPROVER) -> ImportBatch:
    return sheet_import.check_file(session, data, file_name="sheet.csv", actor=actor, now=now)[0]


PIN = {"decision": "pin", "resource": "米面油", "units": "4", "reason": "x"}


def test_what_was_decided_meanwhile_is_refused_with_its_row_and_nothing_is_half_saved(
    database: Database, now: datetime
) -> None:
    sheet = a_sheet(database, now, 3)
    data = a_file(sheet, *({"row": str(n), "decision": "closed", "reason": "x"} for n in (1, 2, 3)))
    with database.transaction() as session:
        batch = check(session, data, now)
        assert (batch.counts["closed"], made(session)) == (3, (0, 0, 0))
    with database.transaction() as session:
        service.decide(session, sheet, 2, Decision(Verdict.GOVERNMENT, "民政"), actor=APPROVER, now=now)
    with pytest.raises(Conflict, match="import_changed") as told_rows, database.transaction() as session:
        sheet_import.confirm_import(session, batch.id, actor=APPROVER, now=now)
    assert told_rows.value.facts == {"rows": "3"}, "the file's own row: the head is the first"
    with database.transaction() as session:
        assert made(session) == (0, 0, 1)
        assert refused(session, check(session, data, now)) == [(3, "decision", "row_decided")]


def test_each_row_that_the_page_would_refuse_is_named_with_its_cause(database: Database, now: datetime) -> None:
    sheet = a_sheet(database, now, 2)
    past = (local_day(now) - timedelta(days=1)).isoformat()
    with database.transaction() as session:
        first = session.get_one(MeetingRow, (sheet, 1))
        need = session.get_one(Need, first.need_id)
        vouched = need.verifier_id
    duty = {"decision": "duty", "officer": OFFICER, "reason": "x"}
    cases: list[tuple[dict[str, str], str, str]] = [
        ({**PIN, "sheet": "another"}, "sheet", "unknown_sheet"),
        ({**PIN, "row": "9"}, "row", "unknown_row"),
        ({**PIN, "need": "another"}, "need", "row_of_another_need"),
        ({**PIN, "units": ""}, "units", "empty"),
        ({**PIN, "units": "1.5"}, "units", "not_whole"),
        ({**PIN, "reason": ""}, "reason", "empty"),
        ({**PIN, "reason": "13800138000"}, "reason", "personal_in_text"),
        ({**PIN, "resource": "没有"}, "resource", "resource_unknown"),
        ({**PIN, "resource": "食品包"}, "resource", "name_of_several"),
        ({**duty, "officer": "没有"}, "officer", "officer_unknown"),
        ({**duty, "due_on": past}, "due_on", "due_past"),
    ]
    heads = {one.name: one.en for one in sheet_schema().columns}
    for row, column, code in cases:
        with database.transaction() as session:
            found = refused(session, check(session, a_file(sheet, {"row": "1", **row}), now))
        assert [(at, name in (column, heads[column]), why) for at, name, why in found] == [(2, True, code)], row
    ok = {"row": "2", "decision": "closed", "reason": "x"}
    with database.transaction() as session:
        verifier = Actor(id=vouched, role=Role.VERIFIER)
        batch = check(session, a_file(sheet, ok, {"row": "1", **PIN}), now, verifier)
        assert refused(session, batch) == [(3, "decision", "verifier_overrides")]
        sentence = told(faults_of(session, batch), lang="zh_Hans")[0]
        assert "由您核实过" in str(sentence)
        far = Actor(id="far", role=Role.APPROVER, districts=frozenset({"500101"}))
        assert refused(session, check(session, a_file(sheet, ok), now, far)) == [(2, "sheet", "unknown_sheet")]
        service.close(session, sheet, actor=APPROVER, now=now)
        assert refused(session, check(session, a_file(sheet, ok), now)) == [(2, "sheet", "sheet_frozen")]
        assert made(session) == (0, 0, 0)
