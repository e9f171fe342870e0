"""The other departments' doors: items and tasks out, results and words in, over HTTP with JSON and a bearer token.

Enters: an `ItemOut` or a `TaskOut`, an item that was taken back, or a cursor. Leaves: nothing once the department has
it (POST /items, /items/taken-back, /tasks with its own key: to push twice is to push once), or `ItemResult`s (GET
/results) and `TaskWord`s (GET /task-words) with the next cursor. What is not as agreed is refused whole. Wiring builds
the doors of each department.
"""

from __future__ import annotations

from typing import Literal, cast

from adapters.http import HttpClient
from adapters.items import ItemOut, ItemResult, TakenBack, TaskOut, TaskWord
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

    def take_back(self, ref: str, why: TakenBack, /) -> None:
        """Say that an item is wanted no longer."""
        self._client.post("/items/taken-back", call="take-back", payload={"ref": ref, "why": why}, key=f"{ref}-back")

    def results(self, *, cursor: str | None = None) -> tuple[tuple[ItemResult, ...], str]:
        """What was said since the cursor."""
        rows, following = _said(self._client, "/results", call="pull-results", under="results", cursor=cursor)
        return tuple(_result(row) for row in rows), following


def _result(row: object) -> ItemResult:
    ref, seq, outcome, fen, reason = _parts(row, "result", outcomes=OUTCOMES, amount="amount_fen")
    told = cast(dict[str, object], row)
    letter, words = told.get("letter", ""), told.get("words", "")
    if not isinstance(letter, str) or not isinstance(words, str):
        raise _not_as_agreed("A result of the department is not as agreed.")
    kind = cast(Literal["received", "granted", "refused"], outcome)
    return ItemResult(ref, seq, kind, fen, reason, letter, words)


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
        rows, following = _said(self._client, "/task-words", call="pull-task-words", under="words", cursor=cursor)
        return tuple(_word(row) for row in rows), following


def _word(row: object) -> TaskWord:
    ref, seq, outcome, units, reason = _parts(row, "word", outcomes=ANSWERS, amount="units")
    return TaskWord(ref, seq, cast(Literal["accepted", "returned", "done"], outcome), units, reason)


def _said(client: HttpClient, path: str, *, call: str, under: str, cursor: str | None) -> tuple[list[object], str]:
    """What a department's page holds since the cursor, and the next cursor."""
    reply = client.get(path, call=call, params={"cursor": cursor} if cursor else None).json()
    rows, following = reply.get(under), reply.get("cursor")
    if not (isinstance(rows, list) and isinstance(following, str)):
        raise _not_as_agreed("The department's page is not as agreed.")
    return rows, following


def _parts(row: object, what: str, *, outcomes: tuple[str, ...], amount: str) -> tuple[str, int, str, int, str]:
    """Reference, place in the order, outcome, amount and reason of one thing said."""
    told = row if isinstance(row, dict) else {}
    ref, seq, outcome = told.get("ref"), told.get("seq"), told.get("outcome")
    many, reason = told.get(amount, 0), told.get("reason", "")
    plain = isinstance(ref, str) and isinstance(reason, str) and type(seq) is int and type(many) is int
    if not plain or outcome not in outcomes or many < 0:
        raise _not_as_agreed(f"A {what} of the department is not as agreed.")
    return cast(str, ref), cast(int, seq), cast(str, outcome), many, reason


def _not_as_agreed(sentence: str) -> WillNeverWork:
    return WillNeverWork(sentence, code="page_not_as_agreed")
