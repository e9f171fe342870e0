"""The running server: the app under waitress, with the background worker beside it.

Enters: an app and perhaps a worker. Leaves: nothing until the process is told to stop, by Ctrl-C or SIGTERM; then the
worker ends its job first. Called by `shanqiao serve`, `shanqiao work` and the demonstration.
"""

from __future__ import annotations

import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from flask import Flask
from waitress import create_server

from marketplace.jobs import Worker

Server = Any
"""What waitress makes: it has no types."""
THREADS = 16
"""Enough for the six live streams and for requests beside them."""


def listen(app: Flask, /, *, host: str, port: int, trusted_proxy: str = "") -> Server:
    """Take the port; from now on callers wait until `serve`. Forwarded headers are believed from the proxy only."""
    proxy = {"trusted_proxy": trusted_proxy, "trusted_proxy_headers": "x-forwarded-for x-forwarded-proto"}
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    door = socket.create_server((host, port), family=family)
    return create_server(app, sockets=[door], threads=THREADS, ident=None, **(proxy if trusted_proxy else {}))


def serve(server: Server, /, *, worker: Worker | None = None) -> None:
    """Answer until told to stop."""
    with _until_told(worker):
        server.run()


def work(worker: Worker, /) -> None:
    """Run the worker alone until told to stop."""
    with _until_told(worker):
        threading.Event().wait()


@contextmanager
def _until_told(worker: Worker | None) -> Iterator[None]:
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
