"""Live progress: a bounded server-sent event stream; who gets none reads the same facts by reloading.

A view hands `stream` a function that is asked twice a second for what is new since the last event id. At most
six streams run at once (each holds a server thread); the next caller gets 204, on which the page keeps to its
plain reload. After 55 seconds the stream ends and the browser returns with `Last-Event-ID`.
"""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from flask import Response, request, stream_with_context

STREAMS, LONGEST_S, EVERY_S = 6, 55.0, 0.5
_places = threading.BoundedSemaphore(STREAMS)


@dataclass(frozen=True, slots=True)
class Event:
    """One message of a stream; `data` is a piece of HTML, `last` ends the stream for good."""

    id: str
    data: str
    name: str = "progress"
    last: bool = False

    def encode(self) -> bytes:
        lines = "".join(f"data: {line}\n" for line in self.data.splitlines() or [""])
        return f"id: {self.id}\nevent: {self.name}\n{lines}\n".encode()


def stream(newer: Callable[[str], Event | None], *, longest_s: float = LONGEST_S, every_s: float = EVERY_S) -> Response:
    """Answer with what `newer(last_id)` yields, or with 204 when every place is taken."""
    if not _places.acquire(blocking=False):
        return Response(status=204)
    seen = request.headers.get("Last-Event-ID", "")
    pump = _pump(newer, seen, until=time.monotonic() + longest_s, every_s=every_s)
    response = Response(stream_with_context(pump))
    response.mimetype = "text/event-stream"
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Accel-Buffering"] = "no"
    response.call_on_close(_places.release)
    return response


def _pump(newer: Callable[[str], Event | None], seen: str, *, until: float, every_s: float) -> Iterator[bytes]:
    yield b"retry: 2000\n\n"
    while time.monotonic() < until:
        event = newer(seen)
        if event is None:
            time.sleep(every_s)
            continue
        seen = event.id
        yield event.encode()
        if event.last:
            yield b"event: end\ndata: \n\n"
            return
