"""The partner API from the assertion to the delivery: who gets in, what it sees, what is refused and written down."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial

import pytest
from flask import Flask
from sqlmodel import Session, func, select

from marketplace.actors import Actor, Role
from marketplace.app import create_app
from marketplace.audit import AuditRow
from marketplace.calendar import utc_now
from marketplace.config import Settings
from marketplace.consent import changes
from marketplace.consent.models import ConsentHead, Purpose
from marketplace.db import Database
from marketplace.decisions import service as decisions
from marketplace.decisions.models import GiverResult, Match, MatchState
from marketplace.errors import BadInput, WrongState
from marketplace.needs.models import Need
from marketplace.organisations.models import OrganisationState
from marketplace.reference.needs import need_kind
from marketplace.sharing import clients, replies
from marketplace.sharing.models import Disclosure
from marketplace.sharing.models_api import ApiKey, KeptReply, ReadCount
from tests import factories as make
from tests.marketplace.match_scene import Scene, a_scene
from tests.marketplace.partner_scene import FIRST, SECOND, Caller, Machine, let_in

PURPOSE = "GOODS"


@dataclass
class House:
    """The app, one scene and the giver's machine."""

    app: Flask
    database: Database
    scene: Scene
    machine: Machine
    match_id: str

    def caller(self, scope: str = "needs:read matches:read matches:act offers:write status:read") -> Caller:
        return self.machine.caller(self.app, scope)

    def in_delivery(self) -> None:
        with self.database.transaction() as session:
            now = utc_now()
            decisions.giver_accepts(session, self.match_id, actor=self.scene.giver, now=now)
            self.scene.accepts(session, session.get_one(Match, self.match_id), now)


@pytest.fixture
def house(sqlite_database: Database, settings: Settings) -> Iterator[House]:
    with sqlite_database.transaction() as session:
        now = utc_now()
        scene = a_scene(session, now=now)
        match = scene.approved(session, now)
        machine = let_in(session, scene.organisation)
    return House(create_app(settings, database=sqlite_database), sqlite_database, scene, machine, match.id)


def _denials(session: Session) -> list[str]:
    rows = select(AuditRow.rule_id).where(AuditRow.action == "share:deny").order_by(AuditRow.seq)
    return list(session.exec(rows))


def test_a_machine_reads_needs_accepts_opens_the_consented_fields_delivers_and_reports(house: House) -> None:
    api = house.caller()
    listed = api.get(f"/needs?purpose={PURPOSE}").json["matches"]
    assert [(row["id"], row["state"]) for row in listed] == [(house.match_id, "awaiting_giver")]
    assert house.scene.household.id not in str(listed)
    assert house.scene.need.id not in str(listed)
    assert api.post(f"/matches/{house.match_id}/accept", {"purpose": PURPOSE}).json["state"] == "awaiting_household"
    with house.database.transaction() as session:
        house.scene.accepts(session, session.get_one(Match, house.match_id), utc_now())
    seen = api.post(f"/matches/{house.match_id}/recipient", {"purpose": PURPOSE})
    assert seen.json == {"name": "王小明"}
    told = api.post(f"/matches/{house.match_id}/deliver", {"purpose": PURPOSE, "units": 4, "note": "left at the desk"})
    assert (told.status_code, told.json["state"], told.json["units"]) == (200, "delivered", 4)
    result = {"purpose": PURPOSE, "outcome": "reached", "minutes": 25}
    assert api.post(f"/matches/{house.match_id}/result", {**result, "outcome": "wonderful"}).status_code == 422
    assert api.post(f"/matches/{house.match_id}/result", result).json["result"] == "reached"
    assert api.post(f"/matches/{house.match_id}/result", result).json["error"] == "result_known"
    assert api.get(f"/matches/{house.match_id}?purpose={PURPOSE}").json["result"] == "reached"
    with house.database.reading() as session:
        row = session.exec(select(Disclosure)).one()
        assert (row.data_fields, row.purpose, row.actor_id) == (["name"], PURPOSE, f"client:{house.machine.client_id}")
        kept = session.exec(select(GiverResult)).one()
        assert (kept.outcome, kept.minutes, kept.told_by) == ("reached", 25, row.actor_id)


def test_a_machine_does_not_deliver_a_service_whose_visits_nobody_made(house: House) -> None:
    with house.database.transaction() as session:
        need = session.get_one(Need, house.scene.need.id)
        need.category, need.unit = "CARE.HOME_CARE", "HOUR"
    house.in_delivery()
    purpose = need_kind("CARE.HOME_CARE").purpose
    told = house.caller().post(f"/matches/{house.match_id}/deliver", {"purpose": purpose})
    assert (told.status_code, told.json["error"]) == (409, "needs_visits")
    with house.database.reading() as session:
        assert session.get_one(Match, house.match_id).state is MatchState.IN_DELIVERY


@pytest.mark.threat("T01")
def test_a_foreign_match_answers_byte_for_byte_like_a_missing_one(house: House) -> None:
    with house.database.transaction() as session:
        other = a_scene(session, phone="10000000002", now=utc_now())
        foreign = other.approved(session, utc_now())
    api = house.caller()
    for path, body in (
        ("", None),
        ("/recipient", {}),
        ("/accept", {}),
        ("/deliver", {}),
        ("/result", {"outcome": "reached"}),
    ):
        answers = []
        for match_id in (foreign.id, "a" * 26):
            whole = f"/matches/{match_id}{path}"
            said = {"purpose": PURPOSE, **(body or {})}
            answer = api.get(f"{whole}?purpose={PURPOSE}") if body is None else api.post(whole, said)
            answers.append((answer.status_code, answer.data, answer.headers["Content-Length"]))
        assert answers[0] == answers[1]
        assert answers[0][0] == 404
    with house.database.reading() as session:
        assert _denials(session) == ["TENANT"] * 10


@pytest.mark.threat("T02")
def test_fields_outside_the_consent_are_refused_and_fewer_may_be_asked(house: House) -> None:
    house.in_delivery()
    api = house.caller()
    where = f"/matches/{house.match_id}/recipient"
    assert api.post(where, {"purpose": PURPOSE, "fields": ["name", "phone"]}).json["error"] == "fields_not_consented"
    assert api.post(where, {"purpose": PURPOSE, "fields": []}).json["error"] == "fields_not_consented"
    assert api.post(where, {"purpose": PURPOSE, "mode": "store"}).json["error"] == "mode_not_consented"
    assert api.post(where, {"purpose": PURPOSE, "fields": ["name"]}).json == {"name": "王小明"}
    with house.database.reading() as session:
        assert _denials(session) == ["FIELDS", "FIELDS", "MODE"]
        assert len(session.exec(select(Disclosure)).all()) == 1


@pytest.mark.threat("T03")
def test_no_read_goes_without_its_purpose_and_another_purpose_opens_nothing(house: House) -> None:
    house.in_delivery()
    api = house.caller()
    for path in ("/needs", "/matches", f"/matches/{house.match_id}", "/consents"):
        assert api.get(path).status_code == 400, path
        assert api.get(f"{path}?purpose=GOSSIP").status_code == 422, path
    where = f"/matches/{house.match_id}/recipient"
    assert api.post(where, {}).json == {"error": "purpose_missing", "field": "purpose"}
    with house.database.reading() as session:
        before = _denials(session)
    assert api.post(where, {"purpose": "MED_AID"}).json["error"] == "purpose_not_consented"
    assert api.get(f"/matches/{house.match_id}?purpose=MED_AID").json["error"] == "purpose_not_consented"
    with house.database.reading() as session:
        assert _denials(session)[len(before) :] == ["PURPOSE", "PURPOSE"], "what was tried is a row"
        tried = session.exec(select(AuditRow).where(AuditRow.rule_id == "PURPOSE")).all()
        assert {(row.purpose, bool(row.subject_ref)) for row in tried} == {("MED_AID", True)}
        assert session.exec(select(func.sum(ReadCount.count)).where(ReadCount.purpose == "MED_AID")).one() == 2
    assert api.get("/matches?purpose=MED_AID").json["matches"] == []


@pytest.mark.threat("T04")
def test_a_withdrawal_closes_the_door_at_the_next_call(house: House) -> None:
    house.in_delivery()
    api = house.caller()
    where, said = f"/matches/{house.match_id}/recipient", {"purpose": PURPOSE}
    assert api.post(where, said).status_code == 200
    with house.database.transaction() as session:
        chain = session.get_one(Match, house.match_id).consent_chain_id
        decisions.withdraw_consent(session, chain, actor=house.scene.household_actor, now=utc_now())
    assert api.post(where, said).status_code in (403, 409)
    with house.database.reading() as session:
        assert _denials(session) == ["STATE"]


@pytest.mark.threat("T02")
def test_the_base_card_is_hidden_while_the_word_to_be_matched_rests(house: House) -> None:
    api, where, own = house.caller(), f"/matches/{house.match_id}?purpose={PURPOSE}", house.scene.household_actor
    bare = {"id": house.match_id, "state": "awaiting_giver", "purpose": PURPOSE}
    with house.database.transaction() as session:
        chain = session.exec(select(ConsentHead.chain_id).where(ConsentHead.purpose == Purpose.AUTO_MATCH)).one()
        changes.pause(session, chain, actor=own, now=utc_now())
    assert api.get(where).json == bare
    assert api.get(f"/needs?purpose={PURPOSE}").json["matches"] == [bare]
    with house.database.transaction() as session:
        changes.resume(session, chain, actor=own, now=utc_now())
    assert api.get(where).json["district"] == house.scene.need.district_code
    assert api.get(f"/needs?purpose={PURPOSE}").json["matches"][0]["units"] == 10
    with house.database.transaction() as session:
        session.get_one(Match, house.match_id).state = MatchState.AWAITING_SECOND
    assert [api.get(f"/{what}?purpose={PURPOSE}").json["matches"] for what in ("needs", "matches")] == [[], []]
    assert api.get(where).status_code == 404, "nobody has promised it yet"


@pytest.mark.threat("T04")
def test_a_suspended_client_is_refused_at_the_next_call_with_a_living_token(house: House) -> None:
    api = house.caller()
    assert api.get(f"/needs?purpose={PURPOSE}").status_code == 200
    with house.database.transaction() as session:
        clients.suspend_client(session, house.machine.client_id, actor=FIRST, now=utc_now())
    assert api.get(f"/needs?purpose={PURPOSE}").json == {"error": "client_suspended"}
    assert house.app.test_client().post("/api/v1/token", data=house.machine.form()).status_code == 401
    with house.database.reading() as session:
        assert _denials(session) == ["CLIENT_SUSPENDED"]


def test_a_suspended_organisation_suspends_its_clients(house: House) -> None:
    api = house.caller()
    with house.database.transaction() as session:
        house.scene.organisation.state = OrganisationState.SUSPENDED
        session.add(house.scene.organisation)
    assert api.get(f"/needs?purpose={PURPOSE}").json == {"error": "client_suspended"}


@pytest.mark.threat("T11")
def test_every_address_names_a_scope_and_a_token_without_it_opens_nothing(house: House) -> None:
    views = [v for e, v in house.app.view_functions.items() if e.startswith(("partner_api", "matches_api"))]
    bare = {v.__name__ for v in views if not hasattr(v, "guarded_scope")}
    assert bare == {"token", "keys", "openapi"}
    api = house.caller("offers:write")
    assert api.get(f"/needs?purpose={PURPOSE}").json == {"error": "scope"}
    assert api.post(f"/matches/{house.match_id}/accept", {"purpose": PURPOSE}).json == {"error": "scope"}


@pytest.mark.threat("T11")
@pytest.mark.parametrize("scope", ["", " ", "needs:write", "needs:read needs:write", "credentials:read " * 9])
def test_a_scope_that_is_empty_unknown_or_not_granted_gives_no_token(house: House, scope: str) -> None:
    answer = house.app.test_client().post("/api/v1/token", data=house.machine.form(scope))
    assert (answer.status_code, answer.json["error"]) == (400, "invalid_scope")


def test_no_scope_is_granted_by_default(house: House) -> None:
    with house.database.transaction() as session:
        few = let_in(session, make.an_organisation(session), scopes=("status:read",))
        manager = Actor(id="m", role=Role.GIVER_ADMIN, org_id=few.org_id)
        with pytest.raises(BadInput, match="scope_missing"):
            clients.ask_client(
                session, few.org_id, title="x", scopes=(), jwk=few.public(), actor=manager, now=utc_now()
            )
    answer = house.app.test_client().post("/api/v1/token", data=few.form("needs:read"))
    assert answer.json["error"] == "invalid_scope"
    assert house.app.test_client().post("/api/v1/token", data=few.form("status:read")).status_code == 200


@pytest.mark.threat("T34")
def test_the_same_key_gives_the_kept_reply_and_another_request_under_it_is_refused(house: House) -> None:
    api = house.caller()
    offer = {"reference": "stock-1", "title": "Rice", "category": "LIVING.FOOD_PACK", "stock_units": 30}
    offer |= {"valid_to": "2027-05-22", "standard": "1 to 12", "steps": "Told by phone", "rules": "Free of charge"}
    first = api.post("/offers", offer, key="k1")
    assert first.status_code == 201
    again = api.post("/offers", offer, key="k1")
    assert (again.status_code, again.json) == (201, first.json)
    assert api.post("/offers", {**offer, "stock_units": 31}, key="k1").json["error"] == "idempotency_reused"
    assert api.post("/offers", offer, key="k2").status_code == 409
    assert api.get("/offers").json["total"] == 2  # the scene's own and this one
    token = {"Authorization": f"Bearer {api.token}"}
    bare = api.client.post("/api/v1/offers", json=offer, headers=token)
    assert (bare.status_code, bare.json["error"]) == (400, "idempotency_key")


def test_a_kept_reply_is_taken_away_after_seven_days(house: House) -> None:
    offer = {"reference": "stock-1", "title": "Rice", "category": "LIVING.FOOD_PACK", "stock_units": 30}
    offer |= {"valid_to": "2027-05-22", "standard": "1 to 12", "steps": "Told by phone", "rules": "Free of charge"}
    api = house.caller()
    assert [api.post("/offers", offer, key="k" * n).json.get("error") for n in (64, 65)] == [None, "idempotency_key"]
    with house.database.reading() as session:
        kept_at = session.exec(select(KeptReply.at)).one()
    for early, gone in ((1, 0), (0, 1), (0, 0)):
        clock = partial(lambda early: kept_at + timedelta(days=7, seconds=-early), early)
        assert replies.sweep(house.database, clock=clock) == gone


@pytest.mark.threat("T06")
def test_the_days_reads_run_out_and_guessing_counts(house: House, settings: Settings) -> None:
    house.app.extensions["settings"] = replace(settings, partner_daily_reads=3)
    api = house.caller()
    assert api.get(f"/matches/{house.match_id}?purpose={PURPOSE}").status_code == 200
    assert api.get(f"/matches/nobody?purpose={PURPOSE}").status_code == 404
    assert api.get(f"/matches/nobody?purpose={PURPOSE}").status_code == 404
    assert api.get(f"/matches/{house.match_id}?purpose={PURPOSE}").status_code == 429
    assert api.get("/matches?purpose=MED_AID").status_code == 200


def test_one_call_cannot_take_more_than_the_day_s_share(house: House, settings: Settings) -> None:
    house.app.extensions["settings"] = replace(settings, partner_daily_reads=0)
    answer = house.caller().get(f"/matches/{house.match_id}?purpose={PURPOSE}")
    assert (answer.status_code, answer.json["error"]) == (429, "quota_used")
    house.app.extensions["settings"] = replace(settings, partner_daily_reads=1)
    assert house.caller().get("/matches?purpose=MED_AID").status_code == 200, "nothing was read for it yet"


def test_two_different_people_let_a_client_in_and_never_who_asked(house: House) -> None:
    with house.database.transaction() as session:
        organisation = make.an_organisation(session)
        machine = Machine(organisation.id)
        manager = Actor(id="m", role=Role.GIVER_ADMIN, org_id=organisation.id)
        client = clients.ask_client(
            session,
            organisation.id,
            title="x",
            scopes=["needs:read"],
            jwk=machine.public(),
            actor=manager,
            now=utc_now(),
        )
        machine.client_id = client.id
        clients.approve_client(session, client.id, actor=FIRST, now=utc_now())
        with pytest.raises(WrongState, match="same_person_twice"):
            clients.approve_client(session, client.id, actor=FIRST, now=utc_now())
    form = machine.form("needs:read")
    assert house.app.test_client().post("/api/v1/token", data=form).status_code == 401
    with house.database.transaction() as session:
        clients.approve_client(session, client.id, actor=SECOND, now=utc_now())
    assert house.app.test_client().post("/api/v1/token", data=machine.form("needs:read")).status_code == 200


def test_a_client_has_three_keys_at_most_and_an_old_one_ends_30_days_after_a_new_one(house: House) -> None:
    with house.database.transaction() as session:
        manager = Actor(id="m", role=Role.GIVER_ADMIN, org_id=house.machine.org_id)
        fresh = [Machine(house.machine.org_id, client_id=house.machine.client_id) for _ in range(3)]
        for one in fresh[:2]:
            clients.add_key(session, one.client_id, jwk=one.public(), actor=manager, now=utc_now())
        with pytest.raises(BadInput, match="too_many_keys"):
            clients.add_key(session, fresh[2].client_id, jwk=fresh[2].public(), actor=manager, now=utc_now())
        for person in (FIRST, SECOND):
            clients.approve_key(session, fresh[0].key.thumbprint(), actor=person, now=utc_now())
        old, later = house.machine.key.thumbprint(), utc_now() + timedelta(days=31)
        assert clients.find_key(session, old, client_id=house.machine.client_id, now=utc_now()) is not None
        assert clients.find_key(session, old, client_id=house.machine.client_id, now=later) is None
        ends = session.get_one(ApiKey, old).ends_at
        found = [
            clients.find_key(session, old, client_id=house.machine.client_id, now=ends - timedelta(seconds=early))
            for early in (1, 0)
        ]
        assert [one is not None for one in found] == [True, False]
        assert clients.find_key(session, old, client_id="another", now=utc_now()) is None
    ask = house.app.test_client().post
    assert ask("/api/v1/token", data=fresh[0].form("needs:read")).status_code == 200
    assert ask("/api/v1/token", data=fresh[1].form("needs:read")).status_code == 401
    assert ask("/api/v1/token", data=house.machine.form("needs:read")).status_code == 200


@pytest.mark.parametrize(
    "jwk",
    [
        "",
        "no json",
        "[]",
        '{"kty":"RSA","n":"AQAB","e":"AQAB"}',
        '{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}',
        '{"kty":"EC","crv":"P-384","x":"AA","y":"AA"}',
        '{"kty":"EC","crv":"P-256","x":["AA"],"y":"AA"}',
    ],
)
def test_only_a_bare_public_p256_key_is_taken(house: House, jwk: str) -> None:
    manager = Actor(id="m", role=Role.GIVER_ADMIN, org_id=house.machine.org_id)
    with house.database.transaction() as session, pytest.raises(BadInput, match="jwk_wrong"):
        clients.add_key(session, house.machine.client_id, jwk=jwk, actor=manager, now=utc_now())


def test_a_private_key_is_refused_before_it_is_stored(house: House) -> None:
    import json

    machine = Machine(house.machine.org_id)
    manager = Actor(id="m", role=Role.GIVER_ADMIN, org_id=machine.org_id)
    secret = json.dumps(machine.key.as_dict(private=True))
    with house.database.transaction() as session, pytest.raises(BadInput, match="jwk_wrong"):
        clients.add_key(session, house.machine.client_id, jwk=secret, actor=manager, now=utc_now())
