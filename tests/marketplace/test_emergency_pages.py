"""Showing data in an emergency, press by press, and everything that the act refuses."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from flask import Flask
from sqlmodel import Session, col, delete, select

from marketplace.actors import Actor, Role
from marketplace.app import create_app
from marketplace.assessments.models import Assessment
from marketplace.calendar import utc_now
from marketplace.clocks.models import Clock
from marketplace.config import Settings
from marketplace.db import Database
from marketplace.errors import BadInput, NotAllowed, NotFound, WrongState
from marketplace.incidents import service as incidents
from marketplace.incidents.models import Incident
from marketplace.sharing import emergency
from marketplace.sharing.models import Disclosure, Emergency
from tests.marketplace.match_scene import Scene, a_scene
from tests.pages.people import client_as

WORKER = Actor(id="worker-1", role=Role.WORKER, districts=frozenset({"500103"}))
APPROVER = Actor(id="approver-9", role=Role.APPROVER, districts=frozenset({"500103"}))
OFFICER = Actor(id="officer-1", role=Role.PROTECTION_OFFICER)


@pytest.mark.threat("T25")
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_staff_ask_and_agree_the_organisation_looks_and_the_officer_judges(
    sqlite_database: Database, settings: Settings, lang: str
) -> None:
    app: Flask = create_app(settings, database=sqlite_database)
    with sqlite_database.transaction() as session:
        scene = a_scene(session, now=utc_now())
        home, org_id = scene.household.id, scene.organisation.id
    people = {
        role: client_as(app, role, org_id=org_id if role is Role.CHARITY_WORKER else None)
        for role in (Role.WORKER, Role.APPROVER, Role.CHARITY_WORKER, Role.PROTECTION_OFFICER)
    }
    for client in people.values():
        client.set_cookie("lang", "en" if lang == "en" else "zh_Hans")
    ask = f"/households/{home}/emergency"
    assert ("Life in danger" if lang == "en" else "生命有危险") in people[Role.WORKER].get(ask).text
    assert people[Role.WORKER].get("/households/nobody/emergency").status_code == 404
    asked = {"org_id": org_id, "data_fields": ["name", "phone"], "reason_code": "life_in_danger"}
    assert people[Role.WORKER].post(ask, data=asked).status_code == 303
    with sqlite_database.reading() as session:
        number = session.exec(select(Emergency.id)).one()
    assert people[Role.APPROVER].post(f"/emergencies/{number}/open").status_code == 303
    assert scene.organisation.name in people[Role.APPROVER].get("/emergencies/").text
    assert "王小明" not in people[Role.CHARITY_WORKER].get("/our-emergencies/").text
    assert "王小明" in people[Role.CHARITY_WORKER].post(f"/our-emergencies/{number}").text
    officer = people[Role.PROTECTION_OFFICER]
    assert 'name="verdict"' in officer.get(f"/emergencies/{number}/review").text
    assert officer.get("/emergencies/nobody/review").status_code == 404
    assert officer.post(f"/emergencies/{number}/review", data={"verdict": "justified"}).status_code == 303
    with sqlite_database.reading() as session:
        assert session.exec(select(Emergency.verdict)).one() == "justified"
        assert session.exec(select(Disclosure.emergency_id)).one() == number


@pytest.fixture
def writing(sqlite_database: Database) -> Iterator[Session]:
    with sqlite_database.session(writes=True) as session:
        yield session
        session.rollback()


def _asked(session: Session, scene: Scene, **over: object) -> Emergency:
    given = {"org_id": scene.organisation.id, "data_fields": ["name"], "reason_code": "life_in_danger"}
    return emergency.ask(session, scene.person.id, **(given | over), actor=WORKER, now=utc_now())  # type: ignore[arg-type]


@pytest.mark.threat("T25")
def test_what_is_asked_for_must_be_somebody_something_and_for_a_reason(writing: Session) -> None:
    scene = a_scene(writing)
    with pytest.raises(NotFound):
        emergency.ask(writing, "nobody", org_id="x", data_fields=["name"], reason_code="x", actor=WORKER, now=utc_now())
    with pytest.raises(BadInput, match="field_above_ceiling"):
        _asked(writing, scene, data_fields=[])
    with pytest.raises(BadInput, match="reason_missing"):
        _asked(writing, scene, reason_code="curiosity")


@pytest.mark.threat("T25")
def test_it_is_opened_once_and_judged_once_by_a_third(writing: Session) -> None:
    now, row = utc_now(), _asked(writing, a_scene(writing))
    judge = {"verdict": "justified", "now": now}
    with pytest.raises(WrongState, match="emergency_reviewed"):
        emergency.review(writing, row.id, actor=OFFICER, **judge)
    emergency.open_up(writing, row.id, actor=APPROVER, now=now)
    with pytest.raises(WrongState, match="emergency_opened"):
        emergency.open_up(writing, row.id, actor=Actor(id="c", role=Role.APPROVER), now=now)
    with pytest.raises(WrongState, match="same_person_twice"):
        emergency.review(writing, row.id, actor=Actor(id=WORKER.id, role=Role.PROTECTION_OFFICER), **judge)
    with pytest.raises(BadInput, match="reason_missing"):
        emergency.review(writing, row.id, actor=OFFICER, verdict="fine", now=now)
    emergency.review(writing, row.id, actor=OFFICER, **judge)
    with pytest.raises(WrongState, match="emergency_reviewed"):
        emergency.review(writing, row.id, actor=OFFICER, **judge)
    with pytest.raises(NotFound):
        emergency.open_up(writing, "nobody", actor=APPROVER, now=now)


@pytest.mark.threat("T25")
def test_staff_see_those_of_their_area_and_an_erased_value_is_not_shown(writing: Session) -> None:
    now, scene = utc_now(), a_scene(writing)
    row = _asked(writing, scene, data_fields=["name", "phone"])
    emergency.open_up(writing, row.id, actor=APPROVER, now=now)
    elsewhere = Actor(id="w", role=Role.WORKER, districts=frozenset({"500112"}))
    assert emergency.list_emergencies(writing, actor=elsewhere) == []
    assert [one.id for one in emergency.list_emergencies(writing, actor=WORKER)] == [row.id]
    assert [one.id for one in emergency.list_emergencies(writing, actor=OFFICER)] == [row.id]
    scene.person.phone = None
    writing.add(scene.person)
    writing.flush()
    seen = emergency.look(writing, row.id, actor=scene.giver, now=now + timedelta(minutes=1))
    assert seen == {"name": "王小明"}


@pytest.mark.threat("T35")
def test_even_an_emergency_shows_nothing_while_nobody_watches_the_log(writing: Session) -> None:
    now, scene = utc_now(), a_scene(writing)
    row = _asked(writing, scene)
    emergency.open_up(writing, row.id, actor=APPROVER, now=now)
    writing.info["audit_fresh"] = lambda _session, _now: False
    for act in (
        lambda: emergency.look(writing, row.id, actor=scene.giver, now=now),
        lambda: emergency.open_up(writing, _asked(writing, scene).id, actor=APPROVER, now=now),
    ):
        with pytest.raises(NotAllowed, match="audit_stale") as refused:
            act()
        entry, _actor = refused.value.denied  # type: ignore[misc]
        assert (entry.action, entry.rule_id) == ("share:deny", "AUDIT_STALE")
    assert not writing.exec(select(Disclosure)).all()


@pytest.mark.threat("T25")
def test_even_an_emergency_shows_nothing_that_nobody_has_assessed(writing: Session) -> None:
    now, scene = utc_now(), a_scene(writing)
    row = _asked(writing, scene)
    emergency.open_up(writing, row.id, actor=APPROVER, now=now)
    writing.execute(delete(Assessment).where(col(Assessment.purpose) == emergency.PURPOSE))
    with pytest.raises(NotAllowed, match="NO_PIA"):
        emergency.look(writing, row.id, actor=scene.giver, now=now)
    with pytest.raises(NotAllowed, match="NO_PIA"):
        emergency.open_up(writing, _asked(writing, scene).id, actor=APPROVER, now=now)
    assert not writing.exec(select(Disclosure)).all()


@pytest.mark.threat("T25")
def test_what_was_not_justified_is_closed_and_an_incident_in_the_same_press(writing: Session) -> None:
    now, scene = utc_now(), a_scene(writing)
    row = _asked(writing, scene)
    emergency.open_up(writing, row.id, actor=APPROVER, now=now)
    waits = writing.exec(select(Clock).where(Clock.object_ref == row.id)).one()
    assert (waits.step, waits.ended_at, waits.due_at > now) == ("emergency_review", None, True)
    emergency.look(writing, row.id, actor=scene.giver, now=now + timedelta(minutes=1))
    judged = now + timedelta(minutes=2)
    emergency.review(writing, row.id, verdict="not_justified", actor=OFFICER, now=judged)
    with pytest.raises(WrongState, match="emergency_closed"):
        emergency.look(writing, row.id, actor=scene.giver, now=judged)
    incident = writing.exec(select(Incident)).one()
    assert (incident.found_at, incident.recipient_org_id) == (judged, scene.organisation.id)
    assert [one.household_id for one in incidents.affected(writing, incident.id)] == [scene.household.id]
    writing.refresh(waits)
    assert waits.ended_at == judged


@pytest.mark.threat("T25")
def test_a_question_that_nobody_agreed_to_lapses_after_half_an_hour(writing: Session) -> None:
    row = _asked(writing, scene := a_scene(writing))
    with pytest.raises(WrongState, match="emergency_lapsed"):
        emergency.open_up(writing, row.id, actor=APPROVER, now=row.asked_at + emergency.OPEN_FOR)
    opened = row.asked_at + emergency.OPEN_FOR - timedelta(seconds=1)
    emergency.open_up(writing, row.id, actor=APPROVER, now=opened)
    closes = opened + emergency.OPEN_FOR
    assert emergency.look(writing, row.id, actor=scene.giver, now=closes - timedelta(seconds=1))
    with pytest.raises(WrongState, match="emergency_closed"):
        emergency.look(writing, row.id, actor=scene.giver, now=closes)
    for one in (row.asked_by, APPROVER.id):
        officer = replace(OFFICER, id="o", on_behalf_of=one)
        with pytest.raises(WrongState, match="same_person_twice"):
            emergency.review(writing, row.id, verdict="justified", actor=officer, now=closes)
    emergency.review(writing, row.id, verdict="justified", actor=OFFICER, now=closes)
    with pytest.raises(WrongState, match="emergency_reviewed"):
        emergency.review(writing, row.id, verdict="justified", actor=OFFICER, now=closes)
