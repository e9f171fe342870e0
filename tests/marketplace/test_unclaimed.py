"""A need without any proposal gets a named officer after its window, and stands on the list until it is claimed."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from sqlmodel import Session, select

from marketplace.accounts.models import Account
from marketplace.accounts.service import create_account
from marketplace.actors import Actor, Role
from marketplace.clocks.models import Clock
from marketplace.db import Database
from marketplace.decisions import approve as approval
from marketplace.decisions import queues, service, unclaimed
from marketplace.meetings import duties
from marketplace.needs.models import Need, NeedState
from marketplace.proposals.models import LineState
from tests import factories as make

DAY = timedelta(days=1)
APPROVER = Actor(id="approver-1", role=Role.APPROVER)


def a_need(session: Session, *, phone: str = "10000000001", consented: bool = True, **over: object) -> Need:
    household = make.a_household(session, phone=phone)
    if consented:
        make.auto_match(session, household)
    return make.a_need(session, household, **over)


def an_officer(session: Session, login: str, *districts: str, now: datetime) -> Account:
    return create_account(
        session, login, display_name=login, role=Role.APPROVER, districts=list(districts), org_id=None, now=now
    )


def look(database: Database, now: datetime) -> list[tuple[str, str | None]]:
    """Need and officer of every row of the list after a look."""
    unclaimed.look(database, now=now)
    with database.reading() as session:
        rows = queues.list_unclaimed(session, actor=APPROVER)
        assert queues.count_unclaimed(session, actor=APPROVER) == len(rows)
        return [(row.need.id, row.officer.login if row.officer else None) for row in rows]


def test_after_five_working_days_a_need_gets_a_named_officer(database: Database, now: datetime) -> None:
    with database.transaction() as session:
        need = a_need(session)
        an_officer(session, "of-the-city", now=now)
        an_officer(session, "of-the-district", "500103", now=now)
    assert look(database, now + 7 * DAY) == [], "Monday 30 November is the fifth working day"
    assert look(database, now + 8 * DAY) == [(need.id, "of-the-district")]
    assert look(database, now + 9 * DAY) == [(need.id, "of-the-district")]
    with database.reading() as session:
        assert len(session.exec(select(Clock)).all()) == 1


def test_a_need_with_a_duty_of_a_meeting_is_nobody_else_s_until_its_window_has_passed_again(
    database: Database, now: datetime
) -> None:
    with database.transaction() as session:
        need, officer = a_need(session), an_officer(session, "of-the-district", "500103", now=now)
        task = duties.Task(need_id=need.id, officer_id=officer.id, task="ask the street office")
        duty = duties.give(session, task, actor=APPROVER, now=now)
    assert look(database, now + 8 * DAY) == [], "the officer of the duty has it"
    with database.transaction() as session:
        actor = Actor(id=officer.id, role=Role.APPROVER)
        duties.done(session, duty.id, outcome="nothing found", actor=actor, now=now + 8 * DAY)
    assert look(database, now + 9 * DAY) == []
    assert look(database, now + 16 * DAY) == [(need.id, "of-the-district")]


def test_an_urgent_need_is_unclaimed_after_one_working_day(database: Database, now: datetime) -> None:
    with database.transaction() as session:
        need = a_need(session, urgency=3)
    assert look(database, now + DAY) == []
    assert look(database, now + 2 * DAY) == [(need.id, None)]


def test_officers_take_turns(database: Database, now: datetime) -> None:
    with database.transaction() as session:
        for n in range(4):
            a_need(session, phone=f"1000000002{n}")
        for name in ("a", "b"):
            an_officer(session, name, now=now)
    officers = sorted(str(officer) for _need, officer in look(database, now + 10 * DAY))
    assert officers == ["a", "a", "b", "b"]


@pytest.mark.parametrize(
    "why",
    [
        {"consented": False},
        {"state": NeedState.HELD},
        {"valid_to": date(2026, 12, 1)},
        {"verified_on": date(2026, 12, 1)},
        {"created_at": datetime.fromisoformat("2026-12-01T00:00:00+00:00")},
    ],
    ids=lambda why: next(iter(why)),
)
def test_what_nobody_could_have_claimed_is_not_on_the_list(
    database: Database, now: datetime, why: dict[str, object]
) -> None:
    with database.transaction() as session:
        a_need(session, **why)  # type: ignore[arg-type]
    assert look(database, now + 9 * DAY) == []


def test_a_proposal_claims_a_need_and_its_end_begins_the_window_again(database: Database, now: datetime) -> None:
    with database.transaction() as session:
        need = a_need(session)
        giver = make.an_organisation(session)
        offer = make.an_offer(session, giver)
    later = now + 8 * DAY
    assert look(database, later) == [(need.id, None)]
    with database.transaction() as session:
        line = make.a_line(session, session.get_one(Need, need.id), offer)
    assert look(database, later) == []
    with database.transaction() as session:
        approval.approve(session, [line.id], actor=APPROVER, now=later)
        match = session.exec(select(service.Match)).one()
    assert look(database, later + 30 * DAY) == [], "a match waits for its giver"
    ended = later + 30 * DAY
    with database.transaction() as session:
        service.giver_declines(session, match.id, reason_code="other", actor=make.as_giver(giver), now=ended)
    assert look(database, ended + DAY) == [], "the window begins again"
    assert look(database, ended + 10 * DAY) == [(need.id, None)]


def test_a_rejected_line_does_not_count_and_a_closed_need_leaves_the_list(database: Database, now: datetime) -> None:
    with database.transaction() as session:
        need = a_need(session)
        offer = make.an_offer(session, make.an_organisation(session))
        make.a_line(session, need, offer, state=LineState.REJECTED)
    assert look(database, now + 9 * DAY) == [(need.id, None)]
    with database.transaction() as session:
        session.get_one(Need, need.id).state = NeedState.CLOSED
    assert look(database, now + 9 * DAY) == []


def test_staff_see_the_unclaimed_needs_of_their_districts(database: Database, now: datetime) -> None:
    with database.transaction() as session:
        a_need(session)
    look(database, now + 9 * DAY)
    elsewhere = Actor(id="approver-9", role=Role.APPROVER, districts=frozenset({"500106"}))
    with database.reading() as session:
        assert queues.list_unclaimed(session, actor=elsewhere) == []
        assert queues.count_unclaimed(session, actor=elsewhere) == 0


def test_the_watch_looks_now_and_then_only(sqlite_database: Database, now: datetime) -> None:
    times = iter([now + 9 * DAY, now + 9 * DAY + timedelta(minutes=9), now + 9 * DAY + timedelta(minutes=10)])
    watch = unclaimed.Watch(sqlite_database, clock=lambda: next(times))
    found = [watch()]
    with sqlite_database.transaction() as session:
        a_need(session)
    found += [watch(), watch()]
    assert found == [0, 0, 1]
