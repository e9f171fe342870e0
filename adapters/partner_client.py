"""The partner's side of the API: a small typed client that signs in, calls, and repeats safely.

Enters: the address, the machine's number and its private key. Leaves: the JSON of each call, or `Refused` with the
public code. Imports nothing of the marketplace: a partner may take this file as it is. Used by the worked example.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import requests
from joserfc import jws
from joserfc.jwk import ECKey

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
LIFE_S = 120
EARLY_S = 30
TIMEOUT_S = 10


class Refused(Exception):
    """The API said no: its status and its short public code."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(f"{status} {code}")
        self.status, self.code = status, code


@dataclass(slots=True)
class PartnerClient:
    """One machine's access. `audience` is the platform's public address where it is not the one that is called."""

    address: str
    client_id: str
    key: ECKey = field(repr=False)
    scope: str
    audience: str = ""
    _http: requests.Session = field(default_factory=requests.Session, repr=False)
    _token: str = field(default="", repr=False)
    _until: float = 0.0

    def post_offer(self, offer: dict[str, Any], /, *, key: str = "") -> dict[str, Any]:
        """Post a resource."""
        return self._post("/offers", offer, key=key)

    def needs(self, purpose: str, /, *, page: int = 1) -> list[dict[str, Any]]:
        """Base cards of the needs that are matched with you for this purpose."""
        found: list[dict[str, Any]] = self._get("/needs", purpose=purpose, page=str(page))["matches"]
        return found

    def match(self, match_id: str, /, *, purpose: str) -> dict[str, Any]:
        """One match."""
        return self._get(f"/matches/{match_id}", purpose=purpose)

    def recipient(self, match_id: str, /, *, purpose: str, fields: Sequence[str] | None = None) -> dict[str, str]:
        """The consented fields, for one look; name fewer where fewer are needed."""
        body: dict[str, Any] = {"purpose": purpose} | ({} if fields is None else {"fields": list(fields)})
        return self._post(f"/matches/{match_id}/recipient", body)

    def credential(self, match_id: str, /, *, purpose: str, fields: Sequence[str] = ()) -> str:
        """A signed credential of the need behind a match under way, bound to this machine's key."""
        body: dict[str, Any] = {"purpose": purpose, "kid": self.key.thumbprint()}
        body |= {"fields": list(fields)} if fields else {}
        return str(self._post(f"/matches/{match_id}/credential", body)["credential"])

    def receipts(self, consent_id: str, /, *, purpose: str) -> list[dict[str, Any]]:
        """The signed receipts of a consent that names you."""
        found: list[dict[str, Any]] = self._get(f"/consents/{consent_id}/receipts", purpose=purpose)["receipts"]
        return found

    def accept(self, match_id: str, /, *, purpose: str, key: str = "") -> dict[str, Any]:
        """Take a match on."""
        return self._post(f"/matches/{match_id}/accept", {"purpose": purpose}, key=key)

    def decline(self, match_id: str, /, *, purpose: str, reason: str, key: str = "") -> dict[str, Any]:
        """Say no, with a code of the reasons."""
        return self._post(f"/matches/{match_id}/decline", {"purpose": purpose, "reason": reason}, key=key)

    def deliver(
        self, match_id: str, /, *, purpose: str, units: int | None = None, note: str = "", key: str = ""
    ) -> dict[str, Any]:
        """Say that the help was handed over."""
        body: dict[str, Any] = {"purpose": purpose}
        body |= {"units": units} if units is not None else {}
        body |= {"note": note} if note else {}
        return self._post(f"/matches/{match_id}/deliver", body, key=key)

    def report_aid(self, aid: Sequence[dict[str, Any]], /, *, key: str = "") -> dict[str, Any]:
        """Report aid that was given elsewhere, at most 500 pieces in one call."""
        return self._post("/aid", {"aid": list(aid)}, key=key)

    def report(
        self, match_id: str, /, *, purpose: str, outcome: str, minutes: int | None = None, key: str = ""
    ) -> dict[str, Any]:
        """Say what came of a delivery, with a code of the results; once for each match."""
        body: dict[str, Any] = {"purpose": purpose, "outcome": outcome}
        body |= {"minutes": minutes} if minutes is not None else {}
        return self._post(f"/matches/{match_id}/result", body, key=key)

    def deletion_orders(self) -> list[dict[str, Any]]:
        """What has to be deleted, and by when."""
        found: list[dict[str, Any]] = self._get("/deletion-orders")["orders"]
        return found

    def attest(self, order_id: str, /, *, key: str = "") -> dict[str, Any]:
        """Say that it was deleted."""
        return self._post(f"/deletion-orders/{order_id}/attest", {}, key=key)

    def _get(self, path: str, **query: str) -> dict[str, Any]:
        return self._read(self._http.get(self._url(path), params=query, headers=self._headers(), timeout=TIMEOUT_S))

    def _post(self, path: str, body: dict[str, Any], *, key: str = "") -> dict[str, Any]:
        headers = {**self._headers(), "Idempotency-Key": key or secrets.token_hex(16)}
        return self._read(self._http.post(self._url(path), json=body, headers=headers, timeout=TIMEOUT_S))

    def _url(self, path: str) -> str:
        return f"{self.address.rstrip('/')}/api/v1{path}"

    def _headers(self) -> dict[str, str]:
        if time.time() > self._until:
            self._sign_in()
        return {"Authorization": f"Bearer {self._token}"}

    def _sign_in(self) -> None:
        form = {
            "grant_type": "client_credentials",
            "scope": self.scope,
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": self._assertion(),
        }
        told = self._read(self._http.post(self._url("/token"), data=form, timeout=TIMEOUT_S))
        self._token, self._until = told["access_token"], time.time() + told["expires_in"] - EARLY_S

    def _assertion(self) -> str:
        now = int(time.time())
        claims = {
            "iss": self.client_id,
            "sub": self.client_id,
            "aud": self.audience or self.address,
            "iat": now,
            "exp": now + LIFE_S,
            "jti": secrets.token_hex(16),
        }
        header = {"alg": "ES256", "typ": "client-authentication+jwt", "kid": self.key.thumbprint()}
        return jws.serialize_compact(header, json.dumps(claims).encode(), self.key, algorithms=["ES256"])

    @staticmethod
    def _read(answer: requests.Response) -> dict[str, Any]:
        told: dict[str, Any] = answer.json()
        if not answer.ok:
            raise Refused(answer.status_code, str(told.get("error", "")))
        return told
