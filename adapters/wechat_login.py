"""Who opened our one page within WeChat: the code of its shell, exchanged for the reader's number.

Enters: a client of the platform, the programme's id and secret, and a code. Leaves: the openid or an `OutsideError`.
The key of the reader's WeChat session comes in the same answer; it is not read, because nothing here needs it. The
platform answers 200 to everything and tells the truth in `errcode`. Wiring builds it.
"""

from __future__ import annotations

from typing import Final

from adapters.http import HttpClient
from adapters.ports import WillNeverWork
from adapters.wechat import code_of, judge

LONGEST: Final = 128


class WeChatLogin:
    """The platform over HTTP; see `adapters.openid.OpenIdDoor`."""

    def __init__(self, client: HttpClient, *, app_id: str, app_secret: str) -> None:
        self._client, self._app_id, self._app_secret = client, app_id, app_secret

    def openid_of(self, code: str, /) -> str:
        """Exchange the code."""
        if not 1 <= len(code) <= LONGEST or not code.isascii() or not code.isprintable():
            raise WillNeverWork("This is no code of the platform.", code="code_refused")
        asked = {
            "appid": self._app_id,
            "secret": self._app_secret,
            "js_code": code,
            "grant_type": "authorization_code",
        }
        reply = self._client.get("/sns/jscode2session", call="code-to-openid", params=asked).json()
        judge(code_of(reply), refused="code_refused")
        openid = reply.get("openid")
        if not isinstance(openid, str) or not 1 <= len(openid) <= LONGEST:
            raise WillNeverWork("The platform's answer is not as agreed.", code="page_not_as_agreed")
        return openid
