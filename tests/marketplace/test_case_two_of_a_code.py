"""Where two items of one application have the same code, each is found by what it is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlmodel import Session

from marketplace.calendar import local_day
from marketplace.cases import again, departments, once, outcome, rules, service, steps, uncovered, withdrawing
from marketplace.cases.models import CaseState, ItemState
from marketplace.db import Database
from marketplace.households.models import Household
from tests import factories as make
from tests.marketplace.test_case_larger import helped
from tests.marketplace.test_cases import APPROVER, CITY, VERIFIER, WORKER, send, walk


@pytest.fixture
def session(sqlite_database: Database) -> Iterator[Session]:
    """A writing session on the embedded engine: no statement here differs on the other."""
    with sqlite_database.session(writes=True) as opened:
        yield opened
        opened.rollback()


def waits(monkeypatch: pytest.MonkeyPatch, item: str, after: str, when: str) -> None:
    """The district says that one item waits for another."""
    known, dates = rules.rows, {"district": CITY, "valid_from": "2026-01-01", "valid_to": ""}
    own = {"item": item, "after": after, "when": when, **dates}
    monkeypatch.setattr(rules, "rows", lambda table: (*known(table), *((own,) if table == "item_edges" else ())))


@pytest.mark.parametrize(("when", "begins"), [("granted", True), ("ended", False), ("refused", False)])
def test_what_waits_for_temporary_aid_hears_of_the_quick_help_and_of_the_larger_aid(
    session: Session, now: datetime, monkeypatch: pytest.MonkeyPatch, when: str, begins: bool
) -> None:
    waits(monkeypatch, "JIUYE_KUNNAN", "LINSHI", when)
    case, fast, [large] = helped(session, now, wants=["illness", "work"])
    [work] = [one for one in service.list_items(session, case.id) if one.code == "JIUYE_KUNNAN"]
    assert (fast.state, large.state) == (ItemState.GRANTED, ItemState.RUNNING)
    assert (work.state is ItemState.RUNNING) == begins
    day = walk(session, large, now)
    told: dict[str, Any] = {"reason": "not_true", "actor": APPROVER, "now": day}
    outcome.decide(session, large.id, granted=False, **told)
    assert work.state is {"refused": ItemState.NOT_NEEDED}.get(when, ItemState.RUNNING)
    if when != "refused":
        sent = departments._outgoing(session, work, on=local_day(day)).facts
        assert sent["result_linshi"] == "granted", "the quick help was given"


def test_a_department_hears_what_was_decided_in_another_application(session: Session, now: datetime) -> None:
    home = make.a_household(session)
    _first, items = send(session, now, home, wants=["living"], medical_fen=0)
    _case, later = send(session, now, home, wants=["housing"], medical_fen=0)
    rent = later["GONGZU"]
    assert rent.state is ItemState.WAITING
    for code in ("DIBAO", "DIBIAN_GANGXING"):
        day = walk(session, items[code], now)
        told: dict[str, Any] = {"reason": "income_over", "late_cause": "backlog", "actor": APPROVER, "now": day}
        outcome.decide(session, items[code].id, granted=False, **told)
    assert rent.state is ItemState.RUNNING
    sent = departments._outgoing(session, rent, on=local_day(day)).facts
    assert (sent["result_dibao"], sent["result_dibian_gangxing"]) == ("refused", "refused")


def test_every_application_that_left_it_to_a_newer_one_is_led_to_the_one_that_is_decided(
    session: Session, now: datetime
) -> None:
    home = make.a_household(session)
    _first, items = send(session, now, home, wants=["living"], medical_fen=0, all_classes=False)
    day = walk(session, items["DIBAO"], now)
    told: dict[str, Any] = {"reason": "income_over", "actor": APPROVER, "now": day}
    outcome.decide(session, items["DIBAO"].id, granted=False, **told)
    _second, newer = send(session, day, home, wants=["living"], medical_fen=0)
    third, last = send(session, day, home, wants=["housing"], medical_fen=0)
    assert once.left_to(session, third)["DIBAO"] is newer["DIBAO"]
    assert again.decide_again(session, items["DIBAO"].id, actor=VERIFIER, now=day)
    assert newer["DIBAO"].state is ItemState.NOT_NEEDED
    assert once.left_to(session, third)["DIBAO"] is items["DIBAO"], "its page leads to where it is decided"
    assert last["GONGZU"].state is ItemState.WAITING


def test_quick_help_does_not_cover_what_the_larger_aid_was_refused_for(session: Session, now: datetime) -> None:
    case, _fast, [large] = helped(session, now, wants=["accident"])
    assert uncovered.uncovered(session, case) == []
    day = walk(session, large, now)
    told: dict[str, Any] = {"reason": "not_true", "actor": APPROVER, "now": day}
    outcome.decide(session, large.id, granted=False, **told)
    for item in service.list_items(session, case.id):
        if item.state in (ItemState.RUNNING, ItemState.WAITING):
            withdrawing.withdraw_item(session, item.id, actor=make.as_household(_home(session, case)), now=day)
    assert "accident" in [one.want for one in uncovered.uncovered(session, case)]


def _home(session: Session, case: Any) -> Household:
    return session.get_one(Household, case.household_id)


@pytest.mark.parametrize("granted", [True, False])
def test_what_fell_while_the_quick_help_is_decided_anew_is_taken_back_with_all_of_it(
    session: Session, now: datetime, granted: bool
) -> None:
    if granted:
        case, fast, [large] = helped(session, now)
    else:
        case, items = send(session, now, wants=["illness"], ticks=["sudden"], income_fen=300_000)
        fast = items["LINSHI"]
        outcome.decide(session, fast.id, granted=False, reason="not_sudden", actor=WORKER, now=now)
        [large] = [one for one in service.list_items(session, case.id) if one.code == "LINSHI" and one.id != fast.id]
    assert again.decide_again(session, fast.id, actor=VERIFIER, now=now)
    assert (large.state, large.note) == (ItemState.NOT_NEEDED, "quick_first")
    withdrawing.withdraw(session, case.id, actor=make.as_household(_home(session, case)), now=now)
    assert fast.state is (ItemState.GRANTED if granted else ItemState.WITHDRAWN)
    assert (large.state, case.state) == (ItemState.WITHDRAWN, CaseState.WITHDRAWN), "the family does not want it"


def test_the_class_is_written_down_when_it_is_granted_and_not_before_the_notice(
    session: Session, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = rules.rows
    own = {"path": "IDENTIFY", "district": CITY, "valid_from": "2024-05-01", "valid_to": "", "mark": "D"}
    here = [
        {**own, "no": "2", "step": "public_notice", "holder": "TOWNSHIP", "limit": "7", "unit": "calendar_day"},
        {**own, "no": "3", "step": "confirm", "holder": "COUNTY", "limit": "10", "unit": "working_day"},
    ]
    monkeypatch.setattr(rules, "rows", lambda table: (*known(table), *(here if table == "item_steps" else ())))
    _case, items = send(session, now, wants=["living"], medical_fen=0)
    day = walk(session, items["DIBAO"], now)
    told: dict[str, Any] = {"actor": APPROVER, "late_cause": "backlog"}
    outcome.decide(session, items["DIBAO"].id, granted=False, reason="income_over", now=day, **told)
    item = items["DIBIAN_GANGXING"]
    steps.finish(session, item.id, opinion="against", actor=WORKER, now=day)
    outcome.decide(session, item.id, granted=True, found="GANGXING", now=day, **told)
    assert (steps.running_step(session, item.id).code, item.found) == ("public_notice", "")
    day = walk(session, item, day + timedelta(days=1))
    another = replace(APPROVER, id="approver-3")
    outcome.decide(session, item.id, granted=True, found="DIBIAN", now=day, **{**told, "actor": another})
    assert (item.state, item.found) == (ItemState.GRANTED, "DIBIAN")
