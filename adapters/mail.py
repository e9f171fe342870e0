"""Notices by e-mail over SMTP.

Enters: a `Message` on the channel "email". Leaves: a `Receipt` or an `OutsideError`. Wiring builds it. SMTP has
no idempotency key, so the key becomes the Message-ID: whatever is sent twice after a lost reply is one letter
to every mail program that looks at it.
"""

from __future__ import annotations

import hashlib
import smtplib
import ssl
from contextlib import suppress
from dataclasses import dataclass, field
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import formatdate
from functools import partial
from typing import Literal

from adapters.messages import MessageDoor
from adapters.ports import Message, OutsideError, TryAgainLater, WillNeverWork
from adapters.whole import WholeCall


@dataclass(frozen=True, slots=True)
class SmtpSettings:
    """Where and as whom to send. `tls`: from the start, after STARTTLS, or none (own machine only)."""

    host: str
    port: int
    sender: str
    tls: Literal["start", "starttls", "none"] = "starttls"
    username: str = ""
    password: str = field(default="", repr=False)
    timeout_seconds: float = 8.0
    whole_seconds: float = 20.0


class SmtpDoor(MessageDoor):
    """Sends plain-text letters, each over its own connection."""

    channel = "email"

    def __init__(self, settings: SmtpSettings, *, trust: ssl.SSLContext | None = None) -> None:
        self._settings = settings
        self._trust = trust or ssl.create_default_context()
        self._whole = WholeCall(settings.whole_seconds)

    def _try_send(self, message: Message) -> str:
        return self._whole.ask(partial(self._hand_over, message))

    def _hand_over(self, message: Message) -> str:
        letter = self._letter(message)
        # Errors of the mail library hold addresses, so they are not kept as causes.
        try:
            server = self._connect()
        except OSError as error:
            raise _meaning(error) from None
        try:
            server.send_message(letter, self._settings.sender, [message.address])
        except OSError as error:
            raise _meaning(error) from None
        finally:
            # After the letter is taken a rude goodbye must not make it look unsent.
            with suppress(OSError):
                server.quit()
            server.close()
        return str(letter["Message-ID"])

    def _connect(self) -> smtplib.SMTP:
        settings = self._settings
        if settings.tls == "start":
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                settings.host, settings.port, timeout=settings.timeout_seconds, context=self._trust
            )
        else:
            server = smtplib.SMTP(settings.host, settings.port, timeout=settings.timeout_seconds)
        try:
            if settings.tls == "starttls":
                server.starttls(context=self._trust)
            if settings.username:
                server.login(settings.username, settings.password)
        except OSError:
            server.close()
            raise
        return server

    def _letter(self, message: Message) -> EmailMessage:
        letter = EmailMessage()
        try:
            recipient = Address(addr_spec=message.address)
            letter["Subject"] = message.subject
        except (ValueError, IndexError, MessageError):
            raise WillNeverWork("The address or subject cannot be written.", code="address_refused") from None
        letter["From"], letter["To"] = self._settings.sender, recipient
        letter["Date"] = formatdate(localtime=True)
        domain = self._settings.sender.rpartition("@")[2]
        letter["Message-ID"] = f"<{hashlib.sha256(message.idempotency_key.encode()).hexdigest()[:40]}@{domain}>"
        letter["Auto-Submitted"] = "auto-generated"
        letter.set_content(message.body, charset="utf-8", cte="base64")
        return letter


def _meaning(error: OSError) -> OutsideError:
    """Translate the mail library's error: a code of 5xx about this letter is final, all else may pass."""
    match error:
        case smtplib.SMTPAuthenticationError():
            return TryAgainLater("Our credentials were refused.", code="credentials_refused")
        case smtplib.SMTPNotSupportedError():
            return WillNeverWork("The mail server cannot do what is asked of it.", code="request_refused")
        case smtplib.SMTPRecipientsRefused():
            status = max(code for code, _ in error.recipients.values())
        case smtplib.SMTPResponseException():
            status = error.smtp_code
        case _:
            return TryAgainLater("The mail server could not be reached or fell silent.", code="no_reply")
    if status >= 500:
        return WillNeverWork("The mail server refused the letter.", code="address_refused", params={"status": status})
    return TryAgainLater("The mail server is busy.", code="busy", params={"status": status})
