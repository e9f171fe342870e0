"""Notices as WeChat template messages.

Enters: a `Message` on the channel "wechat", its address an openid. Leaves: a `Receipt` or an `OutsideError`.
Wiring builds it. The platform answers 200 to everything and tells the truth in `errcode`; its access token lives
two hours, is kept in memory, and is fetched again when it is about to end or is refused.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote

from adapters.http import HttpClient
from adapters.messages import MessageDoor
from adapters.ports import Message, OutsideError, TryAgainLater, WillNeverWork

_TOKEN_REFUSED: Final = frozenset({40001, 40014, 42001})
_PASSING: Final = frozenset({-1, 45009, 45011})
_OUR_FAULT: Final = frozenset({40013, 40125, 40164, 41002, 41004, 48001, 50002})
_MARGIN_SECONDS: Final = 300.0


@dataclass(frozen=True, slots=True)
class WeChatTemplate:
    """A template approved on the platform: its id there, and its keyword for each of our values."""

    template_id: str
    keywords: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class WeChatSettings:
    """The official account, and its templates by our template codes."""

    app_id: str
    app_secret: str = field(repr=False)
    templates: Mapping[str, WeChatTemplate] = field(default_factory=dict)


class WeChatDoor(MessageDoor):
    """Sends template messages; the platform drops a repeated `client_msg_id`."""

    channel = "wechat"

    def __init__(
        self, client: HttpClient, settings: WeChatSettings, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._client = client
        self._settings = settings
        self._clock = clock
        self._token = ""
        self._token_ends = 0.0
        self._lock = threading.Lock()

    def _try_send(self, message: Message) -> str:
        payload = self._payload(message)
        for fresh in (False, True):
            reply = self._post(payload, token=self._access_token(fresh=fresh), key=message.idempotency_key)
            if code_of(reply) not in _TOKEN_REFUSED:
                break
        judge(code_of(reply))
        return str(reply.get("msgid", ""))

    def _payload(self, message: Message) -> dict[str, object]:
        template = self._settings.templates.get(message.template_code)
        if template is None:
            raise WillNeverWork("No WeChat template is set up for this notice.", code="no_template")
        # The platform takes 32 characters, and only for some minutes does it remember them.
        known_by = hashlib.sha256(message.idempotency_key.encode()).hexdigest()[:32]
        data = {keyword: {"value": message.params.get(name, "")} for name, keyword in template.keywords.items()}
        return {
            "touser": message.address,
            "template_id": template.template_id,
            "url": message.params.get("link", ""),
            "client_msg_id": known_by,
            "data": data,
        }

    def _post(self, payload: Mapping[str, object], *, token: str, key: str) -> dict[str, object]:
        path = f"/cgi-bin/message/template/send?access_token={quote(token, safe='')}"
        return self._client.post(path, call="template-send", payload=payload, key=key).json()

    def _access_token(self, *, fresh: bool) -> str:
        with self._lock:
            if fresh or self._clock() >= self._token_ends:
                self._fetch_token()
            return self._token

    def _fetch_token(self) -> None:
        asked = {
            "grant_type": "client_credential",
            "appid": self._settings.app_id,
            "secret": self._settings.app_secret,
        }
        reply = self._client.post("/cgi-bin/stable_token", call="token", payload=asked).json()
        judge(code_of(reply))
        token, lasts = reply.get("access_token"), reply.get("expires_in")
        if not isinstance(token, str) or not isinstance(lasts, int):
            raise TryAgainLater("The reply held no token.", code="reply_unreadable")
        self._token, self._token_ends = token, self._clock() + max(lasts - _MARGIN_SECONDS, 0.0)


def code_of(reply: Mapping[str, object], /) -> int:
    """The platform's own error code; 0 where it tells none."""
    code = reply.get("errcode", 0)
    return code if isinstance(code, int) else -1


def judge(code: int, /, *, refused: str = "address_refused") -> None:
    """Raise what an error code means; everything unknown is about what was sent and final."""
    if code == 0:
        return
    error: OutsideError
    if code in _TOKEN_REFUSED or code in _OUR_FAULT:
        error = TryAgainLater("Our credentials were refused.", code="credentials_refused", params={"status": code})
    elif code in _PASSING:
        error = TryAgainLater("The platform is busy or our quota is used up.", code="busy", params={"status": code})
    else:
        error = WillNeverWork("The platform refused what was sent.", code=refused, params={"status": code})
    raise error
