"""The authorisation server: a client shows a signed assertion and gets an access token of five minutes (RFC 9068).

Enters: a request at the token address, or the text of an access token at any other. Leaves: a token, or the client
behind one; every refusal is short to the outside and told with its reason to the log. Authlib decides, behind the gate
(`sharing.gate`), with our own storage behind its callbacks: no table of its making. Called by `sharing.api`, `door`.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.integrations.flask_oauth2.requests import FlaskOAuth2Payload
from authlib.oauth2.rfc6749 import ClientMixin, OAuth2Request
from authlib.oauth2.rfc6749.errors import InvalidScopeError
from authlib.oauth2.rfc6749.grants import ClientCredentialsGrant
from authlib.oauth2.rfc6749.util import list_to_scope, scope_to_list
from authlib.oauth2.rfc7523 import JWTBearerClientAssertion
from authlib.oauth2.rfc9068.token import JWTBearerTokenGenerator
from flask import Request, Response, current_app, jsonify
from flask.sansio.app import App
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet
from sqlalchemy import delete
from sqlmodel import Session, col

from marketplace import audit
from marketplace.calendar import utc_now
from marketplace.config import Settings
from marketplace.db import flush
from marketplace.errors import Conflict
from marketplace.sharing import gate, signing
from marketplace.sharing.clients import SCOPES, actor_of, find_active, find_key
from marketplace.sharing.models_api import ApiClient, UsedToken
from marketplace.web.transactions import current_database, current_session

METHOD = "private_key_jwt"
SIGNED_BY = "key_id"
log = logging.getLogger("shanqiao.partners")


@dataclass(frozen=True)
class Known(ClientMixin):  # type: ignore[misc]  # Authlib has no types
    """An active client as Authlib wants to see it."""

    row: ApiClient
    key: ECKey
    kid: str

    def get_client_id(self) -> str:
        """Its id."""
        return self.row.id

    def get_allowed_scope(self, scope: str) -> str:
        """The part of the scope that it was granted."""
        return str(list_to_scope([word for word in scope_to_list(scope) or () if word in self.row.scopes]))

    def check_grant_type(self, grant_type: str) -> bool:
        """The only grant there is."""
        return grant_type == "client_credentials"

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        """The only way to sign in there is."""
        return bool(method == METHOD)


class Assertion(JWTBearerClientAssertion):  # type: ignore[misc]
    """The client's own signature, taken once."""

    CLIENT_AUTH_METHOD = METHOD

    def __init__(self, issuer: str) -> None:
        super().__init__(leeway=gate.SKEW_S)
        self._issuer = issuer

    def get_audiences(self) -> list[str]:
        """Our issuer name, nothing else."""
        return [self._issuer]

    def resolve_client_public_key(self, client: Known) -> ECKey:
        """The approved key that the gate's key id names; never one from the token or the network."""
        return client.key

    def validate_jti(self, claims: dict[str, Any], jti: str) -> bool:
        """Use the id up, in a transaction of its own, so that no later refusal gives it back."""
        digest, now = sha256(f"{claims['sub']}\0{jti}".encode()).hexdigest(), utc_now()
        ends = datetime.fromtimestamp(claims["exp"] + 2 * gate.SKEW_S, tz=now.tzinfo)
        try:
            with current_database().transaction() as session:
                session.execute(delete(UsedToken).where(col(UsedToken.expires_at) < now))
                session.add(UsedToken(digest=digest, expires_at=ends))
                flush(session)
                client = session.get_one(ApiClient, claims["sub"])
                entry = audit.Entry("client:sign_in", object_ref=client.id)
                audit.record(session, entry, actor=actor_of(session, client), now=now)
        except Conflict:
            return False
        return True


class Grant(ClientCredentialsGrant):  # type: ignore[misc]
    """Client credentials with a named scope: an empty one would open nothing and look like a key."""

    TOKEN_ENDPOINT_AUTH_METHODS = (METHOD,)

    def validate_requested_scope(self) -> None:
        """Every word must be known and granted, and there must be at least one."""
        words = (self.request.payload.scope or "").split()
        if not words or len(words) > len(SCOPES) or not set(words) <= set(self.client.row.scopes):
            raise InvalidScopeError()
        super().validate_requested_scope()


class Tokens(JWTBearerTokenGenerator):  # type: ignore[misc]
    """Access tokens of five minutes for one audience: ourselves."""

    def __init__(self, issuer: str, settings: Settings) -> None:
        super().__init__(issuer, alg="ES256", expires_generator=gate.LIFE_S)
        self._settings = settings

    def get_jwks(self) -> KeySet:
        """A set, so that the key's id stands in the header."""
        return KeySet([signing.key_of(self._settings, signing.ACCESS_TOKENS)])

    def get_audiences(self, client: Known, user: object, scope: str) -> str:
        """One string."""
        return str(self.issuer)

    def get_extra_claims(self, client: Known, grant_type: str, user: object, scope: str) -> dict[str, str]:
        """Which of the client's keys signed in: a token lives no longer than its key."""
        return {SIGNED_BY: client.kid}


class _Payload(FlaskOAuth2Payload):  # type: ignore[misc]
    """Only what was posted in the body counts."""

    @property
    def data(self) -> Any:
        return self._request.form


class _TokenRequest(OAuth2Request):  # type: ignore[misc]
    """The request as Authlib sees it. The settings allow plain http on this machine only, behind it is TLS."""

    def __init__(self, request: Request) -> None:
        super().__init__(request.method, "https://" + request.url.partition("://")[2], headers=request.headers)
        self._form = request.form
        self.payload = _Payload(request)

    @property
    def args(self) -> dict[str, str]:
        """Nothing is read from the address."""
        return {}

    @property
    def form(self) -> Any:
        """The posted fields."""
        return self._form


class Authority(AuthorizationServer):  # type: ignore[misc]
    """Authlib's server with our storage behind it; a token is not kept: it is short and checked at each call."""

    def __init__(self, app: App, settings: Settings) -> None:
        self.issuer = settings.base_url
        super().__init__(app, query_client=self._find, save_token=lambda token, request: None)
        self.scopes_supported = list(SCOPES)
        self.register_client_auth_method(METHOD, Assertion(self.issuer))
        self.register_token_generator("default", Tokens(self.issuer, settings))
        self.register_grant(Grant)

    def create_oauth2_request(self, request: object) -> OAuth2Request:
        """The present request, as `_TokenRequest` reads it."""
        from flask import request as present

        return _TokenRequest(present)

    def _find(self, client_id: str) -> Known | None:
        from flask import request as present

        now = utc_now()
        seen = gate.look(
            present.form.get("client_assertion"),
            types=gate.ASSERTION,
            audience=self.issuer,
            now_s=int(now.timestamp()),
        )
        session = current_session()
        client = find_active(session, client_id)
        key = find_key(session, seen.kid, client_id=client_id, now=now)
        return None if client is None or key is None else Known(client, ECKey.import_key(key.jwk), key.kid)


def install(app: App) -> None:
    """Build the server once."""
    settings: Settings = app.extensions["settings"]
    database = app.extensions["database"]
    app.extensions["authority"] = Authority(app, settings) if database is not None else None


def issue(request: Request) -> Response:
    """Answer a request for a token; what the gate refuses looks like any other wrong assertion."""
    authority: Authority = current_app.extensions["authority"]
    now_s = int(utc_now().timestamp())
    try:
        if any(len(request.form.getlist(name)) > 1 for name in request.form):
            raise gate.Malformed("field_twice")
        assertion = request.form.get("client_assertion")
        gate.look(assertion, types=gate.ASSERTION, audience=authority.issuer, now_s=now_s)
        response: Response = authority.create_token_response(request)
    except gate.Malformed as error:
        log.info("token refused at the gate: %s", error)
        return _refused()
    if response.status_code == 200:
        return response
    code = str((response.get_json(silent=True) or {}).get("error", ""))
    log.info("token refused: %s", code)
    return _refused() if code == "invalid_client" else _plain(400, code)


def _refused() -> Response:
    """The same for every assertion that was not taken, whatever was wrong with it."""
    return _plain(401, "invalid_client")


def _plain(status: int, code: str) -> Response:
    response: Response = jsonify(error=code)
    response.status_code = status
    return response


@dataclass(frozen=True, slots=True)
class Bearer:
    """Who stands behind an access token: the client as it is now, and what this token is for."""

    client: ApiClient
    scopes: frozenset[str]
    token_id: str


def bearer_of(session: Session, token: object, /, *, issuer: str, now: datetime) -> Bearer | None:
    """The client behind an access token of ours, whatever its state is; None for anything that is not one, and where
    the key that signed in for it works no more."""
    key = signing.key_of(session.info["settings"], signing.ACCESS_TOKENS)
    try:
        seen = gate.look(token, types=gate.ACCESS, audience=issuer, now_s=int(now.timestamp()))
        if seen.kid != key.kid or seen.claims["iss"] != issuer:
            raise gate.Malformed("issuer")
        jwt.decode(str(token), key, algorithms=["ES256"])
    except gate.Malformed as error:
        log.info("access token refused at the gate: %s", error)
        return None
    except JoseError as error:
        log.info("access token refused: %s", type(error).__name__)
        return None
    client = session.get(ApiClient, seen.claims["sub"])
    scopes = str(seen.claims.get("scope", "")).split()
    if client is None or seen.claims.get("client_id") != client.id or not scopes:
        return None
    if find_key(session, str(seen.claims.get(SIGNED_BY, "")), client_id=client.id, now=now) is None:
        log.info("access token refused: its key works no more")
        return None
    return Bearer(client, frozenset(scopes), seen.claims["jti"])
