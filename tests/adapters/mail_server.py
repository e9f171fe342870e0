"""A real SMTP server on loopback with faults to play, for the mail door.

Enters: letters over SMTP, and faults: a reply line for RCPT, DATA or AUTH, or "lost reply" (taken, then the line is
cut). Leaves: the letters taken. It runs an event loop in a thread of its own until the end of its `with` block.
"""

from __future__ import annotations

import asyncio
import email
import ssl
import threading
from email import policy
from email.message import EmailMessage
from types import TracebackType
from typing import Any, Self

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session


class MailServer:
    """Takes letters on a free port of 127.0.0.1; also the handler of its own connections."""

    def __init__(self, *, tls: ssl.SSLContext | None = None, tls_from_start: bool = False, login: str = "") -> None:
        self.letters: list[EmailMessage] = []
        self.recipients: list[str] = []
        self.at: dict[str, str] = {}
        self.port = 0
        self._tls, self._tls_from_start, self._login = tls, tls_from_start, login
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._server: asyncio.Server | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._open(), self._loop).result(10)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _open(self) -> None:
        context = self._tls if self._tls_from_start else None
        self._server = await self._loop.create_server(self._protocol, "127.0.0.1", 0, ssl=context)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _close(self) -> None:
        assert self._server
        self._server.close()
        await self._server.wait_closed()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    def _protocol(self) -> SMTP:
        options: dict[str, Any] = {"hostname": "mail.example.test", "enable_SMTPUTF8": False, "loop": self._loop}
        if self._tls and not self._tls_from_start:
            options |= {"tls_context": self._tls, "require_starttls": True}
        if self._login:
            options |= {"authenticator": self._authenticate, "auth_require_tls": not self._tls_from_start}
        return SMTP(self, **options)

    def _authenticate(self, server: SMTP, session: Session, envelope: Envelope, kind: str, data: Any) -> AuthResult:
        return AuthResult(success=data.password.decode() == self._login, handled=False)

    async def handle_RCPT(self, server: SMTP, session: Session, envelope: Envelope, address: str, options: Any) -> str:
        if "RCPT" in self.at:
            return self.at["RCPT"]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        reply = self.at.get("DATA", "250 taken")
        if reply.startswith("250") or reply == "lost reply":
            assert isinstance(envelope.content, bytes)
            self.letters.append(email.message_from_bytes(envelope.content, policy=policy.default))
            self.recipients.extend(envelope.rcpt_tos)
        if reply == "lost reply":
            assert server.transport
            server.transport.abort()
        return reply

    async def handle_QUIT(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        return self.at.get("QUIT", "221 Bye")
