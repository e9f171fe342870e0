"""No call of another system waits without an end: it is given up after so many seconds as a whole.

Enters: a call. Leaves: its answer or its error, or TryAgainLater once the time is over. The time-outs of a connection
count each read anew, so whoever sends one byte now and then would hold a caller for hours. A call that was given up
goes on in the dark, and its answer is dropped; while `MOST` of one door hang so, nobody is asked. Used by every door;
each host of webhooks is a door of its own.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import Final, TypeVar

from adapters.ports import TryAgainLater

T = TypeVar("T")
MOST: Final = 16


class WholeCall:
    """How long one call of one door may take from its first byte to its last."""

    def __init__(self, seconds: float, /) -> None:
        self._seconds = seconds
        self._free = threading.BoundedSemaphore(MOST)

    def ask(self, call: Callable[[], T], /) -> T:
        """What the call brings, or its error; TryAgainLater where it takes too long."""
        if not self._free.acquire(blocking=False):
            raise TryAgainLater("Earlier calls still hang.", code="still_hanging")
        answer: Future[T] = Future()

        def go() -> None:
            try:
                answer.set_result(call())
            except BaseException as error:  # noqa: BLE001  it is raised where it was asked for
                answer.set_exception(error)
            finally:
                self._free.release()

        threading.Thread(target=go, name="shanqiao-call", daemon=True).start()
        if not wait([answer], timeout=self._seconds).done:
            raise TryAgainLater("The reply took too long.", code="timeout")
        return answer.result()
