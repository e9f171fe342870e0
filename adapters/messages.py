"""Notices on their way out: the one way of sending, an SMS gateway, a console, and the choice between doors.

Enters: a `Message`. Leaves: a `Receipt`, or `TryAgainLater` or `WillNeverWork`. The outbox of the marketplace
calls it through `Messenger`; `adapters.mail` and `adapters.wechat` hold the other doors. Every door sends through
one method that times and logs around `_try_send`; logs hold the channel, the template, the outcome and the time
taken, never an address or a text.
"""

from __future__ import annotations

import logging
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Final, TextIO

from adapters.http import HttpClient, Patience
from adapters.ports import Channel, Message, Messenger, OutsideError, Receipt, WillNeverWork

log = logging.getLogger(__name__)

LONGEST_REFERENCE: Final = 64
# The outbox tries again by itself and lends a message out for half a minute: a gateway must answer well within it.
OUTBOX_PATIENCE: Final = Patience(attempts=2, connect=3.0, read=5.0, whole=8.0, longest_wait=2.0)


class MessageDoor(ABC):
    """The one way of sending: check the channel, try, time, log."""

    channel: Channel

    def send(self, message: Message, /) -> Receipt:
        """Send once; whether to try again is the outbox's to decide."""
        started, outcome = time.monotonic(), "crashed"
        try:
            if message.channel != self.channel:
                raise WillNeverWork("The message is for another channel.", code="wrong_channel")
            receipt = Receipt(channel=self.channel, reference=self._try_send(message)[:LONGEST_REFERENCE])
            outcome = "sent"
        except OutsideError as error:
            outcome = error.code
            raise
        finally:
            self._log(message, outcome=outcome, started=started)
        return receipt

    @abstractmethod
    def _try_send(self, message: Message) -> str:
        """Hand the message over and return the other side's name for it."""

    def _log(self, message: Message, *, outcome: str, started: float) -> None:
        level = logging.INFO if outcome == "sent" else logging.WARNING
        taken = (time.monotonic() - started) * 1000
        words = (message.channel, message.template_code, message.idempotency_key, outcome, taken)
        log.log(level, "channel=%s template=%s key=%s outcome=%s ms=%.0f", *words)


class ConsoleDoor(MessageDoor):
    """Writes the message to a stream, its address half hidden: for trying things without any gateway.

    It may stand in for another channel. Without a stream it only counts.
    """

    def __init__(self, stream: TextIO | None, *, channel: Channel = "console") -> None:
        self.channel = channel
        self._stream = stream
        self._count = 0

    def _try_send(self, message: Message) -> str:
        self._count += 1
        if self._stream:
            hidden = f"{message.address[:2]}…{message.address[-2:]}"
            self._stream.write(f"[{message.template_code} → {hidden}] {message.subject}\n{message.body}\n")
            self._stream.flush()
        return f"console-{self._count}"


class SmsGateway(MessageDoor):
    """An SMS gateway with a JSON interface: POST /messages, the idempotency key in the header and as reference."""

    channel = "sms"

    def __init__(self, client: HttpClient) -> None:
        self._client = client

    def _try_send(self, message: Message) -> str:
        payload = {
            "to": message.address,
            "template": message.template_code,
            "params": dict(message.params),
            "text": message.body,
            "reference": message.idempotency_key,
        }
        reply = self._client.post("/messages", call="send", payload=payload, key=message.idempotency_key).json()
        return str(reply.get("id") or message.idempotency_key)


class Switchboard:
    """Hands each message to the door of its channel; a channel without a door is refused for good."""

    def __init__(self, doors: Mapping[Channel, Messenger]) -> None:
        self._doors = dict(doors)

    def send(self, message: Message, /) -> Receipt:
        """Send by the message's channel."""
        door = self._doors.get(message.channel)
        if door is None:
            raise WillNeverWork("No way of sending is set up for this channel.", code="no_such_channel")
        return door.send(message)
