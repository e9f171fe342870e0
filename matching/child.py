"""Child processes that work on what they were born with, can be killed, and cannot eat all memory.

What enters: a function that takes in news, one that works on a task, and how many children. What leaves: answers in
the order of the tasks, so that nothing depends on the number of children; None for a task whose child died or took too
long. Called by `neighbourhoods` (several children, one state that changes), by `small` and `assign` (one child, a list
of tasks) and by `certify` (one task, beside its own). A child is forked from the parent as it is at that moment, so
one that was lost is replaced by one that knows everything; news must therefore do no harm when told twice. CP-SAT can
overshoot its own limits by far and does not enforce its memory limit, hence the fence.
"""

from __future__ import annotations

import resource
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.context import ForkProcess
from pathlib import Path
from time import monotonic
from typing import Generic, TypeVar

News = TypeVar("News")
Task = TypeVar("Task")
Answer = TypeVar("Answer")

LONG = 300.0
"""Seconds that a caller waits for a child when it has nothing else to do."""
MEMORY = 4 * 2**30
"""Bytes that a child may take beyond what it was born with."""


def answers(
    work: Callable[[Task], Answer], tasks: Sequence[Task], *, deadline: float, patience: float
) -> Iterator[Answer | None]:
    """`work` of each task by one child, in order, as they come; the tasks are not sent: the child is born with them."""
    with Crew[None, int, Answer](lambda _: None, lambda at: work(tasks[at]), size=1) as crew:
        for at in range(len(tasks)):
            yield crew.ask(None, [at], deadline=deadline, patience=patience)[0]


@contextmanager
def beside(work: Callable[[], Answer], *, workers: int) -> Iterator[Callable[[], Answer]]:
    """`work` by a child while the caller goes on, and its answer when asked for; by the caller first if `workers` is 1,
    and last if the child was lost or takes `LONG` more."""
    if workers < 2:
        found = work()
        yield lambda: found
        return
    here, there = get_context("fork").Pipe(duplex=False)
    child = get_context("fork").Process(target=lambda: there.send(work()), daemon=True)
    child.start()
    there.close()
    try:
        yield partial(_answer, here, work)
    finally:
        child.kill()
        child.join()
        child.close()
        here.close()


def _answer(here: Connection, work: Callable[[], Answer]) -> Answer:
    if here.poll(LONG):
        with suppress(EOFError):
            answer: Answer = here.recv()
            return answer
    return work()


class Crew(Generic[News, Task, Answer]):
    """Use as a context manager; `learn` runs in the children only, before the tasks that come with the news."""

    def __init__(self, learn: Callable[[News], None], work: Callable[[Task], Answer], *, size: int) -> None:
        self._learn, self._work = learn, work
        self._hands: list[tuple[ForkProcess, Connection] | None] = [None] * size

    def __enter__(self) -> Crew[News, Task, Answer]:
        return self

    def __exit__(self, *_: object) -> None:
        for at in range(len(self._hands)):
            self._dismiss(at)

    def ask(self, news: News, tasks: Sequence[Task], *, deadline: float, patience: float) -> list[Answer | None]:
        """The answers to `tasks`, each waited for `patience` seconds at most and none beyond `deadline`.

        `news` is everything the state went through since the last call.
        """
        found: list[Answer | None] = [None] * len(tasks)
        if monotonic() >= deadline:
            return found
        size = len(self._hands)
        for at in range(size):
            if at < len(tasks) or self._hands[at] is not None:  # who has nothing to do hears the news all the same
                self._send(at, (news, list(tasks[at::size])))
        for at in range(min(size, len(tasks))):
            for place in range(at, len(tasks), size):
                if not self._receive(at, found, place, wait=min(patience, deadline - monotonic())):
                    break
        return found

    def _send(self, at: int, order: tuple[News, list[Task]]) -> None:
        hand = self._hands[at]
        if hand is None:
            self._hands[at] = hand = self._hired()
        with suppress(BrokenPipeError):  # a dead child is noticed when it should answer
            hand[1].send(order)

    def _receive(self, at: int, found: list[Answer | None], place: int, *, wait: float) -> bool:
        hand = self._hands[at]
        if hand is not None and hand[1].poll(max(0.0, wait)):
            try:
                found[place] = hand[1].recv()
                return True
            except EOFError:
                pass
        self._dismiss(at)
        return False

    def _hired(self) -> tuple[ForkProcess, Connection]:
        here, there = get_context("fork").Pipe()
        child = get_context("fork").Process(target=self._serve, args=(there, here), daemon=True)
        child.start()
        there.close()
        return child, here

    def _dismiss(self, at: int) -> None:
        hand, self._hands[at] = self._hands[at], None
        if hand is not None:
            hand[0].kill()
            hand[0].join()
            hand[0].close()
            hand[1].close()

    def _serve(self, there: Connection, here: Connection) -> None:
        for hand in self._hands:
            if hand is not None:
                hand[1].close()
        here.close()
        fence()
        while True:
            try:
                news, tasks = there.recv()
            except EOFError:
                return
            self._learn(news)
            for task in tasks:
                there.send(self._work(task))


def fence() -> None:
    """Limit the memory of the process that calls this to `MEMORY` beyond what it has."""
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[0])
    limit = pages * resource.getpagesize() + MEMORY
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    resource.setrlimit(resource.RLIMIT_AS, (limit if hard < 0 else min(limit, hard), hard))
