"""Alerts reach the street with a clock, once for each household and rule; people put them off or close them, and no
alert takes anything from anybody."""

from __future__ import annotations

import ast
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from sqlmodel import Session, col, func, select

from marketplace import audit
from marketplace.accounts.service import create_account
from marketplace.actors import Actor, Role
from marketplace.clocks import service as clocks
from marketplace.db import Database
from marketplace.decisions import officers
from marketplace.errors import BadInput, Conflict, NotFound, WrongState
from marketplace.households.models import Household
from marketplace.households.service import list_people
from marketplace.rights import moving
from marketplace.signals import answering, declaring, forgetting, lists, sweeping, wrong
from marketplace.signals.keys import found_ref
from marketplace.signals.models import Alert, AlertState, Fact, Rule, Sweep, TaskKind, WatchTask
from marketplace.signals.scene import Scene, nobody_lives
from marketplace.signals.taking import record_fact
from tests.marketplace.signal_scene import CLERK, a_home, a_number, at_work, head, into, listed, told

TODAY = date(2026, 11, 23)
ROOM = Path(answering.__file__).parent


def sweep(session: Session, *, now: datetime, whole: bool = True) -> tuple[int, int]:
    """(met, raised)."""
    found = sweeping.sweep(session, whole=whole, actor=CLERK, now=now)
    return found.met, found.raised


def step_of(session: Session, household_id: str) -> str:
    """The step that a household's alerts wait in; empty if none."""
    running = clocks.running_of(session, answering.ref_of(household_id))
    assert len(running) <= 1
    return running[0].step if running else ""


def test_one_alert_for_each_rule_and_household_however_often_it_is_met(session: Session, now: datetime) -> None:
    one, two = a_number(), a_number(date(1990, 1, 1))
    home = a_home(session, numbers=(one, two), now=now)
    at_work(session, "W05", "W08", now=now)
    told(session, "MEDICAL_BILLS", (one, "OWN_COST", TODAY, 60_000), as_of=TODAY, now=now)
    assert sweep(session, now=now) == (1, 1)
    assert sweep(session, now=now) == (1, 0)
    told(session, "MEDICAL_BILLS", (two, "OWN_COST", TODAY, 1), as_of=TODAY, now=now)
    told(session, "DISASTERS", (two, "DISASTER", TODAY, None), as_of=TODAY, now=now)
    later = now + timedelta(minutes=1)
    assert sweep(session, now=later, whole=False) == (2, 1)
    found = answering.open_alerts(session, home.id)
    assert sorted((alert.rule_code, alert.times) for alert in found) == [("W05", 2), ("W08", 1)]
    told(session, "UTILITIES", (two, "USE", TODAY, None), as_of=TODAY, now=now)
    later += timedelta(minutes=1)
    assert sweep(session, now=later, whole=False) == (0, 0), "by day a rule is asked about news of its own kinds"
    assert step_of(session, home.id) == "alert_red"
    assert audit.verify(session).bad_seq == 0


def test_a_rule_that_cannot_be_asked_hides_nobody_whom_the_others_find(session: Session, now: datetime) -> None:
    number = a_number()
    home = a_home(session, numbers=(number,), now=now)
    at_work(session, "W05", "W08", now=now)
    told(session, "DISASTERS", (number, "DISASTER", TODAY, None), as_of=TODAY, now=now)
    rule = session.exec(select(Rule).where(Rule.code == "W05")).one()
    rule.text = 'total("GONE", months=12) > 1'
    session.add(rule)
    assert sweep(session, now=now) == (1, 1)
    assert [alert.rule_code for alert in answering.open_alerts(session, home.id)] == ["W08"]
    last = sweeping.last_sweep(session, whole=True)
    assert last is not None
    assert last.failed == ["W05"]


def test_the_days_look_finds_what_the_nights_finds(session: Session, now: datetime) -> None:
    numbers = [a_number() for _ in range(4)]
    homes = [a_home(session, numbers=(number,), now=now) for number in numbers]
    at_work(session, "W01", "W02", "W14", now=now)
    told(session, "MEDICAL_BILLS", (numbers[0], "OWN_COST", TODAY, 30_000), as_of=TODAY, now=now)
    assert sweep(session, now=now) == (1, 1)
    told(session, "MEDICAL_BILLS", (numbers[1], "OWN_COST", TODAY, 27_000), as_of=TODAY, now=now)
    told(session, "MEDICAL_BILLS", (numbers[2], "OWN_COST", TODAY, 11_000), as_of=TODAY, now=now)
    later = now + timedelta(hours=1)
    into(session, homes[2], "IN_REGISTER", from_on=TODAY, now=later)
    into(session, homes[3], "REJECTED", from_on=TODAY, now=later)
    assert sweep(session, now=later + timedelta(hours=1), whole=False) == (3, 3)
    assert sweep(session, now=later + timedelta(hours=2)) == (4, 0)


def test_the_clock_follows_the_most_urgent_colour_and_ends_with_the_last_alert(session: Session, now: datetime) -> None:
    number = a_number()
    home = a_home(session, numbers=(number,), now=now)
    at_work(session, "W03", "W05", now=now)
    told(session, "MEDICAL_BILLS", (number, "OWN_COST_STAY", TODAY, 11_000), as_of=TODAY, now=now)
    sweep(session, now=now)
    assert step_of(session, home.id) == "alert_yellow"
    told(session, "MEDICAL_BILLS", (number, "OWN_COST", TODAY, 51_000), as_of=TODAY, now=now)
    sweep(session, now=now)
    assert step_of(session, home.id) == "alert_red"
    red, yellow = answering.open_alerts(session, home.id)
    answering.close(session, red.id, outcome="helped", actor=CLERK, now=now)
    assert step_of(session, home.id) == "alert_yellow"
    answering.close(session, yellow.id, outcome="wrong_data", actor=CLERK, now=now)
    assert step_of(session, home.id) == ""
    with pytest.raises(WrongState):
        answering.close(session, red.id, outcome="helped", actor=CLERK, now=now)


def test_the_kept_list_says_what_the_open_alerts_say_after_each_change(session: Session, now: datetime) -> None:
    one, two = a_number(), a_number()
    home = a_home(session, numbers=(one,), now=now)
    other = a_home(session, numbers=(two,), now=now)
    at_work(session, "W03", "W05", "W08", now=now)
    told(session, "MEDICAL_BILLS", (one, "OWN_COST_STAY", TODAY, 11_000), as_of=TODAY, now=now)
    sweep(session, now=now)
    assert listed(session) == [(-1, 2, 1), (2, 2, 1)]
    told(session, "MEDICAL_BILLS", (one, "OWN_COST", TODAY, 51_000), as_of=TODAY, now=now)
    told(session, "DISASTERS", (two, "DISASTER", TODAY, None), as_of=TODAY, now=now)
    sweep(session, now=now + timedelta(hours=1), whole=False)
    assert listed(session) == [(-1, 0, 2), (-1, 0, 1), (0, 0, 1), (0, 0, 1), (2, 2, 1)]
    here, there = (Actor(id="w", role=Role.WORKER, districts=frozenset({code})) for code in ("500103", "500106"))
    assert lists.count_open(session, actor=here) == (2, 2)
    shown = lists.list_homes(session, actor=here, on=TODAY, offset=0, limit=9)
    assert [row.household_id for row in shown] == [home.id, other.id]
    asked = {"actor": here, "on": TODAY, "limit": 1, "total": 2}
    for by_score in (False, True):
        both = [lists.list_homes(session, **asked, by_score=by_score, offset=place) for place in (0, 1, 2)]
        whole = lists.list_homes(session, actor=here, on=TODAY, by_score=by_score, offset=0, limit=9)
        assert [row.household_id for page in both for row in page] == [row.household_id for row in whole]
    assert [row.since for row in shown] == [now, now + timedelta(hours=1)]
    red, yellow = answering.open_alerts(session, home.id)
    until = TODAY + timedelta(days=9)
    answering.snooze(session, yellow.id, until=until, reason="AWAY", actor=CLERK, now=now)
    assert lists.count_homes(session, actor=here, colour="YELLOW") == 0
    listed(session)
    sweep(session, now=now + timedelta(days=9))
    assert lists.count_homes(session, actor=here, colour="YELLOW") == 1
    answering.close(session, red.id, outcome="helped", actor=CLERK, now=now)
    assert listed(session) == [(-1, 0, 1), (-1, 2, 1), (0, 0, 1), (2, 2, 1)]
    home.district_code = "500106"
    session.add(home)
    moving.follow(session, home, was="500103", now=now)
    listed(session)
    assert (lists.count_open(session, actor=here), lists.count_open(session, actor=there)) == ((1, 1), (1, 0))


def test_a_closed_alert_rests_unless_something_newer_weighs_something(session: Session, now: datetime) -> None:
    number = a_number()
    home = a_home(session, numbers=(number,), now=now)
    at_work(session, "W05", now=now)
    told(session, "MEDICAL_BILLS", (number, "OWN_COST", date(2026, 11, 1), 60_000), as_of=TODAY, now=now)
    sweep(session, now=now)
    [alert] = answering.open_alerts(session, home.id)
    answering.close(session, alert.id, outcome="no_need", actor=CLERK, now=now)
    assert sweep(session, now=now + timedelta(days=1)) == (1, 0)
    told(session, "MEDICAL_BILLS", (number, "OWN_COST", date(2026, 11, 20), 5), as_of=TODAY, now=now)
    assert sweep(session, now=now + timedelta(days=2)) == (1, 0)
    told(session, "MEDICAL_BILLS", (number, "OWN_COST", date(2026, 11, 21), 12_000), as_of=TODAY, now=now)
    assert sweep(session, now=now + timedelta(days=2)) == (1, 1)


def test_a_need_closed_by_mistake_comes_back_after_its_quiet_days_though_nothing_new_is_told(
    session: Session, now: datetime
) -> None:
    child = a_number(date(2016, 5, 1))
    home = a_home(session, numbers=(child,), now=now)
    [rule] = at_work(session, "W18", now=now)
    told(session, "CIVIL_RECORDS", (child, "GUARDIAN_ABSENT", date(2026, 11, 1), 2), as_of=TODAY, now=now)
    sweep(session, now=now)
    [alert] = answering.open_alerts(session, home.id)
    answering.close(session, alert.id, outcome="helped", actor=CLERK, now=now)
    told(session, "CIVIL_RECORDS", (child, "GUARDIAN_ABSENT", date(2026, 11, 20), 2), as_of=TODAY, now=now)
    assert sweep(session, now=now + timedelta(days=rule.quiet_days - 1)) == (1, 0)
    assert sweep(session, now=now + timedelta(days=rule.quiet_days)) == (1, 1)


def test_a_state_that_ended_and_began_again_and_an_income_that_fell_are_news(session: Session, now: datetime) -> None:
    child, father = a_number(date(2016, 5, 1)), a_number()
    homes = [a_home(session, numbers=(number,), now=now) for number in (child, father)]
    at_work(session, "W13", "W18", now=now)

    def tell(day: int, absent: int, income: int) -> tuple[int, int]:
        on = date(2026, 11, day)
        told(session, "CIVIL_RECORDS", (child, "GUARDIAN_ABSENT", on, absent), as_of=TODAY, now=now)
        told(session, "SPENDING", (father, "INCOME", on, income), as_of=TODAY, now=now)
        return sweep(session, now=now + timedelta(days=day))

    told(session, "SPENDING", (father, "NECESSARY_SPENDING", date(2026, 11, 1), 7_200), as_of=TODAY, now=now)
    assert tell(2, 2, 10_000) == (2, 2)
    for home in homes:
        [alert] = answering.open_alerts(session, home.id)
        answering.close(session, alert.id, outcome="no_need", actor=CLERK, now=now + timedelta(days=2))
    assert [tell(3, 2, 9_500), tell(4, 0, 9_400), tell(5, 2, 5_000)] == [(2, 0), (1, 0), (2, 2)]


def test_an_answer_to_wrong_data_brings_the_alert_back_at_once(session: Session, now: datetime) -> None:
    upheld, corrected = a_number(), a_number()
    homes = [a_home(session, numbers=(number,), now=now) for number in (upheld, corrected)]
    at_work(session, "W05", "W08", now=now)
    day, names = date(2026, 11, 3), ("R1", "R2")

    def bill(number: str, ref: str, yuan: int, days: int) -> None:
        row = (number, "OWN_COST", day, yuan)
        moment = now + timedelta(days=days)
        told(session, "MEDICAL_BILLS", row, as_of=TODAY + timedelta(days=days), now=moment, ref=ref)

    for number, ref in zip((upheld, corrected), names, strict=True):
        bill(number, ref, 60_000, 0)
    told(session, "DISASTERS", (upheld, "DISASTER", day, None), as_of=TODAY, now=now)
    assert sweep(session, now=now) == (3, 3)
    taken = []
    for alert in [one for home in homes for one in answering.open_alerts(session, home.id)]:
        facts = wrong.evidence_of(session, alert)
        taken += [fact.id for fact in facts if alert.household_id == homes[0].id]
        wrong.call_wrong(session, alert, {int(fact.id or 0) for fact in facts}, actor=CLERK, now=now)
        answering.close(session, alert.id, outcome="wrong_data", actor=CLERK, now=now)
    assert sweep(session, now=now + timedelta(days=1)) == (0, 0)
    bill(corrected, "R2", 55_000, 2)
    assert sweep(session, now=now + timedelta(days=2)) == (1, 1)
    for fact in taken:
        wrong.uphold(session, int(fact or 0), actor=CLERK, now=now + timedelta(days=3))
    assert sweep(session, now=now + timedelta(days=3)) == (3, 2)


def test_a_pension_is_new_for_three_months_if_its_feed_and_the_house_had_known_the_person_before(
    session: Session, now: datetime
) -> None:
    new, old, newcomer = a_number(), a_number(), a_number()
    long_ago = now - timedelta(days=300)
    home, other = (a_home(session, numbers=(number,), now=long_ago) for number in (new, old))
    for one in (home, other):
        into(session, one, "IN_REGISTER", from_on=date(2026, 1, 1), now=long_ago)
    at_work(session, "W26", now=now)
    for month in (6, 7, 8, 9, 10, 11):
        rows = [(old, "PENSION", date(2026, month, 5), 2_000)]
        rows += [(new, "PENSION", date(2026, month, 5), 2_000)] if month > 9 else []
        told(session, "PENSIONS", *rows, as_of=date(2026, month, 6), now=now)
        assert sweep(session, now=now) == ((1, 1) if month == 10 else (int(month > 10), 0)), "the first is no news"
    late = a_home(session, numbers=(newcomer,), now=now - timedelta(days=30))
    into(session, late, "IN_REGISTER", from_on=date(2026, 1, 1), now=now)
    told(session, "PENSIONS", (newcomer, "PENSION", date(2026, 11, 5), 2_000), as_of=TODAY, now=now)
    assert sweep(session, now=now) == (1, 0)
    assert [alert.rule_code for alert in answering.open_alerts(session, home.id)] == ["W26"]


@pytest.mark.parametrize("outcome", ["no_need", "wrong_data"])
def test_an_alert_about_silence_rests_when_nobody_needs_anything_and_when_the_data_are_wrong(
    session: Session, now: datetime, outcome: str
) -> None:
    number = a_number(date(1940, 1, 1))
    home = a_home(session, numbers=(number,), now=now)
    at_work(session, "W17", now=now)
    told(session, "POPULATION", (number, "LIVES_ALONE", date(2026, 1, 1), 1), as_of=TODAY, now=now)
    told(session, "UTILITIES", (number, "USE", date(2026, 11, 1), None), as_of=TODAY, now=now)
    assert sweep(session, now=now) == (1, 1)
    [alert] = answering.open_alerts(session, home.id)
    answering.close(session, alert.id, outcome=outcome, actor=CLERK, now=now)
    for days in (8, 16, 89):
        assert sweep(session, now=now + timedelta(days=days)) == (1, 0)
    assert sweep(session, now=now + timedelta(days=90)) == (1, int(outcome == "no_need"))
    if outcome == "wrong_data":
        later = TODAY + timedelta(days=95)
        told(session, "UTILITIES", (number, "USE", TODAY, None), as_of=later, now=now + timedelta(days=96))
        assert sweep(session, now=now + timedelta(days=96)) == (1, 1)


@pytest.mark.parametrize("outcome", ["no_need", "wrong_data"])
def test_a_rule_without_facts_comes_back_after_its_quiet_days(session: Session, now: datetime, outcome: str) -> None:
    home = a_home(session, numbers=(a_number(),), now=now)
    into(session, home, "IN_REGISTER", from_on=date(2026, 1, 1), now=now - timedelta(days=200))
    [rule] = at_work(session, "W16", now=now)
    sweep(session, now=now)
    [alert] = answering.open_alerts(session, home.id)
    answering.close(session, alert.id, outcome=outcome, actor=CLERK, now=now)
    assert sweep(session, now=now + timedelta(days=rule.quiet_days - 1)) == (1, 0)
    assert sweep(session, now=now + timedelta(days=rule.quiet_days)) == (1, 1)


def test_a_family_that_is_refused_again_is_told_of_again(session: Session, now: datetime) -> None:
    home = a_home(session, numbers=(a_number(),), now=now)
    into(session, home, "REJECTED", from_on=date(2026, 9, 1), now=now)
    at_work(session, "W14", now=now)
    sweep(session, now=now)
    [alert] = answering.open_alerts(session, home.id)
    answering.close(session, alert.id, outcome="wrong_data", actor=CLERK, now=now)
    assert sweep(session, now=now + timedelta(days=40)) == (1, 0)
    into(session, home, "REJECTED", from_on=TODAY, now=now + timedelta(days=40))
    assert sweep(session, now=now + timedelta(days=41)) == (1, 1)


def test_an_alert_is_put_off_with_a_reason_and_wakes_on_its_day_but_a_red_one_never_sleeps(
    session: Session, now: datetime
) -> None:
    number = a_number()
    home = a_home(session, numbers=(number,), now=now)
    at_work(session, "W03", "W08", now=now)
    told(session, "MEDICAL_BILLS", (number, "OWN_COST_STAY", TODAY, 11_000), as_of=TODAY, now=now)
    sweep(session, now=now)
    [alert] = answering.open_alerts(session, home.id)
    until = TODAY + timedelta(days=10)
    for bad in ({"until": TODAY, "reason": "AWAY"}, {"until": until, "reason": ""}):
        with pytest.raises(BadInput):
            answering.snooze(session, alert.id, actor=CLERK, now=now, **bad)  # type: ignore[arg-type]
    answering.snooze(session, alert.id, until=until, reason="AWAY", actor=CLERK, now=now)
    assert (alert.state, step_of(session, home.id)) == (AlertState.SNOOZED, "")
    sweep(session, now=now + timedelta(days=9))
    assert alert.state is AlertState.SNOOZED
    sweep(session, now=now + timedelta(days=10))
    assert (alert.state, step_of(session, home.id)) == (AlertState.OPEN, "alert_yellow")
    told(session, "DISASTERS", (number, "DISASTER", TODAY, None), as_of=TODAY, now=now)
    sweep(session, now=now + timedelta(days=10))
    red = answering.open_alerts(session, home.id)[0]
    with pytest.raises(WrongState):
        answering.snooze(session, red.id, until=until, reason="AWAY", actor=CLERK, now=now)


def test_a_late_feed_raises_its_own_alert_for_people_of_the_whole_city(session: Session, now: datetime) -> None:
    at_work(session, "W19", now=now)
    told(session, "UTILITIES", as_of=TODAY - timedelta(days=9), now=now)
    assert sweep(session, now=now) == (1, 1)
    alert = session.exec(select(Alert)).one()
    assert (alert.feed, alert.household_id) == ("UTILITIES", None)
    local = replace(CLERK, districts=frozenset({"500103"}))
    with pytest.raises(NotFound):
        answering.close(session, alert.id, outcome="wrong_data", actor=local, now=now)
    (clock,) = clocks.running_of(session, answering.feed_ref("UTILITIES"))
    assert (clock.step, clock.district_code) == ("feed_late", "")
    answering.snooze(session, alert.id, until=TODAY + timedelta(days=2), reason="AWAY", actor=CLERK, now=now)
    assert clocks.running_of(session, answering.feed_ref("UTILITIES")) == []
    later = now + timedelta(days=2)
    answering.wake(session, on=TODAY + timedelta(days=2), now=later)
    account = create_account(session, "steward", display_name="数据员", role=Role.VERIFIER, now=now)
    (clock,) = clocks.running_of(session, answering.feed_ref("UTILITIES"))
    assert officers.name_holder(session, clock, barred={}, now=later)
    assert clock.account_id == account.id
    answering.close(session, alert.id, outcome="wrong_data", actor=CLERK, now=later)
    assert clocks.running_of(session, answering.feed_ref("UTILITIES")) == []
    assert sweep(session, now=later + timedelta(days=6)) == (1, 0)
    assert sweep(session, now=later + timedelta(days=7)) == (1, 1), "a feed that is late again is told of again"
    came, behind = TODAY + timedelta(days=9), later + timedelta(days=7)
    told(session, "UTILITIES", as_of=TODAY - timedelta(days=8), now=behind)
    assert len(lists.feed_alerts(session)) == 1, "a delivery that is late itself ends nothing"
    told(session, "UTILITIES", as_of=came, now=behind)
    assert (lists.feed_alerts(session), clocks.running_of(session, answering.feed_ref("UTILITIES"))) == ([], [])
    assert [sweep(session, now=behind + timedelta(days=days)) for days in (1, 5)] == [(0, 0), (1, 1)]


def test_one_tap_starts_a_call_once_and_its_result_is_kept(session: Session, now: datetime) -> None:
    number = a_number()
    home = a_home(session, numbers=(number,), now=now)
    at_work(session, "W05", now=now)
    worker = Actor(id="worker-1", role=Role.WORKER, districts=frozenset({"500103"}))
    with pytest.raises(WrongState):
        answering.start_task(session, home.id, TaskKind.CALL, actor=worker, now=now)
    told(session, "MEDICAL_BILLS", (number, "OWN_COST", TODAY, 60_000), as_of=TODAY, now=now)
    sweep(session, now=now)
    elsewhere = replace(worker, districts=frozenset({"500106"}))
    with pytest.raises(NotFound):
        answering.start_task(session, home.id, TaskKind.CALL, actor=elsewhere, now=now)
    task = answering.start_task(session, home.id, TaskKind.CALL, actor=worker, now=now)
    with pytest.raises(BadInput):
        answering.finish_task(session, task.id, result="NOTHING", actor=worker, now=now)
    answering.finish_task(session, task.id, result="REACHED_NEEDS_HELP", actor=worker, now=now)
    with pytest.raises(Conflict):
        answering.finish_task(session, task.id, result="REACHED_FINE", actor=worker, now=now)
    answering.start_task(session, home.id, TaskKind.CALL, actor=worker, now=now)
    assert session.exec(select(func.count()).select_from(WatchTask)).one() == 2


def test_the_night_looks_at_everybody_once_and_the_day_only_when_something_is_new(
    sqlite_database: Database, now: datetime
) -> None:
    number, moment = a_number(), [now]
    watch = sweeping.Nightly(sqlite_database, clock=lambda: moment[0])
    assert watch() == 0
    with sqlite_database.transaction() as session:
        a_home(session, numbers=(number,), now=now)
        at_work(session, "W05", now=now)
    assert watch() == 0
    with sqlite_database.transaction() as session:
        told(session, "MEDICAL_BILLS", (number, "OWN_COST", TODAY, 60_000), as_of=TODAY, now=now)
    moment[0] = now + timedelta(minutes=1)
    assert (watch(), watch()) == (1, 0)
    moment[0] = now + timedelta(days=1)
    assert (watch(), watch()) == (0, 0)
    with sqlite_database.reading() as session:
        assert [row.whole for row in session.exec(select(Sweep).order_by(col(Sweep.began_at)))] == [True, False, True]


def test_nothing_in_this_room_can_cut_money_or_end_a_category() -> None:
    """No module of signals imports a room that decides, pays or ends; of categories it only reads."""
    forbidden = {"leave", "enter", "enter_many"}
    for path in ROOM.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module:
                assert not node.module.startswith(
                    ("marketplace.ledger", "marketplace.payments", "marketplace.decisions")
                )
                if node.module == "marketplace.households.categories":
                    assert not forbidden & {name.name for name in node.names}, path.name
            if isinstance(node, ast.Attribute):
                assert not (node.attr in forbidden and getattr(node.value, "id", "") == "categories"), path.name


def test_a_person_sees_what_the_watch_holds_and_takes_it_along_into_oblivion(session: Session, now: datetime) -> None:
    number = a_number()
    home = a_home(session, numbers=(number,), now=now)
    spell = into(session, home, "IN_REGISTER", from_on=TODAY, now=now)
    told(session, "MEDICAL_BILLS", (number, "OWN_COST", TODAY, 30), as_of=TODAY, now=now)
    declaring.declare(session, home.id, "INCOME", amount=5, on=TODAY, actor=CLERK, now=now)
    copy = forgetting.told_of(session, home.id)
    assert [len(copy[name]) for name in ("categories", "facts_of_departments", "said")] == [1, 1, 1]
    watched = select(Household.id).where(forgetting.is_watched(col(Household.id), on=TODAY))
    assert session.exec(watched).all() == [home.id]
    spell.to_on = TODAY
    session.add(spell)
    session.flush()
    later = select(Household.id).where(forgetting.is_watched(col(Household.id), on=TODAY + timedelta(days=1)))
    assert session.exec(later).all() == []
    forgetting.forget(session, head(session, home), alone=True)
    gone = forgetting.told_of(session, home.id)
    assert (gone["facts_of_departments"], gone["said"]) == ([], [])


def test_an_erasure_leaves_the_home_its_facts_and_nobody_lives_again(session: Session, now: datetime) -> None:
    numbers = (a_number(), a_number(), a_number())
    home, empty = (a_home(session, numbers=some, now=now) for some in (numbers[:2], numbers[2:]))
    goes, stays = list_people(session, home.id)
    for kind, amount in (("VISIT", 0), ("DEBT", 5)):
        record_fact(
            session, goes, kind, ref=found_ref(home.id, kind.lower()), amount=amount, on=TODAY, actor=CLERK, now=now
        )
    told(session, "SPENDING", (numbers[0], "INCOME", TODAY, 30), as_of=TODAY, now=now)
    told(session, "MEDICAL_BILLS", (numbers[0], "OWN_COST", TODAY, 30), as_of=TODAY, now=now)
    died = (numbers[2], "DEATH", TODAY, None)
    told(session, "CIVIL_RECORDS", died, as_of=TODAY, ref="D1", now=now)
    forgetting.forget(session, goes, alone=False)
    held = session.exec(select(Fact.kind, Fact.person_id).where(Fact.household_id == home.id)).all()
    assert sorted(held) == [(kind, stays.id) for kind in ("DEBT", "INCOME", "VISIT")]
    dead = head(session, empty)
    forgetting.forget(session, dead, alone=True)
    dead.id_number_index = None
    told(session, "CIVIL_RECORDS", died, as_of=TODAY + timedelta(days=1), ref="D1", now=now + timedelta(days=1))
    assert session.scalars(nobody_lives(Scene(TODAY))).all() == [empty.id], "its department tells it again"


def test_by_day_a_silence_that_is_an_open_alert_already_is_not_looked_at_again(session: Session, now: datetime) -> None:
    number = a_number(date(1940, 1, 1))
    home = a_home(session, numbers=(number,), now=now)
    at_work(session, "W17", now=now)
    told(session, "POPULATION", (number, "LIVES_ALONE", TODAY - timedelta(days=40), 1), as_of=TODAY, now=now)
    told(session, "UTILITIES", (number, "USE", TODAY - timedelta(days=30), None), as_of=TODAY, now=now)
    assert sweep(session, now=now) == (1, 1)
    assert sweep(session, now=now, whole=False) == (0, 0)
    answering.close(session, answering.open_alerts(session, home.id)[0].id, outcome="no_need", actor=CLERK, now=now)
    assert sweep(session, now=now, whole=False)[0] == 1
