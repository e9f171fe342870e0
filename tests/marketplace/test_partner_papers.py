"""Papers for partners' machines: credentials bound to their key, receipts of the consents that name them."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from flask import Flask
from sqlmodel import select

import shanqiao_verify as verifier
from marketplace.actors import Actor, Role
from marketplace.app import create_app
from marketplace.audit import AuditRow, subject_ref
from marketplace.calendar import utc_now
from marketplace.config import Settings
from marketplace.consent.models import Consent, ConsentHead, Mode
from marketplace.credentials import receipts, status
from marketplace.credentials.models import IssuedCredential
from marketplace.credentials.status_list import REVOKED, VALID
from marketplace.credentials.verdicts import keys_of
from marketplace.db import Database
from marketplace.decisions import service as decisions
from marketplace.sharing import clients
from marketplace.sharing.models import Disclosure
from marketplace.trail.service import make_checkpoint
from tests import factories as make
from tests.marketplace.match_scene import Scene, a_scene
from tests.marketplace.partner_scene import FIRST, SECOND, Caller, Machine, let_in
from tests.pages.people import client_as

PURPOSE = "GOODS"
BODY = {"purpose": PURPOSE}


@dataclass
class House:
    """The app, a match on its way, its giver's machine and one of a foreign giver."""

    app: Flask
    database: Database
    scene: Scene
    machine: Machine
    stranger: Machine
    match_id: str
    chain_id: str

    def caller(self, scope: str = "credentials:read receipts:read") -> Caller:
        return self.machine.caller(self.app, scope)


@pytest.fixture
def house(sqlite_database: Database, settings: Settings) -> House:
    with sqlite_database.transaction() as session:
        now = utc_now()
        scene = a_scene(session, now=now)
        match = scene.in_delivery(session, now)
        machine, stranger = let_in(session, scene.organisation), let_in(session, make.an_organisation(session))
        chain_id = match.consent_chain_id or ""
    return House(
        create_app(settings, database=sqlite_database), sqlite_database, scene, machine, stranger, match.id, chain_id
    )


def test_a_machine_gets_a_credential_that_the_stand_alone_verifier_takes_and_that_only_its_key_can_present(
    house: House,
) -> None:
    told = house.caller().post(f"/matches/{house.match_id}/credential", BODY)
    assert told.status_code == 200, told.text
    assert told.json["kid"] == house.machine.key.thumbprint()
    with house.database.reading() as session:
        now = utc_now()
        seen = verifier.check_credential(told.json["credential"], keys_of(session), now=int(now.timestamp()))
        row = session.exec(select(Disclosure)).one()
    assert seen.payload["aud"] == house.scene.organisation.id
    assert seen.payload["cnf"]["jwk"]["x"] == house.machine.key.as_dict(private=False)["x"]
    assert "name" not in seen.disclosed
    listed = house.caller("matches:read").get(f"/matches/{house.match_id}?purpose={PURPOSE}").json
    assert listed["household"] == seen.payload["sub"], "one household, one name for one recipient"
    assert row.recipient_org_id == house.scene.organisation.id
    assert "needs" in row.data_fields
    assert row.consent_chain_id == house.chain_id


def test_a_second_credential_ends_the_first(house: House) -> None:
    api = house.caller()
    for _ in range(2):
        assert api.post(f"/matches/{house.match_id}/credential", BODY).status_code == 200
    with house.database.reading() as session:
        issued = session.exec(select(IssuedCredential)).all()
        looks = session.exec(select(Disclosure)).all()
    assert sorted(one.revoked_at is None for one in issued) == [False, True]
    assert len(looks) == 2


def test_a_field_that_may_only_be_looked_at_does_not_go_into_a_file(house: House) -> None:
    told = house.caller().post(f"/matches/{house.match_id}/credential", {**BODY, "fields": ["name"]})
    assert (told.status_code, told.json) == (403, {"error": "mode_not_consented"})
    with house.database.reading() as session:
        assert session.exec(select(IssuedCredential)).all() == []
        assert session.exec(select(AuditRow.rule_id).where(AuditRow.action == "share:deny")).one() == "MODE"


def test_a_field_that_may_be_stored_goes_in_and_no_other(house: House) -> None:
    with house.database.transaction() as session:
        old = session.get_one(Consent, (house.chain_id, 1))
        head = session.get_one(ConsentHead, house.chain_id)
        kept = {name: getattr(old, name) for name in Consent.model_fields} | {"version": 2, "mode": Mode.STORE}
        head.version = 2
        session.add_all([head, Consent(**kept)])
    told = house.caller().post(f"/matches/{house.match_id}/credential", {**BODY, "fields": ["name"]})
    assert told.status_code == 200, told.text
    with house.database.reading() as session:
        now = utc_now()
        seen = verifier.check_credential(told.json["credential"], keys_of(session), now=int(now.timestamp()))
    assert seen.disclosed["name"] == "王小明"
    assert "phone" not in seen.disclosed
    more = house.caller().post(f"/matches/{house.match_id}/credential", {**BODY, "fields": ["name", "phone"]})
    assert (more.status_code, more.json["error"]) == (403, "fields_not_consented")


def test_after_a_withdrawal_and_for_a_foreign_machine_there_is_no_credential(house: House) -> None:
    foreign = house.stranger.caller(house.app, "credentials:read receipts:read")
    missing = foreign.post("/matches/0123456789abcdef0123456789abcdef/credential", BODY)
    assert foreign.post(f"/matches/{house.match_id}/credential", BODY).data == missing.data
    assert missing.status_code == 404
    with house.database.transaction() as session:
        decisions.withdraw_consent(session, house.chain_id, actor=house.scene.household_actor, now=utc_now())
    assert house.caller().post(f"/matches/{house.match_id}/credential", BODY).status_code in (403, 409)
    with house.database.reading() as session:
        assert session.exec(select(IssuedCredential)).all() == []


def test_the_scope_is_asked_and_a_foreign_key_is_not_bound(house: House) -> None:
    narrow = house.caller("needs:read")
    assert narrow.post(f"/matches/{house.match_id}/credential", BODY).json == {"error": "scope"}
    assert narrow.get(f"/consents/{house.chain_id}/receipts?purpose={PURPOSE}").json == {"error": "scope"}
    body = {**BODY, "kid": house.stranger.key.thumbprint()}
    told = house.caller().post(f"/matches/{house.match_id}/credential", body)
    assert (told.status_code, told.json) == (422, {"error": "key_unknown", "field": "kid"})


@pytest.mark.threat("T04")
@pytest.mark.threat("T08")
def test_a_key_out_of_use_stops_its_tokens_and_its_credentials_at_the_next_call(house: House) -> None:
    caller, other = house.caller(), Machine(house.machine.org_id)
    told = caller.post(f"/matches/{house.match_id}/credential", BODY)
    assert told.status_code == 200, told.text
    with house.database.transaction() as session:
        now = utc_now()
        issued = session.exec(select(IssuedCredential)).one()
        assert status.state_of(session, issued, now=now) == VALID
        admin = Actor(id="keeper-1", role=Role.GIVER_ADMIN, org_id=house.machine.org_id)
        client_id, kid = house.machine.client_id, house.machine.key.thumbprint()
        clients.add_key(session, client_id, jwk=other.public(), actor=admin, now=now)
        for second in (FIRST, SECOND):
            clients.approve_key(session, other.key.thumbprint(), actor=second, now=now)
    assert caller.get(f"/consents/{house.chain_id}/receipts?purpose={PURPOSE}").status_code == 200
    with house.database.transaction() as session:
        clients.retire_key(session, kid, actor=admin, now=utc_now())
    stopped = caller.get(f"/consents/{house.chain_id}/receipts?purpose={PURPOSE}")
    assert stopped.status_code == 401, "the token of the key that was taken out"
    with house.database.reading() as session:
        issued = session.exec(select(IssuedCredential)).one()
        assert (status.state_of(session, issued, now=utc_now()), issued.reason_code) == (REVOKED, "key_retired")
    other.client_id = client_id
    fresh = other.caller(house.app, "credentials:read receipts:read")
    assert fresh.get(f"/consents/{house.chain_id}/receipts?purpose={PURPOSE}").status_code == 200
    assert fresh.post(f"/matches/{house.match_id}/credential", BODY).status_code == 200


def test_the_receipts_of_its_own_consent_are_the_ones_the_household_has_and_hold_without_us(house: House) -> None:
    with house.database.transaction() as session:
        now = utc_now()
        make_checkpoint(session, now=now)
        receipts.give_due(session, now=now)
    told = house.caller().get(f"/consents/{house.chain_id}/receipts?purpose={PURPOSE}")
    assert told.status_code == 200, told.text
    (one,) = told.json["receipts"]
    with house.database.reading() as session:
        own = receipts.list_of_household(session, house.scene.household.id)
    assert one["receipt"] in {row.jws for row in own}
    assert "王小明" not in told.text
    people = [
        client_as(house.app, Role.CHARITY_MANAGER, org_id=machine.org_id) for machine in (house.machine, house.stranger)
    ]
    for form, found in (({}, [1, 0]), ({"match_id": house.match_id}, [1, 0]), ({"match_id": "nowhere"}, [0, 0])):
        files = [person.post("/our-consents/receipts.json", data=form) for person in people]
        mine = [sum(row["receipt"] == one["receipt"] for row in file.json["receipts"]) for file in files]
        assert (mine, [len(file.json["receipts"]) for file in files][1]) == (found, 0)
    with house.database.reading() as session:
        listed = session.exec(select(AuditRow.object_ref).where(AuditRow.action == "share:list")).all()
        written = {f"receipts:{one}" for one in ("all", "none", house.match_id, house.chain_id)}
        assert {one for one in listed if one.startswith("receipts:")} == written, "and no word of the form"
    foreign = house.stranger.caller(house.app, "receipts:read")
    assert foreign.get(f"/consents/{house.chain_id}/receipts?purpose={PURPOSE}").status_code == 404
    other = house.caller().get(f"/consents/{house.chain_id}/receipts?purpose=MED_AID")
    assert (other.status_code, other.json["error"]) == (403, "purpose_not_consented")
    with house.database.reading() as session:
        denied = select(AuditRow).where(AuditRow.action == "share:deny", AuditRow.rule_id == "PURPOSE")
        row = session.exec(denied).one()
        assert (row.purpose, row.subject_ref) == ("MED_AID", subject_ref(session, house.scene.household.id))
