"""Visits: asked once for each cause, the same face at the door, two people where the rules want it, no edit lost."""

from __future__ import annotations

import io
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

import pytest
from PIL import Image
from sqlmodel import Session, col, select

from marketplace.accounts import service as accounts
from marketplace.accounts.closing import close_account
from marketplace.accounts.models import Account
from marketplace.actors import SYSTEM, Actor, Role
from marketplace.audit import AuditRow
from marketplace.calendar import local_day
from marketplace.cases import counter, outcome, quick
from marketplace.cases.models import Case, CaseState, ItemState
from marketplace.cases.service import list_items
from marketplace.cases.uncovered import uncovered
from marketplace.clocks import service as clocks
from marketplace.clocks.models import Clock
from marketplace.db import Database
from marketplace.decisions import officers
from marketplace.errors import BadInput, Conflict, NotAllowed, NotFound, WrongState
from marketplace.households import members, reaching
from marketplace.households.categories import categories_on
from marketplace.households.models import Household, Spell
from marketplace.households.service import list_people
from marketplace.liveness import service as survival
from marketplace.liveness.models import CheckCause, Way
from marketplace.notices import Notice
from marketplace.portraits import ranking
from marketplace.portraits.scoring import score_of
from marketplace.readback.models import SignedBy
from marketplace.readback.service import Heard, Script
from marketplace.reference.indicators import indicators
from marketplace.reference.visiting import causes, middle_of, minutes_between, quotas
from marketplace.sealed import vault_of
from marketplace.signals import answering, homes, sweeping
from marketplace.signals import lists as alerts
from marketplace.signals.models import Colour, Fact, TaskKind, WatchTask
from marketplace.signals.models_homes import KeptScore
from marketplace.signals.reading import readings, scene_of
from marketplace.signals.taking import record_fact
from marketplace.visits import entries, findings, lists, parcels, photos, quota, rounds, service, workers
from marketplace.visits.entries import Change
from marketplace.visits.merging import Standing, Verdict, merge
from marketplace.visits.models import HomeVisit, VisitState
from marketplace.visits.models_places import CityShape, ShapeKind
from tests import factories as make
from tests.marketplace.signal_scene import CLERK, a_home, a_number, at_work, head, into, told

NOW = make.NOW
TODAY = local_day(NOW)
NEVER = "nobody"


@pytest.fixture
def session(sqlite_database: Database) -> Iterator[Session]:
    """The embedded engine is enough here."""
    with sqlite_database.session(writes=True) as opened:
        yield opened
        opened.rollback()


def a_worker(session: Session, name: str = "王芳", role: Role = Role.WORKER) -> Actor:
    """Somebody of the district with an account."""
    account = accounts.create_account(
        session, f"{name}-{role.value}", display_name=name, role=role, districts=["500103"], now=NOW
    )
    return Actor(id=account.id, role=role, districts=frozenset({"500103"}))


@dataclass(frozen=True)
class Scene:
    """A household with a red alert of its medical bills, and two colleagues of its district."""

    home: Household
    one: Actor
    two: Actor
    number: str


@pytest.fixture
def scene(session: Session) -> Scene:
    number = a_number(date(1950, 3, 7))
    home = a_home(session, numbers=(number,), names=("欧阳小芳",), now=NOW)
    at_work(session, "W05", now=NOW)
    told(session, "MEDICAL_BILLS", (number, "OWN_COST", TODAY, 60_000), as_of=TODAY, now=NOW)
    sweeping.sweep(session, actor=CLERK, now=NOW)
    return Scene(home, a_worker(session), a_worker(session, "李强"), number)


def tapped(session: Session, scene: Scene, kind: TaskKind = TaskKind.VISIT) -> HomeVisit:
    """A visit that one tap on the alert began."""
    return service.from_alert(session, scene.home.id, kind, actor=scene.one, now=NOW)


def words(**given: str) -> dict[str, Change]:
    """Changed fields, all written now."""
    return {name: Change(value, NOW) for name, value in given.items()}


def test_one_tap_on_an_alert_puts_a_visit_on_the_list_of_whoever_tapped(session: Session, scene: Scene) -> None:
    visit = tapped(session, scene)
    assert (visit.worker_id, visit.cause, visit.urgency, visit.two) == (scene.one.id, "ALERT", 0, False)
    assert workers.worker_of(session, scene.home.id) == scene.one.id
    with pytest.raises(Conflict):
        tapped(session, scene)


def test_both_lists_can_be_put_in_the_order_of_the_need_score(session: Session, scene: Scene) -> None:
    young, now = a_number(date(1985, 3, 7)), NOW - timedelta(hours=1)
    other = a_home(session, numbers=(young,), now=now)
    told(session, "MEDICAL_BILLS", (young, "OWN_COST", TODAY, 60_000), as_of=TODAY, now=now)
    told(session, "EMPLOYMENT", (young, "JOB_STOPPED", TODAY, None), as_of=TODAY, now=now)
    sweeping.sweep(session, actor=CLERK, now=now)
    for home in (scene.home.id, other.id):
        service.from_alert(session, home, TaskKind.VISIT, actor=scene.one, now=NOW)

    def listed(*, by_score: bool) -> tuple[list[str], list[str]]:
        asked = {"actor": scene.one, "on": TODAY, "by_score": by_score, "offset": 0, "limit": 9}
        homes = [row.household_id for row in alerts.list_homes(session, **asked)]
        return homes, [row.visit.household_id for row in lists.page_of(session, whose="all", street="", **asked)]

    assert listed(by_score=False)[0] == [other.id, scene.home.id]
    ranking.keep(session, [scene.home.id, other.id], today=TODAY)
    kept = session.exec(select(KeptScore).order_by(col(KeptScore.points).desc())).all()
    points = {home.id: score_of(scene_of(session, home, today=TODAY)).least for home in (scene.home, other)}
    assert {row.household_id: row.points for row in kept} == points
    assert {"nobody_works", "alone_and_old"} <= {fact for row in kept for fact in row.facts.split(";")}
    order = [row.household_id for row in kept]
    assert listed(by_score=True) == (order, order)
    kept[0].points = -1
    homes.order(session, order)
    assert listed(by_score=True) == (order[::-1], order[::-1])


def test_a_household_that_moves_takes_its_alerts_its_visits_and_its_clock_along(session: Session, scene: Scene) -> None:
    visit = tapped(session, scene)
    clock = session.exec(select(Clock).where(Clock.object_ref == answering.ref_of(scene.home.id))).one()
    clock.account_id, due = scene.one.id, clock.due_at
    number = vault_of(session).open_if_kept(
        session, (person := head(session, scene.home)).id, column="person.id_number", sealed=person.id_number
    )
    moved = a_home(session, numbers=(number,), names=("欧阳小芳",), district="500106", now=NOW)
    assert (moved.id, moved.district_code) == (scene.home.id, "500106")
    session.expire_all()
    there = Actor(id="there", role=Role.WORKER, districts=frozenset({"500106"}))
    assert (alerts.count_homes(session, actor=there), alerts.count_homes(session, actor=scene.one)) == (1, 0)
    assert (visit.district_code, visit.worker_id) == ("500106", None)
    assert workers.worker_of(session, scene.home.id) is None
    assert (clock.district_code, clock.account_id, clock.due_at) == ("500106", None, due)
    assert [one.id for one in clocks.due_reminders(session, now=NOW)] == [clock.id]
    [alert] = answering.open_alerts(session, scene.home.id)
    with pytest.raises(NotFound):
        answering.close(session, alert.id, outcome="helped", actor=scene.one, now=NOW)
    answering.finish_task(session, str(visit.task_id), result="REACHED_FINE", actor=there, now=NOW)
    assert answering.close(session, alert.id, outcome="helped", actor=there, now=NOW).outcome == "helped"


def test_a_new_alert_is_held_by_whoever_goes_to_the_household_and_a_red_one_has_a_letter_at_once(
    session: Session, scene: Scene
) -> None:
    strangers = session.exec(select(Clock)).one()
    assert (strangers.account_id, strangers.remind_at) == (None, NOW)
    assert [one.id for one in clocks.due_reminders(session, now=NOW)] == [strangers.id]
    workers.begin(session, scene.home.id, scene.two.id, actor=scene.two, now=NOW)
    answering.close(
        session, answering.open_alerts(session, scene.home.id)[0].id, outcome="helped", actor=CLERK, now=NOW
    )
    answering.start_clocks(session, Colour.RED, {scene.home.id: ("500103", "")}, now=NOW)
    running = select(Clock.account_id).where(col(Clock.ended_at).is_(None))
    assert session.exec(running).one() == scene.two.id


def test_a_new_alert_is_a_street_workers_at_once_and_each_of_a_street_gets_a_share(
    session: Session, scene: Scene
) -> None:
    here, there = "500103001", "500103002"
    of = {"display_name": "street", "role": Role.WORKER, "districts": ["500103"], "now": NOW}
    named = {
        login: accounts.create_account(session, login, streets=[street], **of).id  # type: ignore[arg-type]
        for login, street in (("one-here", here), ("two-here", here), ("one-there", there))
    }
    streets = (here, here, there, "", "500103003")
    places = {a_home(session, numbers=(a_number(),), now=NOW).id: ("500103", street) for street in streets}
    answering.start_clocks(session, Colour.ORANGE, places, now=NOW)
    asked = [select(Clock.account_id).where(Clock.object_ref == answering.ref_of(home)) for home in places]
    held = [session.exec(one).one() for one in asked]
    assert set(held[:2]) == {named["one-here"], named["two-here"]}
    assert held[2:] == [named["one-there"], None, None]
    able = officers.load(session, "alert_orange", role=Role.WORKER)
    assert officers.choose(able, "500103") in {scene.one.id, scene.two.id}


def test_a_finished_visit_closes_the_alerts_task_and_tells_the_watch(session: Session, scene: Scene) -> None:
    visit = tapped(session, scene)
    with pytest.raises(BadInput, match="outcome_missing"):
        entries.complete(session, visit.id, actor=scene.one, now=NOW)
    given = words(outcome="REACHED_NEEDS_HELP", own_cost_12m="agrees", note="床边有病历")
    given |= words(debt="80000", self_care_6_acts="2", isolation="1")
    entries.write(session, visit.id, given, base=0, actor=scene.one, now=NOW)
    entries.complete(session, visit.id, actor=scene.one, now=NOW)
    task = session.get_one(WatchTask, visit.task_id)
    assert (visit.state, task.result) == (VisitState.DONE, "REACHED_NEEDS_HELP")
    assert session.exec(select(Fact.kind).where(Fact.household_id == scene.home.id, Fact.kind == "VISIT")).all()
    assert findings.answers(session, scene.home.id) == {"own_cost_12m": ("agrees", TODAY)}
    read = readings(scene_of(session, scene.home, today=TODAY))
    seen = {one.indicator.code: one.value for one in read if one.source == "STREET"}
    assert seen == {"debt": 8_000_000, "self_care_6_acts": 2, "isolation": 1}
    with pytest.raises(WrongState):
        entries.write(session, visit.id, words(outcome="DECLINED"), base=3, actor=scene.two, now=NOW)


def test_a_visit_was_made_to_a_household_whoever_leaves_it_later(session: Session) -> None:
    husband, wife = a_number(date(1980, 3, 7)), a_number(date(1981, 3, 7))
    home = a_home(session, numbers=(husband, wife), now=NOW)
    into(session, home, "IN_REGISTER", from_on=TODAY - timedelta(days=200), now=NOW - timedelta(days=200))
    at_work(session, "W16", now=NOW)
    told(session, "SPENDING", (husband, "INCOME", TODAY, 24_000), as_of=TODAY, now=NOW)
    told(session, "ASSETS", (husband, "MONEY", TODAY, 90_000), as_of=TODAY, now=NOW)
    visit, worker = service.ask(session, home.id, "QUOTA", ref="q", actor=CLERK, now=NOW), a_worker(session)
    entries.write(session, visit.id, words(outcome="REACHED_FINE", debt="80000"), base=0, actor=worker, now=NOW)
    entries.complete(session, visit.id, actor=worker, now=NOW)
    members.end(session, list_people(session, home.id)[0].id, on=TODAY, reason="DIVORCED", actor=CLERK, now=NOW)
    assert sweeping.sweep(session, actor=CLERK, now=NOW).met == 0, "somebody was there today"
    assert session.exec(select(Spell.household_id).where(quota.is_overdue(TODAY))).all() == []
    scene = scene_of(session, home, today=TODAY)
    known = {one.indicator.code: one.value for one in readings(scene) if one.value is not None}
    assert (known["debt"], known["income_per_head"]) == (8_000_000, 200_000)
    assert scene.of("MONEY") == [], "the account went with its owner"


def test_only_a_visit_tells_numbers_and_yes_or_no_and_other_words_are_refused(session: Session, scene: Scene) -> None:
    visit = tapped(session, scene)
    for field, value in (("debt", "agrees"), ("debt", "-1"), ("debt", "1" * 10), ("isolation", "2"), ("assets", "5")):
        with pytest.raises(BadInput):
            entries.write(session, visit.id, words(**{field: value}), base=0, actor=scene.one, now=NOW)


def test_closing_the_last_alert_calls_off_the_visit_that_nobody_has_made(session: Session, scene: Scene) -> None:
    visit, alert = tapped(session, scene), answering.open_alerts(session, scene.home.id)[0]
    answering.close(session, alert.id, outcome="wrong_data", actor=scene.two, now=NOW)
    task = session.get_one(WatchTask, visit.task_id)
    assert (visit.state, task.result, task.done_at) == (VisitState.DROPPED, answering.NOT_NEEDED, NOW)


def test_a_visit_that_was_called_off_while_somebody_was_there_was_made(session: Session, scene: Scene) -> None:
    visit, alert = tapped(session, scene), answering.open_alerts(session, scene.home.id)[0]
    answering.close(session, alert.id, outcome="wrong_data", actor=scene.two, now=NOW)
    assert parcel(session, visit, scene.two, outcome="NOT_REACHED") is False
    assert visit.state is VisitState.DROPPED, "nobody goes again where nobody needs to"
    assert parcel(session, visit, scene.one, outcome="REACHED_NEEDS_HELP", debt="80000") is False
    assert (visit.state, visit.outcome, visit.done_by) == (VisitState.DONE, "REACHED_NEEDS_HELP", scene.one.id)
    told_by_it = select(Fact.kind).where(Fact.feed == "STREET", Fact.household_id == scene.home.id)
    assert sorted(session.exec(told_by_it)) == ["DEBT", "VISIT"]
    assert parcel(session, visit, scene.one, outcome="REACHED_FINE") is False
    assert visit.outcome == "REACHED_NEEDS_HELP"


@pytest.mark.parametrize("written", ["", "REACHED_FINE"])
def test_a_visit_that_was_asked_for_anew_meanwhile_was_made_by_whoever_was_there(
    session: Session, scene: Scene, written: str
) -> None:
    old, alert = tapped(session, scene), answering.open_alerts(session, scene.home.id)[0]
    entries.write(session, old.id, words(debt="80000"), base=0, actor=scene.one, now=NOW)
    answering.close(session, alert.id, outcome="wrong_data", actor=scene.two, now=NOW)
    told(session, "MEDICAL_BILLS", (scene.number, "OWN_COST", TODAY, 90_000), as_of=TODAY, now=NOW)
    sweeping.sweep(session, actor=CLERK, now=NOW)
    anew = tapped(session, scene)
    assert (old.state, anew.state, anew.id != old.id) == (VisitState.DROPPED, VisitState.OPEN, True)
    if written:
        entries.write(session, anew.id, words(outcome=written), base=0, actor=scene.two, now=NOW)
    for _time in range(2):  # the answer to the first was lost on the way
        assert parcel(session, old, scene.one, key="k" * 20, outcome="REACHED_NEEDS_HELP") is bool(written)
    with pytest.raises(Conflict):
        parcel(session, anew, scene.one, key="k" * 20, outcome="REACHED_NEEDS_HELP")
    assert old.state is VisitState.DROPPED
    if written:
        assert [one.value for one in entries.beside(session, anew.id)["outcome"]] == [written, "REACHED_NEEDS_HELP"]
        return
    assert (anew.state, anew.outcome, anew.done_by) == (VisitState.DONE, "REACHED_NEEDS_HELP", scene.one.id)
    assert entries.values(session, anew.id)["debt"] == "80000", "what was sent before goes along"


def test_a_call_falls_where_somebody_said_not_at_all_and_the_alert_waits_for_a_visit(
    session: Session, scene: Scene
) -> None:
    call = tapped(session, scene, TaskKind.CALL)
    (person,) = list_people(session, scene.home.id)
    reaching.keep_for(session, person.id, reaching.QUIET, actor=scene.one, now=NOW)
    task = session.get_one(WatchTask, call.task_id)
    assert (call.state, task.result, task.done_at) == (VisitState.DROPPED, answering.NOT_NEEDED, NOW)
    assert answering.open_alerts(session, scene.home.id)
    with pytest.raises(WrongState, match="contact_unsafe"):
        tapped(session, scene, TaskKind.CALL)
    assert tapped(session, scene).state is VisitState.OPEN


def test_where_nobody_was_met_the_visit_stays_on_the_list(session: Session, scene: Scene) -> None:
    visit = tapped(session, scene, TaskKind.CALL)
    entries.write(session, visit.id, words(outcome="NOT_REACHED"), base=0, actor=scene.one, now=NOW)
    entries.complete(session, visit.id, actor=scene.one, now=NOW)
    assert (visit.state, visit.tries, visit.due_on > TODAY) == (VisitState.OPEN, 1, True)


def test_the_form_shows_the_number_of_the_portrait_and_what_it_is_made_of(session: Session) -> None:
    number = a_number(date(1980, 1, 1))
    home = a_home(session, numbers=(number,), now=NOW)
    days = [TODAY - timedelta(days=many) for many in (100, 10)]
    told(session, "SPENDING", (number, "INCOME", days[1], 24_000), as_of=TODAY, now=NOW)
    told(session, "MEDICAL_BILLS", *((number, "OWN_COST", day, 5_000) for day in days), as_of=TODAY, now=NOW)
    jobs = zip(("JOB_STOPPED", "JOB_STARTED"), days, strict=True)
    told(session, "EMPLOYMENT", *((number, kind, day, None) for kind, day in jobs), as_of=TODAY, now=NOW)
    told(session, "DISABILITY", (number, "DISABILITY_3_MENTAL", days[0], None), as_of=TODAY, now=NOW)
    told(session, "DISASTERS", (number, "DISASTER", days[1], None), as_of=TODAY, now=NOW)
    lines = {line.indicator.code: line for line in findings.lines(session, home.id, today=TODAY)}
    assert list(lines) == list(indicators())
    drawn = {one.indicator.code: one.value for one in readings(scene_of(session, home, today=TODAY))}
    assert {code: line.amount for code, line in lines.items()} == drawn
    known = ("income_per_head", "own_cost_12m", "able_unemployed", "disability_grade")
    assert [lines[code].amount for code in known] == [200_000, 1_000_000, 0, 1]
    assert [kind.code for kind in lines["income_per_head"].kinds] == ["INCOME"]
    assert [(lines[code].amount, lines[code].on) for code in ("dwelling_safety", "debt")] == [
        (None, days[1]),
        (None, None),
    ]


def test_two_people_go_where_the_rules_want_it(session: Session, scene: Scene) -> None:
    visit = service.ask(session, scene.home.id, "CASE", ref="item-1", actor=scene.one, now=NOW)
    assert visit.two
    assert service.ask(session, scene.home.id, "CASE", ref="item-1", actor=scene.one, now=NOW).id == visit.id
    entries.write(session, visit.id, words(outcome="REACHED_FINE"), base=0, actor=scene.one, now=NOW)
    entries.complete(session, visit.id, actor=scene.one, now=NOW)
    assert visit.state is VisitState.SECOND
    with pytest.raises(NotAllowed):
        service.sign_second(session, visit.id, actor=scene.one, now=NOW)
    done = service.sign_second(session, visit.id, actor=scene.two, now=NOW)
    assert (done.state, done.done_by, done.second_by) == (VisitState.DONE, scene.one.id, scene.two.id)


def test_a_handover_names_the_new_one_to_the_household_and_keeps_its_reason(session: Session, scene: Scene) -> None:
    visit = tapped(session, scene)
    with pytest.raises(BadInput):
        workers.hand_over(session, scene.home.id, scene.two.id, district="500103", reason="", actor=scene.one, now=NOW)
    workers.hand_over(
        session, scene.home.id, scene.two.id, district="500103", reason="LANGUAGE", actor=scene.one, now=NOW
    )
    session.refresh(visit)
    letter = session.exec(select(Notice).where(Notice.letter == "worker_changed")).one()
    assert (visit.worker_id, letter.params) == (scene.two.id, {"account_id": scene.two.id})
    assert [row.reason for row in workers.history(session, scene.home.id)] == ["LANGUAGE", ""]
    later = service.ask(session, scene.home.id, "QUOTA", ref="q", actor=scene.one, now=NOW)
    assert later.worker_id == scene.two.id


def test_whoever_leaves_hands_its_households_to_its_heir(session: Session, scene: Scene) -> None:
    visit = tapped(session, scene)
    admin = Actor(id="admin", role=Role.SECURITY_ADMIN)
    close_account(session, scene.one.id, heir_id=scene.two.id, actor=admin, now=NOW)
    session.refresh(visit)
    assert (visit.worker_id, workers.worker_of(session, scene.home.id)) == (scene.two.id, scene.two.id)


def test_a_survival_check_that_nobody_answered_is_a_visit_and_ends_with_it(session: Session, scene: Scene) -> None:
    person = list_people(session, scene.home.id)[0]
    asked = survival.report(session, person.id, CheckCause.DEATH, evidence="户籍注销", actor=scene.one, now=NOW)
    visit = session.exec(select(HomeVisit).where(HomeVisit.source_ref == asked.id)).one()
    survival.record_not_met(session, asked.id, note="", actor=scene.one, now=NOW)
    assert len(session.exec(select(HomeVisit).where(HomeVisit.source_ref == asked.id)).all()) == 1
    survival.record_seen(session, asked.id, way=Way.COUNTER, actor=scene.one, now=NOW)
    session.refresh(visit)
    assert visit.state is VisitState.DROPPED


def test_who_was_not_seen_for_longer_than_the_class_allows_is_put_on_the_list(session: Session, scene: Scene) -> None:
    days = quotas(TODAY)["IN_REGISTER"]
    into(session, scene.home, "IN_REGISTER", from_on=TODAY - timedelta(days=days + 1), now=NOW)
    fresh = a_home(session, numbers=(a_number(),), now=NOW)
    into(session, fresh, "IN_REGISTER", from_on=TODAY - timedelta(days=days - 1), now=NOW)
    assert quota.due_homes(session, on=TODAY) == [scene.home.id]
    assert quota.due_homes(session, on=TODAY + timedelta(days=2)) == [scene.home.id, fresh.id]
    visit = tapped(session, scene)
    assert quota.due_homes(session, on=TODAY) == []
    entries.write(session, visit.id, words(outcome="REACHED_FINE"), base=0, actor=scene.one, now=NOW)
    entries.complete(session, visit.id, actor=scene.one, now=NOW)
    assert quota.due_homes(session, on=TODAY + timedelta(days=days - 1)) == [fresh.id]
    assert set(quota.due_homes(session, on=TODAY + timedelta(days=days + 1))) == {scene.home.id, fresh.id}


def test_nobody_is_sent_to_a_door_behind_which_nobody_lives(session: Session) -> None:
    numbers = [a_number(date(1940, 1, 1)) for _ in range(4)]
    dead, away = (a_home(session, numbers=(number,), now=NOW) for number in numbers[:2])
    widow = a_home(session, numbers=tuple(numbers[2:]), now=NOW)
    widow.size = 1  # as a list told it after the death
    for home in (dead, away, widow):
        into(session, home, "IN_REGISTER", from_on=TODAY - timedelta(days=1500), now=NOW)
    for number in (numbers[0], numbers[2]):
        told(session, "CIVIL_RECORDS", (number, "DEATH", TODAY, None), as_of=TODAY, now=NOW)
    resident = head(session, away)
    record_fact(session, resident, "IN_INSTITUTION", ref="found", amount=1, on=TODAY, actor=CLERK, now=NOW)
    assert quota.due_homes(session, on=TODAY) == [widow.id]


def test_no_class_takes_all_places_of_a_night(session: Session) -> None:
    for category, many in (("IN_REGISTER", 4), ("DISABILITY_SUBSIDY", 2)):
        for _n in range(many):
            home = a_home(session, numbers=(a_number(),), now=NOW)
            into(session, home, category, from_on=TODAY - timedelta(days=1500), now=NOW)
    district = home.district_code
    chosen = quota.due_homes(session, on=TODAY, places={district: 4})
    inside = [category for found in categories_on(session, chosen, on=TODAY).values() for category in found]
    assert sorted(inside) == ["DISABILITY_SUBSIDY"] * 2 + ["IN_REGISTER"] * 2
    assert len(quota.due_homes(session, on=TODAY, places={district: 9})) == 6
    assert len(session.exec(select(Spell.household_id).where(quota.is_overdue(TODAY))).all()) == 6


def test_each_district_has_places_for_its_own_workers_and_as_long_as_they_keep_up(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    for district, many in (("500103", 9), ("500106", 2)):
        for _n in range(many):
            home = a_home(session, numbers=(a_number(),), district=district, now=NOW)
            into(session, home, "IN_REGISTER", from_on=TODAY - timedelta(days=1500), now=NOW)
    for name in ("one", "two"):
        accounts.create_account(session, name, display_name=name, role=Role.WORKER, districts=("500106",), now=NOW)
    assert quota.places_of(session) == {"500103": 5, "500106": 10}
    asked = quota.due_homes(session, on=TODAY)
    inside = [session.get_one(Household, home_id).district_code for home_id in asked]
    assert inside == ["500103"] * 5 + ["500106"] * 2
    for home_id in asked[:4]:
        service.ask(session, home_id, quota.CAUSE, ref=f"quota:{home_id}", actor=SYSTEM, now=NOW)
    monkeypatch.setattr(quota, "WAITING_EACH", 4)
    assert quota.places_of(session) == {"500103": 0, "500106": 8}
    assert set(quota.due_homes(session, on=TODAY)).isdisjoint(asked[:4])


def test_the_nightly_sweep_asks_for_the_quota_once_a_day(sqlite_database: Database) -> None:
    with sqlite_database.transaction() as session:
        home = a_home(session, numbers=(a_number(),), now=NOW)
        into(session, home, "IN_REGISTER", from_on=TODAY - timedelta(days=400), now=NOW)
    sweep = quota.Nightly(sqlite_database, clock=lambda: NOW)
    assert (sweep(), sweep()) == (1, 0)
    with sqlite_database.reading() as session:
        assert session.exec(select(HomeVisit.cause)).all() == ["QUOTA"]


def places_of(session: Session, *streets: str) -> None:
    """The city brings a point for each of these streets, one a little east of the other."""
    east, north = middle_of("500103") or (0.0, 0.0)
    for place, street in enumerate(sorted(set(streets))):
        made = {"id": f"place:{street}", "code": street, "shape": [[east + place / 100, north]], "source": "test"}
        session.add(CityShape(kind=ShapeKind.PLACE, brought_at=NOW, **made))
    session.flush()


def test_a_round_puts_red_first_then_place_and_keeps_the_workers_own_order(session: Session, scene: Scene) -> None:
    streets = ("500103012", "500103010", "500103013", "500103003")
    for street in streets:
        home = make.a_household(session, district_code="500103", street_code=street)
        asked = service.ask(session, home.id, "QUOTA", ref=street, actor=scene.one, now=NOW)
        service.take(session, asked.id, actor=scene.one, now=NOW)
    red = tapped(session, scene)
    assert rounds.minutes_of(session, [asked, red], on=TODAY) is None, "nobody brought a point of these streets"
    places_of(session, *streets, red.street_code)
    day = rounds.plan_day(session, actor=scene.one, now=NOW)
    stops = rounds.stops_of(session, day)
    assert stops[0].id == red.id
    walked = rounds.minutes_of(session, stops, on=TODAY)
    listed = rounds.minutes_of(session, sorted(stops, key=lambda one: (one.urgency, one.due_on, one.id)), on=TODAY)
    assert walked
    assert listed
    assert walked <= listed
    moved = rounds.move(session, stops[-1].id, up=True, actor=scene.one, now=NOW)
    own = list(moved.stops)
    assert own != [one.id for one in stops]
    assert rounds.plan_day(session, actor=scene.one, now=NOW).stops == own
    with pytest.raises(NotFound):
        rounds.move(session, red.id, up=True, actor=scene.two, now=NOW)


def test_a_river_between_two_streets_costs_its_minutes_as_long_as_it_is_in_force() -> None:
    over, along = ("500103010", "500103003"), ("500108", "500103")
    plain = minutes_between(("500103", over[0]), ("500103", over[1]), on=TODAY)
    crossing = minutes_between((along[0], ""), (along[1], ""), on=TODAY)
    before = minutes_between(("500108", ""), ("500103", ""), on=TODAY)
    assert plain < 15 < crossing == before
    assert minutes_between(("500103", "x"), ("500103", "x"), on=TODAY) == 8
    with pytest.raises(LookupError):
        minutes_between(("500108", ""), ("500103", ""), on=date(2025, 12, 31))


def test_every_cause_and_quota_has_its_source_and_stays_our_own_proposal() -> None:
    assert {cause.two for cause in causes().values()} == {True, False}
    assert len(indicators()) == 32
    assert min(quotas(TODAY).values()) == 90


def test_two_edits_of_one_field_lie_side_by_side_until_somebody_chooses(session: Session, scene: Scene) -> None:
    visit = tapped(session, scene)
    first = entries.write(session, visit.id, words(outcome="REACHED_FINE"), base=0, actor=scene.two, now=NOW)
    given = words(outcome="REACHED_NEEDS_HELP", debt="80000")
    second = entries.write(session, visit.id, given, base=0, actor=scene.one, now=NOW + timedelta(minutes=5))
    assert (first, second) == (
        {"outcome": Verdict.TAKEN},
        {"outcome": Verdict.BESIDE, "debt": Verdict.TAKEN},
    )
    both = entries.beside(session, visit.id)["outcome"]
    assert [(one.value, one.author) for one in both] == [
        ("REACHED_FINE", scene.two.id),
        ("REACHED_NEEDS_HELP", scene.one.id),
    ]
    with pytest.raises(WrongState, match="choose_first"):
        entries.complete(session, visit.id, actor=scene.one, now=NOW)
    entries.choose(session, both[1].id, actor=scene.two, now=NOW)
    assert entries.values(session, visit.id) == {"debt": "80000", "outcome": "REACHED_NEEDS_HELP"}
    kept = [one.value for one in entries.all_of(session, visit.id)]
    assert kept.count("REACHED_FINE") == 1
    entries.complete(session, visit.id, actor=scene.one, now=NOW)


@pytest.mark.parametrize("seed", range(6))
def test_whatever_two_people_write_no_edit_is_lost(session: Session, scene: Scene, seed: int) -> None:
    """Two devices edit and send in any order; a model beside them remembers everything that was sent."""
    pick, visit = random.Random(seed), tapped(session, scene)
    fields, answers = (
        ["outcome", "debt", "assets", "note"],
        {"outcome": ["REACHED_FINE", "DECLINED"], "debt": ["0", "700", ""]},
    )
    seen, sent = {scene.one: 0, scene.two: 0}, []
    for step in range(30):
        actor = pick.choice([scene.one, scene.two])
        chosen = pick.sample(fields, pick.randrange(1, 3))
        given = {
            name: f"记{step}" if name == "note" else pick.choice(answers.get(name, ["agrees", "differs", ""]))
            for name in chosen
        }
        before = entries.values(session, visit.id, opened=True)
        verdicts = entries.write(session, visit.id, words(**given), base=seen[actor], actor=actor, now=NOW)
        after = entries.values(session, visit.id, opened=True)
        for name, verdict in verdicts.items():
            stands = before.get(name, "") if verdict is Verdict.BESIDE else given[name]
            assert after.get(name, "") == stands
            if verdict is not Verdict.SAME:
                sent.append((name, given[name], actor.id))
        assert {name: value for name, value in before.items() if name not in given}.items() <= after.items()
        if pick.random() < 0.5:
            seen[actor] = entries.version(session, visit.id)
    every = [(one.field, one.value, one.author) for one in entries.all_of(session, visit.id, opened=True)]
    assert every == sent
    for field, both in entries.beside(session, visit.id, opened=True).items():
        assert len(both) > 1
        entries.choose(session, pick.choice(both).id, actor=scene.one, now=NOW)
        assert field not in entries.beside(session, visit.id)


def test_a_field_changed_on_one_side_only_never_asks_for_a_choice() -> None:
    here = {"debt": Standing("agrees", 2), "note": Standing("x", 7)}
    assert merge(here, {"debt": "differs", "assets": "agrees"}, base=4) == {
        "debt": Verdict.TAKEN,
        "assets": Verdict.TAKEN,
    }
    assert merge(here, {"note": "x"}, base=0) == {"note": Verdict.SAME}


def test_a_parcel_that_comes_twice_changes_nothing_the_second_time(session: Session, scene: Scene) -> None:
    visit, key = tapped(session, scene), "k" * 20

    def send(outcome_code: str, actor: Actor = scene.one) -> bool:
        changes = words(outcome=outcome_code)
        return parcels.sync(session, visit.id, changes=changes, key=key, base=0, finish=True, actor=actor, now=NOW)

    assert send("REACHED_FINE") is False
    rows = len(session.exec(select(AuditRow.seq)).all())
    assert send("REACHED_FINE") is False
    assert len(session.exec(select(AuditRow.seq)).all()) == rows
    with pytest.raises(Conflict):
        send("DECLINED")
    with pytest.raises(Conflict):
        send("REACHED_FINE", actor=scene.two)


def parcel(session: Session, visit: HomeVisit, actor: Actor, key: str = "", **given: str) -> bool:
    """What a colleague's telephone sends: written before anybody had written anything, and finished."""
    key = key or f"{actor.id}-{visit.state.value}".ljust(20, "k")[:64]
    told = {"key": key, "base": 0, "finish": True, "actor": actor, "now": NOW + timedelta(hours=1)}
    return parcels.sync(session, visit.id, changes=words(**given), **told)


def test_words_that_come_before_the_second_signs_open_the_visit_again(session: Session, scene: Scene) -> None:
    visit = service.ask(session, scene.home.id, "CASE", ref="item-1", actor=scene.one, now=NOW)
    entries.write(session, visit.id, words(outcome="REACHED_NEEDS_HELP"), base=0, actor=scene.one, now=NOW)
    entries.complete(session, visit.id, actor=scene.one, now=NOW)
    assert parcel(session, visit, scene.two, outcome="REACHED_NEEDS_HELP") is False
    assert visit.state is VisitState.SECOND
    seen_by_two = words(outcome="REACHED_FINE", debt="900")
    assert set(entries.write(session, visit.id, seen_by_two, base=1, actor=scene.two, now=NOW).values()) == {
        Verdict.BESIDE
    }
    assert (visit.state, visit.done_by, visit.outcome) == (VisitState.OPEN, "", "")
    assert entries.values(session, visit.id) == {"outcome": "REACHED_NEEDS_HELP"}
    with pytest.raises(WrongState):
        service.sign_second(session, visit.id, actor=scene.two, now=NOW)
    for both in entries.beside(session, visit.id).values():
        entries.choose(session, both[-1].id, actor=scene.two, now=NOW)
    entries.complete(session, visit.id, actor=scene.two, now=NOW)
    with pytest.raises(NotAllowed):
        service.sign_second(session, visit.id, actor=scene.two, now=NOW)
    assert service.sign_second(session, visit.id, actor=scene.one, now=NOW).outcome == "REACHED_FINE"


def test_words_that_come_after_the_end_are_kept_and_change_nothing(session: Session, scene: Scene) -> None:
    visit = tapped(session, scene)
    entries.write(session, visit.id, words(outcome="REACHED_FINE"), base=0, actor=scene.one, now=NOW)
    entries.complete(session, visit.id, actor=scene.one, now=NOW)
    assert parcel(session, visit, scene.two, outcome="REACHED_NEEDS_HELP", debt="900") is False
    assert (visit.state, visit.outcome) == (VisitState.DONE, "REACHED_FINE")
    assert entries.values(session, visit.id) == {"outcome": "REACHED_FINE"}
    late = [(one.value, one.author) for one in entries.all_of(session, visit.id)][1:]
    assert late == [("REACHED_NEEDS_HELP", scene.two.id), ("900", scene.two.id)]


def test_a_note_and_a_photo_lie_sealed_and_a_look_is_written_down(session: Session, scene: Scene) -> None:
    visit = tapped(session, scene)
    entries.write(session, visit.id, words(note="独居，腿脚不便"), base=0, actor=scene.one, now=NOW)
    picture = io.BytesIO()
    shot = Image.new("RGB", (40, 30), "white")
    shot.getexif()[0x010F] = "MAKER-OF-PHONES"
    shot.save(picture, "JPEG", exif=shot.getexif())
    photo = photos.add(session, visit.id, picture.getvalue(), actor=scene.one, now=NOW)
    session.flush()
    stored = b"".join(
        bytes(str(row), "utf-8")
        for table in ("visit_entry", "visit_photo")
        for row in session.connection().exec_driver_sql(f"SELECT * FROM {table}").all()
    )
    assert "腿脚".encode() not in stored
    with pytest.raises(BadInput, match="reason_missing"):
        photos.look(session, photo.id, reason="", actor=scene.two, now=NOW)
    seen = photos.look(session, photo.id, reason="VERIFY", actor=scene.two, now=NOW)
    assert seen.startswith("/9j/")
    actions = session.exec(select(AuditRow.action).order_by(col(AuditRow.seq).desc()).limit(2)).all()
    assert actions[0] == "visit:look"
    with pytest.raises(BadInput):
        photos.add(session, visit.id, b"no picture", actor=scene.one, now=NOW)


def test_a_visit_of_another_district_looks_like_a_missing_one(session: Session, scene: Scene) -> None:
    visit = tapped(session, scene)
    elsewhere = Actor(id="w", role=Role.WORKER, districts=frozenset({"500106"}))
    for visit_id in (visit.id, NEVER):
        with pytest.raises(NotFound):
            service.get_visit(session, visit_id, actor=elsewhere)
    with pytest.raises(NotAllowed):
        service.take(session, visit.id, actor=Actor(id="a", role=Role.APPROVER), now=NOW)


def test_one_tap_opens_a_real_case_on_the_fast_path_signed_by_the_household(session: Session, scene: Scene) -> None:
    case = quick.begin(session, scene.home.id, actor=scene.one, now=NOW)
    assert quick.begin(session, scene.home.id, actor=scene.one, now=NOW).id == case.id
    quick.tell(session, case, "illness", medical_fen=6_000_000, actor=scene.one, now=NOW)
    text = Script("apply", 1, "zh_Hans", ("一",))
    heard = Heard("home_visit", SignedBy.THUMBPRINT, "chongqing", text, shown=text.sha256, evidence="档案 3")
    told = {"name": "欧阳小芳", "all_classes": False, "hand_on": True, "now": NOW}
    (item,) = counter.read_and_send(session, case, heard, actor=scene.one, **told)
    assert (item.path, item.state, case.state) == ("LINSHI_FAST", ItemState.RUNNING, CaseState.OPEN)
    assert [task.result for task in answering.tasks_of(session, scene.home.id)] == ["APPLIED"]
    with pytest.raises(NotAllowed, match="second_person_needed"):
        outcome.decide(session, item.id, granted=True, amount_fen=50_000, actor=scene.one, now=NOW)
    outcome.decide(session, item.id, granted=True, amount_fen=50_000, actor=scene.two, now=NOW)
    (larger,) = (one for one in list_items(session, case.id) if one.id != item.id)
    assert (larger.path, larger.state) == ("LINSHI_GENERAL", ItemState.RUNNING)
    assert not uncovered(session, session.get_one(Case, case.id))


def test_nobody_sends_an_application_that_the_household_began_itself(session: Session, scene: Scene) -> None:
    from marketplace.cases import service as cases

    cases.start(session, scene.home.id, actor=make.as_household(scene.home), now=NOW)
    with pytest.raises(WrongState, match="own_draft"):
        quick.begin(session, scene.home.id, actor=scene.one, now=NOW)


def test_a_closed_account_goes_nowhere(session: Session, scene: Scene) -> None:
    tapped(session, scene)
    account = session.get_one(Account, scene.one.id)
    account.active = False
    session.add(account)
    session.flush()
    assert workers.worker_of(session, scene.home.id) is None
    assert scene.one.id not in {one.id for one in workers.colleagues(session, "500103")}
