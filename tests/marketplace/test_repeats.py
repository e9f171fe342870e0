"""One gift that two sources tell of counts once, a person looks, and what the person finds decides."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from sqlmodel import Session, col, select

from marketplace.actors import SYSTEM, Actor, Role
from marketplace.app import create_app
from marketplace.calendar import utc_now
from marketplace.clocks import service as clocks
from marketplace.config import Settings
from marketplace.db import Database
from marketplace.decisions.models import Match
from marketplace.households.models import Person
from marketplace.ledger import handing_in, hit_report, hits, imports, late_ends, repeats
from marketplace.ledger import service as ledger
from marketplace.ledger.budgets import given_in_year
from marketplace.ledger.handing_in import report_given
from marketplace.ledger.models import AidState, HitState, LedgerEntry, OverlapHit
from marketplace.ledger.models_reports import AidReport, ReportDoor, ReportState
from marketplace.ledger.reporting import Reported, take_in
from marketplace.needs.models import Need
from tests import factories as make
from tests.marketplace.match_scene import APPROVER, Scene, a_scene
from tests.marketplace.test_all_givers_report import named, packs
from tests.marketplace.test_same_households import a_suspicion, called_same
from tests.pages.people import client_as


def given_here(session: Session, now: datetime) -> tuple[Scene, Match]:
    """10 packs that the platform itself recorded as delivered today."""
    scene = a_scene(session)
    named(session, scene)
    return scene, scene.delivered(session, now)


def told_again(session: Session, scene: Scene, now: datetime, **over: Any) -> Reported:
    """The giver reports by its own interface what it gave, five days before the platform heard of it."""
    row = packs(**{"units": 10, "given_on": "2026-11-18", **over})
    return report_given(session, [row], actor=scene.giver, now=now)


def outside(session: Session) -> LedgerEntry:
    return session.exec(select(LedgerEntry).where(col(LedgerEntry.source) != "platform")).one()


def the_task(session: Session) -> OverlapHit:
    return session.exec(select(OverlapHit).where(OverlapHit.code == hits.TWICE)).one()


def live_units(session: Session, scene: Scene) -> int:
    return sum(row.units for row in ledger.live_aid(session, household_ids=[scene.household.id]))


def test_a_delivery_that_its_giver_reports_again_counts_once_and_is_a_task(session: Session, now: datetime) -> None:
    scene, match = given_here(session, now)
    done = told_again(session, scene, now)
    assert (done.new, done.contradicted) == (1, 1), "one task, and no rule is broken by a gift that is told twice"
    row, task = outside(session), the_task(session)
    assert (row.state, row.repeats_id, row.need_id) == (AidState.REPEAT, match.ledger_entry_id, None)
    assert (task.subject, set(task.because)) == (row.id, {row.id, match.ledger_entry_id})
    assert [clock.step for clock in clocks.running_of(session, task.id)] == ["overlap_look"]
    assert live_units(session, scene) == 10
    assert repeats.count_told_twice(session, actor=APPROVER) == 1
    assert hit_report.totals(session, by="code", late=True, actor=APPROVER) == [], "nothing was given twice"
    report = session.exec(select(AidReport)).one()
    assert report.state is ReportState.PLACED, "the giver's own list reads as ever"


def test_a_report_that_names_the_need_takes_nothing_from_what_is_still_open(session: Session, now: datetime) -> None:
    """A need of 20, 10 were given: told again under the need's own reference, 10 are still open, not 0."""
    scene = a_scene(session)
    named(session, scene)
    scene.need.gap_units, scene.need.source_index = 20, make.vault_of(session).index("need-source", "test\x00N-1")
    session.add(scene.need)
    scene.delivered(session, now)
    told_again(session, scene, now, need_source_id="N-1")
    session.expire_all()
    assert session.get_one(Need, scene.need.id).committed_units == 10


def test_money_that_is_told_twice_is_spent_once(session: Session, now: datetime) -> None:
    """3,000 yuan by staff's file, then the giver's own report: one gift of the year's budget and of a lifetime."""
    scene = a_scene(session)
    named(session, scene)
    row = packs(category="MEDICAL.MAJOR", units=3_000, unit="元", given_on="2026-10-01", cause="C50")
    filed = {**row, "source_id": "F-1", "giver": scene.organisation.name}
    take_in(session, [filed], source="redcross", rule_id="file", actor=SYSTEM, now=now)
    assert report_given(session, [{**row, "given_on": "2026-10-05"}], actor=scene.giver, now=now).contradicted == 1
    assert given_in_year(session, 2026, org_ids=[scene.organisation.id]) == {scene.organisation.id: 300_000}


@pytest.mark.parametrize(
    "over",
    [
        {"units": 9},
        {"given_on": "2026-11-08"},
        {"category": "LIVING.GOODS"},
        {"cause": "flood"},
        {"state": "approved"},
    ],
)
def test_what_differs_counts_at_once(session: Session, now: datetime, over: dict[str, Any]) -> None:
    scene, _match = given_here(session, now)
    told_again(session, scene, now, **over)
    assert outside(session).state is not AidState.REPEAT
    assert live_units(session, scene) == 10 + over.get("units", 10)


def test_what_another_giver_tells_is_another_gift(session: Session, now: datetime) -> None:
    given_here(session, now)
    other = make.as_giver(make.an_organisation(session))
    report_given(session, [packs(units=10, given_on="2026-11-18")], actor=other, now=now)
    assert outside(session).state is AidState.DELIVERED


def test_a_second_like_report_of_one_source_is_a_second_gift_in_one_call_or_in_two(
    session: Session, now: datetime
) -> None:
    scene, _match = given_here(session, now)
    both = [packs(source_id=f"R-{n}", units=10, given_on="2026-11-18") for n in (1, 2)]
    report_given(session, both, actor=scene.giver, now=now)
    told_again(session, scene, now, source_id="R-3")
    rows = session.exec(select(LedgerEntry).where(col(LedgerEntry.source) != "platform")).all()
    assert sorted(row.state.value for row in rows) == ["delivered", "delivered", "repeat"]


def test_the_same_reference_again_changes_nothing_and_another_amount_counts(session: Session, now: datetime) -> None:
    scene, _match = given_here(session, now)
    told_again(session, scene, now)
    again = told_again(session, scene, now)
    assert (again.same, again.contradicted) == (1, 0)
    assert told_again(session, scene, now, units=4).changed == 1
    assert (outside(session).state, outside(session).repeats_id) == (AidState.DELIVERED, None)


def promised_by(session: Session, source: str, now: datetime, state: str = "reserved") -> Reported:
    row = packs(source_id="P-1", need_source_id="N-1", units=5, giver="红十字会", state=state)
    return take_in(session, [row], source=source, rule_id="feed", actor=SYSTEM, now=now)


def test_a_promise_that_two_sources_tell_of_covers_the_need_once(session: Session, now: datetime) -> None:
    scene = a_scene(session)
    named(session, scene)
    scene.need.source_index = make.vault_of(session).index("need-source", "test\x00N-1")
    session.add(scene.need)
    session.flush()
    assert [promised_by(session, source, now).contradicted for source in ("reda", "redb")] == [0, 1], "one task"
    session.refresh(scene.need)
    assert (scene.need.committed_units, live_units(session, scene)) == (5, 5)
    assert promised_by(session, "redb", now).same == 1
    assert promised_by(session, "reda", now, state="delivered").changed == 1
    assert (promised_by(session, "redb", now).same, live_units(session, scene)) == (1, 5), "still one gift"
    repeats.decide(session, the_task(session).id, state=HitState.FALSE_ALARM, minutes=4, actor=APPROVER, now=now)
    states = {row.source: row.state for row in session.exec(select(LedgerEntry))}
    assert states == {"reda": AidState.DELIVERED, "redb": AidState.RESERVED}, "a promise of its own"


def test_a_giver_s_promise_that_is_told_twice_reads_in_its_own_list_as_ever(session: Session, now: datetime) -> None:
    scene = a_scene(session)
    named(session, scene)
    row = packs(giver=scene.organisation.name, state="reserved")
    take_in(session, [row], source="red", rule_id="feed", actor=SYSTEM, now=now)
    report_given(session, [packs(state="reserved")], actor=scene.giver, now=now)
    assert {one.state for one in session.exec(select(LedgerEntry))} == {AidState.RESERVED, AidState.REPEAT}
    assert session.exec(select(AidReport)).one().state is ReportState.PLACED


def test_two_records_of_one_person_are_one_household_here_too(session: Session, now: datetime) -> None:
    scene, _match = given_here(session, now)
    other = a_scene(session, phone="10000000002", organisation=scene.organisation)
    pair = a_suspicion(session, scene.household, other.household, now)
    pair.state = pair.state.SAME
    session.add(pair)
    scene.household.source_index = "moved"
    session.flush()
    scene.household = other.household
    named(session, scene)
    told_again(session, scene, now)
    assert outside(session).state is AidState.REPEAT


@pytest.mark.parametrize("who", ["one of two records", "undecided", "somebody beside"])
def test_a_gift_of_one_person_is_not_another_s_unless_both_are_one(session: Session, now: datetime, who: str) -> None:
    """Told once under each record of a person: one gift, also where nobody has looked yet whether it is one person."""
    scene, match = given_here(session, now)
    other = make.a_household(session, phone="10000000002")
    if who == "somebody beside":
        theirs = make.a_person(session, scene.household, phone="10000000002")
    else:
        called_same(session, scene.household, other, now)
        theirs = session.exec(select(Person).where(Person.household_id == other.id)).one()
    if who == "undecided":
        theirs = make.a_person(session, other, phone="10000000004")
    entry = session.get_one(LedgerEntry, match.ledger_entry_id)
    had = make.a_person(session, scene.household, phone="10000000005") if who == "undecided" else scene.person
    entry.person_id = had.id
    told = repeats.Told(
        source="red",
        household_id=theirs.household_id,
        giver=scene.organisation.name,
        category=entry.category,
        programme="",
        cause="",
        units=entry.units,
        given_on=entry.given_on,
        person=theirs.id,
    )
    assert repeats.find(session, {"R-1": told}) == ({} if who == "somebody beside" else {"R-1": entry.id})


def test_called_two_gifts_it_counts_is_held_against_the_rules_and_stays_so(session: Session, now: datetime) -> None:
    scene, _match = given_here(session, now)
    told_again(session, scene, now)
    repeats.decide(session, the_task(session).id, state=HitState.FALSE_ALARM, minutes=4, actor=APPROVER, now=now)
    assert (outside(session).state, live_units(session, scene)) == (AidState.DELIVERED, 20)
    assert {hit.code for hit in session.exec(select(OverlapHit))} == {hits.TWICE, "D08"}
    assert told_again(session, scene, now).same == 1
    assert told_again(session, scene, now, given_on="2026-11-19").changed == 1
    assert outside(session).state is AidState.DELIVERED


def test_called_one_gift_it_stays_uncounted(session: Session, now: datetime) -> None:
    scene, _match = given_here(session, now)
    told_again(session, scene, now)
    repeats.decide(session, the_task(session).id, state=HitState.DUPLICATE, minutes=1, actor=APPROVER, now=now)
    assert told_again(session, scene, now).same == 1
    assert live_units(session, scene) == 10


def test_a_repeat_whose_first_row_is_taken_back_stands_for_the_gift_itself(database: Database, now: datetime) -> None:
    with database.transaction() as session:
        scene, match = given_here(session, now)
        told_again(session, scene, now)
        first = match.ledger_entry_id
    assert repeats.looks(database, now=now) == 0
    with database.transaction() as session:
        ledger.move(session, first, to=AidState.RETURNED, actor=SYSTEM, now=now)
    assert repeats.looks(database, now=now) == 2
    with database.reading() as session:
        assert outside(session).state is AidState.DELIVERED
        assert the_task(session).state is HitState.GONE
    assert late_ends.end_gone(database, now=now) == 0


def test_staff_s_file_says_before_it_is_stored_how_many_are_told_already(session: Session, now: datetime) -> None:
    scene, _match = given_here(session, now)
    verifier = Actor(id="v", role=Role.VERIFIER)
    rows = "source_id,household_ref,category,units,given_on,giver\n"
    rows += f"F-1,H-1,LIVING.FOOD_PACK,10,2026-11-20,{scene.organisation.name}\n"
    batch, _checked = imports.check_file(
        session,
        rows.encode(),
        file_name="a.csv",
        source="redcross",
        seen_from=now.date(),
        actor=verifier,
        now=now,
    )
    counts = imports.confirm_import(session, batch.id, actor=verifier, now=now)
    assert (counts["new"], counts["repeated"]) == (1, 1)
    assert live_units(session, scene) == 10


def test_the_page_of_the_task_shows_both_rows_and_takes_the_finding_in_its_own_words(
    sqlite_database: Database, settings: Settings
) -> None:
    now = utc_now()
    with sqlite_database.transaction() as session:
        scene = a_scene(session, now=now)
        named(session, scene)
        scene.delivered(session, now)
        report = packs(units=10, given_on=now.date().isoformat())
        handing_in.hand_in(session, [report], door=ReportDoor.API, actor=scene.giver, now=now)
        task = the_task(session).id
    staff = client_as(create_app(settings, database=sqlite_database), Role.APPROVER)
    page = staff.get(f"/aid/duplicates/{task}?lang=zh_Hans").text
    assert "两个来源登记的同一份帮助" in page
    assert "重复登记，只计一次" in page
    assert "TWICE" not in page
    assert "One gift, told by two sources" in staff.get("/aid/duplicates/rows?code=TWICE&lang=en").text
    assert "Two gifts" in staff.get(f"/aid/duplicates/{task}/finding?lang=en").text
    sent = staff.post(f"/aid/duplicates/{task}/finding", data={"state": "false_alarm", "minutes": "3"})
    assert sent.status_code == 303
    with sqlite_database.reading() as session:
        assert outside(session).state is AidState.DELIVERED
