"""What became of a consent later: less is seen, a day of cooling, a reminder every 90 days, a letter at its end."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from flask import Flask
from sqlmodel import Session, select

from marketplace import notices
from marketplace.actors import Actor, Role
from marketplace.app import create_app
from marketplace.calendar import end_of_day, local_day, utc_now
from marketplace.config import Settings
from marketplace.consent import changes
from marketplace.consent import service as consent
from marketplace.consent.ask import all_auto_match, newest
from marketplace.consent.models import ConsentHead, ConsentState, Purpose
from marketplace.credentials import status
from marketplace.credentials.models import IssuedCredential
from marketplace.db import Database
from marketplace.decisions import approve as approval
from marketplace.decisions import service as decisions
from marketplace.decisions.models import Match, MatchState
from marketplace.errors import BadInput, WrongState
from marketplace.households.models import Guardian, Person
from marketplace.notices import Notice
from marketplace.operations import after_restore
from tests import factories as make
from tests.marketplace.match_scene import APPROVER, a_scene
from tests.marketplace.trust_scene import a_scene as a_trust_scene
from tests.marketplace.trust_scene import issued
from tests.pages.people import client_as, household_client

QUARTER = timedelta(days=90)
WORKER = Actor(id="worker-1", role=Role.WORKER)
COLLEAGUE = Actor(id="worker-2", role=Role.WORKER)


def _letters(session: Session) -> list[str]:
    return list(session.exec(select(notices.Notice.letter).order_by(notices.Notice.created_at)))


def test_a_second_yes_for_the_same_giver_and_purpose_leaves_the_first_match_open(
    session: Session, now: datetime
) -> None:
    scene = a_scene(session, now=now)
    first = scene.in_delivery(session, now)
    other = {"category": "LIVING.APPLIANCE", "unit": "ITEM"}
    need = make.a_need(session, scene.household, gap_units=1, **other)
    line = make.a_line(session, need, make.an_offer(session, scene.organisation, **other), units=1)
    assert approval.approve(session, [line.id], actor=APPROVER, now=now).approved
    second = session.exec(select(Match).where(Match.line_id == line.id)).one()
    decisions.giver_accepts(session, second.id, actor=scene.giver, now=now)
    scene.accepts(session, second, now + timedelta(hours=1))
    assert first.consent_chain_id != second.consent_chain_id
    for match in (first, second):
        assert decisions.see_recipient(session, match.id, actor=scene.giver, now=now + timedelta(hours=2))
    decisions.withdraw_consent(session, second.consent_chain_id or "", actor=scene.household_actor, now=now)
    assert session.get_one(Match, first.id).state is MatchState.IN_DELIVERY
    assert decisions.see_recipient(session, first.id, actor=scene.giver, now=now + timedelta(hours=3))


@pytest.mark.threat("T26")
def test_a_yes_taken_with_help_permits_nothing_for_a_day_after_the_call_back_and_the_household_is_told(
    session: Session, now: datetime
) -> None:
    household = make.a_household(session)
    capture = consent.Capture(channel="phone", evidence="paper 7", helper_id=WORKER.id)
    given = consent.give_auto_match(session, household, actor=WORKER, now=now, capture=capture)
    make.proven(session, given, actor=WORKER, now=now, opened_by=COLLEAGUE)
    checked = consent.confirm_assisted(session, given.chain_id, actor=COLLEAGUE, now=now)
    assert checked.valid_from == now + timedelta(days=1)
    assert _letters(session) == ["consent_recorded"]
    assert household.id not in all_auto_match(session, now=now + timedelta(hours=23))
    consent.withdraw(session, given.chain_id, actor=make.as_household(household), now=now + timedelta(hours=23))
    assert household.id not in all_auto_match(session, now=now + timedelta(days=2))


def test_less_is_seen_after_narrowing_and_a_paused_consent_stays_paused(session: Session, now: datetime) -> None:
    scene = a_trust_scene(session, now, fields=("name", "phone"))
    compact_of = issued(session, scene, now)
    assert compact_of
    changes.pause(session, scene.given.chain_id, actor=scene.own, now=now)
    until = now + timedelta(days=30)
    left = changes.narrow(session, scene.given.chain_id, keep=["name"], until=until, actor=scene.own, now=now)
    assert (left.state, left.data_fields, left.valid_to) == (ConsentState.PAUSED, ["name"], until)
    credential = session.exec(select(IssuedCredential)).one()
    assert status.state_of(session, credential, now=now) == status.REVOKED
    wider = changes.narrow(
        session, scene.given.chain_id, keep=["name", "phone"], until=until + QUARTER, actor=scene.own, now=now
    )
    assert (wider.data_fields, wider.valid_to) == (["name"], until)
    with pytest.raises(BadInput, match="narrow_wider"):
        changes.narrow(session, scene.given.chain_id, keep=["name"], until=now, actor=scene.own, now=now)
    with pytest.raises(WrongState):
        changes.narrow(
            session, scene.given.chain_id, keep=[], until=until + QUARTER, actor=scene.own, now=until + QUARTER
        )


def test_every_ninety_days_a_household_gets_one_letter_for_all_it_still_allows(
    sqlite_database: Database, now: datetime
) -> None:
    with sqlite_database.transaction() as session:
        scene = a_scene(session, now=now)
        scene.in_delivery(session, now)
    told = []
    for days in (89, 90, 91, 179, 180, 400):
        at = now + timedelta(days=days)
        told.append(changes.remind(sqlite_database, clock=lambda at=at: at))
    assert told == [0, 1, 0, 0, 1, 0]
    with sqlite_database.reading() as session:
        assert _letters(session).count("consent_reminder") == 2


def test_after_a_restore_each_household_is_told_by_one_letter_what_rests(session: Session, now: datetime) -> None:
    first, second, erased, none = (make.a_household(session) for _ in range(4))
    for home in (first, second, erased):
        make.auto_match(session, home, now=now)
    other = make.a_person(session, first, phone="10000000019")
    she = Actor(id=other.id, role=Role.HOUSEHOLD, household_id=first.id)
    consent.give_auto_match(session, first, actor=she, now=now)
    told = session.exec(select(Person.id).where(Person.household_id == erased.id)).all()
    after_restore(session, erased=told, now=now)
    letters = session.exec(select(Notice).where(Notice.letter == "consent_rests")).all()
    assert sorted(one.household_id or "" for one in letters) == sorted((first.id, second.id))
    assert none.id not in {one.household_id for one in letters}


def test_a_consent_that_runs_out_is_told_once(sqlite_database: Database, now: datetime) -> None:
    with sqlite_database.transaction() as session:
        consent.give_auto_match(
            session,
            household := make.a_household(session),
            actor=make.as_household(household),
            now=now,
            days=10,
        )
    for days in (9, 10, 11):
        at = now + timedelta(days=days)
        changes.sweep(sqlite_database, clock=lambda at=at: at)
    with sqlite_database.reading() as session:
        assert _letters(session) == ["consent_ended"]
        assert session.exec(select(ConsentHead.state)).one() is ConsentState.EXPIRED


@pytest.fixture
def app(settings: Settings, sqlite_database: Database) -> Flask:
    made = create_app(settings, database=sqlite_database)
    made.config["WTF_CSRF_ENABLED"] = False
    return made


def test_a_household_lets_less_be_seen_on_its_page(app: Flask, sqlite_database: Database) -> None:
    now = utc_now()
    with sqlite_database.transaction() as session:
        scene = a_trust_scene(session, now, fields=("name", "phone"))
        word = make.auto_match(session, scene.household, now=now)
    client = household_client(app, scene.household.id)
    whole = f"/my-consents/{word.chain_id}/narrow"
    assert client.get(whole).status_code == 409, "the base card is matched whole or not at all"
    assert client.post(whole, data={"keep": "county", "until": local_day(now).isoformat()}).status_code == 409
    path = f"/my-consents/{scene.given.chain_id}/narrow"
    assert path in client.get("/my-consents").text
    page = client.get(path).text
    assert page.count("checked") == 2
    until = local_day(now) + timedelta(days=20)
    assert client.post(path, data={"keep": "phone", "until": until.isoformat()}).status_code == 303
    with sqlite_database.reading() as session:
        head = session.get_one(ConsentHead, scene.given.chain_id)
        assert newest(session, head).data_fields == ["phone"]
        assert head.valid_to == end_of_day(until)
    wrong = client.post(path, data={"keep": "phone", "until": (local_day(now) - timedelta(days=2)).isoformat()})
    assert wrong.status_code == 422
    with sqlite_database.transaction() as session:
        other = make.a_household(session, phone="10000000077")
    assert household_client(app, other.id).get(path).status_code == 404


def test_staff_end_void_and_suspend_on_the_page_of_a_household(app: Flask, sqlite_database: Database) -> None:
    now = utc_now()
    with sqlite_database.transaction() as session:
        scene = a_trust_scene(session, now)
        issued(session, scene, now)
        credential = session.exec(select(IssuedCredential)).one()
        consent.give_auto_match(session, scene.household, actor=scene.own, now=now)
    officer = client_as(app, Role.PROTECTION_OFFICER)
    path = f"/households/{scene.household.id}/consents"
    page = officer.get(path)
    assert page.status_code == 200, page.text
    assert f"/consents/{scene.given.chain_id}/void" in page.text
    assert officer.post(f"/credentials/{credential.id}/suspend").status_code == 303
    with sqlite_database.reading() as session:
        assert status.state_of(session, session.get_one(IssuedCredential, credential.id), now=now) == status.SUSPENDED
    assert f"/credentials/{credential.id}/resume" in officer.get(path).text
    assert officer.post(f"/credentials/{credential.id}/resume").status_code == 303
    with sqlite_database.reading() as session:
        assert status.state_of(session, session.get_one(IssuedCredential, credential.id), now=now) == status.VALID
    void = f"/consents/{scene.given.chain_id}/void"
    assert officer.post(void, data={"reason": "because"}).status_code == 422
    assert officer.post(void, data={"reason": "pressed"}).status_code == 303
    with sqlite_database.reading() as session:
        assert session.get_one(ConsentHead, scene.given.chain_id).state is ConsentState.VOID
        heads = session.exec(select(ConsentHead).where(ConsentHead.purpose == Purpose.AUTO_MATCH)).all()
        [chain] = [head.chain_id for head in heads if head.state is ConsentState.ACTIVE]
    worker = client_as(app, Role.WORKER)
    assert worker.post(f"/consents/{chain}/void", data={"reason": "pressed"}).status_code == 403
    assert worker.post(f"/consents/{chain}/end", data={"way": "self"}).status_code == 422
    assert worker.post(f"/consents/{chain}/end", data={"way": "phone"}).status_code == 303
    assert "By phone" in worker.get(f"/households/{scene.household.id}/consents?lang=en").text, "it is kept and shown"
    with sqlite_database.reading() as session:
        assert session.get_one(ConsentHead, chain).state is ConsentState.REVOKED
        assert "consent_withdrawn" in _letters(session)


@pytest.mark.threat("T28")
def test_staff_write_a_guardian_down_once_and_never_a_child_or_somebody_of_another_house(
    app: Flask, sqlite_database: Database
) -> None:
    with sqlite_database.transaction() as session:
        household = make.a_household(session)
        adult = session.exec(select(Person).where(Person.household_id == household.id)).one()
        child = make.a_person(session, household, name="王小小", phone="")
        child.birth_year, adult.birth_year = utc_now().year - 8, 1980
        session.add_all([child, adult])
        stranger = session.exec(
            select(Person).where(Person.household_id == make.a_household(session, phone="10000000078").id)
        ).one()
    verifier, path = client_as(app, Role.VERIFIER), f"/households/{household.id}/guardians"
    assert verifier.get(path).status_code == 200
    body = {"child": child.id, "guardian": stranger.id, "evidence": "户口簿 3 页"}
    assert verifier.post(path, data=body).status_code == 422
    assert verifier.post(path, data={**body, "guardian": adult.id}).status_code == 303
    assert verifier.post(path, data={**body, "guardian": adult.id}).status_code == 422
    with sqlite_database.reading() as session:
        assert [row.guardian_id for row in session.exec(select(Guardian))] == [adult.id]
    assert client_as(app, Role.WORKER).post(path, data=body).status_code == 403


def test_at_the_counter_a_household_pauses_lets_less_be_seen_and_says_what_becomes_of_help_on_its_way(
    app: Flask, sqlite_database: Database
) -> None:
    now = utc_now()
    with sqlite_database.transaction() as session:
        scene = a_scene(session, now=now)
        match = scene.in_delivery(session, now)
        chain, home = match.consent_chain_id, scene.household.id
    worker, giver = client_as(app, Role.WORKER), client_as(app, Role.CHARITY_WORKER, org_id=scene.organisation.id)
    page = worker.get(f"/households/{home}/consents").text
    assert f"/consents/{chain}/pause" in page
    assert f"/consents/{chain}/less" in page
    assert worker.get(f"/consents/{chain}/less").status_code == 200
    assert giver.post(f"/consents/{chain}/pause").status_code == 403
    end = {"way": "counter"}
    assert worker.post(f"/consents/{chain}/end", data=end).status_code == 422, "nothing is chosen for the household"
    assert worker.post(f"/consents/{chain}/end", data=end | {"then": "finish"}).status_code == 303
    with sqlite_database.reading() as session:
        assert session.get_one(Match, match.id).state is MatchState.IN_DELIVERY
        head = session.get_one(ConsentHead, chain)
        assert (head.state, head.valid_to <= utc_now() + timedelta(days=7)) == (ConsentState.ACTIVE, True)
    assert worker.post(f"/consents/{chain}/less", data={}).status_code == 303
    assert worker.post(f"/consents/{chain}/pause").status_code == 303
    with sqlite_database.reading() as session:
        head = session.get_one(ConsentHead, chain)
        assert (head.state, newest(session, head).data_fields) == (ConsentState.PAUSED, [])
        assert newest(session, head).withdrawal_ways == ["page", "phone", "counter", "helper"]
