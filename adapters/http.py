"""One way of speaking HTTP, for every door that does.

Enters: a call with a name for the log, a path and plain values. Leaves: a `Reply`, or `TryAgainLater` or
`WillNeverWork`. The registry and the message gateways call it. It waits for nobody for ever, follows no
redirect, reads no more than it must, and repeats a call only a few times; what it logs is the door, the call,
the outcome and the time taken, never a body, an address or a key.
"""

from __future__ import annotations

import json
import logging
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

import requests

from adapters.ports import OutsideError, TryAgainLater, WillNeverWork
from adapters.whole import WholeCall

log = logging.getLogger(__name__)
# The transport would write whole addresses, with the keys some gateways put into them, at the lower levels.
logging.getLogger("urllib3.connectionpool").setLevel(logging.ERROR)

_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})
# 409 says that the first try with the same key is still being worked on.
_BUSY: Final = frozenset({408, 409, 425, 429})
_OUR_FAULT: Final = "credentials_refused"
_MOST_BYTES: Final = 10_000_000
_CHUNK: Final = 65_536


@dataclass(frozen=True, slots=True)
class Patience:
    """How long one call may take: attempts with their timeouts, and the waits between, in seconds. One
    attempt ends after `whole`, however slowly its reply drips."""

    attempts: int = 4
    connect: float = 5.0
    read: float = 15.0
    whole: float = 60.0
    first_wait: float = 0.5
    longest_wait: float = 20.0


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back, with its body kept out of sight."""

    status: int
    body: bytes = field(repr=False)

    def json(self) -> dict[str, object]:
        """Read the body as a JSON object; a page of some gateway in between is no answer."""
        try:
            value = json.loads(self.body)
        except ValueError:
            value = None
        if not isinstance(value, dict):
            raise TryAgainLater("The reply was not a JSON object.", code="reply_unreadable")
        return value


class Credential(Protocol):
    """Puts its proof on a request, and can be told that the proof was refused."""

    def __call__(self, request: requests.PreparedRequest, /) -> requests.PreparedRequest: ...

    def forget(self) -> None: ...


class HttpClient:
    """Calls one outside system. Everything asked through it may safely be asked twice."""

    def __init__(
        self,
        name: str,
        base_url: str,
        *,
        patience: Patience | None = None,
        credential: Credential | None = None,
        headers: Mapping[str, str] | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._name = name
        self._base = safe_base(base_url)
        self._patience = patience or Patience()
        self._whole = WholeCall(self._patience.whole)
        self._credential = credential
        self._sleep = sleep
        self._session = requests.Session()
        # Neither a proxy nor a password of the machine's user may slip in.
        self._session.trust_env = False
        self._session.headers.update({"Accept": "application/json", **(headers or {})})

    def get(self, path: str, *, call: str, params: Mapping[str, str] | None = None) -> Reply:
        """Ask for something."""
        return self._call("GET", path, call, {"params": params})

    def post(self, path: str, *, call: str, payload: object, key: str | None = None) -> Reply:
        """Tell something; `key` lets the other side know a repetition. Without it, repeating must be harmless."""
        headers = {"Idempotency-Key": key} if key else {}
        return self._call("POST", path, call, {"json": payload, "headers": headers})

    def _call(self, method: str, path: str, call: str, sent: Mapping[str, Any]) -> Reply:
        attempt = 0
        while True:
            attempt += 1
            started = time.monotonic()
            try:
                reply = self._whole.ask(partial(self._once, method, path, sent))
            except OutsideError as error:
                self._log(call, attempt, outcome=error.code, started=started)
                wait = self._wait_after(error, attempt)
                if wait is None:
                    raise
                self._sleep(wait)
            else:
                self._log(call, attempt, outcome="ok", started=started)
                return reply

    def _once(self, method: str, path: str, sent: Mapping[str, Any]) -> Reply:
        patience = (self._patience.connect, self._patience.read)
        # Errors of the transport hold the whole address, so they are not kept as causes.
        try:
            with self._session.request(
                method,
                self._base + path,
                auth=self._credential,
                timeout=patience,
                allow_redirects=False,
                stream=True,
                **sent,
            ) as response:
                self._judge(response)
                return Reply(status=response.status_code, body=_body(response))
        except requests.Timeout:
            raise TryAgainLater("The reply took too long.", code="timeout") from None
        except requests.RequestException:
            raise TryAgainLater("No reply came.", code="no_reply") from None

    def _judge(self, response: requests.Response) -> None:
        status = response.status_code
        if 200 <= status < 300:
            return
        params = {"status": status}
        if status == 401 and self._credential:
            self._credential.forget()
            raise TryAgainLater("The token was refused.", code="token_refused", params=params)
        if status in (401, 403):
            # Ours to mend, and then the very same call will do.
            raise TryAgainLater("Our credentials were refused.", code=_OUR_FAULT, params=params)
        if status in _BUSY or status >= 500:
            asked = seconds_asked(response.headers.get("Retry-After"), now=datetime.now(UTC))
            code = "busy" if status < 500 else "server_fault"
            raise TryAgainLater("The other side could not do it now.", code=code, params=params, after_seconds=asked)
        raise WillNeverWork("The other side refused the request.", code="request_refused", params=params)

    def _wait_after(self, error: OutsideError, attempt: int) -> float | None:
        """Seconds until the next attempt, or None when there shall be none."""
        if not isinstance(error, TryAgainLater) or error.code == _OUR_FAULT or attempt >= self._patience.attempts:
            return None
        asked = error.after_seconds or 0.0
        if asked > self._patience.longest_wait:
            return None
        grown = min(self._patience.first_wait * 2.0 ** (attempt - 1), self._patience.longest_wait)
        return max(asked, grown * random.uniform(0.5, 1.0))

    def _log(self, call: str, attempt: int, *, outcome: str, started: float) -> None:
        level = logging.INFO if outcome == "ok" else logging.WARNING
        taken = (time.monotonic() - started) * 1000
        log.log(level, "door=%s call=%s attempt=%d outcome=%s ms=%.0f", self._name, call, attempt, outcome, taken)


def safe_base(url: str) -> str:
    """Accept the address of an outside system: https, or plain http on this machine; no password in it.

    >>> safe_base("https://sms.example.test/v1/")
    'https://sms.example.test/v1'
    """
    parts = urlsplit(url)
    encrypted = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
    if not (encrypted and parts.hostname) or "@" in parts.netloc or parts.query or parts.fragment:
        raise ValueError("An outside address must be https://host/path, without a password or query in it.")
    return url.rstrip("/")


def seconds_asked(value: str | None, *, now: datetime) -> float | None:
    """Read a Retry-After header: seconds, or a date; anything else asks for nothing.

    >>> from datetime import datetime, UTC
    >>> seconds_asked("Mon, 23 Nov 2026 08:00:30 GMT", now=datetime(2026, 11, 23, 8, tzinfo=UTC))
    30.0
    """
    if value is None:
        return None
    if value.strip().isdecimal():
        return float(value)
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    return max((moment.replace(tzinfo=moment.tzinfo or UTC) - now).total_seconds(), 0.0)


def _body(response: requests.Response) -> bytes:
    parts, length = [], 0
    for part in response.iter_content(_CHUNK):
        length += len(part)
        if length > _MOST_BYTES:
            raise WillNeverWork("The reply was too large.", code="reply_too_large")
        parts.append(part)
    return b"".join(parts)
