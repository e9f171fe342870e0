"""The other departments' doors: items and tasks out, results and words in, over HTTP with JSON and a bearer token.

Enters: an `ItemOut` or a `TaskOut`, or a cursor. Leaves: nothing once the department has it (POST /items, POST /tasks
with its own key: to push twice is to push once), or `ItemResult`s (GET /results) and `TaskWord`s (GET /task-words) with
the next cursor. What is not as agreed is refused whole. Wiring builds the doors of each department.
"""

from __future__ import annotations

from typing import Literal, cast

from adapters.http import HttpClient
from adapters.items import ItemOut, ItemResult, TaskOut, TaskWord
from adapters.ports import WillNeverWork

OUTCOMES = ("received", "granted", "refused")
ANSWERS = ("accepted", "returned", "done")


class DepartmentDoor:
    """One department; see `adapters.items.Department`."""

    def __init__(self, client: HttpClient) -> None:
        self._client = client

    def push(self, item: ItemOut, /) -> None:
        """Hand an item over; its reference is the key under which it is known."""
        payload = {"ref": item.ref, "item": item.code, "subject": item.subject, "facts": dict(item.facts)}
        self._client.post("/items", call="push-item", payload=payload, key=item.ref)

    def results(self, *, cursor: str | None = None) -> tuple[tuple[ItemResult, ...], str]:
        """What was said since the cursor."""
        params = {"cursor": cursor} if cursor else None
        reply = self._client.get("/results", call="pull-results", params=params).json()
        rows, following = reply.get("results"), reply.get("cursor")
        if not (isinstance(rows, list) and isinstance(following, str)):
            raise _not_as_agreed("The department's page is not as agreed.")
        return tuple(_result(row) for row in rows), following


def _result(row: object) -> ItemResult:
    if not isinstance(row, dict):
        raise _not_as_agreed("A result of the department is not as agreed.")
    ref, seq, outcome = row.get("ref"), row.get("seq"), row.get("outcome")
    fen, reason = row.get("amount_fen", 0), row.get("reason", "")
    plain = isinstance(ref, str) and isinstance(reason, str) and type(seq) is int and type(fen) is int
    if not plain or outcome not in OUTCOMES or fen < 0:
        raise _not_as_agreed("A result of the department is not as agreed.")
    said = cast(Literal["received", "granted", "refused"], outcome)
    return ItemResult(cast(str, ref), cast(int, seq), said, fen, reason)


class TaskDoor:
    """The tasks of one department; see `adapters.items.DepartmentTasks`."""

    def __init__(self, client: HttpClient) -> None:
        self._client = client

    def push(self, task: TaskOut, /) -> None:
        """Hand a task over; its reference is the key under which it is known."""
        payload = {
            "ref": task.ref,
            "category": task.category,
            "units": task.units,
            "indicator": task.indicator,
            "subject": task.subject,
        }
        self._client.post("/tasks", call="push-task", payload=payload, key=task.ref)

    def words(self, *, cursor: str | None = None) -> tuple[tuple[TaskWord, ...], str]:
        """What was said since the cursor."""
        params = {"cursor": cursor} if cursor else None
        reply = self._client.get("/task-words", call="pull-task-words", params=params).json()
        rows, following = reply.get("words"), reply.get("cursor")
        if not (isinstance(rows, list) and isinstance(following, str)):
            raise _not_as_agreed("The department's page is not as agreed.")
        return tuple(_word(row) for row in rows), following


def _word(row: object) -> TaskWord:
    if not isinstance(row, dict):
        raise _not_as_agreed("A word of the department is not as agreed.")
    ref, seq, outcome = row.get("ref"), row.get("seq"), row.get("outcome")
    units, reason = row.get("units", 0), row.get("reason", "")
    plain = isinstance(ref, str) and isinstance(reason, str) and type(seq) is int and type(units) is int
    if not plain or outcome not in ANSWERS or units < 0:
        raise _not_as_agreed("A word of the department is not as agreed.")
    said = cast(Literal["accepted", "returned", "done"], outcome)
    return TaskWord(cast(str, ref), cast(int, seq), said, units, reason)


def _not_as_agreed(sentence: str) -> WillNeverWork:
    return WillNeverWork(sentence, code="page_not_as_agreed")
