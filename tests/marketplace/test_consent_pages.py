"""The pages of consent as a household and staff press through them, and the refusals that no page leads to."""

from __future__ import annotations

import io
import re
from datetime import timedelta

import pytest
from flask import Flask
from sqlmodel import Session, select

from marketplace.actors import Actor, Role
from marketplace.app import create_app
from marketplace.calendar import utc_now
from marketplace.config import Settings
from marketplace.consent import ask, capacity, changes, evidence, notice
from marketplace.consent import service as consent
from marketplace.consent.models import Consent, ConsentEvidence, ConsentHead, ConsentState
from marketplace.db import Database
from marketplace.decisions.models import Match, MatchState
from marketplace.errors import BadInput, WrongState
from marketplace.households.models import Person
from marketplace.organisations.models import OrganisationKind
from marketplace.reports import standing_looks
from marketplace.rights import emptying
from marketplace.sealed import vault_of
from marketplace.sharing.looks import staff_looks
from tests import factories as make
from tests.marketplace import match_scene
from tests.marketplace.trust_scene import a_scene
from tests.pages.people import client_as, household_client

STROKES = "10,20 14,25 20,30 25,31;300,40 310,44"


@pytest.fixture
def app(sqlite_database: Database, settings: Settings) -> Flask:
    return create_app(settings, database=sqlite_database)


def _newest(database: Database) -> Consent:
    with database.reading() as session:
        return session.exec(select(Consent).order_by(Consent.audit_seq.desc())).first()  # type: ignore[attr-defined]


def test_a_household_says_yes_leaves_a_giver_out_rests_goes_on_and_says_no(
    app: Flask, sqlite_database: Database
) -> None:
    with sqlite_database.transaction() as session:
        home_id, org = make.a_household(session).id, make.an_organisation(session)
        org_id, name = org.id, org.name
    client = household_client(app, home_id)
    assert name in client.get("/my-consents/matching").text
    assert client.post("/my-consents/matching", data={"excluded": ["nobody"]}).status_code == 422, "not offered"
    assert client.post("/my-consents/matching", data={"excluded": [org_id]}).status_code == 303
    given = _newest(sqlite_database)
    assert (given.state, given.excluded_org_ids) == (ConsentState.ACTIVE, [org_id])
    assert "checked" in client.get("/my-consents/matching").text
    assert client.post("/my-consents/matching", data={}).status_code == 303
    assert (_newest(sqlite_database).version, _newest(sqlite_database).excluded_org_ids) == (2, [])
    for act, state in (("pause", ConsentState.PAUSED), ("resume", ConsentState.ACTIVE)):
        assert client.post(f"/my-consents/{given.chain_id}/{act}").status_code == 303
        assert _newest(sqlite_database).state is state
    assert client.post(f"/my-consents/{given.chain_id}/pause").status_code == 303
    led = client.post("/my-consents/refuse-matching")
    assert (led.status_code, led.headers["Location"]) == (303, f"/my-consents/{given.chain_id}/withdraw")
    assert client.post(led.headers["Location"]).status_code == 303
    with sqlite_database.reading() as session:
        assert ask.auto_match_of(session, home_id, now=utc_now()) is None


def test_a_worker_takes_a_yes_and_a_colleague_confirms_one_and_rejects_another(
    app: Flask, sqlite_database: Database
) -> None:
    with sqlite_database.transaction() as session:
        homes = [make.a_household(session, phone=f"1380000000{n}").id for n in range(2)]
    worker, colleague = client_as(app, Role.WORKER), client_as(app, Role.VERIFIER)
    assert worker.get("/households/nobody/consent").status_code == 404
    page = f"/households/{homes[0]}/consent"
    assert 'name="photo"' in worker.get(page).text
    asked = {"channel": "home_visit", "signature_kind": "drawn", "drawn": STROKES}
    assert worker.post(page, data=asked).status_code == 422, "nothing was read aloud"
    said = asked | {"read_aloud": "y"}
    for wrong in ({"drawn": "paper 7"}, {"signature_kind": "paper"}, {"signature_kind": "recorded_call"}):
        assert worker.post(page, data=said | wrong).status_code == 422, wrong
    photo = {"photo": (io.BytesIO(make.a_picture()), "x.png"), "signature_kind": "thumbprint"}
    for home, more in zip(homes, ({}, photo), strict=True):
        assert worker.post(f"/households/{home}/consent", data=said | more).status_code == 303
    with sqlite_database.reading() as session:
        heads = session.exec(select(ConsentHead).order_by(ConsentHead.valid_from, ConsentHead.chain_id)).all()
        chains = [head.chain_id for head in heads]
        assert {head.state for head in heads} == {ConsentState.PENDING_CHECK}
    page = colleague.get("/consents/to-check").text
    assert all(chain in page for chain in chains)
    unread = colleague.post(f"/consents/{chains[0]}/check")
    assert (unread.status_code, _newest(sqlite_database).state) == (409, ConsentState.PENDING_CHECK), "not opened yet"
    for one in re.findall(r"/consents/[a-z0-9]+/document", page):
        assert "data:image/" in colleague.post(one).text
    with sqlite_database.reading() as session:
        looks = [look.action for home in homes for look in staff_looks(session, home)]
    assert looks == ["consent:evidence_look"] * 2
    assert colleague.post(f"/consents/{chains[0]}/check").status_code == 303
    assert colleague.post(f"/consents/{chains[1]}/reject").status_code == 303
    assert chains[0] not in colleague.get("/consents/to-check").text
    assert colleague.post(f"/consents/{chains[0]}/check").status_code == 409
    with sqlite_database.reading() as session:
        states = {head.chain_id: head.state for head in session.exec(select(ConsentHead))}
    assert states == {chains[0]: ConsentState.ACTIVE, chains[1]: ConsentState.REJECTED}


@pytest.mark.threat("T26")
def test_a_document_added_later_is_kept_sealed_and_who_added_it_is_shown_no_button_to_confirm(
    app: Flask, sqlite_database: Database
) -> None:
    now = utc_now()
    taker = Actor(id="taker", role=Role.WORKER)
    with sqlite_database.transaction() as session:
        home = make.a_household(session)
        capture = consent.Capture(channel="counter", helper_id=taker.id)
        chain = consent.give_auto_match(session, home, actor=taker, now=now, capture=capture).chain_id
    worker, colleague = client_as(app, Role.WORKER), client_as(app, Role.VERIFIER)
    page, check = f"/consents/{chain}/evidence", f"/consents/{chain}/check"
    assert page in worker.get("/consents/to-check").text
    assert check in worker.get("/consents/to-check").text
    assert worker.get("/consents/nowhere/evidence").status_code == 404
    for wrong in ({"signature_kind": "recorded_call"}, {"signature_kind": "paper"}, {"signature_kind": "drawn"}):
        assert worker.post(page, data=wrong).status_code == 422, wrong
    with sqlite_database.reading() as session:
        assert session.exec(select(ConsentEvidence)).all() == []
    assert colleague.post(page, data={"signature_kind": "drawn", "drawn": STROKES}).status_code == 403
    sent = worker.post(page, data={"signature_kind": "thumbprint", "photo": (io.BytesIO(make.a_picture()), "p.png")})
    assert sent.status_code == 303
    with sqlite_database.reading() as session:
        [row] = session.exec(select(ConsentEvidence)).all()
        assert (row.chain_id, row.signature_kind) == (chain, "thumbprint")
        assert _newest(sqlite_database).signature_kind == "thumbprint"
    assert worker.post(f"/consents/{chain}/document").status_code == 200
    assert check not in worker.get("/consents/to-check").text
    assert worker.post(check).status_code == 422
    assert colleague.post(f"/consents/{chain}/document").status_code == 200
    assert colleague.post(check).status_code == 303
    assert worker.post(page, data={"signature_kind": "drawn", "drawn": STROKES}).status_code == 409, "it waits no more"
    with sqlite_database.reading() as session:
        ends = session.get_one(ConsentHead, chain).valid_to + timedelta(days=1_095)
    with sqlite_database.transaction() as session:
        assert emptying.empty_due(session, keep_days=1_095, now=ends - timedelta(seconds=1)) == 0
        assert emptying.empty_due(session, keep_days=1_095, now=ends) == 1
        assert emptying.empty_due(session, keep_days=1_095, now=ends) == 0
        [row] = session.exec(select(ConsentEvidence)).all()
        assert (row.body, row.recorded_by != "") == (None, True)
        assert list(standing_looks._documents(session)) == [], "emptied in its time"
    assert "已清除" in colleague.post(f"/consents/{chain}/document").text


def test_the_document_of_an_erased_person_is_a_sentence_and_no_fault(app: Flask, sqlite_database: Database) -> None:
    now, taker = utc_now(), Actor(id="taker", role=Role.WORKER)
    with sqlite_database.transaction() as session:
        home = make.a_household(session)
        capture = consent.Capture(channel="counter", helper_id=taker.id)
        chain = consent.give_auto_match(session, home, actor=taker, now=now, capture=capture).chain_id
        row = evidence.attach(session, chain, kind="drawn", drawn=STROKES, actor=taker, now=now)
        vault_of(session).erase(session, row.person_id)
    assert "已清除" in client_as(app, Role.VERIFIER).post(f"/consents/{chain}/document").text


def test_the_page_of_a_helper_names_whom_the_household_left_out_and_lets_it_leave_out_another(
    app: Flask, sqlite_database: Database
) -> None:
    with sqlite_database.transaction() as session:
        home, givers = make.a_household(session), [make.an_organisation(session) for _ in range(2)]
        given = make.auto_match(session, home, now=utc_now(), excluded_org_ids=[givers[0].id])
        page, (out, more) = f"/households/{home.id}/consent", [(org.id, org.name) for org in givers]
    worker = client_as(app, Role.WORKER)
    shown = worker.get(page).text
    assert out[1] in shown
    assert re.findall(r'name="excluded"[^>]*value="([^"]+)"', shown) == [more[0]]
    said = {"channel": "home_visit", "signature_kind": "drawn", "drawn": STROKES, "read_aloud": "y"}
    assert worker.post(page, data=said | {"excluded": [more[0]]}).status_code == 303
    with sqlite_database.reading() as session:
        taken = session.exec(select(Consent).where(Consent.chain_id != given.chain_id)).first()
        assert taken is not None
        assert taken.excluded_org_ids == sorted([out[0], more[0]])
    with sqlite_database.transaction() as session:
        second = make.a_person(session, home, name="李四", phone="10000000077").id
    both = worker.post(page, data=said)
    assert (both.status_code, both.text.count('name="person"')) == (422, 2), "each adult says yes for itself"
    assert worker.post(page, data=said | {"person": second}).status_code == 303
    with sqlite_database.reading() as session:
        theirs = session.exec(select(Consent).where(Consent.person_id == second)).one()
        assert (theirs.state, theirs.excluded_org_ids) == (ConsentState.PENDING_CHECK, [])


@pytest.mark.threat("T28")
def test_a_guardian_accepts_for_its_child_and_says_whether_it_is_shown_but_never_for_another_adult(
    app: Flask, sqlite_database: Database
) -> None:
    now = utc_now()
    with sqlite_database.transaction() as session:
        scene = match_scene.a_scene(session, now=now)
        child, adult, other = (
            make.a_person(session, scene.household, name=name, phone=f"1000000000{n}")
            for n, name in ((7, "王小小"), (8, "王大明"), (9, "王幼幼"))
        )
        for one, age in ((child, 9), (other, 5)):
            one.birth_year, one.contact, one.phone = now.year - age, False, None
        adult.birth_year, adult.contact = 1970, False
        session.add_all((child, adult, other))
        match_id = scene.taken_on(session, now).id
        link = {"guardian_id": scene.person.id, "evidence": "household register"}
        capacity.verify_guardian(session, child.id, **link, actor=Actor(id="v", role=Role.VERIFIER), now=now)
    client, page = household_client(app, scene.household.id), f"/offers-to-me/{match_id}/accept"
    shown = client.get(page).text
    assert child.id in shown
    assert adult.id not in shown
    assert other.id not in shown, "nobody is written down for this child"
    said = {"agrees_to_terms": "y", "agrees_to_share": "y", "data_fields": ["name", "phone"]}
    for wrong in ({}, {"person": adult.id}, {"person": other.id}):
        assert client.post(page, data=said | wrong).status_code == 422, wrong
    assert client.post(page, data=said | {"person": child.id}).status_code == 303
    given = _newest(sqlite_database)
    assert (given.person_id, given.capacity, given.capacity_evidence) == (child.id, "guardian", "household register")
    assert given.data_fields == ["name"], "the record of the child has no telephone"
    public = f"/proofs/mine/{match_id}/publicity"
    assert client.post(public, data={"data_fields": ["photo"]}).status_code == 422
    assert client.post(public, data={"data_fields": ["photo"], "person": child.id}).status_code == 303
    given = _newest(sqlite_database)
    assert (given.purpose.value, given.person_id, given.capacity) == ("PUBLICITY", child.id, "guardian")


def test_one_child_has_one_guardian_on_the_page_too(app: Flask, sqlite_database: Database) -> None:
    now = utc_now()
    with sqlite_database.transaction() as session:
        home = make.a_household(session)
        adult = session.exec(select(Person).where(Person.household_id == home.id)).one()
        child = make.a_person(session, home, name="王小小", phone="10000000009")
        child.birth_year = now.year - 9
        session.add(child)
        page, kept = (
            f"/households/{home.id}/guardians",
            {"child": child.id, "guardian": adult.id, "evidence": "paper 9"},
        )
        ageless = make.a_person(session, home, name="王大明", phone="10000000008")
        ageless.birth_year = None
        session.add(ageless)
        nobody = kept | {"guardian": ageless.id}
    worker = client_as(app, Role.VERIFIER)
    refused = worker.post(page, data=nobody)
    assert (refused.status_code, "guardian-error" in refused.text) == (422, True)
    assert worker.post(page, data=kept).status_code == 303
    again = worker.post(page, data=kept)
    assert (again.status_code, "child-error" in again.text) == (422, True)


def test_what_is_over_is_not_closed_changed_or_confirmed_again(session: Session) -> None:
    now = utc_now()
    scene = a_scene(session, now)
    chain = scene.given.chain_id
    with pytest.raises(WrongState, match="consent_not_living"):
        consent.exclude(session, chain, excluded_org_ids=[], actor=scene.own, now=now)
    with pytest.raises(WrongState, match="consent_not_pending"):
        changes.confirm_assisted(session, chain, actor=Actor(id="v", role=Role.VERIFIER), now=now)
    assert ask.auto_match_of(session, scene.household.id, now=now) is None
    ended = consent.close(session, chain, actor=scene.own, now=now)
    assert ended is not None
    assert ended.state is ConsentState.EXPIRED
    assert consent.close(session, chain, actor=scene.own, now=now) is None


def test_publicity_has_words_of_its_own(session: Session) -> None:
    now = utc_now()
    scene = a_scene(session, now)
    given = consent.give_for_match(
        session, scene.household, organisation=scene.charity, match_id="m", purpose="PUBLICITY", data_fields=["photo"],
        person_id=scene.given.person_id, actor=scene.own, now=now,
    )  # fmt: skip
    assert (given.notice_id, scene.given.notice_id) == (notice.PUBLICITY, notice.SHARE)


def test_an_insurer_is_bound_by_more_than_a_charity(session: Session) -> None:
    now = utc_now()
    scene = a_scene(session, now)
    insurer = make.an_organisation(session, kind=OrganisationKind.INSURER, purposes=["INSURE_ENROL"])
    asked = {
        "organisation": insurer,
        "match_id": "m",
        "person_id": scene.given.person_id,
        "actor": scene.own,
        "now": now,
    }
    given = consent.give_for_match(session, scene.household, purpose="INSURE_ENROL", data_fields=["name"], **asked)
    assert set(scene.given.modifiers) < set(given.modifiers)
    with pytest.raises(BadInput, match="not_for_insurers"):
        consent.give_for_match(session, scene.household, purpose="GOODS", data_fields=["name"], **asked)


def test_a_no_to_a_matching_that_only_rests_frees_the_match_that_stands_on_it(
    app: Flask, sqlite_database: Database
) -> None:
    with sqlite_database.transaction() as session:
        now = utc_now()
        scene = match_scene.a_scene(session, now=now)
        home_id, match_id = scene.household.id, scene.taken_on(session, now).id
        living = ask.auto_match_of(session, home_id, now=now)
        assert living is not None
        chain_id = living[0]
    client = household_client(app, home_id)
    assert client.post(f"/my-consents/{chain_id}/pause").status_code == 303
    led = client.post("/my-consents/refuse-matching", follow_redirects=False)
    assert client.post(led.headers["Location"]).status_code == 303
    with sqlite_database.reading() as session:
        assert session.get_one(Match, match_id).state is MatchState.CANCELLED
