"""After the quick help the larger aid goes on by itself: when it does, when it does not, and what an appeal does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlmodel import Session

from marketplace.cases import outcome, register, service, steps, supervision, withdrawing
from marketplace.cases.again import decide_again
from marketplace.cases.models import Case, CaseItem, CaseState, ItemState
from marketplace.clocks import service as clocks
from marketplace.db import Database
from marketplace.errors import BadInput, NotFound, WrongState
from marketplace.households.models import Household
from tests import factories as make
from tests.marketplace.test_cases import APPROVER, VERIFIER, WORKER, send, walk

ILL: dict[str, Any] = {"wants": ["illness"], "ticks": ["sudden"], "medical_fen": 5_000_000, "income_fen": 300_000}


@pytest.fixture
def session(sqlite_database: Database) -> Iterator[Session]:
    """A writing session on the embedded engine: no statement here differs on the other."""
    with sqlite_database.session(writes=True) as opened:
        yield opened
        opened.rollback()


def helped(session: Session, now: datetime, **over: Any) -> tuple[Case, CaseItem, list[CaseItem]]:
    """Quick help was granted: the application, the quick help, and what goes on after it."""
    case, items = send(session, now, **{**ILL, **over})
    fast = items["LINSHI"]
    outcome.decide(session, fast.id, granted=True, amount_fen=60_000, actor=WORKER, now=now)
    found = [one for one in service.list_items(session, case.id) if one.code == "LINSHI" and one.id != fast.id]
    return case, fast, found


@pytest.mark.parametrize(("label", "path"), [("", "LINSHI_GENERAL"), ("DIBIAN", "LINSHI_SPENDING")])
def test_what_was_paid_for_an_illness_goes_on_on_the_ordinary_path(
    session: Session, now: datetime, monkeypatch: pytest.MonkeyPatch, label: str, path: str
) -> None:
    known = service.facts_of
    monkeypatch.setattr("marketplace.cases.larger.facts_of", lambda *a, **k: replace(known(*a, **k), label=label))
    case, fast, [large] = helped(session, now)
    assert (large.path, large.state, large.cause) == (path, ItemState.RUNNING, fast.cause)
    assert (large.asked_fen, large.once_for) == (5_000_000, fast.once_for)
    assert case.state is CaseState.OPEN


@pytest.mark.parametrize("over", [{"medical_fen": 0}, {"medical_fen": 300_000, "income_fen": 900_000}])
def test_where_the_table_gives_no_more_nothing_begins(session: Session, now: datetime, over: dict[str, Any]) -> None:
    assert helped(session, now, wants=["accident"], **over)[2] == []


@pytest.mark.parametrize("reason", ["not_sudden", "not_true"])
def test_what_is_only_not_sudden_goes_on_on_the_ordinary_path(session: Session, now: datetime, reason: str) -> None:
    case, items = send(session, now, **{**ILL, "wants": ["accident"], "medical_fen": 0})
    fast, said = items["LINSHI"], {"granted": False, "reason": reason, "actor": WORKER, "now": now}
    outcome.decide(session, fast.id, **said)
    found = [one.path for one in service.list_items(session, case.id) if one.code == "LINSHI" and one.id != fast.id]
    assert found == (["LINSHI_GENERAL"] if reason == "not_sudden" else [])
    assert (case.state is CaseState.OPEN) == (reason == "not_sudden"), "refused for good only on the ordinary path"


def test_only_quick_help_is_refused_because_nothing_was_sudden(session: Session, now: datetime) -> None:
    _case, items = send(session, now, **{**ILL, "ticks": []})
    day = walk(session, items["LINSHI"], now)
    with pytest.raises(BadInput, match="reason_missing"):
        outcome.decide(session, items["LINSHI"].id, granted=False, reason="not_sudden", actor=APPROVER, now=day)


def test_what_was_had_for_the_same_cause_this_year_begins_no_second_time(session: Session, now: datetime) -> None:
    home = make.a_household(session)
    _case, items = send(session, now, home, **{**ILL, "ticks": []})
    day = walk(session, items["LINSHI"], now)
    outcome.decide(session, items["LINSHI"].id, granted=True, amount_fen=70_000, actor=APPROVER, now=day)
    case, items = send(session, day, home, **ILL)
    told: dict[str, Any] = {"granted": True, "amount_fen": 60_000, "note": "又住院", "actor": APPROVER, "now": day}
    outcome.decide(session, items["LINSHI"].id, **told)
    assert [one.path for one in service.list_items(session, case.id) if one.code == "LINSHI"] == ["LINSHI_FAST"]


def test_an_appeal_about_the_quick_help_lets_the_larger_wait_and_it_begins_anew_counted_once(
    session: Session, now: datetime
) -> None:
    case, fast, [large] = helped(session, now)
    late = now + timedelta(days=60)
    assert decide_again(session, fast.id, actor=VERIFIER, now=late)
    assert (large.state, large.late_cause) == (ItemState.NOT_NEEDED, "decided_elsewhere")
    told: dict[str, Any] = {"granted": True, "amount_fen": 70_000, "actor": replace(WORKER, id="worker-7"), "now": late}
    outcome.decide(session, fast.id, **told)
    assert (large.state, large.late_cause, large.month) == (ItemState.RUNNING, "", "")
    assert "LINSHI" not in {row.code for row in supervision.times_of(session, "2027-01") if row.late}
    assert steps.running_step(session, large.id).due_at > late
    me = make.as_household(session.get_one(Household, case.household_id))
    withdrawing.withdraw(session, case.id, actor=me, now=late)
    assert (fast.state, large.state) == (ItemState.GRANTED, ItemState.WITHDRAWN)


def test_one_thing_is_taken_back_and_the_rest_of_the_application_goes_on(session: Session, now: datetime) -> None:
    home = make.a_household(session)
    me, stranger = make.as_household(home), make.as_household(make.a_household(session, phone="10000000002"))
    case, items = send(session, now, home, wants=["living", "housing", "illness"], income_fen=50_000)
    told: dict[str, Any] = {"actor": me, "now": now + timedelta(days=60)}
    with pytest.raises(NotFound):
        withdrawing.withdraw_item(session, items["DIBAO"].id, actor=stranger, now=now)
    withdrawing.withdraw_item(session, items["DIBAO"].id, **told)
    dibao, temporary = items["DIBAO"], items["LINSHI"]
    assert (dibao.state, dibao.late_cause, case.state) == (ItemState.WITHDRAWN, "withdrawn", CaseState.OPEN)
    assert [one.step for one in clocks.running_of(session, steps.clock_ref(dibao.id))] == []
    assert items["GONGZU"].state is ItemState.RUNNING, "what waited for its end, however it ended, begins"
    assert {items[code].state for code in ("DIBIAN_GANGXING", "LAJI_JIANMIAN")} == {ItemState.NOT_NEEDED}
    assert steps.running_step(session, temporary.id).ended_at is None
    with pytest.raises(WrongState, match="item_ended"):
        withdrawing.withdraw_item(session, dibao.id, **told)
    for item in (temporary, items["GONGZU"], items["YILIAO_JIUZHU"]):
        withdrawing.withdraw_item(session, item.id, **told)
    assert case.state is CaseState.WITHDRAWN, "the last that was open was the application itself"
    assert len(register.list_entries(session, home.id)) == 1, "and it is watched as one that took all back"
