"""Machine clients of an organisation: asked for with a public key, let in by two people, suspended at once.

Enters: a manager's request with scopes and a typed public key; two members of staff, one after the other. Leaves: an
active client with at most three keys. A key is uploaded, never fetched from an address. Called by the pages and by
`authority`, which looks a client and its key up anew for every token and every call.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TypeVar

from sqlmodel import Session, col, select

from marketplace import audit
from marketplace.actors import SYSTEM, Actor, Role
from marketplace.credentials import ending
from marketplace.db import flush, new_id
from marketplace.errors import BadInput, NotFound, WrongState
from marketplace.organisations.models import Organisation, OrganisationKind
from marketplace.organisations.service import require_active
from marketplace.policy import require
from marketplace.sharing.models_api import ApiClient, ApiKey, ClientState, KeyState
from marketplace.sharing.signing import partner_key

SCOPES = (
    "needs:read",
    "offers:write",
    "matches:read",
    "matches:act",
    "credentials:read",
    "status:read",
    "receipts:read",
    "aid:report",
)
"""Everything a machine may ever be allowed; none is granted by default."""
MOST_KEYS = 3
OVERLAP = timedelta(days=30)
"""So long an old key still works after a new one was approved."""
LONGEST_JWK = 1000
Row = TypeVar("Row", ApiClient, ApiKey)


def ask_client(
    session: Session,
    org_id: str,
    /,
    *,
    title: str,
    scopes: Iterable[str],
    jwk: str,
    webhook_url: str = "",
    actor: Actor,
    now: datetime,
) -> ApiClient:
    """An organisation asks for a client with these scopes and its first public key; two people of staff decide."""
    require(actor, "client:ask", org_id=org_id)
    require_active(session, org_id)
    wanted = sorted(set(scopes))
    if not wanted or not set(wanted) <= set(SCOPES):
        raise BadInput("scope_missing", field="scopes")
    _check_webhook(session, webhook_url)
    client = ApiClient(
        id=new_id(),
        org_id=org_id,
        title=title[:60],
        scopes=wanted,
        webhook_url=webhook_url,
        requested_by=actor.id,
        requested_at=now,
    )
    session.add(client)
    flush(session)
    _record(session, "client:ask", client.id, fields=wanted, actor=actor, now=now)
    add_key(session, client.id, jwk=jwk, actor=actor, now=now)
    return client


def _check_webhook(session: Session, url: str) -> None:
    """Only an https address on a host that the operator has allowed; the sender checks again before each try."""
    settings = session.info["settings"]
    host = url.removeprefix("https://").partition("/")[0]
    if url and (not url.startswith("https://") or host not in settings.webhook_hosts):
        raise BadInput("webhook_host", field="webhook_url")


def add_key(session: Session, client_id: str, /, *, jwk: str, actor: Actor, now: datetime) -> ApiKey:
    """Upload one more public key; it works once two people of staff have approved it."""
    client = _client(session, client_id)
    require(actor, "client:ask", org_id=client.org_id)
    try:
        kid, public = partner_key(json.loads(jwk if len(jwk) <= LONGEST_JWK else ""))
    except (ValueError, RecursionError) as error:
        raise BadInput("jwk_wrong", field="jwk") from error
    living = [row for row in keys_of(session, client_id) if row.state in (KeyState.ASKED, KeyState.ACTIVE)]
    if len(living) >= MOST_KEYS:
        raise BadInput("too_many_keys", field="jwk")
    if session.get(ApiKey, kid) is not None:
        raise BadInput("key_known", field="jwk")
    row = ApiKey(kid=kid, client_id=client_id, jwk=public, added_by=actor.id, added_at=now)
    session.add(row)
    flush(session)
    _record(session, "client:add_key", client_id, rule=kid[:32], actor=actor, now=now)
    return row


def approve_client(session: Session, client_id: str, /, *, actor: Actor, now: datetime) -> ApiClient:
    """One of two people says yes; after the second the client and the keys that both saw work. A key that was put
    beside them after the first yes waits for two people of its own."""
    require(actor, "client:decide")
    client = _client(session, client_id, lock=True)
    if client.state is not ClientState.ASKED:
        raise WrongState("client_decided", state=client.state.value)
    second = _second(client, actor=actor)
    if second:
        require_active(session, client.org_id)
        client.state, client.decided_at = ClientState.ACTIVE, now
    for key in keys_of(session, client_id):
        if key.state is not KeyState.ASKED or key.added_by != client.requested_by:
            continue
        if not second:
            key.first_by = client.first_by
        elif key.first_by is not None:
            key.second_by, key.state = client.second_by, KeyState.ACTIVE
        session.add(key)
    session.add(client)
    act = "client:approve" if client.state is ClientState.ACTIVE else "client:first_approve"
    _record(session, act, client.id, fields=client.scopes, actor=actor, now=now)
    return client


def approve_key(session: Session, kid: str, /, *, actor: Actor, now: datetime) -> ApiKey:
    """One of two people says yes to a later key; after the second it works, and the older ones end in 30 days."""
    require(actor, "client:decide")
    key = session.get(ApiKey, kid, with_for_update=True)
    if key is None:
        raise NotFound("key")
    if key.state is not KeyState.ASKED:
        raise WrongState("client_decided", state=key.state.value)
    if _client(session, key.client_id).state is not ClientState.ACTIVE:
        raise WrongState("client_decided")
    if _second(key, actor=actor):
        for older in keys_of(session, key.client_id):
            if older.state is KeyState.ACTIVE and older.ends_at is None:
                older.ends_at = now + OVERLAP
                session.add(older)
        key.state = KeyState.ACTIVE
    session.add(key)
    _record(session, "client:approve_key", key.client_id, rule=kid[:32], actor=actor, now=now)
    return key


def _second(row: Row, *, actor: Actor) -> bool:
    """Note one yes; True when it was the second, from another person than the first."""
    if row.first_by is None:
        row.first_by = actor.id
        return False
    if row.first_by in actor.people:
        raise WrongState("same_person_twice")
    row.second_by = actor.id
    return True


def refuse_client(session: Session, client_id: str, /, *, actor: Actor, now: datetime) -> ApiClient:
    """One person of staff says no: it is over."""
    return _end(session, client_id, to=ClientState.REFUSED, begins=ClientState.ASKED, actor=actor, now=now)


def suspend_client(session: Session, client_id: str, /, *, actor: Actor, now: datetime) -> ApiClient:
    """The client gets no tokens and its living ones are refused from the next call on; one person is enough."""
    return _end(session, client_id, to=ClientState.SUSPENDED, begins=ClientState.ACTIVE, actor=actor, now=now)


def _end(
    session: Session, client_id: str, *, to: ClientState, begins: ClientState, actor: Actor, now: datetime
) -> ApiClient:
    require(actor, "client:decide")
    client = _client(session, client_id, lock=True)
    if client.state is not begins:
        raise WrongState("client_decided", state=client.state.value)
    client.state, client.decided_at = to, now
    session.add(client)
    flush(session)
    _record(session, f"client:{to.value}", client.id, actor=actor, now=now)
    return client


def retire_key(session: Session, kid: str, /, *, actor: Actor, now: datetime) -> ApiKey:
    """The organisation, or staff, takes a key out of use at once: tokens it signed in for open nothing, and credentials
    bound to it have ended."""
    key = session.get(ApiKey, kid, with_for_update=True)
    if key is None:
        raise NotFound("key")
    client = _client(session, key.client_id)
    require(actor, "client:retire_key", org_id=client.org_id)
    if key.state not in (KeyState.ACTIVE, KeyState.ASKED):
        raise WrongState("client_decided", state=key.state.value)
    key.state, key.ends_at = KeyState.RETIRED, now
    session.add(key)
    ending.end_of_key(session, kid, actor=actor, now=now)
    _record(session, "client:retire_key", client.id, rule=kid[:32], actor=actor, now=now)
    return key


def rest_keys(session: Session, /, *, now: datetime) -> int:
    """After a restore nobody knows which keys were taken out of use since: each waits for two people again (one that
    was to end has ended), and what is bound to it is good no more; how many."""
    keys = session.exec(select(ApiKey).where(col(ApiKey.state) == KeyState.ACTIVE).order_by(col(ApiKey.kid))).all()
    for key in keys:
        key.state, key.first_by, key.second_by = KeyState.ASKED, None, None
        if key.ends_at is not None:
            key.state, key.ends_at = KeyState.RETIRED, min(key.ends_at, now)
        session.add(key)
        ending.end_of_key(session, key.kid, actor=SYSTEM, now=now)
        _record(session, "client:retire_key", key.client_id, rule=key.kid[:32], actor=SYSTEM, now=now)
    flush(session)
    return len(keys)


def find_active(session: Session, client_id: str, /) -> ApiClient | None:
    """The client, if it and its organisation may act now."""
    client = session.get(ApiClient, client_id)
    if client is None or client.state is not ClientState.ACTIVE:
        return None
    organisation = session.get(Organisation, client.org_id)
    return client if organisation is not None and organisation.state.value == "active" else None


def find_key(session: Session, kid: str, /, *, client_id: str, now: datetime) -> ApiKey | None:
    """The client's own key of that id, if it works now."""
    key = session.get(ApiKey, kid)
    if key is None or key.client_id != client_id or key.state is not KeyState.ACTIVE:
        return None
    return key if key.ends_at is None or now < key.ends_at else None


def working_key(session: Session, client_id: str, /, *, kid: str = "", now: datetime) -> ApiKey:
    """The client's key of this id, or its newest one; BadInput if it does not work now."""
    known = [kid] if kid else [key.kid for key in reversed(keys_of(session, client_id))]
    working = [key for one in known if (key := find_key(session, one, client_id=client_id, now=now)) is not None]
    if not working:
        raise BadInput("key_unknown", field="kid")
    return working[0]


def actor_of(session: Session, client: ApiClient, /, *, request_id: str = "") -> Actor:
    """A client acts as a case worker of its organisation would, and within its scopes only."""
    organisation = session.get_one(Organisation, client.org_id)
    insurer = organisation.kind is OrganisationKind.INSURER
    role = Role.INSURER if insurer else Role.CHARITY_WORKER
    return Actor(id=f"client:{client.id}", role=role, org_id=client.org_id, request_id=request_id)


def list_clients(session: Session, /, *, actor: Actor, org_id: str = "") -> list[ApiClient]:
    """The organisation's own clients, or all of them for staff; what waits comes first."""
    require(actor, "client:list", org_id=org_id or None)
    rows = select(ApiClient).order_by(col(ApiClient.requested_at).desc(), col(ApiClient.id))
    if org_id:
        rows = rows.where(col(ApiClient.org_id) == org_id)
    found = list(session.exec(rows))
    return sorted(found, key=lambda client: client.state is not ClientState.ASKED)


def get_client(session: Session, client_id: str, /, *, actor: Actor) -> ApiClient:
    """One client; another organisation's looks like a missing one."""
    client = _client(session, client_id)
    require(actor, "client:list", org_id=client.org_id)
    return client


def keys_of(session: Session, client_id: str, /) -> list[ApiKey]:
    """The keys of a client, the oldest first."""
    rows = select(ApiKey).where(col(ApiKey.client_id) == client_id)
    return list(session.exec(rows.order_by(col(ApiKey.added_at), col(ApiKey.kid))))


def _client(session: Session, client_id: str, *, lock: bool = False) -> ApiClient:
    client = session.get(ApiClient, client_id, with_for_update=lock, populate_existing=lock)
    if client is None:
        raise NotFound("client")
    return client


def _record(
    session: Session,
    action: str,
    client_id: str,
    *,
    fields: Iterable[str] = (),
    rule: str = "",
    actor: Actor,
    now: datetime,
) -> None:
    entry = audit.Entry(action, object_ref=client_id, fields=list(fields), rule_id=rule)
    audit.record(session, entry, actor=actor, now=now)
