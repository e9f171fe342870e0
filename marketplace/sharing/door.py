"""The door of every address of the partner API: token, client, scope, role, the day's reads, repeats; then the view.

Enters: a view with the scope and action it needs. Leaves: its JSON, or a short public code; who was let in or refused
is written down. Called by the `api` modules of the rooms. A machine never uses a cookie, and a cookie opens nothing
here.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from hashlib import sha256
from typing import Any, ParamSpec, cast

from flask import Response, current_app, g, jsonify, request
from flask.typing import ResponseReturnValue
from sqlmodel import Session, col, select

from marketplace import audit, policy
from marketplace.actors import PUBLIC, Actor
from marketplace.calendar import local_day, utc_now
from marketplace.config import Settings
from marketplace.consent.models import Purpose
from marketplace.db import flush
from marketplace.errors import BadInput, Conflict, ConsentMissing, DomainError, NotAllowed, NotFound, WrongState
from marketplace.sharing.authority import Bearer, bearer_of
from marketplace.sharing.clients import SCOPES, actor_of, find_active
from marketplace.sharing.models_api import KeptReply, ReadCount
from marketplace.sharing.pipeline import Facts, rule
from marketplace.sharing.shapes import LARGEST, Shape, check
from marketplace.web.transactions import current_database, current_session, record_refusal, writes

P = ParamSpec("P")
LONGEST_KEY = 64


class NoToken(NotAllowed):
    """There is no token of ours: 401, and nothing is said of why."""

    code = "unauthenticated"


class TooMany(NotAllowed):
    """The organisation has read its share for this day and purpose: 429."""

    code = "quota_used"


@dataclass(frozen=True, slots=True)
class Need:
    """What an address needs and promises: a scope of the token, an action of the matrix, a key for repeats, a purpose,
    the shape of the body and of the answer."""

    scope: str
    action: str
    repeats: bool = False
    purpose: bool = False
    takes: Shape | None = None
    gives: Shape | None = None


def scoped(
    scope: str,
    /,
    *,
    action: str,
    repeats: bool = False,
    purpose: bool = False,
    takes: Shape | None = None,
    gives: Shape | None = None,
) -> Callable[[Callable[P, ResponseReturnValue]], Callable[P, Response]]:
    """Open a view to machines whose token carries `scope` and whose role the matrix allows `action`. With `repeats` an
    Idempotency-Key is needed and the same request gets the same reply; with `purpose` one has to be named."""
    if scope not in SCOPES or action not in policy.matrix():
        raise ValueError(f"{scope} or {action} is unknown")
    need = Need(scope, action, repeats, purpose, takes, gives)

    def wrap(view: Callable[P, ResponseReturnValue]) -> Callable[P, Response]:
        @wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> Response:
            g.actor = PUBLIC
            try:
                _let_in(need)
                inner = _once(view) if need.repeats else view
                return writes(inner)(*args, **kwargs)
            except DomainError as error:
                return _refused(need, error)

        marked = cast(Any, guarded)
        marked.guarded_action, marked.guarded_scope, marked.need = action, scope, need
        return guarded

    return wrap


def _let_in(need: Need) -> None:
    """The first four questions of the pipeline, asked before any row is looked for."""
    session, now = current_session(), utc_now()
    settings: Settings = current_app.extensions["settings"]
    bearer = bearer_of(session, _token(), issuer=settings.base_url, now=now)
    if bearer is None:
        raise NoToken()
    active = find_active(session, bearer.client.id) is not None
    actor = actor_of(session, bearer.client, request_id=bearer.token_id[:64])
    scoped_in = need.scope in bearer.scopes and need.scope in bearer.client.scopes
    ruling = rule(
        Facts(
            now=now,
            org_id=actor.org_id,
            purpose="",
            client_active=active,
            scope_granted=scoped_in,
            role_allowed=policy.may(actor, need.action).allow,
        )
    )
    if ruling.reason in ("CLIENT_SUSPENDED", "SCOPE", "ROLE"):
        error = NotAllowed(ruling.reason.lower())
        entry = audit.Entry("share:deny", object_ref=bearer.client.id, decision="deny", rule_id=ruling.reason)
        error.denied = (entry, actor)
        raise error
    g.actor, g.bearer = actor, bearer
    if need.takes is not None:
        check(body(), need.takes)
    if need.purpose:
        g.purpose = named_purpose()
        _refuse_used_up(session)


def _token() -> str:
    kind, _space, token = request.headers.get("Authorization", "").partition(" ")
    return token if kind.lower() == "bearer" else ""


def current_bearer() -> Bearer:
    """Who makes this call."""
    return cast(Bearer, g.bearer)


def body() -> dict[str, Any]:
    """The JSON object of this request; BadInput for anything else."""
    raw = request.get_data(cache=True)
    if not raw:
        return {}
    try:
        value = json.loads(raw, parse_float=_number)
    except (ValueError, RecursionError) as error:
        raise BadInput("json", field="body") from error
    if not isinstance(value, dict):
        raise BadInput("json", field="body")
    return value


def _number(written: str) -> int | float:
    """What JSON calls an integer is one, however it is written: 4.0 and 4e0 are 4."""
    value = float(written)
    return int(value) if value.is_integer() and abs(value) <= LARGEST else value


def named_purpose() -> str:
    """What this call is for; no read goes without."""
    value = request.args.get("purpose", "") if request.method == "GET" else body().get("purpose", "")
    if not value:
        raise BadInput("purpose_missing", field="purpose")
    if value not in set(Purpose):
        raise BadInput("purpose_unknown", field="purpose")
    return value


def count_reads(rows: int, /) -> None:
    """Add rows to the organisation's day for this purpose; TooMany above its share. A GET counts in a transaction of
    its own, a POST in the one that it writes."""
    if request.method != "GET":
        _count(current_session(), rows)
        return
    with current_database().transaction() as session:
        _count(session, rows)


def _count(session: Session, rows: int) -> None:
    settings: Settings = current_app.extensions["settings"]
    org_id, on = current_bearer().client.org_id, local_day(utc_now())
    if add_reads(session, org_id, purpose=g.purpose, rows=rows, on=on) > settings.partner_daily_reads:
        raise TooMany()


def _refuse_used_up(session: Session) -> None:
    """A day that is used up is used up for everything, so that guessing ids is counted like reading."""
    settings: Settings = current_app.extensions["settings"]
    found = session.get(ReadCount, (current_bearer().client.org_id, local_day(utc_now()), g.purpose))
    if found is not None and found.count >= settings.partner_daily_reads:
        raise TooMany()


def add_reads(session: Session, org_id: str, /, *, purpose: str, rows: int, on: Any) -> int:
    """The day's count after these rows; the row is locked until the transaction ends."""
    key = (org_id, on, purpose)
    found = session.get(ReadCount, key, with_for_update=True) or ReadCount(org_id=org_id, on=on, purpose=purpose)
    found.count += rows
    session.add(found)
    flush(session)
    return found.count


def record_list(what: str, count: int, /, *, fields: Sequence[str] = ("base_card",)) -> None:
    """Write down that base cards without identity, or papers, were listed, for which purpose and how many."""
    actor: Actor = g.actor
    entry = audit.Entry(
        "share:list",
        object_ref=what,
        purpose=g.purpose,
        decision="permit",
        rule_id="OK",
        fields=list(fields),
        body={"rows": count},
    )
    with current_database().transaction() as session:
        audit.record(session, entry, actor=actor, now=utc_now())


def _once(view: Callable[P, ResponseReturnValue]) -> Callable[P, ResponseReturnValue]:
    """Run the view once for each key of a client; the same request again gets the kept reply, another one 422."""

    @wraps(view)
    def inside(*args: P.args, **kwargs: P.kwargs) -> ResponseReturnValue:
        session, key = current_session(), request.headers.get("Idempotency-Key", "")
        if not key or len(key) > LONGEST_KEY or not key.isascii() or not key.isprintable():
            raise BadInput("idempotency_key", field="Idempotency-Key")
        client_id = current_bearer().client.id
        said = sha256(f"{request.method} {request.path}\0".encode() + request.get_data()).hexdigest()
        kept = session.exec(
            select(KeptReply).where(col(KeptReply.client_id) == client_id, col(KeptReply.key) == key).with_for_update()
        ).one_or_none()
        if kept is not None:
            if kept.request_sha256 != said:
                raise BadInput("idempotency_reused", field="Idempotency-Key")
            return jsonify(kept.reply), kept.status
        kept = KeptReply(client_id=client_id, key=key, request_sha256=said, at=utc_now())
        session.add(kept)
        flush(session)
        response = current_app.make_response(view(*args, **kwargs))
        kept.status, kept.reply = response.status_code, response.get_json()
        session.add(kept)
        flush(session)
        return response

    return inside


def _refused(need: Need, error: DomainError) -> Response:
    """A short public code; the refusal of a known client is written into the audit chain."""
    bearer: Bearer | None = g.get("bearer")
    if bearer is not None and error.denied is None and isinstance(error, NotFound | NotAllowed | ConsentMissing):
        reason = "TENANT" if isinstance(error, NotFound) else REASONS.get(error.code, error.code.upper()[:32])
        asked: dict[str, Any] = {"object_ref": bearer.client.id, "purpose": str(g.get("purpose", ""))[:32]}
        entry = audit.Entry("share:deny", decision="deny", rule_id=reason, **asked)
        error.denied = (entry, g.actor)
    record_refusal(error)
    guesses = isinstance(error, NotFound) or error.code in REASONS
    if guesses and "purpose" in g:
        with current_database().transaction() as session:
            add_reads(session, current_bearer().client.org_id, purpose=g.purpose, rows=1, on=local_day(utc_now()))
    status = STATUS.get(error.code) or next((code for kind, code in KINDS if isinstance(error, kind)), 403)
    public = "not_found" if status == 404 else error.code
    response = jsonify(error=public, **({"field": error.facts["field"]} if "field" in error.facts else {}))
    response.status_code = status
    if status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


REASONS = {"purpose_not_consented": "PURPOSE"}
"""What a machine tried that holds a living match: as dear as guessing a number, and a row of the log."""
STATUS = {"unauthenticated": 401, "quota_used": 429, "idempotency_key": 400, "json": 400, "purpose_missing": 400}
KINDS: tuple[tuple[type[DomainError], int], ...] = (
    (NotFound, 404),
    (BadInput, 422),
    (NotAllowed, 403),
    (WrongState, 409),
    (Conflict, 409),
)
