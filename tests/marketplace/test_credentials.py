"""Credentials: who gets one, what is in it, and that it dies with the consent."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from joserfc.jwk import ECKey
from sqlmodel import Session, col, select

import shanqiao_verify as verifier
from marketplace import audit
from marketplace.actors import Actor, Role
from marketplace.consent import service as consent
from marketplace.credentials import service, status
from marketplace.credentials.models import IssuedCredential
from marketplace.credentials.status_list import SIZE, entry, fill, pack, unpack
from marketplace.credentials.tokens import present
from marketplace.credentials.verdicts import judge, keys_of
from marketplace.db import Database
from marketplace.errors import BadInput, ConsentMissing, NotAllowed, NotFound, WrongState
from marketplace.trail.service import settings_of
from tests import factories as make
from tests.marketplace.trust_scene import FIELDS, a_scene, allowed, checked, issued


def _state(session: Session, now: datetime) -> str:
    """What the newest credential's status list says, read by the stand-alone verifier."""
    row = session.exec(select(IssuedCredential).order_by(IssuedCredential.issued_at.desc())).first()  # type: ignore[attr-defined]
    assert row is not None
    settings = settings_of(session)
    token = status.list_token(session, settings, row.list_no, now=now)
    uri = status.address(settings, row.list_no)
    at = int(now.timestamp())
    return verifier.status_of(token, keys_of(session), uri=uri, index=row.status_idx, now=at)


def test_a_credential_holds_exactly_what_was_asked_and_consented(session: Session, now: datetime) -> None:
    scene = a_scene(session, now)
    found = checked(session, issued(session, scene, now), now)
    assert found.disclosed == {
        "county": "500103",
        "household": {"size_band": "2-3"},
        "needs": [{"code": "LIVING.FOOD_PACK", "amount_band": "10-20 PACK"}],
        "name": "王小明",
    }
    assert found.payload["aud"] == scene.charity.id
    assert found.payload["verification"]["level"] == 3
    assert "王小明" not in json.dumps(dict(found.payload), ensure_ascii=False)


def test_bands_only_unless_the_amount_is_asked(session: Session, now: datetime) -> None:
    scene = a_scene(session, now)
    found = checked(session, issued(session, scene, now, fields=["need_code"]), now)
    assert found.disclosed == {"needs": [{"code": "LIVING.FOOD_PACK"}]}


@pytest.mark.parametrize("field", ["phone", "id_number", "diagnosis_group"])
def test_a_field_outside_the_consent_is_refused(session: Session, now: datetime, field: str) -> None:
    scene = a_scene(session, now, fields=["name"])
    with pytest.raises(ConsentMissing, match="field_not_consented"):
        issued(session, scene, now, fields=["name", field])


def test_nobody_but_the_recipient_gets_one(session: Session, now: datetime) -> None:
    scene = a_scene(session, now)
    other = Actor(id="other", role=Role.CHARITY_MANAGER, org_id=make.an_organisation(session).id)
    with pytest.raises(NotAllowed):
        service.issue(session, other, scene.given.chain_id, fields=FIELDS, now=now, holder_jwk=scene.jwk)
    assert session.exec(select(IssuedCredential)).first() is None


def test_an_expired_or_withdrawn_consent_gives_none(session: Session, now: datetime) -> None:
    scene = a_scene(session, now)
    with pytest.raises(ConsentMissing):
        issued(session, scene, scene.given.valid_to)
    consent.withdraw(session, scene.given.chain_id, actor=scene.own, now=now)
    with pytest.raises(ConsentMissing):
        issued(session, scene, now)


def test_without_a_verified_need_there_is_nothing_to_attest(session: Session, now: datetime) -> None:
    household, charity = make.a_household(session), make.an_organisation(session)
    scene = allowed(session, household, charity, now, fields=["name"])
    with pytest.raises(WrongState, match="no_verified_need"):
        issued(session, scene, now)


@pytest.mark.parametrize("kind", ["private", "P-384", "off the curve", "missing"])
def test_the_recipients_key_is_a_public_one_on_p256(session: Session, now: datetime, kind: str) -> None:
    scene = a_scene(session, now)
    jwk = {
        "private": dict(scene.holder.as_dict(private=True)),
        "P-384": dict(ECKey.generate_key("P-384").as_dict(private=False)),
        "off the curve": {**scene.jwk, "x": scene.jwk["y"]},
        "missing": {"kty": "EC", "crv": "P-256"},
    }[kind]
    with pytest.raises(BadInput, match="holder_key"):
        service.issue(session, scene.giver, scene.given.chain_id, fields=FIELDS, now=now, holder_jwk=jwk)


@pytest.mark.threat("T08")
def test_only_the_recipients_key_can_present_it(session: Session, now: datetime) -> None:
    scene = a_scene(session, now)
    compact, at = issued(session, scene, now), int(now.timestamp())
    shown = present(compact, keep=["county", "needs"], key=scene.holder, audience="auditor", nonce="n-1", at=at)
    found = checked(session, shown, now, audience="auditor", nonce="n-1")
    assert (set(found.disclosed), found.bound) == ({"county", "needs"}, True)
    thief = ECKey.generate_key("P-256")
    for half in ({"audience": "auditor"}, {"nonce": "n-1"}):
        for one in (shown, compact):
            with pytest.raises(verifier.Refused, match="asked together"):
                checked(session, one, now, **half)
    stolen = present(compact, keep=["county"], key=thief, audience="auditor", nonce="n-1", at=at)
    for bad, asked in ((stolen, "n-1"), (shown, "n-2"), (compact, "n-1")):
        with pytest.raises(verifier.Refused):
            checked(session, bad, now, audience="auditor", nonce=asked)


@pytest.mark.threat("T07")
def test_two_recipients_cannot_join_their_credentials(session: Session, now: datetime) -> None:
    """T07: no string of twelve characters or more stands in both sets, except the vocabulary."""
    ours = {"first": set[str](), "second": set[str]()}
    charities = {name: make.an_organisation(session) for name in ours}
    base = ("county", "category", "need_code", "amount_band", "household_size_band")
    for _ in range(40):
        household = make.a_household(session, kind="LOW_INCOME", size=3)
        make.a_need(session, household)
        for name, charity in charities.items():
            scene = allowed(session, household, charity, now, fields=["name"])
            compact = issued(session, scene, now, fields=base)
            ours[name] |= _words(compact)
    vocabulary = _words_of_vocabulary(session, now)
    assert {word for word in ours["first"] & ours["second"] if word not in vocabulary} == set()
    assert len(ours["first"]) > 40 * 24


def _words(compact: str) -> set[str]:
    """Every string in it, decoded as far as it goes."""
    signed, *texts = compact.rstrip("~").split("~")
    found = {*texts, *signed.split(".")}
    for text in (*signed.split(".")[:2], *texts):
        found |= set(_strings(json.loads(verifier.unbase64url(text))))
    return {word for word in found if len(word) >= 12}


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield name
            yield from _strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _strings(inner)


def _words_of_vocabulary(session: Session, now: datetime) -> set[str]:
    """What every credential of the house holds: issuer, type, list, codes, and the header that says so."""
    scene = a_scene(session, now)
    compact = issued(session, scene, now, fields=["need_code"])
    header = compact.split(".")[0]
    claims = checked(session, compact, now).payload
    return {
        header,
        claims["iss"],
        claims["vct"],
        claims["status"]["status_list"]["uri"],
        "LIVING.FOOD_PACK",
        "verification",
        "receipt_sha256",
        "status_list",
        "household_size_band",
        claims["verification"]["method"],
        "mz-500103-1",
    }


def test_every_credential_has_fresh_salts_and_replaces_the_one_before(session: Session, now: datetime) -> None:
    scene = a_scene(session, now)
    first, second = issued(session, scene, now), issued(session, scene, now + timedelta(minutes=1))
    assert not set(first.split("~")[1:-1]) & set(second.split("~")[1:-1])
    assert judge(session, first, now=now + timedelta(minutes=2)).fault == "it is revoked"
    assert judge(session, second, now=now + timedelta(minutes=2)).fault == ""


@pytest.mark.threat("T04")
def test_the_very_next_status_list_knows_of_a_withdrawal(session: Session, now: datetime) -> None:
    """T04: nothing has to be flipped; the list asks the consent."""
    scene = a_scene(session, now)
    compact = issued(session, scene, now)
    assert _state(session, now) == "valid"
    consent.withdraw(session, scene.given.chain_id, actor=scene.own, now=now)
    assert _state(session, now) == "revoked"
    assert judge(session, compact, now=now).fault == "it is revoked"


def test_a_credential_ends_with_its_consent(session: Session, now: datetime) -> None:
    scene = a_scene(session, now)
    issued(session, scene, now)
    assert _state(session, now + timedelta(days=91)) == "revoked"


def test_a_household_ends_one_credential_and_keeps_the_consent(session: Session, now: datetime) -> None:
    scene = a_scene(session, now)
    issued(session, scene, now)
    [row] = service.list_of_household(session, scene.household.id)
    stranger = Actor(id="x", role=Role.HOUSEHOLD, household_id=make.a_household(session).id)
    with pytest.raises(NotFound):
        service.revoke(session, row.id, actor=stranger, now=now)
    service.revoke(session, row.id, actor=scene.own, now=now)
    assert _state(session, now) == "revoked"
    with pytest.raises(WrongState):
        service.revoke(session, row.id, actor=scene.own, now=now)
    issued(session, scene, now + timedelta(seconds=1))
    assert _state(session, now) == "valid"


def test_suspended_is_neither_good_nor_gone(session: Session, now: datetime, approver: Actor) -> None:
    scene = a_scene(session, now)
    issued(session, scene, now)
    [row] = service.list_of_household(session, scene.household.id)
    service.suspend(session, row.id, actor=approver, now=now, reason="disputed")
    assert _state(session, now) == "suspended"
    service.resume(session, row.id, actor=approver, now=now)
    assert _state(session, now) == "valid"


def test_every_step_of_a_credential_is_in_the_chain(session: Session, now: datetime) -> None:
    scene = a_scene(session, now)
    issued(session, scene, now)
    [row] = service.list_of_household(session, scene.household.id)
    service.revoke(session, row.id, actor=scene.own, now=now)
    acts = list(session.scalars(select(audit.AuditRow.action).order_by(col(audit.AuditRow.seq))))
    assert [act for act in acts if act.startswith("credential:")] == ["credential:issue", "credential:revoke"]
    assert audit.verify(session).bad_seq == 0


def test_places_in_a_status_list_are_random(session: Session, now: datetime) -> None:
    places = []
    for _ in range(6):
        issued(session, a_scene(session, now), now)
        places = [row.status_idx for row in session.exec(select(IssuedCredential))]
    assert len(set(places)) == len(places)
    assert any(abs(a - b) > 100 for a, b in pairwise(places))


@pytest.mark.threat("T33")
@pytest.mark.parametrize("bad", [b"", b"x", pack({})[:-4], pack({}) + b"x", pack({}, SIZE * 64), pack({}, SIZE // 2)])
def test_a_bomb_in_place_of_a_status_list_is_refused(bad: bytes) -> None:
    with pytest.raises(ValueError, match="status list"):
        unpack(bad)
    with pytest.raises(verifier.Refused):
        verifier.unpack(bad)


def test_two_readers_of_a_status_list_agree() -> None:
    states = {place: place % 3 for place in range(0, SIZE, 977)}
    packed = pack(states)
    assert all(entry(packed, place) == state for place, state in states.items())
    assert verifier.unpack(packed) == fill(states, SIZE) == unpack(packed)


def test_the_list_of_a_number_that_was_never_used_is_not_found(session: Session, now: datetime) -> None:
    with pytest.raises(NotFound):
        status.list_token(session, settings_of(session), 1, now=now)


@pytest.mark.threat("T35")
def test_nothing_is_issued_while_nobody_watches_the_log(database: Database, now: datetime) -> None:
    """T35: with witnesses named and none of them heard, no credential is issued."""
    from dataclasses import replace

    with database.session(writes=True) as session:
        session.info["settings"] = replace(settings_of(session), witnesses=(("a", "http://a"), ("b", "http://b")))
        scene = a_scene(session, now)
        with pytest.raises(WrongState, match="audit_stale"):
            issued(session, scene, now)
        session.rollback()
