"""Three departments answer late, twice and out of order, and the application ends right all the same."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from unittest.mock import Mock

import pytest
from sqlalchemy.exc import OperationalError
from sqlmodel import Session, col, select

from adapters.fakes_departments import FakeDepartment
from adapters.items import ItemOut, ItemResult
from adapters.ports import TryAgainLater, WillNeverWork
from marketplace import audit
from marketplace.cases import departments, outcome, withdrawing
from marketplace.cases import granted as beginning
from marketplace.cases.again import decide_again
from marketplace.cases.models import Case, CaseItem, CaseState, ItemState
from marketplace.db import Database
from tests import factories as make
from tests.marketplace.test_cases import APPROVER, send, walk


class Broken(FakeDepartment):
    """A department whose door fails in a way that nobody foresaw."""

    def push(self, item: ItemOut, /) -> None:
        raise ZeroDivisionError

    def results(self, *, cursor: str | None = None) -> tuple[tuple[ItemResult, ...], str]:
        raise ZeroDivisionError


def _sent(database: Database, now: datetime) -> tuple[str, dict[str, str], datetime]:
    """A household whose 低保 is granted: three departments have work now."""
    with database.transaction() as session:
        case, items = send(session, now, ticks=["no_pension"])
        day = walk(session, items["DIBAO"], now)
        outcome.decide(session, items["DIBAO"].id, granted=True, amount_fen=104_000, actor=APPROVER, now=day)
        return case.id, {code: item.id for code, item in items.items()}, day


def _state(database: Database, item_id: str) -> tuple[ItemState, int]:
    with database.reading() as session:
        item = session.get_one(CaseItem, item_id)
        return item.state, item.amount_fen


def test_departments_answer_late_twice_and_out_of_order(sqlite_database: Database, now: datetime) -> None:
    database = sqlite_database
    case_id, ids, day = _sent(database, now)
    doors = {code: FakeDepartment() for code in departments.OTHERS}
    departments.sweep(database, doors, clock=lambda: day)
    departments.sweep(database, doors, clock=lambda: day)
    assert set(doors["HSA"].items) == {ids["YILIAO_JIUZHU"]}
    told = doors["HSA"].items[ids["YILIAO_JIUZHU"]].facts
    assert (told["label"], told["result_dibao"], told["result_dibian_gangxing"]) == ("DIBAO", "granted", "not_needed")
    assert set(doors["UM"].items) == {ids["LAJI_JIANMIAN"]}
    assert set(doors["HRSS"].items) == {ids["YANGLAO_DAIJIAO"]}
    medical = ids["YILIAO_JIUZHU"]
    doors["HSA"].said += [ItemResult(medical, 2, "granted", 500_000), ItemResult(medical, 1, "received")]
    doors["HSA"].said += [ItemResult(medical, 2, "granted", 900_000), ItemResult("nobody", 1, "granted", 1)]
    late = day + timedelta(days=40)
    departments.sweep(database, doors, clock=lambda: late)
    assert _state(database, medical) == (ItemState.GRANTED, 500_000)
    doors["HSA"].said.append(ItemResult(medical, 3, "refused", 0, "income_over"))
    own = {"letter": " UM  7 ", "words": "It is paid by the street."}
    doors["UM"].said.append(ItemResult(ids["LAJI_JIANMIAN"], 1, "refused", 0, "not a word of ours", **own))
    departments.sweep(database, doors, clock=lambda: late)
    assert _state(database, medical) == (ItemState.GRANTED, 500_000), "a word after the end changes nothing"
    with database.reading() as session:
        waste = session.get_one(CaseItem, ids["LAJI_JIANMIAN"])
        assert waste.reason == "department_said_no"
        assert waste.note == "not a word of ours It is paid by the street."
        assert waste.letter == "UM 7"
        assert waste.late_cause == "department_slow"
        words = session.exec(select(audit.AuditRow).where(audit.AuditRow.action == "case:late_word")).all()
        assert len(words) == 3
        assert session.get_one(Case, case_id).state is CaseState.OPEN


def test_a_department_hears_once_that_an_item_was_taken_back_or_is_over(
    sqlite_database: Database, now: datetime
) -> None:
    database = sqlite_database
    case_id, ids, day = _sent(database, now)
    doors = {code: FakeDepartment() for code in departments.OTHERS}
    departments.sweep(database, doors, clock=lambda: day)
    doors["UM"].said.append(ItemResult(ids["LAJI_JIANMIAN"], 1, "granted"))
    departments.sweep(database, doors, clock=lambda: day)
    assert all(door.back == {} for door in doors.values())
    with database.transaction() as session:
        case = session.get_one(Case, case_id)
        withdrawing.withdraw(session, case_id, actor=make.as_household_of(case.household_id), now=day)
        dibao = session.get_one(CaseItem, ids["DIBAO"])
        beginning.end(session, dibao, actor=APPROVER, now=day)
    doors["HSA"].faults.play(TryAgainLater("down", code="down"))
    doors["HRSS"].faults.play(WillNeverWork("unknown", code="unknown"))
    for _turn in range(2):
        departments.sweep(database, doors, clock=lambda: day)
    assert doors["HSA"].back == {ids["YILIAO_JIUZHU"]: "withdrawn"}, "one that did not answer hears it the next time"
    assert doors["UM"].back == {ids["LAJI_JIANMIAN"]: "over"}
    with database.reading() as session:
        told = select(audit.AuditRow.action).where(col(audit.AuditRow.action).startswith("case:take_back"))
        acts = sorted(session.exec(told))
    assert acts == ["case:take_back"] * 3 + ["case:take_back_refused"]


def test_after_a_right_appeal_a_department_gets_the_item_under_a_new_key(
    sqlite_database: Database, now: datetime
) -> None:
    database = sqlite_database
    _case, ids, day = _sent(database, now)
    doors, waste = {"UM": FakeDepartment(), "HSA": FakeDepartment()}, ids["LAJI_JIANMIAN"]
    departments.sweep(database, doors, clock=lambda: day)
    doors["UM"].said.append(ItemResult(waste, 5, "refused", 0, "income_over"))
    departments.sweep(database, doors, clock=lambda: day)
    with database.transaction() as session:
        assert decide_again(session, waste, actor=APPROVER, now=day)
    departments.sweep(database, doors, clock=lambda: day)
    new = f"{waste}.1"
    assert set(doors["UM"].items) == {waste, new}
    assert doors["UM"].items[new].facts["replaces"] == waste
    doors["UM"].said.append(ItemResult(waste, 6, "granted", 100))
    departments.sweep(database, doors, clock=lambda: day)
    assert _state(database, waste) == (ItemState.RUNNING, 0), "a word about the earlier push decides nothing"
    with database.reading() as session:
        late = session.exec(select(audit.AuditRow.object_ref).where(audit.AuditRow.action == "case:late_word"))
        assert late.all() == [waste]
    doors["UM"].said.append(ItemResult(new, 1, "granted", 700))
    departments.sweep(database, doors, clock=lambda: day)
    assert _state(database, waste) == (ItemState.GRANTED, 700)
    with database.transaction() as session:
        assert decide_again(session, waste, actor=APPROVER, now=day)
    newest = f"{waste}.2"
    doors["UM"].said += [ItemResult(newest, 1, "granted", 699), ItemResult(newest, 2, "refused", 0, "income_over")]
    departments.sweep(database, doors, clock=lambda: day)
    assert _state(database, waste) == (ItemState.RUNNING, 700), "nobody gets less because it asked"
    doors["UM"].said.append(ItemResult(newest, 3, "granted", 800))
    departments.sweep(database, doors, clock=lambda: day)
    assert _state(database, waste) == (ItemState.GRANTED, 800)
    with database.transaction() as session:
        beginning.end(session, session.get_one(CaseItem, ids["DIBAO"]), actor=APPROVER, now=day)
    departments.sweep(database, doors, clock=lambda: day)
    assert doors["UM"].back == {newest: "over"}


def test_what_leaves_for_a_department_names_nobody(sqlite_database: Database, now: datetime) -> None:
    _case, ids, day = _sent(sqlite_database, now)
    door = FakeDepartment()
    departments.push_due(sqlite_database, "HSA", door, now=day)
    item = door.items[ids["YILIAO_JIUZHU"]]
    waited_for = {"result_dibao", "result_dibian_gangxing"}
    assert set(item.facts) == {"size", "income_fen", "medical_fen", "label", *waited_for}
    with sqlite_database.reading() as session:
        assert item.subject != session.get_one(CaseItem, ids["YILIAO_JIUZHU"]).household_id


def test_a_department_that_does_not_answer_holds_no_other_up(sqlite_database: Database, now: datetime) -> None:
    _case, ids, day = _sent(sqlite_database, now)
    doors = {"HSA": FakeDepartment(), "UM": FakeDepartment()}
    doors["HSA"].faults.play(TryAgainLater("down", code="down"))
    departments.sweep(sqlite_database, doors, clock=lambda: day)
    assert not doors["HSA"].items
    assert set(doors["UM"].items) == {ids["LAJI_JIANMIAN"]}
    departments.sweep(sqlite_database, doors, clock=lambda: day)
    assert set(doors["HSA"].items) == {ids["YILIAO_JIUZHU"]}
    told = doors["HSA"].items[ids["YILIAO_JIUZHU"]].facts
    assert (told["label"], told["result_dibao"], told["result_dibian_gangxing"]) == ("DIBAO", "granted", "not_needed")


def test_a_word_that_nobody_foresaw_and_a_broken_department_hold_no_other_up(
    sqlite_database: Database, now: datetime, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    _case, ids, day = _sent(sqlite_database, now)
    _case, others, _day = _sent(sqlite_database, now)
    doors = {"HSA": FakeDepartment(), "HUD": Broken(), "UM": FakeDepartment()}
    departments.sweep(sqlite_database, doors, clock=lambda: day)
    bad, good, waste = ids["YILIAO_JIUZHU"], others["YILIAO_JIUZHU"], ids["LAJI_JIANMIAN"]
    doors["HSA"].said += [ItemResult(ref, 1, "granted", 500_000) for ref in (bad, good)]
    doors["UM"].said.append(ItemResult(waste, 1, "granted", 100))
    settle = outcome.settle

    def breaks(session: Session, item: CaseItem, *step: Any, **told: Any) -> CaseItem:
        if item.id == bad:
            raise KeyError("DIBAO")
        return settle(session, item, *step, **told)

    monkeypatch.setattr(outcome, "settle", breaks)
    assert departments.sweep(sqlite_database, doors, clock=lambda: day) == 2
    assert [_state(sqlite_database, one)[0] for one in (bad, good, waste)] == [
        ItemState.RUNNING,
        ItemState.GRANTED,
        ItemState.GRANTED,
    ]
    assert f"word of HSA for {bad}: KeyError" in caplog.messages
    assert departments.sweep(sqlite_database, doors, clock=lambda: day) == 0, "the feed has gone on"


def test_while_the_database_is_away_no_word_is_passed_by(
    sqlite_database: Database, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    _case, ids, day = _sent(sqlite_database, now)
    door = FakeDepartment()
    departments.sweep(sqlite_database, {"HSA": door}, clock=lambda: day)
    door.said.append(ItemResult(ids["YILIAO_JIUZHU"], 1, "granted", 500_000))
    with monkeypatch.context() as patched:
        gone = OperationalError("SELECT 1", None, Exception("locked"))
        patched.setattr(departments, "take", Mock(side_effect=gone))
        departments.sweep(sqlite_database, {"HSA": door}, clock=lambda: day)
    departments.sweep(sqlite_database, {"HSA": door}, clock=lambda: day)
    assert _state(sqlite_database, ids["YILIAO_JIUZHU"])[0] is ItemState.GRANTED
