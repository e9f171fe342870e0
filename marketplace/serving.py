"""The running server: the app under waitress, with the background worker beside it.

Enters: an app and perhaps a worker. Leaves: nothing until the process is told to stop, by Ctrl-C or SIGTERM; then the
worker ends its job first. Called by `shanqiao serve`, `shanqiao work` and the demonstration.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from flask import Flask
from waitress import serve as waitress_serve

from marketplace.jobs import Worker

THREADS = 16
"""Enough for the six live streams and for requests beside them."""


def serve(app: Flask, /, *, host: str, port: int, worker: Worker | None = None, trusted_proxy: str = "") -> None:
    """Serve until told to stop. Forwarded headers are believed from `trusted_proxy` only."""
    proxy = {"trusted_proxy": trusted_proxy, "trusted_proxy_headers": "x-forwarded-for x-forwarded-proto"}
    with _until_told(worker):
        waitress_serve(
            app, host=host, port=port, threads=THREADS, ident=None, _quiet=True, **(proxy if trusted_proxy else {})
        )


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
