"""One event is written in one way whoever tells of it; what is no event of the list waits for a person."""

from __future__ import annotations

from datetime import date, datetime

import pytest
from sqlmodel import Session, col, select

from marketplace.actors import SYSTEM, Actor, Role
from marketplace.app import create_app
from marketplace.config import Settings
from marketplace.db import Database
from marketplace.errors import Conflict, NotFound
from marketplace.ledger import events as tasks
from marketplace.ledger.models import LedgerEntry
from marketplace.ledger.overlap import verdict
from marketplace.ledger.reporting import take_in
from marketplace.needs.models import Need
from marketplace.reference import events
from tests import factories as make
from tests.marketplace.match_scene import a_scene
from tests.marketplace.test_all_givers_report import named, packs
from tests.pages.people import client_as

pytestmark = pytest.mark.both_engines

TODAY = date(2026, 11, 23)
VERIFIER = Actor(id="v", role=Role.VERIFIER)


@pytest.mark.parametrize(
    ("told", "written"),
    [
        ("洪涝 ２０２６年8月12日 北碚", "FLOOD:2026-08-12/500109"),
        ("Flood, 2026/08/12, Beibei District", "FLOOD:2026-08-12/500109"),
        ("flood 20260812 500109", "FLOOD:2026-08-12/500109"),
        ("疾病：c50.9", "ILLNESS:C509"),
        ("illness", "ILLNESS"),
        ("火灾 2026-08-12", "FIRE:2026-08-12/"),
    ],
)
def test_what_people_write_becomes_one_event(told: str, written: str) -> None:
    assert events.tidy(told, on=TODAY) == written == events.tidy(written, on=TODAY)
    assert events.known(written)


@pytest.mark.parametrize("told", ["the water came", "fire in the house", "flood 2026-02-31", "illness of the mother"])
def test_what_cannot_be_read_stays_and_is_unknown(told: str) -> None:
    assert events.tidy(told, on=TODAY) == told
    assert events.known(told) == ""


def test_an_event_is_for_people_in_words_and_ends_by_its_date() -> None:
    assert events.words("FLOOD:2026-08-12/500109", lang="en") == "Flood 2026-08-12 Beibei District"
    assert events.words("FLOOD:2026-08-12/500109", lang="zh_Hans") == "洪涝 2026-08-12 北碚区"
    assert events.list_events(on=date(2025, 12, 31)) == (), "a city's list has days from which it holds"


def cash(session: Session, home, cause: str) -> Need:
    return make.a_need(session, home, category="EMERGENCY.CASH", unit="FEN", gap_units=90_000, cause=cause)


@pytest.mark.parametrize(
    ("told", "allowed"),
    [
        ("洪水", 0),
        ("洪涝 2026年8月13日 北碚", 0),
        ("洪涝 2026年8月13日 渝中", 90_000),
        ("火灾 2026-08-12 北碚", 90_000),
    ],
)
def test_a_spreadsheet_and_a_form_that_tell_of_one_flood_are_held_against_each_other(
    session: Session, now: datetime, told: str, allowed: int
) -> None:
    scene = a_scene(session)
    named(session, scene)
    row = packs(
        category="EMERGENCY.CASH", units=500, unit="元", given_on="2026-09-01", payer="TEMPORARY_AID", cause=told
    )
    take_in(session, [row], source="gov", rule_id="feed", actor=SYSTEM, now=now)
    need = cash(session, scene.household, "FLOOD:2026-08-12/500109")
    assert verdict(session, need, org_id="", units=90_000, on=TODAY).allowed == allowed


def test_a_person_names_the_event_and_the_rules_follow(session: Session, now: datetime) -> None:
    scene = a_scene(session)
    named(session, scene)
    row = packs(category="EMERGENCY.CASH", units=500, unit="元", given_on="2026-09-01", cause="the house burned")
    take_in(session, [row], source="gov", rule_id="feed", actor=SYSTEM, now=now)
    need = cash(session, scene.household, "the water came")
    found, count = tasks.waiting(session, actor=VERIFIER, offset=0, limit=10)
    assert {(one.what, one.cause) for one in found} == {("need", "the water came"), ("aid", "the house burned")}
    assert count == 2
    assert verdict(session, need, org_id="", units=90_000, on=TODAY).allowed == 0, "it may be the same"
    told = {"reference": "2026-08-12 Beibei", "actor": VERIFIER, "now": now}
    tasks.say(session, "need", need.id, code="FLOOD", **told)
    entry = session.exec(select(LedgerEntry).where(col(LedgerEntry.source) == "gov")).one()
    tasks.say(session, "aid", entry.id, code="FIRE", **told)
    assert verdict(session, need, org_id="", units=90_000, on=TODAY).allowed == 90_000
    assert tasks.waiting(session, actor=VERIFIER, offset=0, limit=10)[1] == 0
    second = cash(session, scene.household, "floods everywhere")
    with pytest.raises(Conflict, match="need_exists"):
        tasks.say(session, "need", second.id, code="FLOOD", **told)
    assert second.cause == "floods everywhere"


def test_another_district_s_texts_are_not_there(session: Session, now: datetime) -> None:
    need = cash(session, make.a_household(session), "the water came")
    elsewhere = Actor(id="v", role=Role.VERIFIER, districts=frozenset({"500109"}))
    assert tasks.waiting(session, actor=elsewhere, offset=0, limit=10) == ([], 0)
    with pytest.raises(NotFound):
        tasks.say(session, "need", need.id, code="FLOOD", reference="", actor=elsewhere, now=now)


def test_the_pile_its_form_and_what_it_says(sqlite_database: Database, settings: Settings) -> None:
    with sqlite_database.transaction() as session:
        need_id = cash(session, make.a_household(session), "the water came").id
    staff = client_as(create_app(settings, database=sqlite_database), Role.VERIFIER)
    assert "the water came" in staff.get("/aid/events?lang=en").text
    assert "it counts as possibly the same as any other event" in staff.get(f"/needs/{need_id}?lang=en").text
    form = f"/aid/events/need/{need_id}"
    wrong = staff.post(form, data={"event": "FLOOD", "event_reference": "at the river"})
    assert "write a day and a district" in wrong.text
    assert staff.post(form, data={"event": "FLOOD", "event_reference": "2026-08-12 北碚"}).status_code == 303
    assert "Flood 2026-08-12 Beibei District" in staff.get(f"/needs/{need_id}?lang=en").text
    assert "Nothing waits" in staff.get("/aid/events?lang=en").text
    assert staff.get("/aid/events/other/x").status_code == 404
