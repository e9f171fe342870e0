"""A civil-affairs register on loopback: OAuth2 client credentials, pages of needs, states and aid taken once a key.

Enters: needs as plain values, and faults of `Loopback`. Leaves: what was told back. Tests use it; run as a module
(`python -m tests.adapters.civil_affairs_server`) it serves a few made-up needs until interrupted, for trying the
pull command by hand.
"""

from __future__ import annotations

import base64
import sys
import threading
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, unquote

from adapters.registry import RegistrySettings
from tests.adapters.loopback import Answer, Asked, Loopback, as_json

CLIENT_ID, CLIENT_SECRET = "shanqiao", "register-secret"


class CivilAffairsServer:
    """The register; `refused` tokens are dead, `lasts` is how long new ones live."""

    def __init__(self, needs: Sequence[Mapping[str, Any]] = (), *, page_size: int = 2, lasts: int = 300) -> None:
        self.needs = list(needs)
        self.page_size, self.lasts = page_size, lasts
        self.tokens: list[str] = []
        self.refused: set[str] = set()
        self.states: list[dict[str, Any]] = []
        self.aid: list[dict[str, Any]] = []
        self._done: dict[str, tuple[bytes, Answer]] = {}
        self._lock = threading.Lock()
        self.web = Loopback(self._answer)

    @property
    def settings(self) -> RegistrySettings:
        return RegistrySettings(self.web.url, f"{self.web.url}/token", CLIENT_ID, CLIENT_SECRET)

    def __enter__(self) -> Self:
        self.web.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.web.__exit__(kind, error, at)

    def _answer(self, asked: Asked) -> Answer:
        with self._lock:
            if asked.path == "/token":
                return self._token(asked)
            token = asked.headers.get("Authorization", "").removeprefix("Bearer ")
            if token not in self.tokens or token in self.refused:
                return as_json({"error": "invalid_token"}, status=401)
            if (asked.method, asked.path) == ("GET", "/needs"):
                return self._page(asked.query.get("cursor", ["0"])[0])
            return self._once(asked)

    def _token(self, asked: Asked) -> Answer:
        shown = base64.b64decode(asked.headers.get("Authorization", "").removeprefix("Basic ")).decode()
        if shown != f"{CLIENT_ID}:{CLIENT_SECRET}":
            return as_json({"error": "invalid_client"}, status=401)
        assert parse_qs(asked.body.decode())["grant_type"] == ["client_credentials"]
        self.tokens.append(f"t-{len(self.tokens) + 1}")
        return as_json({"access_token": self.tokens[-1], "token_type": "Bearer", "expires_in": self.lasts})

    def _page(self, cursor: str) -> Answer:
        start = int(cursor) if cursor.isdecimal() else -1
        if not 0 <= start <= len(self.needs):
            return as_json({"error": "unknown cursor"}, status=400)
        end = min(start + self.page_size, len(self.needs))
        return as_json({"needs": self.needs[start:end], "cursor": str(end), "more": end < len(self.needs)})

    def _once(self, asked: Asked) -> Answer:
        """The same key with the same body gets the same reply and changes nothing; with another body, 422."""
        key = asked.headers.get("Idempotency-Key")
        if key is None:
            return as_json({"error": "key missing"}, status=400)
        body, reply = self._done.get(key, (None, None))
        if reply is not None:
            return reply if body == asked.body else as_json({"error": "key reused"}, status=422)
        reply = self._write(asked)
        if reply.status < 300:
            self._done[key] = asked.body, reply
        return reply

    def _write(self, asked: Asked) -> Answer:
        parts = asked.path.split("/")
        told = asked.json
        if len(parts) == 4 and parts[1] == "needs" and parts[3] == "state":
            told["need_source_id"] = unquote(parts[2])
        kept = self.aid if asked.path == "/aid" else self.states
        if all(need["source_id"] != told.get("need_source_id") for need in self.needs):
            return as_json({"error": "unknown need"}, status=404)
        kept.append(told)
        return as_json({}, status=201)


def sample_need(number: int) -> dict[str, Any]:
    """One made-up need as the register tells it."""
    return {
        "source_id": f"CA/2026 {number}",
        "household_ref": f"H-{number}",
        "head_name": "王小明",
        "head_id_number": "509900199003070013",
        "members": 3,
        "category": "food",
        "unit": "fen",
        "gap": 50_000,
        "urgency": 2,
        "valid_from": "2026-11-01",
        "valid_to": "2027-02-01",
        "verification_level": 3,
        "referral_reason": "STILL_IN_NEED",
        "health_note": "",
        "internal_number": 7,
    }


if __name__ == "__main__":
    with CivilAffairsServer([sample_need(number) for number in range(1, 6)]) as server:
        sys.stdout.write(f"{server.settings.base_url} client {CLIENT_ID} secret {CLIENT_SECRET}\n")
        sys.stdout.flush()
        threading.Event().wait()
