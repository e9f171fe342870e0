"""How long each phase took and how much memory the process needed.

What enters: named blocks of work. What leaves: seconds by name and the peak of the resident memory. Called by the demo
command and the benches.
"""

from __future__ import annotations

import resource
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter


class Phases:
    """A stopwatch with names, in the order in which they were first used."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Add the block's time to the phase of this name."""
        begun = perf_counter()
        try:
            yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + perf_counter() - begun

    @property
    def total(self) -> float:
        """All phases together."""
        return sum(self.seconds.values())


def peak_mb() -> int:
    """The most memory that this process and its finished children ever held, in megabytes."""
    unit = 1024 * 1024 if sys.platform == "darwin" else 1024
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    return max(own, children) // unit
