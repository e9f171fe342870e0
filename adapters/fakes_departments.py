"""Departments in memory, with the manners of the real doors (see `adapters.fakes`): items and tasks in, words out.

Enters: an item or a task, and what a test or the demonstration lets the department say. Leaves: what was said since a
cursor. Used by the tests, and as the other departments of a demonstration.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from adapters.fakes import Faults, no_reply
from adapters.items import ItemOut, ItemResult, TakenBack, TaskOut, TaskWord
from adapters.ports import WillNeverWork

T = TypeVar("T")
REFUSED = {"GONGZU": "本区公租房轮候已满，半年后可以再申请。", "WEIFANG": "经鉴定，房屋为B级，不属于危房。"}
"""What a department of a demonstration refuses, and with which words."""


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


class AnsweringDepartment(FakeDepartment):
    """A department of a demonstration: it answers by itself a while after it was handed an item. It refuses flats
    and the mending of houses, and grants the rest; of an illness it takes a tenth of the costs. A cursor of an earlier
    process is a beginning to it, and what that one was handed it does not know."""

    def __init__(self, name: str, /, *, after: timedelta, clock: Callable[[], datetime]) -> None:
        super().__init__()
        self._name, self._after, self._clock = name, after, clock
        self._due: dict[str, datetime] = {}
        self._given: set[str] = set()

    def push(self, item: ItemOut, /) -> None:
        """Keep the item and say that it came; the answer follows."""
        if item.ref not in self.items:
            self._due[item.ref] = self._clock() + self._after
            self.said.append(ItemResult(item.ref, 1, "received"))
        super().push(item)

    def take_back(self, ref: str, why: TakenBack, /) -> None:
        """What is wanted no longer is not answered."""
        self._due.pop(ref, None)
        super().take_back(ref, why)

    def results(self, *, cursor: str | None = None) -> tuple[tuple[ItemResult, ...], str]:
        """What is due by now is answered, then told."""
        for ref in [ref for ref, at in self._due.items() if at <= self._clock()]:
            del self._due[ref]
            self.said.append(self._answer(self.items[ref], len(self.said) + 1))
        found, following = self.since(cursor if cursor in self._given else None)
        self._given.add(following)
        return found, following

    def _answer(self, item: ItemOut, no: int) -> ItemResult:
        letter = f"{self._name}-演示-{no:03d}"
        if item.code in REFUSED:
            return ItemResult(item.ref, 2, "refused", 0, "department_said_no", letter, REFUSED[item.code])
        fen = int(item.facts.get("medical_fen", 0)) // 10 if item.code == "YILIAO_JIUZHU" else 0
        return ItemResult(item.ref, 2, "granted", fen, "", letter)


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
