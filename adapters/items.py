"""What the other departments are asked and what they answer: frozen messages and the port.

Enters and leaves: nothing; these are the shapes that `adapters.departments_push`, its fakes and the rooms of cases and
portraits share.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

TakenBack = Literal["withdrawn", "over"]
"""Why an item is wanted no longer: the household took it back or it fell, or the class behind a grant has ended."""


@dataclass(frozen=True, slots=True)
class ItemOut:
    """One item of an application for its department. `facts` are codes and whole numbers; `subject` a keyed mark."""

    ref: str
    code: str
    subject: str = field(repr=False)
    facts: Mapping[str, int | str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class ItemResult:
    """What a department says of an item; `seq` grows with each word about the same item, whatever their order.
    `reason` is one of the house's codes; `letter` the department's own number of its answer, `words` its own sentence:
    the household reads both."""

    ref: str
    seq: int
    outcome: Literal["received", "granted", "refused"]
    amount_fen: int = 0
    reason: str = ""
    letter: str = ""
    words: str = field(default="", repr=False)


class Department(Protocol):
    """A department that takes items and answers later: `push` of one reference twice is one item; `take_back` says that
    an item that was pushed is wanted no longer, twice is once; `results` are those after a cursor."""

    def push(self, item: ItemOut, /) -> None: ...

    def take_back(self, ref: str, why: TakenBack, /) -> None: ...

    def results(self, *, cursor: str | None = None) -> tuple[tuple[ItemResult, ...], str]: ...


@dataclass(frozen=True, slots=True)
class TaskOut:
    """A need handed to a department: so many units (money: fen) of a kind, because of an indicator; `subject` a keyed
    mark."""

    ref: str
    category: str
    units: int
    indicator: str
    subject: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class TaskWord:
    """What a department says of a task; `seq` grows with each word about the same task, whatever their order."""

    ref: str
    seq: int
    outcome: Literal["accepted", "returned", "done"]
    units: int = 0
    reason: str = ""


class DepartmentTasks(Protocol):
    """A department that takes tasks and answers later: `push` twice is one task; `words` are those after a cursor."""

    def push(self, task: TaskOut, /) -> None: ...

    def words(self, *, cursor: str | None = None) -> tuple[tuple[TaskWord, ...], str]: ...
