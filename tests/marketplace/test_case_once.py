"""The same item runs once at a time for one household, person or event, and is not granted twice."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlmodel import Session, select

from marketplace.actors import Actor, Role
from marketplace.calendar import local_day
from marketplace.cases import apart, lateness, once, outcome, reviews, service, steps, supervision, withdrawing
from marketplace.cases.again import decide_again
from marketplace.cases.models import Case, CaseItem, CaseState, ItemState
from marketplace.db import Database, flush
from marketplace.errors import BadInput, Conflict
from marketplace.households.models import Household
from tests import factories as make
from tests.marketplace.test_cases import APPROVER, CITY, PAYER, WORKER, send, walk
from tests.marketplace.test_cases_pages import app, apply, home

__all__ = ["app", "home"]
OTHER = Actor(id="approver-2", role=Role.APPROVER, districts=frozenset({CITY}))
SICK = {"wants": ["living", "illness", "disability"]}


@pytest.fixture
def quick(sqlite_database: Database) -> Iterator[Session]:
    """The embedded engine is enough for most of this."""
    with sqlite_database.session(writes=True) as opened:
        yield opened
        opened.rollback()


def a_second(session: Session, now: datetime) -> tuple[Household, dict[str, CaseItem], Case, dict[str, CaseItem]]:
    """A household asks for living; while that runs it asks for living again, with an illness and a disability."""
    home = make.a_household(session)
    _first, items = send(session, now, home, wants=["living"], medical_fen=0)
    case, more = send(session, now, home, **SICK)
    return home, items, case, more


def test_what_runs_already_is_left_to_its_own_application_and_what_needs_it_waits_for_it(
    quick: Session, now: datetime
) -> None:
    home, items, case, more = a_second(quick, now)
    assert set(more) == {"LINSHI", "CANJI_BUTIE", "YILIAO_JIUZHU"}
    assert set(case.answers[once.APART]) >= {"DIBAO", "DIBIAN_GANGXING", "LAJI_JIANMIAN"}
    assert {more[code].state for code in ("CANJI_BUTIE", "YILIAO_JIUZHU")} == {ItemState.WAITING}
    with pytest.raises(BadInput, match="nothing_new"):
        send(quick, now, home, wants=["living"], medical_fen=0)
    day = walk(quick, items["DIBAO"], now)
    outcome.decide(quick, items["DIBAO"].id, granted=True, amount_fen=50_000, actor=APPROVER, now=day)
    assert {more[code].state for code in ("CANJI_BUTIE", "YILIAO_JIUZHU")} == {ItemState.RUNNING}
    draft = service.find_draft(quick, home.id, case.subject_id)
    assert draft is not None
    assert apart.left_out(quick, draft, now=day)["DIBAO"].state is ItemState.GRANTED
    with pytest.raises(BadInput, match="nothing_new"):
        service.submit(quick, draft, actor=make.as_household(home), now=day + timedelta(days=2))


def test_what_waits_for_another_application_goes_on_when_that_one_is_taken_back(quick: Session, now: datetime) -> None:
    home, items, _case, more = a_second(quick, now)
    withdrawing.withdraw(quick, items["DIBAO"].case_id, actor=make.as_household(home), now=now)
    assert more["YILIAO_JIUZHU"].state is ItemState.RUNNING


def test_another_person_and_another_event_have_items_of_their_own(quick: Session, now: datetime) -> None:
    home = make.a_household(quick)
    told: dict[str, Any] = {"ticks": ["sudden"], "medical_fen": 0}
    _case, items = send(quick, now, home, wants=["accident"], **told)
    _case, other = send(quick, now, home, wants=["illness", "accident"], **told)
    assert items["LINSHI"].once_for != other["LINSHI"].once_for, "an illness is another event"
    second = make.a_person(quick, home, phone="10000000099")
    case = service.start(quick, home.id, subject_id=second.id, actor=WORKER, now=now)
    service.save(quick, case, {"wants": ["accident"], **told}, actor=WORKER, now=now)
    service.sign(quick, case, "王大明", all_classes=True, hand_on=True, actor=make.as_household(home), now=now)
    with pytest.raises(BadInput, match="sends_itself"):
        service.submit(quick, case, actor=WORKER, now=now)
    assert "LINSHI" in {one.code for one in service.submit(quick, case, actor=make.as_household(home), now=now)}


def test_a_right_appeal_decides_the_older_application_and_the_newer_item_falls(quick: Session, now: datetime) -> None:
    home = make.a_household(quick)
    plain: dict[str, Any] = {"wants": ["living"], "medical_fen": 0, "all_classes": False}
    first, items = send(quick, now, home, **plain)
    day = walk(quick, items["DIBAO"], now)
    outcome.decide(quick, items["DIBAO"].id, granted=False, reason="income_over", actor=APPROVER, now=day)
    second, newer = send(quick, day, home, **plain)
    steps.stop(quick, newer["DIBAO"].id, missing="户口簿", actor=WORKER, now=day)
    assert decide_again(quick, items["DIBAO"].id, actor=APPROVER, now=day)
    assert (newer["DIBAO"].state, newer["DIBAO"].note) == (ItemState.NOT_NEEDED, "decided_elsewhere")
    assert newer["DIBAO"].late_cause == "", "it was in time"
    assert (newer["LAJI_JIANMIAN"].state, second.state) == (ItemState.WAITING, CaseState.OPEN)
    outcome.decide(quick, items["DIBAO"].id, granted=True, amount_fen=100, actor=OTHER, now=day)
    assert newer["LAJI_JIANMIAN"].state is ItemState.RUNNING
    assert items["LAJI_JIANMIAN"].state is ItemState.NOT_NEEDED, "the newer application has it"
    assert first.state is CaseState.CLOSED


def test_what_fell_in_another_application_waits_again_for_the_right_decision(quick: Session, now: datetime) -> None:
    home = make.a_household(quick)
    plain: dict[str, Any] = {"wants": ["living"], "medical_fen": 0, "all_classes": False}
    _first, items = send(quick, now, home, **plain)
    case, more = send(quick, now, home, **plain, ticks=["no_pension"])
    assert {code: one.state for code, one in more.items()} == {"YANGLAO_DAIJIAO": ItemState.WAITING}
    pension, refused = more["YANGLAO_DAIJIAO"], {"granted": False, "reason": "income_over"}
    day = walk(quick, items["DIBAO"], now)
    outcome.decide(quick, items["DIBAO"].id, **refused, actor=APPROVER, now=day)
    assert (pension.state, case.state) == (ItemState.NOT_NEEDED, CaseState.CLOSED)
    assert decide_again(quick, items["DIBAO"].id, actor=APPROVER, now=day)
    assert (pension.state, case.state) == (ItemState.WAITING, CaseState.OPEN)
    outcome.decide(quick, items["DIBAO"].id, **refused, actor=OTHER, now=day)
    assert (pension.state, case.state) == (ItemState.NOT_NEEDED, CaseState.CLOSED), "it was right the first time"
    assert decide_again(quick, items["DIBAO"].id, actor=OTHER, now=day)
    outcome.decide(quick, items["DIBAO"].id, granted=True, amount_fen=100, actor=PAYER, now=day)
    assert (pension.state, case.state) == (ItemState.RUNNING, CaseState.OPEN)


def refused_and_sent_anew(session: Session, now: datetime) -> tuple[dict[str, CaseItem], dict[str, CaseItem], datetime]:
    """The items of an application that was refused, those of the same one sent anew, and the day of both."""
    home = make.a_household(session)
    plain: dict[str, Any] = {"wants": ["living"], "medical_fen": 0, "all_classes": False}
    _case, items = send(session, now, home, **plain)
    day = walk(session, items["DIBAO"], now)
    outcome.decide(session, items["DIBAO"].id, granted=False, reason="income_over", actor=APPROVER, now=day)
    return items, send(session, day, home, **plain)[1], day


def test_a_late_item_that_an_older_application_takes_over_is_counted_with_its_cause(
    quick: Session, now: datetime
) -> None:
    items, newer, day = refused_and_sent_anew(quick, now)
    late = day + timedelta(days=200)
    steps.stop(quick, newer["DIBAO"].id, missing="户口簿", actor=WORKER, now=late)
    assert decide_again(quick, items["DIBAO"].id, actor=APPROVER, now=late + timedelta(days=40))
    found = newer["DIBAO"]
    assert (found.state, found.late_cause) == (ItemState.NOT_NEEDED, "decided_elsewhere")
    rows = supervision.times_of(quick, found.month)
    assert [(row.code, row.late, row.holder) for row in rows] == [("DIBAO", 1, found.late_with)]
    assert "decided_elsewhere" not in lateness.late_causes(), "nobody chooses it"


def test_what_was_granted_meanwhile_is_neither_decided_again_nor_granted_a_second_time(
    quick: Session, now: datetime
) -> None:
    items, newer, day = refused_and_sent_anew(quick, now)
    day = walk(quick, newer["DIBAO"], day)
    outcome.decide(quick, newer["DIBAO"].id, granted=True, amount_fen=100, actor=APPROVER, now=day)
    assert not decide_again(quick, items["DIBAO"].id, actor=OTHER, now=day)
    stray = steps.get_item(quick, items["DIBAO"].id)
    stray.state, stray.decided_at = ItemState.RUNNING, None
    steps.start_step(quick, stray, steps.StepRule(9, "confirm", "COUNTY", 3, steps.Unit.WORKING), no=9, now=day)
    with pytest.raises(BadInput, match="granted_already"):
        outcome.decide(quick, stray.id, granted=True, amount_fen=100, actor=OTHER, now=day)
    outcome.decide(quick, stray.id, granted=False, reason="granted_already", actor=OTHER, now=day)
    assert newer["DIBAO"].over_on is None


def test_new_numbers_reach_the_decision_that_is_being_made_anew_already(quick: Session, now: datetime) -> None:
    home = make.a_household(quick)
    case, items = send(quick, now, home, wants=["living"], medical_fen=0)
    day = walk(quick, items["DIBAO"], now)
    outcome.decide(quick, items["DIBAO"].id, granted=True, amount_fen=100, actor=APPROVER, now=day)
    assert decide_again(quick, items["DIBAO"].id, actor=OTHER, now=day)
    reviews.report_change(quick, items["DIBAO"].id, actor=make.as_household(home), now=day)
    said: dict[str, Any] = {"kind": "A", "finding": "找到了工作", "numbers": {"income_fen": 7}}
    reviews.finish(quick, items["DIBAO"].id, "changed", actor=WORKER, now=day, **said)
    assert quick.exec(select(Case).where(Case.review_of == items["DIBAO"].id)).all() == []
    assert service.facts_of(quick, case, on=local_day(day)).income_fen == 7


@pytest.mark.both_engines
def test_the_database_refuses_a_second_open_item_of_the_same_key(session: Session, now: datetime) -> None:
    _case, items = send(session, now)
    other = make.a_household(session, phone="10000000088")
    _case, more = send(session, now, other)
    more["DIBAO"].once_for = items["DIBAO"].once_for
    session.add(more["DIBAO"])
    with pytest.raises(Conflict):
        flush(session)


@pytest.mark.both_engines
def test_of_two_applications_sent_at_once_one_begins_the_item(database: Database, now: datetime) -> None:
    """Two people of a household press at the same moment, each in a transaction of its own."""
    with database.transaction() as session:
        home = make.a_household(session)
        people = [person.id for person in service.list_people(session, home.id)]
        people.append(make.a_person(session, home, phone="10000000099").id)
        drafts = []
        for person in people:
            case = service.start(session, home.id, subject_id=person, actor=WORKER, now=now)
            service.save(session, case, {"wants": ["living", "disability"], "income_fen": 0}, actor=WORKER, now=now)
            me = make.as_household(home)
            service.sign(session, case, "王小明", all_classes=True, hand_on=True, actor=me, now=now)
            drafts.append(case.id)
    start = threading.Barrier(len(drafts))

    def press(case_id: str) -> None:
        start.wait()
        with database.transaction() as session:
            case = session.get_one(Case, case_id)
            service.submit(session, case, actor=make.as_household_of(case.household_id), now=now)

    pressed = [threading.Thread(target=press, args=(case_id,)) for case_id in drafts]
    for one in pressed:
        one.start()
    for one in pressed:
        one.join()
    with database.reading() as session:
        begun = sorted(session.exec(select(CaseItem.code)))
        assert begun.count("DIBAO") == 1
        assert begun.count("CANJI_BUTIE") == 2, "a subsidy is for each person"


def test_the_pages_say_what_is_not_asked_for_a_second_time_and_lead_there(app: Flask, home: FlaskClient) -> None:
    apply(home)
    database: Database = app.extensions["database"]
    with database.reading() as session:
        first = session.exec(select(Case)).one().id
    home.post("/cases/start")
    with database.reading() as session:
        draft = session.exec(select(Case).where(Case.state == CaseState.DRAFT)).one().id
    home.post(f"/cases/{draft}/step/wants", data={"wants": ["living", "disability"]})
    home.post(f"/cases/{draft}/step/money", data={"size": "2", "income_fen": "500"})
    page = home.get(f"/cases/{draft}/check").text
    assert "不再重复申请" in page
    assert f'href="/cases/{first}"' in page
    home.post(f"/cases/{draft}/step/sign", data={"agree": "y", "typed_name": "王小明"})
    assert home.post(f"/cases/{draft}/check").status_code == 303
    for shown in (f"/cases/{draft}/sent", f"/cases/{draft}"):
        assert "不再重复申请" in home.get(shown).text
    assert "另一份申请" in home.get(f"/cases/{draft}/aloud").text
