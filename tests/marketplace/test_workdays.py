"""A city's own holidays and workdays: two people, a source, and every limit that runs over a closed day follows."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlmodel import Session, select

from marketplace import calendar
from marketplace.accounts import service as accounts
from marketplace.actors import Actor, Role
from marketplace.app import create_app
from marketplace.calendar import after_working_days, is_working_day, local_day, utc_now
from marketplace.cases import days, lateness, steps
from marketplace.cases.rules import path_of
from marketplace.clocks import service as clocks
from marketplace.clocks.models import Clock
from marketplace.config import Settings
from marketplace.db import Database
from marketplace.errors import BadInput, NotFound, WrongState
from marketplace.households.models import Person
from marketplace.rights import service as rights
from marketplace.rights.models import RightKind
from marketplace.visits import service as visits
from marketplace.visits.models import HomeVisit
from marketplace.workdays import service
from marketplace.workdays.models import DayState, OwnDay
from marketplace.workdays.service import Draft
from tests import factories as make
from tests.marketplace.test_cases import WORKER, send

WRITES = Actor(id="v1", role=Role.VERIFIER)
DECIDES = Actor(id="a1", role=Role.APPROVER)
HOME = "500103"
DAY = timedelta(days=1)
TUESDAY, WEDNESDAY, FRIDAY, SATURDAY = (date(2026, 11, day) for day in (24, 25, 27, 28))


def closed(session: Session, day: date, now: datetime, *, works: bool = False, district: str = "") -> OwnDay:
    wanted = Draft(day, works, "disaster", "防汛指挥部〔2026〕1 号", district)
    row = service.draft(session, wanted, actor=WRITES, now=now)
    return service.decide(session, row.id, approved=True, actor=DECIDES, now=now)


def test_the_districts_word_goes_before_the_citys_and_that_before_the_library() -> None:
    own = {("", WEDNESDAY): False, (HOME, WEDNESDAY): True, (HOME, date(2026, 11, 28)): True}
    monday = datetime(2026, 11, 23, 2, tzinfo=UTC)
    with calendar.own_days(lambda: own):
        assert [is_working_day(WEDNESDAY, district=place) for place in ("", "500112", HOME)] == [False, False, True]
        assert is_working_day(date(2026, 11, 28), district=HOME)
        assert not is_working_day(date(2026, 11, 28))
        assert local_day(after_working_days(monday, 2)) == date(2026, 11, 27), "24 and 26 November"
        assert local_day(after_working_days(monday, 2, district=HOME)) == date(2026, 11, 26)
    assert is_working_day(WEDNESDAY)


def test_a_day_has_a_source_and_two_people_of_the_place_and_says_something_new(session: Session, now: datetime) -> None:
    told = Draft(WEDNESDAY, False, "decree", "渝府发〔2026〕9 号")
    for wanted, code in (
        (Draft(WEDNESDAY, False, "decree", " "), "workday_source"),
        (Draft(WEDNESDAY, True, "decree", "x"), "workday_same"),
        (Draft(WEDNESDAY, False, "weather", "x"), "choice"),
        (Draft(WEDNESDAY - 60 * DAY, False, "decree", "x"), "workday_far"),
        (Draft(WEDNESDAY, False, "decree", "x", "999999"), "choice"),
    ):
        with pytest.raises(BadInput, match=code):
            service.draft(session, wanted, actor=WRITES, now=now)
    row = service.draft(session, told, actor=DECIDES, now=now)
    with pytest.raises(BadInput, match="workday_waits"):
        service.draft(session, told, actor=WRITES, now=now)
    of_district = Actor(id="a2", role=Role.APPROVER, districts=frozenset({HOME}))
    with pytest.raises(NotFound):
        service.decide(session, row.id, approved=True, actor=of_district, now=now)
    with pytest.raises(WrongState, match="workday_same_person"):
        service.decide(session, row.id, approved=True, actor=DECIDES, now=now)
    assert service.in_force(session) == {}, "a draft changes nothing"
    other = Actor(id="a3", role=Role.APPROVER)
    assert service.decide(session, row.id, approved=False, actor=other, now=now).state is DayState.REFUSED
    assert service.in_force(session) == {}


def test_what_runs_over_a_closed_day_ends_later_and_nothing_else_moves(session: Session, now: datetime) -> None:
    """Monday 23 November; the offices of the household's district are closed on Tuesday and Friday."""
    home = make.a_household(session, district_code=HOME)
    _case, items = send(session, now, home)
    item = items["DIBAO"]
    step = steps.running_step(session, item.id)
    step_last, item_last = days.last_day(step.due_at), days.last_day(item.due_at or now)
    clock = clocks.running_of(session, steps.clock_ref(item.id))[0]
    visit = visits.ask(session, home.id, "CASE", ref="another", actor=WRITES, now=now)
    holder = clocks.Holder(household_id=home.id, district_code=HOME)
    hours = clocks.start(session, "alert_red", "urgent:1", holder=holder, now=now)
    agreed = clocks.start(session, "follow_up", "match:1", holder=holder, now=now)
    clocks.set_last_day(session, agreed, date(2026, 12, 23))
    counted = clocks.start(session, "follow_up", "match:2", holder=holder, now=now)
    elsewhere = clocks.start(session, "follow_up", "match:3", holder=clocks.Holder(district_code="500112"), now=now)
    me = session.exec(select(Person).where(Person.household_id == home.id)).one()
    asked = rights.ask(session, me, RightKind.COMPLAIN, words="太慢了", actor=make.as_household(home), now=now)
    saturday = closed(session, SATURDAY, now, works=True, district=HOME)
    before = {row.id: row.due_at for row in (hours, agreed, counted, elsewhere, asked)}
    visit_due, sent = visit.due_on, clock.remind_at
    first = closed(session, TUESDAY, now, district=HOME)
    second = closed(session, FRIDAY, now, district=HOME)
    assert first.moved >= 4
    with calendar.own_days(lambda: service.in_force(session)):
        assert days.last_day(step.due_at) == days.last_day(
            days.due_after(now, step.limit_days, unit=step.unit, district=HOME)
        )
    assert days.last_day(step.due_at) > step_last
    assert days.last_day(item.due_at or now) > item_last
    assert clock.due_at == step.due_at, "the clock that reminds ends with its step"
    assert sent is not None
    assert clock.remind_at is not None
    assert clock.remind_at > sent
    assert visit.due_on > visit_due
    assert saturday.moved == 0
    assert clocks.last_day(counted) == date(2026, 12, 9), "by both, though offices work on a Saturday by now"
    assert asked.due_at == clocks.running_of(session, asked.id)[0].due_at > before[asked.id], "what people read"
    assert [row.due_at for row in (hours, agreed, elsewhere)] == [before[row.id] for row in (hours, agreed, elsewhere)]
    lifted = closed(session, FRIDAY, now, works=True, district=HOME)
    assert (second.state, lifted.moved) == (DayState.ENDED, 0)
    assert days.last_day(step.due_at) > step_last, "what was told stays told"


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("closed_on", [TUESDAY, WEDNESDAY, FRIDAY])
def test_a_stopped_clock_runs_on_with_all_its_days_over_a_closed_one(
    session: Session, now: datetime, closed_on: date, late: bool
) -> None:
    """Stopped on Tuesday, on again on Thursday: whether the offices closed before, during or after, no day is lost and
    none is given twice, also where it is written down only after the clock ran on."""
    home = make.a_household(session, district_code=HOME)
    _case, items = send(session, now, home)
    item, me = items["DIBAO"], make.as_household(home)
    total = path_of(item.code, district=HOME, on=local_day(now)).total
    step = steps.finish(session, item.id, actor=WORKER, now=now)
    steps.stop(session, item.id, missing="户口簿", actor=WORKER, now=now + DAY)
    if late:
        steps.run_on(session, item.id, actor=me, now=now + 3 * DAY)
    row = closed(session, closed_on, now + (3 if late else 1) * DAY, district=HOME)
    with calendar.own_days(lambda: service.in_force(session)):
        if not late:
            steps.run_on(session, item.id, actor=me, now=now + 3 * DAY)
        used = 0 if closed_on == TUESDAY else 1
        assert lateness.days_taken(session, item, now=now + 3 * DAY) == used, "a day closed late is nobody's"
        ends = [after_working_days(now + 3 * DAY, limit - used, district=HOME) for limit in (step.limit_days, total)]
    assert row.state is DayState.ACTIVE
    assert [step.due_at, item.due_at] == ends
    assert clocks.running_of(session, steps.clock_ref(item.id))[0].due_at == step.due_at


@pytest.mark.parametrize("late", [False, True])
def test_a_workday_inside_a_stop_is_nobodys_also_where_it_is_written_down_after_the_clock_ran_on(
    sqlite_database: Database, now: datetime, late: bool
) -> None:
    """Stopped on Thursday, on again on Monday; offices worked on the Saturday between, or did not after all."""
    with sqlite_database.session(writes=True) as session:
        home = make.a_household(session, district_code=HOME)
        _case, items = send(session, now, home)
        item, me, monday = items["DIBAO"], make.as_household(home), now + 7 * DAY

        def taken() -> int:
            with calendar.own_days(lambda: service.in_force(session)):
                return lateness.days_taken(session, item, now=monday)

        steps.stop(session, item.id, missing="户口簿", actor=WORKER, now=now + 3 * DAY)
        if not late:
            closed(session, SATURDAY, now + 3 * DAY, works=True, district=HOME)
        with calendar.own_days(lambda: service.in_force(session)):
            steps.run_on(session, item.id, actor=me, now=monday)
        if late:
            closed(session, SATURDAY, monday, works=True, district=HOME)
        assert taken() == 3, "Tuesday to Thursday"
        closed(session, SATURDAY, monday, district=HOME)
        assert taken() == 3
        closed(session, SATURDAY, monday, works=True)
        assert taken() == 3, "the city's word does not go before the district's"


def test_what_counted_the_closed_day_already_is_not_given_it_twice(session: Session, now: datetime) -> None:
    """Friday is closed, worked after all, and closed again: who counted it as closed stays, who counted it as worked is
    moved. A visit that was tried again after a closed day began anew after it."""
    home = make.a_household(session, district_code=HOME)
    holder = clocks.Holder(household_id=home.id, district_code=HOME)
    _case, items = send(session, now, home)
    tried = visits.ask(session, home.id, "CASE", ref="tried", actor=WRITES, now=now)

    def begun(name: str, hours: int) -> tuple[Clock, HomeVisit]:
        at = now + timedelta(hours=hours)
        with calendar.own_days(lambda: service.in_force(session)):
            visit = visits.ask(session, home.id, "CASE", ref=name, actor=WRITES, now=at)
            return clocks.start(session, "follow_up", name, holder=holder, now=at), visit

    first = begun("before", 0)
    closed(session, FRIDAY, now + timedelta(hours=1), district=HOME)
    second = begun("while it was closed", 2)
    step = steps.running_step(session, items["DIBAO"].id)
    ends = [
        step.due_at,
        items["DIBAO"].due_at,
        *(end for clock, visit in (first, second) for end in _ends(clock, visit)),
    ]
    closed(session, FRIDAY, now + timedelta(hours=3), works=True, district=HOME)
    third = begun("while it was worked", 4)
    again = closed(session, FRIDAY, now + timedelta(hours=5), district=HOME)
    assert ends == [
        step.due_at,
        items["DIBAO"].due_at,
        *(end for clock, visit in (first, second) for end in _ends(clock, visit)),
    ]
    assert again.moved == 2
    assert _ends(*third) == _ends(*second) == _ends(*first)
    visits.finish(session, tried, visits.NOT_MET, actor=WORKER, now=now + 2 * DAY)
    due = tried.due_on
    closed(session, TUESDAY, now + 2 * DAY, district=HOME)
    assert tried.due_on == due


def _ends(clock: Clock, visit: HomeVisit) -> list[object]:
    return [clock.due_at, visit.due_on]


def test_two_people_enter_a_closed_day_by_page_and_the_next_limit_leaves_it_out(
    settings: Settings, sqlite_database: Database
) -> None:
    app: Flask = create_app(settings, database=sqlite_database)
    app.config["WTF_CSRF_ENABLED"] = False
    writer, decider = client(app, Role.VERIFIER), client(app, Role.APPROVER)
    today = local_day(utc_now())
    day = next(today + n * DAY for n in range(1, 14) if is_working_day(today + n * DAY))
    assert "没有另行规定的日子" in writer.get("/workdays/").text
    sent = {"day": day.isoformat(), "district": "*", "works": "no", "cause": "disaster", "source": "停工通告 1 号"}
    assert writer.post("/workdays/new", data={**sent, "source": ""}).status_code == 422
    assert writer.post("/workdays/new", data={**sent, "works": "yes"}).status_code == 422
    assert writer.post("/workdays/new", data=sent).status_code == 303
    assert writer.post("/workdays/new", data=sent).status_code == 422
    with sqlite_database.reading() as session:
        row_id = session.exec(select(OwnDay.id)).one()
    assert writer.post(f"/workdays/{row_id}/approve").status_code == 403
    assert f"/workdays/{row_id}/approve" in decider.get("/workdays/?lang=en").text
    assert decider.post(f"/workdays/{row_id}/approve").status_code == 303
    assert decider.post(f"/workdays/{row_id}/approve").status_code == 409
    assert "停工通告 1 号" in decider.get("/workdays/").text
    with sqlite_database.reading() as session, calendar.own_days(lambda: service.read_days(sqlite_database)):
        assert service.in_force(session) == {("", day): False}
        assert not is_working_day(day)
    seen: list[bool] = []
    app.view_functions["health"] = lambda: (seen.append(is_working_day(day)), "")[1]
    app.test_client().get("/health")
    assert seen == [False], "each request counts by it"
    assert is_working_day(day), "and nothing outside a request does"


def client(app: Flask, role: Role) -> FlaskClient:
    with app.extensions["database"].transaction() as session:
        made = accounts.create_account(session, role.value, role=role, display_name=role.value, now=utc_now())
        token = accounts.open_for_account(session, made, now=utc_now())
    found = app.test_client()
    found.set_cookie("sid", token)
    return found
