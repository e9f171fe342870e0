"""Granted items are looked at again after the months of the family's class, in time, by somebody else than kin."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlmodel import Session, select

from adapters.items import ItemResult
from marketplace import audit
from marketplace.actors import Role
from marketplace.calendar import local_day
from marketplace.cases import departments, looking, outcome, papers, reviews, service, withdrawing
from marketplace.cases.again import decide_again
from marketplace.cases.models import Case, CaseItem, CaseState
from marketplace.cases.models_reviews import ItemReview
from marketplace.clocks.models import Clock
from marketplace.db import Database
from marketplace.errors import BadInput, NotFound, WrongState
from marketplace.households import categories
from marketplace.households.categories import months_later
from marketplace.households.models import Household
from marketplace.liveness import duties
from marketplace.notices import Notice
from tests import factories as make
from tests.marketplace.test_cases import APPROVER, OTHER, WORKER, send, walk
from tests.marketplace.test_cases_pages import app, staff

__all__ = ["app"]


def granted(database: Database, now: datetime, **over: Any) -> tuple[str, date]:
    """A household is granted 低保; the item and the day it was granted."""
    with database.transaction() as session:
        _case, items = send(session, now, **over)
        day = walk(session, items["DIBAO"], now)
        outcome.decide(session, items["DIBAO"].id, granted=True, amount_fen=104_000, actor=APPROVER, now=day)
        return items["DIBAO"].id, local_day(day)


def waiting(database: Database, item_id: str) -> ItemReview:
    with database.reading() as session:
        asked = select(ItemReview).where(ItemReview.item_id == item_id, ItemReview.outcome == "")
        return session.exec(asked).one()


@pytest.mark.parametrize(("ticks", "kind", "months"), [([], "A", 12), (["jobless"], "B", 6)])
def test_the_class_of_the_family_gives_the_day_and_staff_are_told_a_month_before_once(
    sqlite_database: Database, now: datetime, ticks: list[str], kind: str, months: int
) -> None:
    item_id, on = granted(sqlite_database, now, ticks=ticks)
    row = waiting(sqlite_database, item_id)
    assert row.kind == kind
    assert (row.due_on.year * 12 + row.due_on.month) - (on.year * 12 + on.month) == months
    early = datetime.combine(row.due_on - timedelta(days=32), datetime.min.time(), tzinfo=now.tzinfo)
    assert reviews.sweep(sqlite_database, clock=lambda: early) == 0
    for told in (1, 0):
        assert reviews.sweep(sqlite_database, clock=lambda: early + timedelta(days=4)) == told
    with sqlite_database.reading() as session:
        clock = session.exec(select(Clock).where(Clock.step == "item_review")).one()
        assert local_day(clock.due_at - timedelta(seconds=1)) == row.due_on


def test_what_was_found_ends_the_clock_and_gives_the_next_day_and_nothing_is_cut(
    sqlite_database: Database, now: datetime
) -> None:
    item_id, _on = granted(sqlite_database, now)
    row = waiting(sqlite_database, item_id)
    later = datetime.combine(row.due_on, datetime.min.time(), tzinfo=now.tzinfo)
    reviews.sweep(sqlite_database, clock=lambda: later)
    said: dict[str, Any] = {"kind": "B", "finding": "邻居和本人都问过", "actor": WORKER, "now": later}
    with sqlite_database.transaction() as session:
        with pytest.raises(NotFound):
            reviews.finish(session, item_id, "same", **{**said, "actor": OTHER})
        for wrong in ({"kind": "C"}, {"finding": " "}):
            with pytest.raises(BadInput):
                reviews.finish(session, item_id, "same", **{**said, **wrong})
        reviews.finish(session, item_id, "same", **said)
        with pytest.raises(WrongState):
            reviews.finish(session, item_id, "same", **said)
    following = waiting(sqlite_database, item_id)
    assert (following.kind, following.due_on) == ("B", months_later(local_day(later), 6))
    with sqlite_database.transaction() as session:
        later = datetime.combine(following.due_on, datetime.min.time(), tzinfo=now.tzinfo)
        reviews._open(session, following.id, now=later)
        reviews.finish(session, item_id, "changed", **{**said, "now": later})
        item = session.get_one(CaseItem, item_id)
        assert (item.state.value, item.amount_fen) == ("granted", 104_000)
        letters = session.exec(select(Notice.key).where(Notice.letter == "review_changed")).all()
        assert letters == [f"review:{following.id}"]
        assert session.exec(select(Clock).where(Clock.step == "item_review", Clock.ended_at == None)).all() == []  # noqa: E711
    assert waiting(sqlite_database, item_id).due_on == months_later(local_day(later), 1)


def test_staff_find_it_on_their_list_and_the_household_sees_the_day(app: Flask, now: datetime) -> None:
    database: Database = app.extensions["database"]
    item_id, _on = granted(database, now)
    row = waiting(database, item_id)
    reviews.sweep(database, clock=lambda: datetime.combine(row.due_on, datetime.min.time(), tzinfo=now.tzinfo))
    worker = staff(app, "w-again", Role.WORKER)
    assert f"/cases/items/{item_id}/review" in worker.get("/cases/reviews").text
    page = f"/cases/items/{item_id}/review"
    assert worker.post(page, data={"outcome": "same", "kind": "A", "finding": ""}).status_code == 422
    assert worker.post(page, data={"outcome": "same", "kind": "A", "finding": "没有变化"}).status_code == 303
    assert "没有变化" in worker.get(page).text
    with database.transaction() as session:
        reviews._open(session, waiting(database, item_id).id, now=now)
    assert 'value="500' in worker.get(page).text, "the numbers that were told before lie in the form"
    told = {"outcome": "changed", "kind": "A", "finding": "找到了工作", "size": "2", "income_fen": "6,000"}
    assert worker.post(page, data={**told, "income_fen": "x"}).status_code == 422
    assert worker.post(page, data=told).status_code == 303
    with database.reading() as session:
        anew = session.exec(select(Case).where(Case.review_of == item_id)).one()
        assert (anew.answers["income_fen"], anew.answers["medical_fen"]) == (600_000, 6_000_000)
    assert staff(app, "a-again", Role.APPROVER).get(page).status_code in (403, 404)
    with database.reading() as session:
        case_id = session.get_one(CaseItem, item_id).case_id
    assert "前复核" in worker.get(f"/cases/{case_id}").text


def test_an_item_without_a_rule_is_not_looked_at_again(sqlite_database: Database, now: datetime) -> None:
    with sqlite_database.transaction() as session:
        _case, items = send(session, now, wants=["accident"], ticks=["sudden"], medical_fen=0)
        outcome.decide(session, items["LINSHI"].id, granted=True, amount_fen=70_000, actor=WORKER, now=now)
        assert session.exec(select(ItemReview)).all() == []


def looked_at_anew(session: Session, item_id: str, now: datetime, **numbers: int) -> CaseItem:
    """The family told of a change, somebody looked and typed the new numbers in: the item that is decided anew."""
    item = session.get_one(CaseItem, item_id)
    me = make.as_household(session.get_one(Household, item.household_id))
    reviews.report_change(session, item_id, actor=me, now=now)
    said: dict[str, Any] = {"kind": "A", "finding": "找到了工作", "numbers": numbers, "actor": WORKER, "now": now}
    reviews.finish(session, item_id, "changed", **said)
    case = session.exec(select(Case).where(Case.review_of == item_id, Case.state == CaseState.OPEN)).one()
    return service.list_items(session, case.id)[0]


def test_a_new_look_that_ends_in_a_refusal_ends_all_that_was_granted_and_a_later_application_gets_its_items(
    sqlite_database: Database, now: datetime
) -> None:
    item_id, _on = granted(sqlite_database, now, ticks=["no_pension"])
    now += timedelta(days=60)
    with sqlite_database.transaction() as session:
        item = session.get_one(CaseItem, item_id)
        with pytest.raises(BadInput):
            looked_at_anew(session, item_id, now, income_fen=-1)
    with sqlite_database.transaction() as session:
        item = session.get_one(CaseItem, item_id)
        home = session.get_one(Household, item.household_id)
        again = looked_at_anew(session, item_id, now, income_fen=900_000, size=1)
        case = session.get_one(Case, again.case_id)
        facts = service.facts_of(session, case, on=local_day(now))
        assert (facts.income_fen, facts.size, facts.medical_fen) == (900_000, 1, 6_000_000)
        (waste,) = [one for one in service.list_items(session, item.case_id) if one.code == "LAJI_JIANMIAN"]
        departments.take(session, "UM", ItemResult(waste.id, 1, "granted"), now=now)
        day = walk(session, again, now)
        outcome.decide(session, again.id, granted=False, reason="income_over", actor=APPROVER, now=day)
        assert (item.state.value, item.over_on, waste.over_on) == ("granted", local_day(day), local_day(day))
        assert reviews.next_days(session, [item_id, again.id]) == {}
        assert duties.duties_of_household(session, home.id) == []
        later = local_day(day) + timedelta(days=1)
        assert categories.categories_on(session, [home.id], on=later) == {home.id: ["EXITED_2Y"]}
        left = {entry.category: entry.reason for entry in categories.list_spells(session, home.id)}
        assert left["IN_REGISTER"] == "BENEFIT_OVER"
        assert not decide_again(session, item_id, actor=APPROVER, now=day), "the old decision is history"
        withdrawing.end_open(session, session.get_one(Case, item.case_id), actor=make.as_household(home), now=day)
        _later, items = send(session, day + timedelta(days=200), home)
        assert "DIBAO" in items
        assert audit.verify(session).bad_seq == 0


def test_who_takes_a_new_look_back_keeps_what_was_granted(sqlite_database: Database, now: datetime) -> None:
    item_id, _on = granted(sqlite_database, now, all_classes=False, wants=["living"], medical_fen=0)
    now += timedelta(days=60)
    with sqlite_database.transaction() as session:
        again = looked_at_anew(session, item_id, now)
        home = session.get_one(Household, again.household_id)
        withdrawing.withdraw(session, again.case_id, actor=make.as_household(home), now=now)
        held = categories.categories_on(session, [home.id], on=local_day(now))
        assert held == {home.id: ["IN_REGISTER"]}
        assert session.get_one(CaseItem, item_id).over_on is None


def test_what_has_changed_is_told_by_the_family_and_decided_anew_on_a_short_way(
    sqlite_database: Database, now: datetime
) -> None:
    item_id, _on = granted(sqlite_database, now)
    now += timedelta(days=60)
    with sqlite_database.transaction() as session:
        item = session.get_one(CaseItem, item_id)
        me = make.as_household(session.get_one(Household, item.household_id))
        reviews.report_change(session, item_id, actor=me, now=now)
        said: dict[str, Any] = {"kind": "A", "finding": "生了孩子", "actor": WORKER, "now": now}
        reviews.finish(session, item_id, "changed", **said)
        case = session.exec(select(Case).where(Case.review_of == item_id)).one()
        (again,) = service.list_items(session, case.id)
        assert (again.code, again.path, again.state.value) == ("DIBAO", "REVIEW", "running")
        signed = papers.signature_of(session, case)
        assert signed is not None
        papers.add_bill(session, case, make.a_picture(), actor=me, now=now)
        ((bill, _check),) = looking.list_uploads(session, case)
        assert looking.look(session, again.id, bill.id, actor=WORKER, now=now)[1]
        day = walk(session, again, now)
        outcome.decide(session, again.id, granted=True, amount_fen=150_000, actor=APPROVER, now=day)
        assert (again.amount_fen, item.amount_fen) == (150_000, 104_000)
        assert reviews.next_days(session, [item_id, again.id]).keys() == {again.id}
        assert (item.over_on, again.over_on) == (local_day(day), None)
        third = session.get_one(Case, looked_at_anew(session, again.id, day + timedelta(days=60)).case_id)
        assert papers.signature_of(session, third) == signed, "signed once, also where it is decided for the third time"
        assert [paper.id for paper, _check in looking.list_uploads(session, third)] == [bill.id]
