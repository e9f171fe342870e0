"""A department's tasks in memory, with the manners of the real door: see `adapters.fakes`. Used by the tests."""

from __future__ import annotations

from adapters.fakes import Faults, no_reply
from adapters.items import TaskOut, TaskWord
from adapters.ports import WillNeverWork


class FakeTasks:
    """A department's tasks in memory: what it was pushed, and the words that a test lets it say."""

    def __init__(self) -> None:
        self.faults = Faults()
        self.tasks: dict[str, TaskOut] = {}
        self.said: list[TaskWord] = []

    def push(self, task: TaskOut, /) -> None:
        """Keep the task under its reference."""
        unheard = self.faults.before()
        self.tasks[task.ref] = task
        if unheard:
            raise no_reply()

    def words(self, *, cursor: str | None = None) -> tuple[tuple[TaskWord, ...], str]:
        """Everything said since the cursor, in the order it was said."""
        unheard = self.faults.before()
        start = 0 if cursor is None else int(cursor) if cursor.isdecimal() else -1
        if not 0 <= start <= len(self.said):
            raise WillNeverWork("The department does not know this cursor.", code="request_refused")
        if unheard:
            raise no_reply()
        return tuple(self.said[start:]), str(len(self.said))
