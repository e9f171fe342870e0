"""The edges of sharing: shapes, the gate's words, what a list of looks refuses, events nobody waits for, orders."""

from __future__ import annotations

import base64
import io
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from functools import partial
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from python_calamine import CalamineWorkbook
from sqlalchemy import event
from sqlmodel import Session, select

from adapters.fakes import FakeWebhooks
from adapters.ports import TryAgainLater
from marketplace.actors import Actor, Role
from marketplace.app import create_app
from marketplace.audit import AuditRow
from marketplace.calendar import utc_now
from marketplace.config import Settings
from marketplace.consent import service as consent
from marketplace.consent.models import ConsentHead, ConsentState, Mode, Purpose
from marketplace.db import Database
from marketplace.decisions import service as decisions
from marketplace.decisions.withdrawing import Then
from marketplace.errors import BadInput, ConsentMissing, DomainError, NotFound, WrongState
from marketplace.keyring import Ring
from marketplace.offers.models import Acceptance
from marketplace.sharing import api as partner_api
from marketplace.sharing import clients, deletions, door, gate, hooks, lists, service, shapes, signing
from marketplace.sharing.authority import _TokenRequest, bearer_of
from marketplace.sharing.models import DeletionOrder, Disclosure
from marketplace.sharing.models_api import ApiClient, WebhookEvent, WebhookState
from marketplace.sharing.offers_in import terms_from
from tests import factories as make
from tests.marketplace.match_scene import a_scene
from tests.marketplace.partner_scene import Machine, let_in
from tests.marketplace.test_hostile_tokens import _sign
from tests.pages.people import client_as


@pytest.fixture
def writing(sqlite_database: Database) -> Iterator[Session]:
    with sqlite_database.session(writes=True) as session:
        yield session
        session.rollback()


WORDS = {"type": "string", "minLength": 1, "maxLength": 9, "pattern": "[^\\0]*"}
DAY = WORDS | {"maxLength": 10, "format": "date"}
FEW = {"type": "array", "minItems": 1, "maxItems": 2, "items": WORDS, "uniqueItems": True}
WHOLE = {"type": "integer", "minimum": 0, "maximum": 9}
MISFITS: list[tuple[dict[str, Any], Any]] = [
    (WORDS, 5), (WORDS, None), (WORDS, ""), (WORDS, "x" * 10), (WORDS, "\ud800"), (WORDS | {"enum": ["a"]}, "b"),
    (WHOLE, "5"), (WHOLE, True), (WHOLE, 10), (WHOLE, -1), (WHOLE, 1.0), (DAY, "2026-13-01"), (DAY, "20261123"),
    (FEW, []), (FEW, ["a", "b", "c"]), (FEW, ["a", "a"]), (FEW, [1]), (FEW, "ab"), (shapes.record({"a": WORDS}), []),
    (shapes.record({"a": WORDS}), {}), (shapes.record({"a": WORDS}), {"a": "x", "b": "y"}),
    (shapes.word(), "x" * 65), (shapes.word(), "a\u001fb"), (shapes.word(), "\u007f"), (shapes.word(), ""),
    (shapes.whole(), shapes.LARGEST + 1), (shapes.whole(), -1), (shapes.rows(WORDS, 2), []),
    (shapes.rows(WORDS, 1), ["a", "b"]), (shapes.many(WORDS, 1), ["a", "b"]), (shapes.many(WORDS), ["a", "a"]),
]  # fmt: skip


@pytest.mark.parametrize(("shape", "value"), MISFITS)
def test_a_value_of_another_shape_is_refused(shape: dict[str, Any], value: Any) -> None:
    with pytest.raises(BadInput):
        shapes.check(value, shape)


@pytest.mark.parametrize(
    ("shape", "value"),
    [
        (WORDS, "x" * 9), (WHOLE, 0), (WHOLE, 9), (DAY, "2026-11-23"), (FEW, ["a", "b"]),
        (WORDS | {"enum": ["a"]}, "a"), (shapes.rows(WORDS, 2), ["a", "a"]),
        (shapes.word(), "x" * 64), (shapes.word(), " ~\u0080"), (shapes.whole(), shapes.LARGEST), (shapes.whole(), 0),
        (shapes.many(WORDS), []), (shapes.many(WORDS), [str(n) for n in range(60)]),
        (shapes.record({}, {"b": WORDS}), {}),
    ],
)  # fmt: skip
def test_a_value_at_its_bound_is_taken(shape: dict[str, Any], value: Any) -> None:
    shapes.check(value, shape)


@pytest.mark.parametrize(
    ("value", "code", "field"),
    [
        ({}, "purpose_missing", "purpose"),
        ({"purpose": "GOODS"}, "member_missing", "reason"),
        ({"purpose": "GOODS", "reason": "x", "who": "y"}, "unknown_member", "body"),
        ({"purpose": "GOODS", "reason": "x" * 49}, "bad_input", "reason"),
    ],
)
def test_a_fault_names_its_member(value: Any, code: str, field: str) -> None:
    with pytest.raises(BadInput) as refused:
        shapes.check(value, shapes.DECLINE)
    assert (refused.value.code, refused.value.facts["field"]) == (code, field)


def _part(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


@pytest.mark.threat("T09")
@pytest.mark.parametrize(
    ("header", "why"),
    [
        ("a b", "base64"),
        ("e" * 5, "base64"),
        ("QR", "base64"),
        (_part(b'"x"'), "json"),
        (_part(b'{"alg":1,"alg":2}'), "json"),
        (_part(b'{"alg":NaN}'), "json"),
        (_part(b"[" * 2_000), "json"),
    ],
)
def test_the_gate_has_one_spelling_for_each_value(header: str, why: str) -> None:
    with pytest.raises(gate.Malformed, match=why):
        gate.look(f"{header}.e30.e30", types=gate.ACCESS, audience="x", now_s=1)


def _token(header: dict[str, object], claims: dict[str, object]) -> str:
    return ".".join((_part(json.dumps(header).encode()), _part(json.dumps(claims).encode()), "c2ln"))


NOW_S = 1_800_000_000
HEADER = {"alg": "ES256", "typ": "at+jwt", "kid": "key-number-1"}
CLAIMS = {"iss": "us", "sub": "client-01", "aud": "x", "jti": "token-01", "iat": NOW_S, "exp": NOW_S + 300}


@pytest.mark.parametrize(
    ("header", "claims", "why"),
    [
        ({}, {}, ""),
        ({}, {"nbf": NOW_S + 60}, ""),
        ({}, {"nbf": NOW_S + 61}, "time"),
        ({}, {"iat": NOW_S + 60, "exp": NOW_S + 61}, ""),
        ({}, {"iat": NOW_S + 61, "exp": NOW_S + 62}, "time"),
        ({}, {"iat": NOW_S - 299, "exp": NOW_S + 1}, ""),
        ({}, {"iat": NOW_S - 1, "exp": NOW_S}, "time"),
        ({}, {"exp": NOW_S + 301}, "life"),
        ({}, {"exp": NOW_S}, "life"),
        ({"alg": "RS256"}, {}, "alg_typ_kid"),
        ({"typ": "JWT"}, {}, "alg_typ_kid"),
        ({"kid": "../../etc"}, {}, "alg_typ_kid"),
        ({"jwk": "x"}, {}, "header"),
        ({"kid": 7}, {}, "header"),
        ({}, {"jti": "short"}, "aud_jti_sub"),
        ({}, {"sub": "short"}, "aud_jti_sub"),
        ({}, {"aud": "y"}, "aud_jti_sub"),
        ({}, {"jti": "token-1"}, "aud_jti_sub"),
        ({}, {"jti": "x" * 128}, ""),
        ({}, {"jti": "x" * 129}, "aud_jti_sub"),
        *(({}, {name: 5}, name) for name in ("iss", "sub", "aud", "jti")),
        ({}, {"iat": True}, "iat"),
        ({}, {"nbf": "now"}, "nbf"),
        ({}, {"nbf": 0}, "nbf"),
        ({}, {"iat": 0, "exp": 1}, "iat"),
        ({}, {"exp": 2**40}, "exp"),
    ],
)
def test_the_gate_lets_through_to_the_second_and_no_further(
    header: dict[str, object], claims: dict[str, object], why: str
) -> None:
    token = _token(HEADER | header, CLAIMS | claims)
    if why:
        with pytest.raises(gate.Malformed, match=f"^{why}$"):
            gate.look(token, types=gate.ACCESS, audience="x", now_s=NOW_S)
        return
    seen = gate.look(token, types=gate.ACCESS, audience="x", now_s=NOW_S)
    assert (seen.kid, seen.claims["sub"]) == ("key-number-1", "client-01")


@pytest.mark.threat("T09")
def test_the_gate_takes_three_parts_of_a_certain_length_altogether() -> None:
    bare = _token(HEADER, CLAIMS).removesuffix("c2ln")
    room = gate.LONGEST - len(bare)
    assert room % 4 != 1, "a signature of this length can be spelled"
    look: Any = partial(gate.look, types=gate.ACCESS, audience="x", now_s=NOW_S)
    assert look(bare + "A" * room).kid == "key-number-1"
    for token, why in ((bare + "A" * (room + 1), "length"), ("", "length"), (5, "length")):
        with pytest.raises(gate.Malformed, match=why):
            look(token)
    for token in (bare.removesuffix("."), bare + "c2ln.c2ln"):
        with pytest.raises(gate.Malformed, match="parts"):
            look(token)


def test_what_a_machine_posts_becomes_terms() -> None:
    said = {
        "reference": "r", "title": "Rice", "category": "FOOD", "stock_units": 5, "districts": ["500103"],
        "acceptance": Acceptance.EACH.value, "valid_from": "2026-11-23",
        "valid_to": "2026-12-31",
    }  # fmt: skip
    terms = terms_from(said)
    assert (terms.districts, terms.acceptance, terms.valid_from) == (("500103",), Acceptance.EACH, date(2026, 11, 23))
    assert terms.valid_to == date(2027, 1, 1), "the last day is said, the day after it kept"
    assert terms_from({"title": "x", "category": "FOOD", "stock_units": 1}).districts == ()


def test_a_public_key_is_taken_bare_and_for_signing_only() -> None:
    good = json.loads(Machine("o").public())
    assert signing.partner_key(good)[1]["kid"] == signing.partner_key(good | {"use": "sig", "alg": "ES256"})[0]
    for bad in ({"use": "enc"}, {"alg": "RS256"}, {"x": "AA"}, {"crv": "P-384"}, {"d": "secret"}, {"x": 5}):
        with pytest.raises(ValueError):
            signing.partner_key(good | bad)


@pytest.mark.threat("T09")
def test_a_token_of_ours_for_nobody_or_for_nothing_opens_nothing(writing: Session, settings: Settings) -> None:
    machine, now = let_in(writing, make.an_organisation(writing)), utc_now()
    key = signing.key_of(settings, signing.ACCESS_TOKENS)
    header = {"alg": "ES256", "typ": "at+jwt", "kid": key.kid}

    def bearer(**over: Any) -> object:
        usual = {"iss": machine.issuer, "client_id": machine.client_id, "scope": "needs:read"}
        usual["key_id"] = machine.key.thumbprint()
        claims = machine.claims(**(usual | over))
        return bearer_of(writing, _sign(header, claims, key), issuer=settings.base_url, now=now)

    assert bearer() is not None
    ring = settings.issuer_ring
    assert ring is not None
    replaced = replace(settings, issuer_ring=Ring({**ring.keys, ring.epoch + 1: b"n" * 32}, index=ring.index))
    assert signing.key_of(replaced, signing.ACCESS_TOKENS).kid not in str(signing.public_keys(settings))
    writing.info["settings"] = replaced
    assert bearer() is None, "the older key mints nothing once the issuer key is replaced"
    writing.info["settings"] = settings
    assert bearer(sub="nobody-here") is None
    assert bearer(client_id="another-one") is None
    assert bearer(scope=" ") is None
    assert bearer(key_id="another-key") is None
    assert bearer(key_id=5) is None


def test_the_token_address_reads_nothing_from_the_address_itself(sqlite_database: Database, settings: Settings) -> None:
    from flask import request

    app: Flask = create_app(settings, database=sqlite_database)
    with app.test_request_context("/api/v1/token?scope=needs:read", method="POST", data={"scope": "x"}):
        asked = _TokenRequest(request)
        assert (asked.args, dict(asked.form)) == ({}, {"scope": "x"})


def test_an_address_of_the_interface_needs_a_known_scope_and_action() -> None:
    for scope, action in (("needs:write", "match:view"), ("needs:read", "match:nothing")):
        with pytest.raises(ValueError, match="unknown"):
            door.scoped(scope, action=action)


@pytest.mark.parametrize("body", [b"{", b"[]", b"5", b"[" * 100_000])
def test_a_body_that_is_no_object_is_refused(sqlite_database: Database, settings: Settings, body: bytes) -> None:
    app = create_app(settings, database=sqlite_database)
    with app.test_request_context("/", method="POST", data=body), pytest.raises(BadInput, match="json"):
        door.body()
    with app.test_request_context("/", method="POST"):
        assert door.body() == {}


@pytest.mark.threat("T02")
def test_a_list_of_looks_is_all_or_nothing(writing: Session) -> None:
    now = utc_now()
    scenes = [a_scene(writing, phone=f"1390000000{n}", now=now) for n in range(2)]
    scenes[1].offer = scenes[0].offer
    org = scenes[0].organisation
    given = [
        consent.give_for_match(
            writing, scene.household, organisation=org, match_id=f"m{n}", purpose="PAYMENT", data_fields=["name"],
            person_id=scene.person.id, actor=scene.household_actor, now=now,
        ).chain_id
        for n, scene in enumerate(scenes)
    ]  # fmt: skip
    make.assessed(writing, org.kind)
    asked: dict[str, Any] = {"purpose": "PAYMENT", "object_ref": "b", "mode": Mode.STORE, "now": now}
    asked["actor"] = make.as_giver(org)
    assert lists.disclose_list(writing, [], data_fields=["name"], **asked) == 0
    with pytest.raises(ConsentMissing, match="consent_not_living"):
        lists.disclose_list(writing, [*given, "nobody"], data_fields=["name"], **asked)
    with pytest.raises(DomainError):
        lists.disclose_list(writing, given, data_fields=["name", "id_number"], **asked)
    assert lists.disclose_list(writing, [*given, given[0]], data_fields=["name"], **asked) == 2
    rows = writing.exec(select(Disclosure)).all()
    assert len({row.audit_seq for row in rows}) == 1
    assert sorted(row.consent_chain_id or "" for row in rows) == sorted(given)
    consent.withdraw(writing, given[1], actor=scenes[1].household_actor, now=now)
    with pytest.raises(DomainError):
        lists.disclose_list(writing, given, data_fields=["name"], **asked)
    assert len(writing.exec(select(Disclosure)).all()) == 2


def test_only_what_the_record_can_answer_is_asked_and_shown(writing: Session) -> None:
    now, scene = utc_now(), a_scene(writing)
    held = service.fields_on_record(scene.person)
    assert {"name", "phone"} < set(held)
    assert "diagnosis_group" not in held
    given = consent.give_for_match(
        writing, scene.household, organisation=scene.organisation, match_id="m", purpose="GOODS",
        data_fields=["name", "phone", "diet"], person_id=scene.person.id, actor=scene.household_actor, now=now,
    )  # fmt: skip
    scene.person.phone = None
    writing.add(scene.person)
    writing.flush()
    shown = service.open_fields(writing, given, ["name", "phone", "diet"], match_id="m")
    assert shown == {"name": "王小明"}


def _an_event(database: Database, settings: Settings) -> str:
    database.info["settings"] = replace(settings, webhook_hosts=("hooks.partner.example",))
    with database.transaction() as session:
        scene = a_scene(session)
        let_in(session, scene.organisation, webhook="https://hooks.partner.example/in")
        scene.taken_on(session, utc_now())
        return session.exec(select(WebhookEvent.id)).one()


def test_an_event_of_a_machine_that_was_shut_out_goes_nowhere(sqlite_database: Database, settings: Settings) -> None:
    event_id, posted = _an_event(sqlite_database, settings), FakeWebhooks()
    with sqlite_database.transaction() as session:
        client_id = session.exec(select(ApiClient.id)).one()
        clients.suspend_client(session, client_id, actor=Actor(id="s", role=Role.SECURITY_ADMIN), now=utc_now())
    assert hooks.sweep(sqlite_database, posted, clock=utc_now) == 0
    assert posted.posted == []
    with sqlite_database.reading() as session:
        event = session.get_one(WebhookEvent, event_id)
        assert (event.state, event.error_code) == (WebhookState.DEAD, "client_gone")


def test_an_event_that_another_worker_took_in_between_is_left_to_it(
    sqlite_database: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    event_id, posted, own = _an_event(sqlite_database, settings), FakeWebhooks(), sqlite_database.transaction

    def rival() -> Any:
        monkeypatch.setattr(sqlite_database, "transaction", own)
        with own() as session:
            session.get_one(WebhookEvent, event_id).leased_until = utc_now() + timedelta(minutes=1)
        return own()

    monkeypatch.setattr(sqlite_database, "transaction", rival)
    assert hooks.sweep(sqlite_database, posted, clock=utc_now) == 0
    assert posted.posted == []


def test_so_many_events_are_sent_in_one_turn(
    sqlite_database: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    _an_event(sqlite_database, settings)
    monkeypatch.setattr(hooks, "BATCH", 1)
    assert hooks.sweep(sqlite_database, FakeWebhooks(), clock=utc_now) == 1


def test_a_worker_that_died_holds_its_event_for_half_a_minute_and_a_fault_for_ten_seconds(
    sqlite_database: Database, settings: Settings
) -> None:
    _an_event(sqlite_database, settings)
    with sqlite_database.reading() as session:
        now = session.exec(select(WebhookEvent.created_at)).one()

    def taken(seconds: int) -> bool:
        return hooks._take(sqlite_database, now=now + timedelta(seconds=seconds)) is not None

    assert [taken(later) for later in (-1, 0, 0, 30, 31)] == [False, True, False, False, True]
    door = FakeWebhooks()
    door.faults.play(TryAgainLater("away", code="webhook_no_answer"))
    sent = [hooks.sweep(sqlite_database, door, clock=lambda at=at: now + at) for at in map(_seconds, (100, 139, 140))]
    assert sent == [0, 0, 1], "after the third try it waits four times as long as after the first"


def _seconds(number: int) -> timedelta:
    return timedelta(seconds=number)


@pytest.mark.threat("T07")
def test_no_insurer_is_told_the_number_under_which_we_know_a_person(sqlite_database: Database) -> None:
    with sqlite_database.transaction() as session:
        scene, now = a_scene(session), utc_now()
        head = ConsentHead(chain_id="cover", household_id=scene.household.id, purpose=Purpose.INSURE_CLAIM_QUERY)
        head.match_id, head.recipient_org_id = scene.person.id, scene.organisation.id
        session.add(head)
        head.state, head.valid_from, head.valid_to = ConsentState.ACTIVE, now, now + timedelta(days=9)
        told = partner_api._consent(head)
        order = deletions._write(session, head, 1, "", actor=scene.giver, now=now)
        assert (told["match"], order.match_id) == ("", "")
        head.purpose = Purpose.GOODS
        assert partner_api._consent(head)["match"] == scene.person.id, "elsewhere it is the match"


@pytest.mark.threat("T05")
def test_an_order_to_delete_is_answered_on_the_page_and_by_a_machine_once(
    sqlite_database: Database, settings: Settings
) -> None:
    now, app = utc_now(), create_app(settings, database=sqlite_database)
    with sqlite_database.transaction() as session:
        scene = a_scene(session, now=now)
        machine = let_in(session, scene.organisation)
        match = scene.in_delivery(session, now)
        decisions.see_recipient(session, match.id, actor=scene.giver, now=now)
        chain = match.consent_chain_id or ""
        decisions.withdraw_consent(session, chain, actor=scene.household_actor, now=now, then=Then.STOP)
        with pytest.raises(NotFound):
            deletions.attest(session, "nobody", actor=scene.giver, now=now)
        org_id = scene.organisation.id
        assert deletions.count_orders(session, org_id, actor=scene.giver) == (1, 1, now)
        told = {"actor": scene.giver, "now": now}
        assert deletions.attest_all(session, org_id, until=now - timedelta(seconds=1), **told) == 0
        with session.begin_nested() as only_tried:
            assert deletions.attest_all(session, org_id, until=now, **told) == 1
            assert deletions.count_orders(session, org_id, actor=scene.giver) == (1, 0, None)
            only_tried.rollback()
    api = machine.caller(app, "status:read matches:act")
    (order,) = api.get("/deletion-orders").json["orders"]
    told = api.get("/consents?purpose=GOODS").json["consents"]
    assert (told[0]["id"], told[0]["state"]) == (chain, "revoked")
    page = client_as(app, Role.CHARITY_MANAGER, org_id=org_id)
    _same_by_browser(page, chain, match_id=order["match"])
    assert order["id"] in page.get("/our-deletions/").text
    assert "attested_on" in api.post(f"/deletion-orders/{order['id']}/attest", {}).json
    assert page.post(f"/our-deletions/{order['id']}/attest").status_code == 409
    assert "attested_on" in api.get("/deletion-orders").json["orders"][0]
    with sqlite_database.transaction() as session, pytest.raises(WrongState, match="attested_already"):
        deletions.attest(session, order["id"], actor=make.as_giver(scene.organisation), now=now)


def _same_by_browser(page: FlaskClient, chain: str, *, match_id: str) -> None:
    """What the machine reads of consents, a person has as a page and as a table."""
    for lang, state in (("zh_Hans", "已撤回"), ("en", "Withdrawn")):
        page.set_cookie("lang", lang)
        assert state in page.get("/our-consents/").text
        table = page.post("/our-consents/list.xlsx").data
        rows = CalamineWorkbook.from_filelike(io.BytesIO(table)).get_sheet_by_index(0).to_python()
        (told,) = (row for row in rows if row[0] == chain)
        assert (told[1], told[3], bool(told[5]), told[6]) == (match_id, state, True, "")
    page.set_cookie("lang", "zh_Hans")


@pytest.mark.threat("T41")
def test_a_person_answers_one_order_on_the_page_and_it_is_written_down(
    sqlite_database: Database, settings: Settings
) -> None:
    now, app = utc_now(), create_app(settings, database=sqlite_database)
    with sqlite_database.transaction() as session:
        scene = a_scene(session, now=now)
        match = scene.in_delivery(session, now)
        decisions.see_recipient(session, match.id, actor=scene.giver, now=now)
        chain = match.consent_chain_id or ""
        decisions.withdraw_consent(session, chain, actor=scene.household_actor, now=now, then=Then.STOP)
        order = session.exec(select(DeletionOrder)).one()
    client = client_as(app, Role.CHARITY_MANAGER, org_id=scene.organisation.id)
    answer = client.post(f"/our-deletions/{order.id}/attest")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/our-deletions/")
    with sqlite_database.reading() as session:
        assert session.get_one(DeletionOrder, order.id).attested_at is not None
        assert session.exec(select(AuditRow.object_ref).where(AuditRow.action == "deletion:attest")).one() == order.id


def test_a_look_asks_each_table_once_but_for_what_it_locks(sqlite_database: Database) -> None:
    now, said = utc_now(), list[str]()
    with sqlite_database.transaction() as session:
        scene = a_scene(session, now=now)
        match_id = scene.in_delivery(session, now).id
    event.listen(sqlite_database.engine, "before_cursor_execute", lambda _c, _k, text, *_rest: said.append(text))
    with sqlite_database.transaction() as session:
        assert decisions.see_recipient(session, match_id, actor=scene.giver, now=now)["name"]
    read = re.findall(r"SELECT.*?FROM (\S+)", "\n".join(one for one in said if one.startswith("SELECT")), re.S)
    twice = {table for table in read if read.count(table) > 1}
    assert twice == {'"match"', "consent_head"}, "the match is read again under the lock of its consent"
    assert len(read) == len(set(read)) + 2, read
    assert "household" not in read
    assert [one.split()[0] for one in said if not one.startswith("SELECT")] == ["BEGIN", "INSERT", "UPDATE", "INSERT"]
