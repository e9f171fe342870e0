"""A guardian's link ends by two members of staff, and at once it neither sees nor speaks for the child."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlmodel import Session, col, select

from marketplace.actors import Actor, Role
from marketplace.app import create_app
from marketplace.appeals import said
from marketplace.calendar import after_working_days, utc_now
from marketplace.cases import handing_on, papers, service
from marketplace.cases.models import PaperKind
from marketplace.clocks import service as clocks
from marketplace.config import Settings
from marketplace.consent import capacity, changes, custody
from marketplace.consent.models import ConsentHead, ConsentState
from marketplace.db import Database
from marketplace.decisions import service as decisions
from marketplace.decisions.models import Match
from marketplace.errors import BadInput, ConsentMissing, NotFound, WrongState
from marketplace.households.models import Guardian, Household, Person
from marketplace.households.service import list_people
from marketplace.operations import after_restore
from marketplace.sharing.looks import looks_of
from marketplace.sweeps import BARRED
from tests import factories as make
from tests.marketplace.locks import HEAD, watched
from tests.marketplace.match_scene import Scene, a_scene
from tests.pages.people import client_as

ONE = Actor(id="verifier-1", role=Role.VERIFIER, districts=frozenset({"500103"}))
OTHER = Actor(id="approver-2", role=Role.APPROVER, districts=frozenset({"500103"}))
WORKER = Actor(id="worker-1", role=Role.WORKER, districts=frozenset({"500103"}))
ELSEWHERE = Actor(id="approver-3", role=Role.APPROVER, districts=frozenset({"500104"}))


def _child_of(session: Session, now: datetime) -> tuple[Scene, Person, Match, Actor, Guardian]:
    """A child, whose parent has said yes for it, and the giver has looked."""
    scene = a_scene(session, now=now)
    child = make.a_person(session, scene.household, phone="10000000009")
    child.birth_year, child.contact = now.year - 9, False
    match = scene.taken_on(session, now)
    parent = Actor(id=scene.person.id, role=Role.HOUSEHOLD, household_id=scene.household.id)
    scene.person.birth_year = now.year - 40
    link = capacity.verify_guardian(session, child.id, guardian_id=parent.id, evidence="book 7", actor=ONE, now=now)
    said = {"data_fields": ["name"], "agrees_to_share": True, "agrees_to_terms": True, "person_id": child.id}
    match = decisions.household_accepts(session, match.id, **said, actor=parent, now=now)  # type: ignore[arg-type]
    decisions.see_recipient(session, match.id, actor=scene.giver, now=now)
    return scene, child, match, parent, link


@pytest.mark.threat("T27")
@pytest.mark.threat("T28")
def test_two_people_end_a_link_and_consents_and_looks_follow_at_once(session: Session, now: datetime) -> None:
    scene, child, match, parent, link = _child_of(session, now)
    home = scene.household.id
    heard = capacity.voices(session, actor=parent, now=now)
    assert len(looks_of(session, home, heard=heard)) == 1
    with pytest.raises(WrongState, match="guardian_end_not_asked"):
        custody.end(session, link.id, actor=OTHER, now=now)
    with pytest.raises(NotFound):
        custody.ask_end(session, link.id, reason="harm", actor=ELSEWHERE, now=now)
    with pytest.raises(BadInput, match="reason_missing"):
        custody.ask_end(session, link.id, reason="because", actor=ONE, now=now)
    custody.ask_end(session, link.id, reason="harm", actor=replace(ONE, id="deputy", on_behalf_of=ONE.id), now=now)
    (clock,) = clocks.running_of(session, link.id)
    assert (clock.step, clock.district_code) == (custody.STEP, "500103")
    assert clock.due_at == after_working_days(now, 1, district="500103"), "for harm it is sooner"
    assert set(BARRED[custody.STEP](session, link.id)) == {"deputy", ONE.id}, "neither is named as the second person"
    assert custody.list_asked(session, actor=OTHER) == [(link, child)]
    assert custody.list_asked(session, actor=ELSEWHERE) == []
    for same in (ONE, replace(ONE, id="deputy"), replace(ONE, id="third", on_behalf_of="deputy")):
        with pytest.raises(WrongState, match="same_person_twice"):
            custody.end(session, link.id, actor=same, now=now)
    assert decisions.see_recipient(session, match.id, actor=scene.giver, now=now)
    custody.end(session, link.id, actor=OTHER, now=now)
    assert clocks.running_of(session, link.id) == []
    head = session.get_one(ConsentHead, match.consent_chain_id)
    assert head.state is ConsentState.PAUSED
    with pytest.raises(ConsentMissing):
        decisions.see_recipient(session, match.id, actor=scene.giver, now=now)
    heard = capacity.voices(session, actor=parent, now=now)
    assert heard == {parent.id}
    assert looks_of(session, home, heard=heard) == []
    for act in (changes.resume, decisions.withdraw_consent):
        with pytest.raises(WrongState, match="own_data_only"):
            act(session, head.chain_id, actor=parent, now=now)
    with pytest.raises(WrongState, match="guardian_ended"):
        custody.keep(session, link.id, actor=OTHER, now=now)
    other = make.a_person(session, session.get_one(Household, home), phone="10000000019")
    capacity.verify_guardian(session, child.id, guardian_id=other.id, evidence="court 8", actor=ONE, now=now)
    grandmother = Actor(id=other.id, role=Role.HOUSEHOLD, household_id=home)
    assert changes.resume(session, head.chain_id, actor=grandmother, now=now).state is ConsentState.ACTIVE
    again = capacity.verify_guardian(session, child.id, guardian_id=parent.id, evidence="book 9", actor=ONE, now=now)
    custody.ask_end(session, again.id, reason="wrong", actor=ONE, now=now)
    assert len(clocks.running_of(session, again.id)) == 1
    custody.keep(session, again.id, actor=OTHER, now=now)
    assert clocks.running_of(session, again.id) == []
    assert child.id in (capacity.voices(session, actor=parent, now=now) or ())


def _end(session: Session, link: Guardian, now: datetime) -> None:
    custody.ask_end(session, link.id, reason="custody", actor=ONE, now=now)
    custody.end(session, link.id, actor=OTHER, now=now)


@pytest.mark.threat("T27")
def test_what_a_former_guardian_began_for_the_child_is_the_next_one_s(session: Session, now: datetime) -> None:
    home = make.a_household(session)
    parent, child, other = list_people(session, home.id)[0], make.a_person(session, home), make.a_person(session, home)
    child.birth_year, parent.birth_year, other.birth_year = now.year - 9, now.year - 40, now.year - 66
    session.flush()
    one, two = (
        capacity.verify_guardian(session, child.id, guardian_id=who.id, evidence=f"book {who.id}", actor=ONE, now=now)
        for who in (parent, other)
    )
    me, grandmother = (Actor(id=who.id, role=Role.HOUSEHOLD, household_id=home.id) for who in (parent, other))
    by: Any = {"now": now, "actor": me}
    case = service.start(session, home.id, subject_id=child.id, **by)
    service.save(session, case, {"wants": ["living"], "size": 3, "income_fen": 50_000}, **by)
    papers.add_photo(session, case, make.a_picture(), kind=PaperKind.ID_PHOTO, **by)
    service.sign(session, case, "王小明", all_classes=True, hand_on=False, **by)
    assert papers.own_card(session, case, **by)
    assert not service.may_sign(session, case, actor=grandmother, now=now)
    _end(session, one, now)
    assert papers.own_card(session, case, **by) == ""
    with pytest.raises(BadInput, match="signed_before"):
        service.submit(session, case, **by)
    by["actor"] = grandmother
    assert papers.own_card(session, case, **by)
    assert service.may_sign(session, case, **by), "also where she comes by the page of the draft itself"
    assert service.start(session, home.id, subject_id=child.id, **by) is case
    assert (case.signer_id, case.signed_at) == (other.id, None)
    service.sign(session, case, "李奶奶", all_classes=True, hand_on=False, **by)
    service.submit(session, case, **by)
    (step, *_rest) = [act for act in said.possible(session, home.id, actor=WORKER, now=now) if act.object_id == case.id]
    assert said.speaker(session, home.id, step, now=now) == other
    _end(session, two, now)
    with pytest.raises(WrongState, match="not_the_signer"):
        handing_on.say(session, case.id, yes=True, **by)
    with pytest.raises(WrongState, match="guardian_not_verified"):
        said.speaker(session, home.id, step, now=now)
    handing_on.say(session, case.id, yes=False, **by)


@pytest.mark.threat("T27")
def test_a_link_that_came_back_with_a_backup_counts_for_nothing_until_staff_have_looked(
    session: Session, now: datetime
) -> None:
    _scene, child, match, parent, link = _child_of(session, now)
    kept = after_restore(session, now=now)
    assert (kept["resting"], kept["guardians"]) == (2, 1)
    assert capacity.voices(session, actor=parent, now=now) == {parent.id}
    chain = match.consent_chain_id or ""
    with pytest.raises(WrongState, match="own_data_only"):
        changes.resume(session, chain, actor=parent, now=now)
    assert custody.list_asked(session, actor=OTHER) == [(link, child)]
    custody.keep(session, link.id, actor=ONE, now=now)
    assert changes.resume(session, chain, actor=parent, now=now).state is ConsentState.ACTIVE
    with pytest.raises(BadInput, match="reason_missing"):
        custody.ask_end(session, link.id, reason="restored", actor=ONE, now=now)
    after_restore(session, now=now + timedelta(days=1))
    custody.end(session, link.id, actor=ONE, now=now + timedelta(days=1))
    assert capacity.voices(session, actor=parent, now=now) == {parent.id}


@pytest.mark.parametrize("database", ["postgres"], indirect=True)
def test_the_consents_of_the_child_are_locked_before_the_log(database: Database, now: datetime) -> None:
    with database.transaction() as session:
        *_rest, link = _child_of(session, now)
        custody.ask_end(session, link.id, reason="harm", actor=ONE, now=now)
    with database.transaction() as session, watched(session) as order:
        custody.end(session, link.id, actor=OTHER, now=now)
    assert order[0] == HEAD


def test_the_pages_ask_once_and_let_a_colleague_decide(settings: Settings, sqlite_database: Database) -> None:
    app: Flask = create_app(settings, database=sqlite_database)
    app.config["WTF_CSRF_ENABLED"] = False
    with sqlite_database.transaction() as session:
        scene, _child, match, _parent, link = _child_of(session, utc_now())
        page, chain = f"/households/{scene.household.id}/guardians", match.consent_chain_id
    one, other = client_as(app, Role.VERIFIER), client_as(app, Role.VERIFIER)
    address = f"/guardians/{link.id}/end"
    assert address in one.get(page).text
    assert one.post(address, data={}).status_code == 422
    assert one.post(address, data={"reason": "custody"}).status_code == 303
    assert "监护权已变更" in one.get(page).text
    assert address not in one.get(page).text, "who asked does not agree"
    agrees = f"/guardians/{link.id}/agree"
    assert one.post(agrees).status_code == 409
    assert page in other.get("/consents/to-check").text
    assert agrees in other.get(address).text
    assert other.post(f"/guardians/{link.id}/keep").status_code == 303
    assert other.post(address, data={"reason": "wrong"}).status_code == 303
    assert one.post(address, data={"reason": "harm"}).status_code == 200, "the old form agrees to nothing"
    assert one.post(agrees).status_code == 303
    assert other.get(address).status_code == 404
    assert "登记有误" in other.get(page).text
    with sqlite_database.reading() as session:
        ended = session.exec(select(Guardian).where(col(Guardian.ended_at).is_not(None))).one()
        assert ended.ended_by != ended.end_asked_by
        assert session.get_one(ConsentHead, chain).state is ConsentState.PAUSED
