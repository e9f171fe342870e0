"""Webhooks: a partner's machine is told that something changed, signed, and with nothing in it but a kind and an id.

Enters: `emit` in the transaction of the change; later the worker's sweep. Leaves: a JWS (ES256, `webhook+jwt`, jti,
five minutes) posted to the client's address through the door that wiring hands in. What could not be delivered is tried
again for a day with longer and longer pauses. Called by `decisions.moves`, `deletions` and the worker.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from joserfc import jws
from sqlmodel import Session, col, or_, select

from adapters.ports import OutsideError, WebhookDoor, WillNeverWork
from marketplace import audit
from marketplace.actors import SYSTEM
from marketplace.config import Settings
from marketplace.db import Database, new_id
from marketplace.sharing import signing
from marketplace.sharing.gate import LIFE_S
from marketplace.sharing.models_api import ApiClient, ClientState, WebhookEvent, WebhookState

TYPE = "webhook+jwt"
LEASE = timedelta(seconds=30)
FIRST_PAUSE = timedelta(seconds=10)
LONGEST_TRYING = timedelta(hours=24)
BATCH = 20
log = logging.getLogger("shanqiao.webhooks")


def emit(session: Session, org_id: str, /, *, kind: str, object_ref: str, now: datetime) -> None:
    """Write one event for each active client of the organisation that wants to be told."""
    clients = select(ApiClient).where(
        col(ApiClient.org_id) == org_id, col(ApiClient.state) == ClientState.ACTIVE, col(ApiClient.webhook_url) != ""
    )
    for client in session.exec(clients.order_by(col(ApiClient.id))):
        event = WebhookEvent(
            id=new_id(), client_id=client.id, kind=kind, object_ref=object_ref, next_try_at=now, created_at=now
        )
        session.add(event)


def signed(settings: Settings, event: WebhookEvent, /, *, now: datetime) -> str:
    """The compact JWS of one event. Every try carries the same jti, so that a receiver takes it once."""
    key = signing.key_of(settings, signing.WEBHOOKS)
    issued = int(now.timestamp())
    claims = {
        "iss": settings.base_url,
        "aud": event.client_id,
        "iat": issued,
        "exp": issued + LIFE_S,
        "jti": event.id,
        "event": event.kind,
        "object": event.object_ref,
    }
    header = {"alg": "ES256", "typ": TYPE, "kid": key.kid}
    return jws.serialize_compact(header, json.dumps(claims).encode(), key, algorithms=["ES256"])


def sweep(database: Database, door: WebhookDoor, /, *, clock: Callable[[], datetime]) -> int:
    """Send what is due; no transaction is open while the other side is waited for. Return how many were sent."""
    sent = 0
    for _turn in range(BATCH):
        taken = _take(database, now=clock())
        if taken is None:
            break
        event_id, url, body = taken
        try:
            door.post(url, body)
        except OutsideError as error:
            _failed(database, event_id, error, now=clock())
        else:
            _sent(database, event_id, now=clock())
            sent += 1
    return sent


def _take(database: Database, *, now: datetime) -> tuple[str, str, str] | None:
    """Lease the oldest event that is due, with its address and its signed text."""
    free = or_(col(WebhookEvent.leased_until).is_(None), col(WebhookEvent.leased_until) < now)
    due = select(WebhookEvent).where(
        col(WebhookEvent.state) == WebhookState.QUEUED, col(WebhookEvent.next_try_at) <= now, free
    )
    with database.reading() as session:
        if session.exec(due.limit(1)).first() is None:
            return None
    with database.transaction() as session:
        oldest = due.order_by(col(WebhookEvent.created_at), col(WebhookEvent.id)).limit(1)
        event = session.exec(oldest.with_for_update(skip_locked=True)).first()
        if event is None:
            return None
        client = session.get_one(ApiClient, event.client_id)
        event.leased_until, event.attempts = now + LEASE, event.attempts + 1
        if client.state is not ClientState.ACTIVE or not client.webhook_url:
            event.state, event.error_code = WebhookState.DEAD, "client_gone"
        session.add(event)
        settings: Settings = session.info["settings"]
        text = signed(settings, event, now=now)
        return (event.id, client.webhook_url, text) if event.state is WebhookState.QUEUED else None


def _sent(database: Database, event_id: str, *, now: datetime) -> None:
    with database.transaction() as session:
        event = session.get_one(WebhookEvent, event_id)
        event.state, event.leased_until, event.error_code = WebhookState.SENT, None, ""
        session.add(event)
        audit.record(session, audit.Entry("webhook:sent", object_ref=event.id), actor=SYSTEM, now=now)


def _failed(database: Database, event_id: str, error: OutsideError, *, now: datetime) -> None:
    with database.transaction() as session:
        event = session.get_one(WebhookEvent, event_id)
        event.leased_until, event.error_code = None, error.code[:32]
        event.next_try_at = now + FIRST_PAUSE * 2 ** min(event.attempts - 1, 12)
        if isinstance(error, WillNeverWork) or event.next_try_at - event.created_at > LONGEST_TRYING:
            event.state = WebhookState.DEAD
            entry = audit.Entry("webhook:dead", object_ref=event.id, rule_id=event.error_code)
            audit.record(session, entry, actor=SYSTEM, now=now)
        session.add(event)
    log.info("webhook %s: %s", event_id, error.code)
