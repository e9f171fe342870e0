"""After the quick help the larger aid goes on by itself: when it does, when it does not, and what an appeal does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlmodel import Session

from marketplace.cases import larger, lateness, outcome, register, service, steps, supervision, uncovered, withdrawing
from marketplace.cases.again import decide_again
from marketplace.cases.models import OPEN, Case, CaseItem, CaseState, ItemState
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


@pytest.mark.parametrize(("asked", "income_fen"), [(True, 50_000), (False, 50_000), (True, 900_000)])
def test_after_an_accident_the_larger_aid_follows_where_who_decides_asks_for_it(
    session: Session, now: datetime, asked: bool, income_fen: int
) -> None:
    case, items = send(session, now, **{**ILL, "wants": ["accident"], "medical_fen": 0, "income_fen": income_fen})
    fast, poor = items["LINSHI"], income_fen < 100_000
    assert bool(larger.more_for_event(session, fast, now=now)) == poor, "class D has no figure"
    told: dict[str, Any] = {"granted": True, "amount_fen": 60_000, "goes_on": asked}
    outcome.decide(session, fast.id, actor=WORKER, now=now, **told)
    found = [one for one in service.list_items(session, case.id) if one.code == "LINSHI" and one.id != fast.id]
    assert [one.path for one in found] == (["LINSHI_GENERAL"] if asked and poor else [])
    if found:
        assert decide_again(session, fast.id, actor=VERIFIER, now=now)
        outcome.decide(session, fast.id, actor=replace(WORKER, id="worker-7"), now=now, **{**told, "goes_on": False})
        assert found[0].state is ItemState.RUNNING, "what was asked for once goes on after an appeal too"


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
    assert items["LAJI_JIANMIAN"].state is ItemState.NOT_NEEDED, "it waited for a yes"
    withdrawing.withdraw_item(session, items["DIBIAN_GANGXING"].id, **told)
    assert items["GONGZU"].state is ItemState.RUNNING, "what waited for its end, however it ended, begins"
    assert steps.running_step(session, temporary.id).ended_at is None
    with pytest.raises(WrongState, match="item_ended"):
        withdrawing.withdraw_item(session, dibao.id, **told)
    for item in (temporary, items["GONGZU"], items["YILIAO_JIUZHU"]):
        withdrawing.withdraw_item(session, item.id, **told)
    assert case.state is CaseState.WITHDRAWN, "the last that was open was the application itself"
    assert len(register.list_entries(session, home.id)) == 1, "and it is watched as one that took all back"


@pytest.mark.parametrize("ends", [ItemState.REFUSED, ItemState.WITHDRAWN, ItemState.GRANTED])
def test_what_went_on_once_begins_no_second_time_and_the_quick_help_is_decided_anew(
    session: Session, now: datetime, ends: ItemState
) -> None:
    case, fast, [large] = helped(session, now)
    day, granted = now, ends is ItemState.GRANTED
    if ends is ItemState.WITHDRAWN:
        me = make.as_household(session.get_one(Household, case.household_id))
        withdrawing.withdraw_item(session, large.id, actor=me, now=now)
    else:
        day = walk(session, large, now)
        said: dict[str, Any] = {
            "granted": granted,
            "amount_fen": 70_000 * granted,
            "reason": "" if granted else "not_true",
        }
        outcome.decide(session, large.id, actor=APPROVER, now=day, **said)
    later = now + timedelta(days=200)
    assert decide_again(session, fast.id, actor=VERIFIER, now=later), "in the next year, too"
    told: dict[str, Any] = {"granted": True, "amount_fen": 61_000, "actor": replace(WORKER, id="worker-7")}
    outcome.decide(session, fast.id, **told, late_cause="backlog", now=later)
    found = {one.id: one.state for one in service.list_items(session, case.id) if one.code == "LINSHI"}
    assert found == {fast.id: ItemState.GRANTED, large.id: ends}


def test_nobody_is_told_that_it_goes_on_where_nothing_would_begin(session: Session, now: datetime) -> None:
    home = make.a_household(session)
    _case, items = send(session, now, home, **{**ILL, "ticks": []})
    day = walk(session, items["LINSHI"], now)
    outcome.decide(session, items["LINSHI"].id, granted=True, amount_fen=70_000, actor=APPROVER, now=day)
    _case, items = send(session, day, home, **ILL)
    assert not larger.may_begin(session, items["LINSHI"], now=day)
    with pytest.raises(BadInput, match="reason_missing"):
        outcome.decide(session, items["LINSHI"].id, granted=False, reason="not_sudden", actor=WORKER, now=day)


def test_an_appeal_about_the_quick_help_that_is_taken_back_leaves_the_larger_to_go_on(
    session: Session, now: datetime
) -> None:
    case, fast, [large] = helped(session, now)
    assert decide_again(session, fast.id, actor=VERIFIER, now=now)
    me = make.as_household(session.get_one(Household, case.household_id))
    withdrawing.withdraw_item(session, fast.id, actor=me, now=now)
    assert (fast.state, large.state, case.state) == (ItemState.GRANTED, ItemState.RUNNING, CaseState.OPEN)


def test_the_next_class_is_looked_at_where_the_one_before_it_is_taken_back(session: Session, now: datetime) -> None:
    home = make.a_household(session)
    _case, items = send(session, now, home, wants=["living"], ticks=["no_kin"])
    for code, then in (("TEKUN", "DIBAO"), ("DIBAO", "DIBIAN_GANGXING")):
        assert items[then].state is ItemState.WAITING
        withdrawing.withdraw_item(session, items[code].id, actor=make.as_household(home), now=now)
        assert (items[code].state, items[then].state) == (ItemState.WITHDRAWN, ItemState.RUNNING)


def test_what_is_taken_back_with_all_that_waited_for_it_was_refused_by_nobody(session: Session, now: datetime) -> None:
    home = make.a_household(session)
    case, items = send(session, now, home, wants=["living"], medical_fen=0, all_classes=False)
    for item in items.values():
        if item.state is ItemState.RUNNING:
            withdrawing.withdraw_item(session, item.id, actor=make.as_household(home), now=now)
    assert items["DIBAO"].state is ItemState.WITHDRAWN
    assert (case.state, case.decision) == (CaseState.WITHDRAWN, None)
    assert uncovered.uncovered(session, case) == [], "nobody hands on what the family took back"
    assert len(register.list_entries(session, home.id)) == 1


def test_what_was_taken_back_beside_what_was_granted_is_handed_on_by_nobody(session: Session, now: datetime) -> None:
    home = make.a_household(session)
    case, items = send(session, now, home, wants=["living", "work"], all_classes=False)
    work = items.pop("JIUYE_KUNNAN")
    for item in items.values():
        if item.state in OPEN:
            withdrawing.withdraw_item(session, item.id, actor=make.as_household(home), now=now)
    day = walk(session, work, now, to="department_answer")
    told: dict[str, Any] = {"letter": "8", "actor": APPROVER, "now": day}
    outcome.decide(session, work.id, granted=False, reason="department_said_no", **told)
    assert case.state is CaseState.CLOSED
    assert [one.want for one in uncovered.uncovered(session, case)] == ["work"]


def test_days_and_delays_of_a_run_that_fell_are_not_those_of_the_next(session: Session, now: datetime) -> None:
    _case, fast, [large] = helped(session, now)
    late = now + timedelta(days=60)
    step = steps.running_step(session, large.id)
    step.stopped_days = 20
    assert decide_again(session, fast.id, actor=VERIFIER, now=late)
    told: dict[str, Any] = {"granted": True, "amount_fen": 60_000, "actor": replace(WORKER, id="worker-7"), "now": late}
    outcome.decide(session, fast.id, **told)
    assert large.state is ItemState.RUNNING
    assert not lateness.is_late(session, large, now=late)
    assert lateness.days_taken(session, large, now=late + timedelta(days=7)) == 5
