"""A small OpenID provider on loopback, honest unless told to lie.

Enters: requests of a browser and of our client. Leaves: metadata, keys, a code for an S256 challenge, and for that
code, once, an identity token. A `Lie` changes what it says at one place.
"""

from __future__ import annotations

import base64
import hmac
import json
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import ECKey

from tests.adapters.loopback import Answer, Asked, Loopback, as_json

CLIENT, SECRET, SUBJECT = "shanqiao", "a secret of the tests only", "staff-0007"
Claims = dict[str, Any]
KEY = ECKey.generate_key("P-256", parameters={"kid": "one"}, auto_kid=False)
STRANGER = ECKey.generate_key("P-256", parameters={"kid": "one"}, auto_kid=False)


def part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def signed(claims: Claims, *, key: Any = KEY, alg: str = "ES256", **header: Any) -> str:
    return jwt.encode({"alg": alg, "kid": "one", **header}, claims, key, algorithms=[alg])


def with_secret(secret: bytes) -> Callable[[Claims], str]:
    """Made by hand, since no library signs with a public key as a secret."""

    def make(claims: Claims) -> str:
        body = f"{part({'alg': 'HS256', 'kid': 'one'})}.{part(claims)}"
        mac = hmac.new(secret, body.encode(), sha256).digest()
        return f"{body}.{base64.urlsafe_b64encode(mac).decode().rstrip('=')}"

    return make


def unsigned(claims: Claims) -> str:
    return f"{part({'alg': 'none'})}.{part(claims)}."


def altered(claims: Claims) -> str:
    head, _, tail = signed(claims).split(".")
    return f"{head}.{part(claims | {'sub': 'somebody else'})}.{tail}"


@dataclass(frozen=True)
class Lie:
    """What is changed: claims (None takes one away), the token's making, the reply, the metadata, the way back."""

    claims: Mapping[str, Any] = field(default_factory=dict)
    token: Callable[[Claims], Any] = signed
    reply: Callable[[dict[str, Any]], Answer] = as_json
    metadata: Mapping[str, Any] = field(default_factory=dict)
    back: Mapping[str, str] = field(default_factory=dict)


class Provider:
    """The provider; `url` is its issuer."""

    def __init__(self) -> None:
        self.lie = Lie()
        self.methods: list[str] = ["pwd", "otp"]
        self.subject = SUBJECT
        self.codes: dict[str, dict[str, str]] = {}
        self.loopback = Loopback(self._answer)

    def __enter__(self) -> Provider:
        self.loopback.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self.loopback.__exit__(*error)

    @property
    def url(self) -> str:
        return self.loopback.url

    def visit(self, address: str) -> dict[str, str]:
        """A browser goes there and signs in: what it brings back in the address it is sent to."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        assert asked["response_type"] == "code"
        assert asked["client_id"] == CLIENT
        assert asked["code_challenge_method"] == "S256"
        assert asked["max_age"] == "300", "who has a session there is asked again"
        assert len(asked["state"]) >= 20
        code = secrets.token_urlsafe(16)
        self.codes[code] = asked
        back = {"code": code, "state": asked["state"], "iss": self.url} | self.lie.back
        return {name: value for name, value in back.items() if value}

    def return_address(self, address: str) -> str:
        asked = parse_qs(urlsplit(address).query)
        return f"{asked['redirect_uri'][0]}?{urlencode(self.visit(address))}"

    def _answer(self, asked: Asked) -> Answer:
        if asked.path == "/.well-known/openid-configuration":
            return as_json(self._metadata())
        if asked.path == "/keys":
            return as_json({"keys": [KEY.as_dict(private=False)]})
        if asked.path == "/token":
            return self._token(asked)
        return Answer(404)

    def _metadata(self) -> dict[str, Any]:
        honest = {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/keys",
            "id_token_signing_alg_values_supported": ["ES256"],
        }
        return honest | self.lie.metadata

    def _token(self, asked: Asked) -> Answer:
        form = {name: values[0] for name, values in parse_qs(asked.body.decode()).items()}
        began = self.codes.pop(form.get("code", ""), None)
        secret = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        digest = sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        fits = began is not None and began["code_challenge"] == challenge
        same_way = began is not None and began["redirect_uri"] == form.get("redirect_uri")
        if not (fits and same_way) or asked.headers.get("Authorization") != f"Basic {secret}" or began is None:
            return as_json({"error": "invalid_grant"}, status=400)
        reply = {"access_token": "at", "token_type": "Bearer", "id_token": self._id_token(began["nonce"])}
        return self.lie.reply(reply)

    def _id_token(self, nonce: str) -> Any:
        now = int(time.time())
        honest: Claims = {"iss": self.url, "aud": CLIENT, "sub": self.subject, "nonce": nonce}
        honest |= {"iat": now, "exp": now + 120, "amr": self.methods, "auth_time": now}
        said = {name: value for name, value in (honest | self.lie.claims).items() if value is not None}
        return self.lie.token(said)
