"""The running server: the app under waitress, with the background worker beside it, and the form of its log.

Enters: an app and perhaps a worker. Leaves: nothing until the process is told to stop, by Ctrl-C or SIGTERM; then the
worker ends its job first. Called by `shanqiao serve`, `shanqiao work` and the demonstration.
"""

from __future__ import annotations

import logging
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from flask import Flask
from waitress import create_server

from marketplace.jobs import Crew

Server = Any
"""What waitress makes: it has no types."""
THREADS = 16
"""Enough for the six live streams and for requests beside them."""


class OneEntry(logging.Formatter):
    """Time in UTC, part, level, words. What is logged cannot begin an entry of its own: its further lines are indented,
    and no other sign that moves a cursor gets through."""

    converter = staticmethod(time.gmtime)

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(name)s %(levelname)s %(message)s", "%Y-%m-%dT%H:%M:%SZ")

    def format(self, record: logging.LogRecord) -> str:
        """One entry."""
        signs = "".join(sign if sign.isprintable() or sign == "\n" else "?" for sign in super().format(record))
        return signs.replace("\n", "\n    ")


def listen(app: Flask, /, *, host: str, port: int, trusted_proxy: str = "") -> Server:
    """Take the port; from now on callers wait until `serve`. Forwarded headers are believed from the proxy only."""
    proxy = {"trusted_proxy": trusted_proxy, "trusted_proxy_headers": "x-forwarded-for x-forwarded-proto"}
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    door = socket.create_server((host, port), family=family)
    return create_server(app, sockets=[door], threads=THREADS, ident=None, **(proxy if trusted_proxy else {}))


def serve(server: Server, /, *, worker: Crew | None = None) -> None:
    """Answer until told to stop."""
    with _until_told(worker):
        server.run()


def work(worker: Crew, /) -> None:
    """Run the worker alone until told to stop."""
    with _until_told(worker):
        threading.Event().wait()


@contextmanager
def _until_told(worker: Crew | None) -> Iterator[None]:
    """SIGTERM ends the process as Ctrl-C does; either way the worker may finish what it holds."""
    before = signal.signal(signal.SIGTERM, _leave)
    if worker is not None:
        worker.start()
    try:
        yield
    except KeyboardInterrupt:
        pass
    finally:
        signal.signal(signal.SIGTERM, before)
        if worker is not None:
            worker.stop()


def _leave(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
