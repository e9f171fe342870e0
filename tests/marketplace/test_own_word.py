"""Two adults of one household: neither undoes the other's word nor reads it; each says for itself whether it is matched
(adr/0074)."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest
from flask import Flask
from sqlmodel import Session, select

from marketplace import audit
from marketplace.accounts import service as accounts
from marketplace.actors import Actor, Role
from marketplace.app import create_app
from marketplace.appeals import service as appeals
from marketplace.appeals.models import AppealKind
from marketplace.calendar import local_day, utc_now
from marketplace.config import Settings
from marketplace.consent import capacity, changes
from marketplace.consent import service as consent
from marketplace.consent.ask import all_auto_match, auto_match_of, find_head, living_auto_match, lock_head
from marketplace.consent.models import ConsentHead, ConsentState
from marketplace.db import Database
from marketplace.decisions import service as decisions
from marketplace.decisions.models import Match, MatchState
from marketplace.decisions.withdrawing import Then
from marketplace.demo.consents import _contacts
from marketplace.errors import ConsentMissing, WrongState
from marketplace.households import by_hand
from marketplace.households.models import Guardian, Person, Spell
from marketplace.proxies.models import HelpPower
from marketplace.rights import copying
from marketplace.rights import service as rights
from marketplace.rights.models import RightKind
from marketplace.sharing.looks import looks_of
from marketplace.signals.taking import record_fact
from marketplace.trail.service import make_checkpoint
from tests import factories as make
from tests.marketplace.match_scene import Scene, a_scene

HERS = "他打我，请不要告诉他"
WORKER = Actor(id="worker-1", role=Role.WORKER)
VERIFIER = Actor(id="verifier-1", role=Role.VERIFIER)
COLLEAGUE = Actor(id="worker-2", role=Role.WORKER)
HELPED = consent.Capture(channel="counter", signature_kind="paper", helper_id=WORKER.id)


def _as(person: Person) -> Actor:
    return Actor(id=person.id, role=Role.HOUSEHOLD, household_id=person.household_id)


def _two(session: Session, now: datetime) -> tuple[Scene, Match, Actor, Actor]:
    """Her, whose consent a delivery stands on, and him, who lives with her."""
    scene = a_scene(session, now=now)
    match = scene.in_delivery(session, now)
    other = make.a_person(session, scene.household, name="李四", phone="10000000077")
    return scene, match, _as(scene.person), _as(other)


@pytest.mark.threat("T27")
def test_what_she_paused_stays_paused_and_what_she_allowed_stays_hers(session: Session) -> None:
    now = utc_now()
    scene, match, she, he = _two(session, now)
    chain = match.consent_chain_id
    his: dict[str, Callable[[], Any]] = {
        "pause": partial(changes.pause, session, chain, actor=he, now=now),
        "narrow": partial(changes.narrow, session, chain, keep=(), until=now + timedelta(days=1), actor=he, now=now),
        "withdraw": partial(decisions.withdraw_consent, session, chain, actor=he, now=now),
        "finish": partial(decisions.withdraw_consent, session, chain, actor=he, now=now, then=Then.FINISH),
    }
    for act in his.values():
        with pytest.raises(WrongState, match="own_data_only"):
            act()
    assert decisions.see_recipient(session, match.id, actor=scene.giver, now=now) == {"name": "王小明"}
    changes.pause(session, chain, actor=she, now=now)
    with pytest.raises(WrongState, match="own_data_only"):
        changes.resume(session, chain, actor=he, now=now)
    with pytest.raises(ConsentMissing):
        decisions.see_recipient(session, match.id, actor=scene.giver, now=now)
    changes.resume(session, chain, actor=she, now=now)
    assert lock_head(session, chain).state is ConsentState.ACTIVE
    assert len(looks_of(session, scene.household.id, heard=frozenset({she.id}))) == 1
    assert looks_of(session, scene.household.id, heard=frozenset({he.id})) == []


@pytest.mark.threat("T27")
def test_her_helper_and_a_childs_guardian_speak_and_another_ones_helper_does_not(session: Session) -> None:
    now = utc_now()
    scene, match, she, he = _two(session, now)
    chain = match.consent_chain_id
    for one, allowed in ((he, False), (she, True)):
        power = HelpPower(
            id=f"power-{one.id}",
            kind="once",
            state="active",
            household_id=scene.household.id,
            subject_id=one.id,
            district_code="500103",
            helper_kind="kin",
            phone_index="x",
            starts_at=now,
            ends_at=now + timedelta(days=1),
            told_to=now,
            recorded_by=one.id,
            recorded_at=now,
        )
        session.add(power)
        session.flush()
        helper = Actor(id=power.id, role=Role.HELPER, household_id=scene.household.id)
        if allowed:
            assert changes.pause(session, chain, actor=helper, now=now).state is ConsentState.PAUSED
        else:
            with pytest.raises(WrongState, match="own_data_only"):
                changes.pause(session, chain, actor=helper, now=now)
    scene.person.birth_year = now.year - 9
    link = {"child_id": scene.person.id, "guardian_id": he.id, "evidence": "r", "verified_by": "v"}
    session.add(Guardian(id="link-of-both", verified_at=now, **link))
    session.flush()
    assert changes.resume(session, chain, actor=he, now=now).state is ConsentState.ACTIVE


@pytest.mark.threat("T27")
def test_he_takes_back_neither_her_complaint_nor_her_wish_to_be_forgotten_nor_her_no_to_programs(
    session: Session,
) -> None:
    now = utc_now()
    scene, match, she, he = _two(session, now)
    for kind in (RightKind.COMPLAIN, RightKind.ERASE, RightKind.BY_HAND):
        asked = rights.ask(session, scene.person, kind, words=HERS, actor=she, now=now)
        for act in (rights.take_back, rights.get_request):
            with pytest.raises(WrongState, match="own_data_only"):
                act(session, asked.id, actor=he, now=now)
        assert rights.own_requests(session, scene.household.id, kind, actor=he, now=now) == []
        assert rights.own_requests(session, scene.household.id, kind, actor=she, now=now) == [asked]
    with pytest.raises(WrongState, match="own_data_only"):
        rights.allow_programs(session, scene.household.id, actor=he, now=now)
    assert by_hand.is_by_hand(session, scene.household.id)
    rights.allow_programs(session, scene.household.id, actor=she, now=now)
    assert not by_hand.is_by_hand(session, scene.household.id)
    raised = {
        kind: appeals.raise_about(session, match.id, kind, words=HERS, actor=she, now=now)
        for kind in (AppealKind.COMPLAINT, AppealKind.APPEAL)
    }
    own = appeals.own_appeals(session, scene.household.id, actor=he, now=now)
    assert own == [raised[AppealKind.APPEAL]], "the decision about their help is theirs, her complaint is hers"
    with pytest.raises(WrongState, match="own_data_only"):
        appeals.take_back(session, raised[AppealKind.COMPLAINT].id, actor=he, now=now)


@pytest.mark.threat("T27")
def test_his_pages_and_his_copy_show_nothing_of_hers_and_hers_do(sqlite_database: Database, settings: Settings) -> None:
    app: Flask = create_app(settings, database=sqlite_database)
    app.config["WTF_CSRF_ENABLED"] = False
    now = utc_now()
    with sqlite_database.transaction() as session:
        scene, match, she, he = _two(session, now)
        decisions.see_recipient(session, match.id, actor=scene.giver, now=now)
        asked = rights.ask(session, scene.person, RightKind.COMPLAIN, words=HERS, actor=she, now=now)
        rights.record_look(session, asked, actor=VERIFIER, now=now)
        rights.answer(session, asked.id, text="好", actor=VERIFIER, now=now)
        changes.pause(session, match.consent_chain_id, actor=she, now=now)
        looked = audit.Entry("household:reveal", subject=she.id, fields=("phone",), rule_id="CONTACT")
        last = audit.record(session, looked, actor=WORKER, now=now)
        her = session.get_one(Person, she.id)
        for kind in ("DETAINED", "INCOME"):
            record_fact(session, her, kind, ref=f"{kind}:her", on=local_day(now), actor=WORKER, now=now)
        spell = {"household_id": her.household_id, "source": "test", "from_on": local_day(now), "entered_at": now}
        for person_id, category in ((her.id, "DISABILITY_SUBSIDY"), (None, "IN_REGISTER")):
            session.add(Spell(id=category, person_id=person_id, category=category, **spell))
        make_checkpoint(session, now=now)
        tokens = {one.id: accounts.open_for_person(session, one.id, one.household_id, now=now) for one in (she, he)}
        giver, chain = scene.organisation.name, match.consent_chain_id
    for one, shown in ((she, True), (he, False)):
        client = app.test_client()
        client.set_cookie("sid", tokens[one.id])
        client.set_cookie("lang", "en")
        assert (HERS in client.get("/my-rights/complain").text) is shown
        copy = client.get("/my-rights/copy.json").json
        assert (HERS in json.dumps(copy, ensure_ascii=False)) is shown
        kinds = [one["kind"] for one in copy["facts_of_departments"]]
        assert kinds == (["DETAINED", "INCOME"] if shown else ["INCOME"]), "a year's income is the home's"
        spells = {one["category"] for one in copy["categories"]}
        assert spells == {"IN_REGISTER", *(["DISABILITY_SUBSIDY"] if shown else [])}
        assert (giver in client.get("/my-consents").text) is shown
        assert (giver in client.get("/who-saw").text) is shown
        assert client.get(f"/my-consents/{chain}/withdraw").status_code == (200 if shown else 409)
        assert client.get(f"/my-consents/{chain}/narrow").status_code == (200 if shown else 409)
        rows = {seq: client.get(f"/my-trail/{seq}.json").text for seq in range(1, last + 1)}
        assert any(chain in row for row in rows.values()) is shown, "the log names her purpose and her fields"
        assert any("right:" in row for row in rows.values()) is shown
        assert any("match:" in row for row in rows.values()), "what is the household's, each may take home"
        listed = [int(seq) for seq in re.findall(r"/my-trail/(\d+)\.json", client.get("/who-saw").text)]
        assert (last in listed, len(listed)) == ((True, 3) if shown else (False, 0))
        assert ("Your request has an answer" in client.get("/messages").text) is shown
        assert all(client.get(f"/my-trail/{seq}.json").status_code == 200 for seq in listed)
        assert ("Being matched" in client.get("/my-consents").text) is shown, "each adult has a word of its own"
    refused = client.post(f"/my-consents/{chain}/resume")
    assert (refused.status_code, "Each adult decides about its own data" in refused.text) == (409, True)
    with sqlite_database.reading() as session:
        copy = copying.copy_of(session, session.get_one(Person, he.id), actor=he, now=now)
        assert (copy["requests"], copy["looks_of_givers"]) == ([], [])
        assert copy["consents"] == []


@pytest.mark.threat("T27")
def test_who_is_of_no_household_speaks_for_nobody_and_only_the_households_own_is_heard(session: Session) -> None:
    nobody = Actor(id="nobody", role=Role.HOUSEHOLD, household_id="nowhere")
    assert capacity.voices(session, actor=nobody, now=utc_now()) == frozenset()
    with pytest.raises(WrongState, match="own_data_only"):
        capacity.require_own(session, "person-of-others", actor=nobody, now=utc_now())
    capacity.require_own(session, None, actor=nobody, now=utc_now())


def _waiting_for_both(session: Session, now: datetime) -> tuple[Scene, Match, Actor, Actor]:
    """An offer waits for a household of which both adults have said yes to being matched."""
    scene = a_scene(session, now=now)
    match = scene.approved(session, now)
    other = make.a_person(session, scene.household, name="李四", phone="10000000077")
    consent.give_auto_match(session, scene.household, actor=_as(other), now=now)
    return scene, match, _as(scene.person), _as(other)


def _word_of(session: Session, actor: Actor) -> ConsentHead:
    """What this adult has said about being matched."""
    head = find_head(session, actor.household_id or "", purpose="AUTO_MATCH", match_id=actor.id)
    assert head is not None
    return head


@pytest.mark.threat("T27")
def test_one_adults_no_to_being_matched_ends_its_own_yes_and_leaves_the_others(session: Session) -> None:
    now = utc_now()
    scene, match, she, he = _waiting_for_both(session, now)
    hers, his = _word_of(session, she), _word_of(session, he)
    for act in (
        lambda: decisions.withdraw_consent(session, hers.chain_id, actor=he, now=now),
        lambda: changes.pause(session, hers.chain_id, actor=he, now=now),
        lambda: consent.exclude(session, hers.chain_id, excluded_org_ids=(), actor=he, now=now),
    ):
        with pytest.raises(WrongState, match="own_data_only"):
            act()
    decisions.withdraw_consent(session, his.chain_id, actor=he, now=now)
    consent.refuse_auto_match(session, scene.household, actor=he, now=now)
    assert (hers.state, match.state) == (ConsentState.ACTIVE, MatchState.AWAITING_GIVER), "hers holds"
    assert all_auto_match(session, now=now)[scene.household.id][0] == hers.chain_id
    with pytest.raises(WrongState, match="refused_lately"):
        consent.give_auto_match(session, scene.household, actor=WORKER, now=now, person_id=he.id, capture=HELPED)
    consent.give_auto_match(session, scene.household, actor=WORKER, now=now, capture=HELPED)
    decisions.withdraw_consent(session, hers.chain_id, actor=she, now=now)
    assert match.state is MatchState.CANCELLED, "nobody says yes any more: the household's no"
    assert scene.household.id not in all_auto_match(session, now=now)


@pytest.mark.threat("T27")
def test_whom_one_adult_leaves_out_stays_out_whatever_another_says_and_after_its_own_yes_has_ended(
    session: Session,
) -> None:
    now = utc_now()
    scene, _match, she, he = _waiting_for_both(session, now)
    hers, org_id = _word_of(session, she), scene.organisation.id
    consent.exclude(session, hers.chain_id, excluded_org_ids=[org_id], actor=she, now=now)
    consent.give_auto_match(session, scene.household, actor=he, now=now + timedelta(minutes=1))
    later = now + timedelta(minutes=2)
    ends: list[Callable[[], object]] = [
        lambda: None,
        lambda: decisions.withdraw_consent(session, hers.chain_id, actor=she, now=now),
        lambda: consent.refuse_auto_match(session, scene.household, actor=she, now=now + timedelta(minutes=1)),
    ]
    for end in ends:
        end()
        assert auto_match_of(session, scene.household.id, now=later) == all_auto_match(session, now=later).get(
            scene.household.id
        )
        with pytest.raises(ConsentMissing, match="organisation_excluded"):
            living_auto_match(session, scene.household.id, org_id=org_id, now=later)
        living_auto_match(session, scene.household.id, org_id="another", now=later)
    assert find_head(session, scene.household.id, purpose="AUTO_MATCH", match_id=she.id).state is ConsentState.REFUSED
    consent.give_auto_match(session, scene.household, actor=she, now=now + timedelta(minutes=1))
    living_auto_match(session, scene.household.id, org_id=org_id, now=now + timedelta(minutes=2))


@pytest.mark.threat("T27")
@pytest.mark.parametrize("child_has_phone", [False, True])
def test_what_staff_wrote_down_for_the_only_adult_is_its_own_to_end_without_a_telephone_too(
    session: Session, child_has_phone: bool
) -> None:
    now = utc_now()
    household = make.a_household(session)
    adult = session.exec(select(Person).where(Person.household_id == household.id)).one()
    child = make.a_person(session, household, phone="10000000077")
    adult.phone = adult.phone_index = None
    child.birth_year = now.year - capacity.CHILD_BELOW
    if not child_has_phone:
        child.phone = child.phone_index = None
    session.flush()
    given = consent.give_auto_match(session, household, actor=WORKER, now=now, capture=HELPED)
    make.proven(session, given, actor=WORKER, now=now, opened_by=COLLEAGUE)
    consent.confirm_assisted(session, given.chain_id, actor=COLLEAGUE, now=now)
    begun = now + changes.COOLING
    assert all_auto_match(session, now=begun)[household.id][0] == given.chain_id
    assert given.person_id == adult.id
    assert _contacts(session, [household.id], now=now) == {household.id: adult.id}, "as the demo carries it over"
    with pytest.raises(WrongState, match="consent_living"):
        consent.refuse_auto_match(session, household, actor=_as(adult), now=now)
    decisions.withdraw_consent(session, _word_of(session, _as(adult)).chain_id, actor=_as(adult), now=now)
    assert household.id not in all_auto_match(session, now=begun)
    said = consent.refuse_auto_match(session, household, actor=WORKER, now=now, capture=HELPED)
    assert said.person_id == adult.id


@pytest.mark.threat("T27")
def test_each_adult_reads_its_own_word_and_that_anothers_stays(sqlite_database: Database, settings: Settings) -> None:
    app: Flask = create_app(settings, database=sqlite_database)
    app.config["WTF_CSRF_ENABLED"] = False
    now = utc_now()
    with sqlite_database.transaction() as session:
        scene, _match, she, he = _waiting_for_both(session, now)
        chains = {one.id: _word_of(session, one).chain_id for one in (she, he)}
        client = app.test_client()
        client.set_cookie("sid", accounts.open_for_person(session, he.id, he.household_id, now=now))
        client.set_cookie("lang", "en")
    assert client.post("/my-consents/refuse-matching").location == f"/my-consents/{chains[he.id]}/withdraw"
    assert "Another adult of your household said yes too" in client.get(f"/my-consents/{chains[he.id]}/withdraw").text
    assert client.post(f"/my-consents/{chains[she.id]}/withdraw").status_code == 409
    assert client.post(f"/my-consents/{chains[he.id]}/withdraw").status_code == 303
    assert "You decide for yourself" in client.get("/my-consents").text
    told = client.post("/my-consents/refuse-matching", follow_redirects=True).text
    assert "Your no is kept" in told
    with sqlite_database.reading() as session:
        assert auto_match_of(session, scene.household.id, now=utc_now()) is not None
