"""An incident: everybody within reach and nobody else, the law's clocks, a neutral letter to each, told once."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlmodel import Session, select

from bench.incident import fill, find
from marketplace import audit
from marketplace.actors import Actor, Role
from marketplace.app import create_app
from marketplace.calendar import local_day, utc_now
from marketplace.config import Settings
from marketplace.db import Database, new_id
from marketplace.errors import BadInput, NotAllowed, WrongState
from marketplace.households import service as households
from marketplace.incidents import service
from marketplace.incidents.models import OperatorKind
from marketplace.notices import Notice
from marketplace.sharing.models import Disclosure
from tests import factories as make
from tests.marketplace.match_scene import a_scene
from tests.pages.people import client_as

OFFICER = Actor(id="officer-1", role=Role.PROTECTION_OFFICER)
HOUR = timedelta(hours=1)


def a_look(session: Session, org, home, at, *, actor_id: str = "client-1") -> None:
    seq = audit.record(session, audit.Entry("share:disclose", object_ref=home.id), actor=OFFICER, now=at)
    session.add(
        Disclosure(
            id=new_id(),
            at=at,
            household_id=home.id,
            recipient_org_id=org.id,
            actor_id=actor_id,
            purpose="GOODS",
            data_fields=["name"],
            consent_chain_id="chain",
            consent_version=1,
            audit_seq=seq,
        )
    )
    session.flush()


def opened(session: Session, now, **reach):
    wanted = service.Reach(since=now - 10 * HOUR, until=now, **reach)
    return service.open_incident(
        session, wanted, what="密钥被盗", operator=OperatorKind.STATE, found_at=now, actor=OFFICER, now=now
    )


def test_the_list_holds_each_household_within_reach_once_and_nobody_else(session, now):
    org, other = make.an_organisation(session), make.an_organisation(session)
    inside, outside, foreign, keyed = (make.a_household(session) for _ in range(4))
    for hours in (1, 2):
        a_look(session, org, inside, now - hours * HOUR)
    a_look(session, org, outside, now - 11 * HOUR)
    a_look(session, other, foreign, now - HOUR)
    a_look(session, org, keyed, now - HOUR, actor_id="client-2")
    incident = opened(session, now, org_id=org.id)
    assert {(one.household_id, one.looks) for one in service.affected(session, incident.id)} == {
        (inside.id, 2),
        (keyed.id, 1),
    }
    by_key = opened(session, now, actor_id="client-2")
    assert [one.household_id for one in service.affected(session, by_key.id)] == [keyed.id]


def test_a_stolen_account_of_staff_has_its_list_too(session, now):
    scene, other = a_scene(session), a_scene(session, phone="10000000002")
    stolen = Actor(id="stolen", role=Role.WORKER, districts=frozenset({"500103"}))
    honest = Actor(id="honest", role=Role.WORKER, districts=frozenset({"500103"}))
    name = {"field": "name", "purpose": "staff", "reason": "VERIFY"}
    for hours in (1, 2, 11):
        households.reveal(session, scene.person.id, **name, actor=stolen, now=now - hours * HOUR)
    audit.record(session, audit.Entry("household:file", subject=scene.household.id), actor=stolen, now=now - HOUR / 2)
    households.reveal(session, other.person.id, **name, actor=honest, now=now - HOUR)
    a_look(session, scene.organisation, scene.household, now - 3 * HOUR, actor_id="stolen")
    by_account = opened(session, now, actor_id="stolen")
    (row,) = service.affected(session, by_account.id)
    assert (row.household_id, row.looks, row.last_at) == (scene.household.id, 4, now - HOUR / 2)
    everything = opened(session, now)
    assert {one.household_id for one in service.affected(session, everything.id)} == {
        scene.household.id,
        other.household.id,
    }
    of_giver = opened(session, now, org_id=scene.organisation.id)
    assert [one.looks for one in service.affected(session, of_giver.id)] == [1]


@pytest.mark.parametrize(("operator", "hours"), [("critical", 1), ("state", 2), ("other", 4)])
def test_each_kind_of_operator_has_its_hours_from_when_it_was_found(session, now, operator, hours):
    incident = service.open_incident(
        session,
        service.Reach(since=now - HOUR, until=now),
        what="笔记本丢失",
        operator=OperatorKind(operator),
        found_at=now - HOUR / 2,
        actor=OFFICER,
        now=now,
    )
    assert incident.authority_due_at == now - HOUR / 2 + hours * HOUR
    assert service.lateness(session, incident, now=incident.authority_due_at) == {"authority": False, "people": False}
    late = incident.authority_due_at + timedelta(seconds=1)
    assert service.lateness(session, incident, now=late)["authority"]


def test_every_household_gets_one_letter_and_the_incident_closes_when_all_are_told(session, now):
    org = make.an_organisation(session)
    for _ in range(3):
        a_look(session, org, make.a_household(session), now - HOUR)
    incident = opened(session, now, org_id=org.id)
    after = incident.people_due_at + HOUR
    with pytest.raises(WrongState):
        service.close_incident(session, incident.id, actor=OFFICER, now=now)
    assert service.write_letters(session, incident.id, actor=OFFICER, now=now, most=2) == 2
    assert service.lateness(session, incident, now=after)["people"], "one is still to be told"
    assert service.write_letters(session, incident.id, actor=OFFICER, now=now) == 1
    assert not service.lateness(session, incident, now=after)["people"], "told in time, whenever it is closed"
    assert service.write_letters(session, incident.id, actor=OFFICER, now=now) == 0
    letters = session.exec(select(Notice.letter).where(Notice.letter == "data_incident")).all()
    assert len(letters) == 3
    service.authority_told(session, incident.id, actor=OFFICER, now=now)
    assert service.close_incident(session, incident.id, actor=OFFICER, now=now).closed_at == now


def test_an_incident_needs_a_period_words_and_the_right_person(session, now, verifier):
    with pytest.raises(BadInput):
        service.open_incident(
            session,
            service.Reach(since=now, until=now),
            what="x",
            operator=OperatorKind.OTHER,
            found_at=now,
            actor=OFFICER,
            now=now,
        )
    with pytest.raises(NotAllowed):
        service.write_letters(session, "any", actor=verifier, now=now)


def test_the_drill_finds_everybody_behind_a_stolen_key(sqlite_database: Database):
    expected = fill(sqlite_database, rows=4_000, households=500)
    found, _seconds = find(sqlite_database)
    assert found == expected > 0


def test_the_pages_take_an_incident_from_its_finding_to_its_close(sqlite_database: Database, settings: Settings):
    app, now = create_app(settings, database=sqlite_database), utc_now()
    with sqlite_database.transaction() as session:
        org, home = make.an_organisation(session), make.a_household(session)
        a_look(session, org, home, now - HOUR)
    officer = client_as(app, Role.PROTECTION_OFFICER)
    day = local_day(now).isoformat()
    form = {"what": "密钥被盗", "org": org.id, "since": day, "until": day, "operator": "state"}
    early = {**form, "until": (local_day(now) - timedelta(days=3)).isoformat()}
    assert officer.post("/incidents/new", data=early).status_code == 422
    answer = officer.post("/incidents/new", data={**form, "since": (local_day(now) - timedelta(days=1)).isoformat()})
    assert answer.status_code == 303
    page = answer.headers["Location"]
    assert org.name in officer.get(page).text
    assert home.id not in officer.get(page).text
    assert officer.post(f"{page}/close").status_code == 409
    for act in ("letters", "authority", "close"):
        assert officer.post(f"{page}/{act}").status_code == 303
    with sqlite_database.reading() as session:
        [row] = service.list_incidents(session)
        assert row.closed_at is not None
        assert service.count_told(session, row.id) == 1
    assert client_as(app, Role.WORKER).get("/incidents/").status_code == 403
