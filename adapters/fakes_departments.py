"""Departments in memory, with the manners of the real doors (see `adapters.fakes`): items and tasks in, words out.

Enters: an item or a task, and what a test or the demonstration lets the department say. Leaves: what was said since a
cursor. Used by the tests.
"""

from __future__ import annotations

from typing import Generic, TypeVar

from adapters.fakes import Faults, no_reply
from adapters.items import ItemOut, ItemResult, TakenBack, TaskOut, TaskWord
from adapters.ports import WillNeverWork

T = TypeVar("T")


class Speaking(Generic[T]):
    """Somebody who says one thing after the other and is asked what came since."""

    def __init__(self) -> None:
        self.faults = Faults()
        self.said: list[T] = []

    def since(self, cursor: str | None) -> tuple[tuple[T, ...], str]:
        """Everything said since the cursor, in the order it was said, and the next cursor."""
        lost = self.faults.before()
        start = 0 if cursor is None else int(cursor) if cursor.isdecimal() else -1
        if not 0 <= start <= len(self.said):
            raise WillNeverWork("The department does not know this cursor.", code="request_refused")
        if lost:
            raise no_reply()
        return tuple(self.said[start:]), str(len(self.said))


class FakeDepartment(Speaking[ItemResult]):
    """A department in memory: what it was pushed, and the results that a test or the demonstration lets it say."""

    def __init__(self) -> None:
        super().__init__()
        self.items: dict[str, ItemOut] = {}
        self.back: dict[str, TakenBack] = {}

    def push(self, item: ItemOut, /) -> None:
        """Keep the item under its reference; the same reference again is a repeat and changes nothing."""
        lost = self.faults.before()
        self.items.setdefault(item.ref, item)
        if lost:
            raise no_reply()

    def take_back(self, ref: str, why: TakenBack, /) -> None:
        """Keep that an item is wanted no longer, and why."""
        lost = self.faults.before()
        self.back[ref] = why
        if lost:
            raise no_reply()

    def results(self, *, cursor: str | None = None) -> tuple[tuple[ItemResult, ...], str]:
        """Everything said since the cursor, in the order it was said."""
        return self.since(cursor)


class FakeTasks(Speaking[TaskWord]):
    """A department's tasks in memory: what it was pushed, and the words that a test lets it say."""

    def __init__(self) -> None:
        super().__init__()
        self.tasks: dict[str, TaskOut] = {}

    def push(self, task: TaskOut, /) -> None:
        """Keep the task under its reference."""
        unheard = self.faults.before()
        self.tasks[task.ref] = task
        if unheard:
            raise no_reply()

    def words(self, *, cursor: str | None = None) -> tuple[tuple[TaskWord, ...], str]:
        """Everything said since the cursor, in the order it was said."""
        return self.since(cursor)
