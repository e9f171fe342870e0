"""Run the exact solver in a child process that can be killed and cannot eat all memory.

What enters: hard components, a deterministic effort for each, and the moment by which all must be done. What leaves:
one answer per component, in order; `None` where the child was killed, ran out of memory or time. Called by `small`.
CP-SAT can overshoot its own limits by far and does not enforce its memory limit, hence the fence.
"""

from __future__ import annotations

import resource
from collections.abc import Callable, Iterator, Sequence
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from time import monotonic
from typing import TypeVar

Task = TypeVar("Task")
Answer = TypeVar("Answer")

MEMORY = 4 * 2**30
"""Bytes that a child may take beyond what it was born with."""


def answers(
    work: Callable[[Task], Answer], tasks: Sequence[Task], *, deadline: float, patience: float
) -> Iterator[Answer | None]:
    """`work` of each task, in order; None for a task that dies or takes longer than `patience` or the deadline."""
    done = 0
    while done < len(tasks):
        if monotonic() >= deadline:
            yield from [None] * (len(tasks) - done)
            return
        for answer in _one_child(work, tasks[done:], deadline=deadline, patience=patience):
            yield answer
            done += 1


def _one_child(
    work: Callable[[Task], Answer], tasks: Sequence[Task], *, deadline: float, patience: float
) -> Iterator[Answer | None]:
    """Answers until the child fails for the first time; that failure is the last answer."""
    here, there = get_context("fork").Pipe(duplex=False)
    child = get_context("fork").Process(target=_serve, args=(work, tasks, there), daemon=True)
    child.start()
    there.close()
    try:
        for _ in tasks:
            left = min(patience, deadline - monotonic())
            if not here.poll(max(0.0, left)):
                yield None
                return
            try:
                answer: Answer = here.recv()
            except EOFError:
                yield None
                return
            yield answer
    finally:
        child.kill()
        child.join()
        child.close()
        here.close()


def _serve(work: Callable[[Task], Answer], tasks: Sequence[Task], there: Connection) -> None:
    fence()
    for task in tasks:
        there.send(work(task))


def fence() -> None:
    """Limit the memory of the process that calls this to `MEMORY` beyond what it has."""
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[0])
    limit = pages * resource.getpagesize() + MEMORY
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    resource.setrlimit(resource.RLIMIT_AS, (limit if hard < 0 else min(limit, hard), hard))
