"""Run a waitress server in a thread beside a test, and end it in good order."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def running(server: Any) -> Iterator[int]:
    """Yields the server's port.

    At the end the workers finish first; then the thread that waits on the sockets closes them: closed from outside,
    they would vanish under its `select`.
    """
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        yield server.effective_port
    finally:
        server.task_dispatcher.shutdown()
        server.trigger.pull_trigger(lambda: _close_all(server))
        thread.join(timeout=10)


def _close_all(server: Any) -> None:
    for channel in list(server.active_channels.values()):
        channel.handle_close()
    server.close()
