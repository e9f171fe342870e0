"""Webhooks from the change to the receiver: signed, without values, tried again for a day, dead afterwards."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from joserfc import jws
from joserfc.jwk import KeySet
from sqlmodel import select

from adapters.fakes import FakeWebhooks
from adapters.ports import TryAgainLater, WillNeverWork
from marketplace.calendar import utc_now
from marketplace.config import Settings
from marketplace.db import Database
from marketplace.decisions import service as decisions
from marketplace.errors import BadInput
from marketplace.sharing import hooks, signing
from marketplace.sharing.models_api import WebhookEvent, WebhookState
from tests import factories as make
from tests.marketplace.match_scene import Scene, a_scene
from tests.marketplace.partner_scene import Machine, let_in

HOST = "hooks.partner.example"
URL = f"https://{HOST}/in"


@pytest.fixture
def allowed(database: Database, settings: Settings) -> Database:
    database.info["settings"] = replace(settings, webhook_hosts=(HOST,))
    return database


def _accepted(database: Database, now: datetime) -> tuple[Scene, Machine, str]:
    with database.transaction() as session:
        scene = a_scene(session)
        machine = let_in(session, scene.organisation, webhook=URL)
        match = scene.taken_on(session, now)
    return scene, machine, match.id


def test_a_change_is_told_signed_and_without_any_value(allowed: Database, now: datetime) -> None:
    scene, machine, match_id = _accepted(allowed, now)
    door = FakeWebhooks()
    assert hooks.sweep(allowed, door, clock=lambda: now) == 1
    url, text = door.posted[0]
    keys = KeySet.import_key_set(signing.public_keys(allowed.info["settings"]))
    found = jws.deserialize_compact(text, keys, algorithms=["ES256"])
    told = json.loads(found.payload or b"")
    assert (url, found.headers()["typ"], told["event"], told["object"]) == (
        URL,
        "webhook+jwt",
        "match.changed",
        match_id,
    )
    assert (told["aud"], told["exp"] - told["iat"]) == (machine.client_id, 300)
    assert scene.household.id not in text
    assert hooks.sweep(allowed, door, clock=lambda: now) == 0


def test_what_cannot_be_delivered_is_tried_again_for_a_day_under_the_same_id(allowed: Database, now: datetime) -> None:
    _accepted(allowed, now)
    door, moment, tries = FakeWebhooks(), now, 0
    while moment < now + timedelta(days=2):
        door.faults.play(TryAgainLater("away", code="webhook_no_answer"))
        hooks.sweep(allowed, door, clock=lambda: moment)  # noqa: B023
        moment += timedelta(minutes=5)
        with allowed.reading() as session:
            event = session.exec(select(WebhookEvent)).one()
        if event.state is WebhookState.DEAD:
            break
        tries = event.attempts
    assert event.state is WebhookState.DEAD
    assert 8 <= tries <= 16
    assert moment - now <= timedelta(hours=25)


def test_a_lost_reply_is_told_twice_with_one_id(allowed: Database, now: datetime) -> None:
    _accepted(allowed, now)
    door = FakeWebhooks()
    door.faults.play("lost reply")
    hooks.sweep(allowed, door, clock=lambda: now)
    hooks.sweep(allowed, door, clock=lambda: now + timedelta(seconds=11))
    ids = {json.loads(jws.extract_compact(text.encode()).payload)["jti"] for _url, text in door.posted}
    assert (len(door.posted), len(ids)) == (2, 1)


def test_a_redirect_ends_the_trying(allowed: Database, now: datetime) -> None:
    _accepted(allowed, now)
    door = FakeWebhooks()
    door.faults.play(WillNeverWork("moved", code="webhook_redirect"))
    hooks.sweep(allowed, door, clock=lambda: now)
    with allowed.reading() as session:
        assert session.exec(select(WebhookEvent)).one().state is WebhookState.DEAD


def test_a_change_that_is_rolled_back_tells_nobody(allowed: Database, now: datetime) -> None:
    with allowed.transaction() as session:
        scene = a_scene(session)
        let_in(session, scene.organisation, webhook=URL)
        match = scene.approved(session, now)
    with allowed.session(writes=True) as session:
        decisions.giver_accepts(session, match.id, actor=scene.giver, now=now)
        session.rollback()
    door = FakeWebhooks()
    assert hooks.sweep(allowed, door, clock=lambda: now) == 0


@pytest.mark.threat("T12")
@pytest.mark.parametrize("url", [f"http://{HOST}/", "https://evil.example/", f"https://{HOST}.evil.example/"])
def test_a_host_that_was_not_allowed_is_refused_when_it_is_asked_for(allowed: Database, url: str) -> None:
    with allowed.transaction() as session, pytest.raises(BadInput, match="webhook_host"):
        let_in(session, make.an_organisation(session), webhook=url)
    assert utc_now() is not None
