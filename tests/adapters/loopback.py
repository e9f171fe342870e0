"""A small HTTP server on loopback with faults to play, for the doors that speak HTTP.

Enters: a function that answers requests, and faults. Leaves: an address, and what was asked. A fault is a status
to answer with, "silence" (the client must give up), "lost reply" (done, then the line is cut), or "cut short".
"""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True)
class Asked:
    """One request as it came."""

    method: str
    path: str
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Answer:
    """One reply as it goes."""

    status: int = 200
    body: bytes = b"{}"
    headers: Mapping[str, str] = field(default_factory=dict)


def as_json(value: object, *, status: int = 200) -> Answer:
    return Answer(status, json.dumps(value).encode(), {"Content-Type": "application/json"})


Handler = Callable[[Asked], Answer]
Fault = int | str | Answer


DRIP = Answer(200)
"""A reply that comes byte by byte and never ends."""


class Loopback:
    """Serves on a free port of 127.0.0.1 until the end of its `with` block."""

    def __init__(self, answer: Handler) -> None:
        self.answer = answer
        self.asked: list[Asked] = []
        self._faults: deque[Fault] = deque()
        self.released = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler_of(self))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def play(self, *faults: Fault) -> None:
        """Let the next requests meet these faults, in this order."""
        self._faults.extend(faults)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.released.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def reply_to(self, asked: Asked) -> Answer | None:
        """The reply, or None for cutting the line."""
        self.asked.append(asked)
        fault = self._faults.popleft() if self._faults else None
        match fault:
            case int():
                return Answer(fault)
            case Answer():
                return fault
            case "drip":
                return DRIP
            case "silence":
                self.released.wait(30)
                return None
            case "lost reply":
                self.answer(asked)
                return None
            case "cut short":
                whole = self.answer(asked)
                length = {"Content-Length": str(len(whole.body) + 9)}
                return Answer(whole.status, whole.body, {**whole.headers, **length})
            case None:
                return self.answer(asked)
            case _:
                raise ValueError(fault)


def _handler_of(loopback: Loopback) -> type[BaseHTTPRequestHandler]:
    class OneRequest(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            parts = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            asked = Asked(self.command, parts.path, parse_qs(parts.query), dict(self.headers), body)
            answer = loopback.reply_to(asked)
            self.close_connection = True
            if answer is None:
                return
            if answer is DRIP:
                while not loopback.released.wait(0.05):
                    self.wfile.write(b"H")
                return
            self.send_response(answer.status)
            for name, value in {
                "Content-Length": str(len(answer.body)),
                "Connection": "close",
                **answer.headers,
            }.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer.body)

        do_GET = do_POST = _serve

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing: the tests read `asked`."""

    return OneRequest
