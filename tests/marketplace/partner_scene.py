"""A partner's machine for tests: its key, its client let in by two people, its assertions, tokens and calls."""

from __future__ import annotations

import json
import secrets
import time
from dataclasses import dataclass, field
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from joserfc import jws
from joserfc.jwk import ECKey
from sqlmodel import Session

from marketplace.actors import Actor, Role
from marketplace.calendar import utc_now
from marketplace.organisations.models import Organisation
from marketplace.sharing import clients

FIRST = Actor(id="approver-1", role=Role.APPROVER)
SECOND = Actor(id="security-1", role=Role.SECURITY_ADMIN)
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ALL = clients.SCOPES


@dataclass
class Machine:
    """One client of an organisation and its private key."""

    org_id: str
    key: ECKey = field(default_factory=lambda: ECKey.generate_key("P-256"))
    client_id: str = ""
    issuer: str = "http://127.0.0.1:8000"

    def public(self) -> str:
        return json.dumps(self.key.as_dict(private=False))

    def claims(self, **over: Any) -> dict[str, Any]:
        now = int(time.time())
        claims = {
            "iss": self.client_id,
            "sub": self.client_id,
            "aud": self.issuer,
            "iat": now,
            "exp": now + 120,
            "jti": secrets.token_hex(12),
        }
        return {**claims, **over}

    def header(self, **over: Any) -> dict[str, Any]:
        return {"alg": "ES256", "typ": "client-authentication+jwt", "kid": self.key.thumbprint(), **over}

    def assertion(self, **over: Any) -> str:
        body = json.dumps(self.claims(**over)).encode()
        return jws.serialize_compact(self.header(), body, self.key, algorithms=["ES256"])

    def form(self, scope: str = " ".join(ALL), *, assertion: str = "") -> dict[str, str]:
        return {
            "grant_type": "client_credentials",
            "scope": scope,
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": assertion or self.assertion(),
        }

    def token(self, client: FlaskClient, scope: str = " ".join(ALL)) -> str:
        answer = client.post("/api/v1/token", data=self.form(scope))
        assert answer.status_code == 200, answer.text
        return str(answer.json["access_token"])

    def caller(self, app: Flask, scope: str = " ".join(ALL)) -> Caller:
        client = app.test_client()
        return Caller(client, self.token(client, scope))


@dataclass
class Caller:
    """A test client with a token."""

    client: FlaskClient
    token: str

    def get(self, path: str) -> Any:
        return self.client.get(f"/api/v1{path}", headers={"Authorization": f"Bearer {self.token}"})

    def post(self, path: str, body: Any, *, key: str = "") -> Any:
        headers = {"Authorization": f"Bearer {self.token}", "Idempotency-Key": key or secrets.token_hex(8)}
        return self.client.post(f"/api/v1{path}", json=body, headers=headers)


def let_in(
    session: Session, organisation: Organisation, *, scopes: tuple[str, ...] = ALL, webhook: str = ""
) -> Machine:
    """A client that the organisation asked for and two people let in."""
    machine = Machine(organisation.id)
    manager = Actor(id=f"manager-of-{organisation.id}", role=Role.GIVER_ADMIN, org_id=organisation.id)
    client = clients.ask_client(
        session,
        organisation.id,
        title="Our stock system",
        scopes=scopes,
        jwk=machine.public(),
        webhook_url=webhook,
        actor=manager,
        now=utc_now(),
    )
    machine.client_id = client.id
    for person in (FIRST, SECOND):
        clients.approve_client(session, client.id, actor=person, now=utc_now())
    return machine
