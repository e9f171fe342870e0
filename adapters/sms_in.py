"""Text messages that come in from a gateway: what one is, and the port through which they are read.

Enters and leaves: nothing; these are the shapes that `adapters.sms_inbox`, its fake and the room of answers share. The
sender and the text stay out of every `repr`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class IncomingSms:
    """One message; `seq` is the gateway's own number and grows."""

    seq: int
    sender: str = field(repr=False)
    text: str = field(repr=False)


class SmsInbox(Protocol):
    """Messages after a number, oldest first; asking twice gives the same."""

    def messages(self, *, after: int) -> tuple[IncomingSms, ...]: ...
