"""The inbox of an SMS gateway over HTTP.

Enters: a client of the gateway. Leaves: messages after a number, oldest first. `GET /inbox?after=N` answers
``{"messages": [{"seq": 1, "from": "138…", "text": "1 12345678"}]}``.
"""

from __future__ import annotations

from typing import Any

from adapters.http import HttpClient
from adapters.ports import WillNeverWork
from adapters.sms_in import IncomingSms

LONGEST = 500


class SmsInboxDoor:
    """The gateway over HTTP."""

    def __init__(self, client: HttpClient) -> None:
        self._client = client

    def messages(self, *, after: int) -> tuple[IncomingSms, ...]:
        """Read what came in after a number."""
        told = self._client.get("/inbox", call="sms-inbox", params={"after": str(after)}).json()
        rows = told.get("messages") if isinstance(told, dict) else None
        if not isinstance(rows, list):
            raise WillNeverWork("The gateway's answer is not as agreed.", code="page_not_as_agreed")
        return tuple(sorted((_message(row) for row in rows), key=lambda one: one.seq))


def _message(row: Any) -> IncomingSms:
    seq, sender, text = (row.get(name) for name in ("seq", "from", "text")) if isinstance(row, dict) else (None,) * 3
    if not isinstance(seq, int) or not isinstance(sender, str) or not isinstance(text, str):
        raise WillNeverWork("The gateway's answer is not as agreed.", code="page_not_as_agreed")
    return IncomingSms(seq, sender[:20], text[:LONGEST])
