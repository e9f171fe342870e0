"""The other side of the message doors: an SMS gateway and a WeChat platform that answer as the real ones do.

Enters: requests of the loopback server. Leaves: replies, and the messages each has delivered, once for each key.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.adapters.loopback import Answer, Asked, as_json

Delivered = list[tuple[str, str]]


@dataclass
class SmsService:
    """Delivers each key once; numbers beginning with 0 do not exist."""

    delivered: Delivered = field(default_factory=list)
    ids: dict[str, str] = field(default_factory=dict)

    def answer(self, asked: Asked) -> Answer:
        assert asked.path == "/messages"
        message, key = asked.json, asked.headers["Idempotency-Key"]
        assert message["reference"] == key
        if message["to"].startswith("0"):
            return as_json({"error": "no such number"}, status=400)
        if key not in self.ids:
            self.ids[key] = f"sms-{len(self.ids) + 1}"
            self.delivered.append((message["to"], message["text"]))
        return as_json({"id": self.ids[key]}, status=202)


@dataclass
class WeChatPlatform:
    """Hands out tokens and delivers each message id once; answers 200 to everything, the truth in `errcode`."""

    lasts: int = 7200
    tokens: list[str] = field(default_factory=list)
    refused: set[str] = field(default_factory=set)
    next_codes: list[int] = field(default_factory=list)
    token_reply: dict[str, object] | None = None
    delivered: Delivered = field(default_factory=list)
    seen: set[str] = field(default_factory=set)

    def answer(self, asked: Asked) -> Answer:
        if asked.path == "/cgi-bin/stable_token":
            return as_json(self._token(asked))
        assert asked.path == "/cgi-bin/message/template/send"
        return as_json(self._send(asked))

    def _token(self, asked: Asked) -> dict[str, object]:
        assert asked.json == {"grant_type": "client_credential", "appid": "app", "secret": "app-secret"}
        if self.token_reply is not None:
            return self.token_reply
        self.tokens.append(f"token {len(self.tokens) + 1}")
        return {"access_token": self.tokens[-1], "expires_in": self.lasts}

    def _send(self, asked: Asked) -> dict[str, object]:
        message = asked.json
        if asked.query["access_token"][0] in self.refused:
            return {"errcode": 40001, "errmsg": "invalid credential"}
        if self.next_codes:
            return {"errcode": self.next_codes.pop(0), "errmsg": "as played"}
        if message["touser"].startswith("0"):
            return {"errcode": 40003, "errmsg": "invalid openid"}
        assert len(message["client_msg_id"]) == 32
        if message["client_msg_id"] not in self.seen:
            self.seen.add(message["client_msg_id"])
            self.delivered.append((message["touser"], message["data"]["thing1"]["value"]))
        return {"errcode": 0, "errmsg": "ok", "msgid": 200}
