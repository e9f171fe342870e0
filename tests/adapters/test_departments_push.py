"""A department's door: the same promises on the fake and on the real door against a server on loopback."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from adapters.departments_push import DepartmentDoor, TaskDoor
from adapters.fakes_departments import FakeDepartment, FakeTasks
from adapters.http import HttpClient, Patience
from adapters.items import Department, DepartmentTasks, ItemOut, ItemResult, TaskOut, TaskWord
from adapters.ports import OutsideError, WillNeverWork
from tests.adapters.loopback import Answer, Asked, Loopback, as_json

PATIENCE = Patience(attempts=2, connect=2, read=0.3, first_wait=0)
ITEM = ItemOut("item-1", "YILIAO_JIUZHU", "mark", {"size": 2, "label": ""})
SAID = [
    {"ref": "item-1", "seq": 1, "outcome": "received"},
    {"ref": "item-1", "seq": 2, "outcome": "granted", "amount_fen": 500},
    {
        "ref": "item-2",
        "seq": 1,
        "outcome": "refused",
        "reason": "income_over",
        "letter": "2026-118",
        "words": "too much",
    },
]


@dataclass
class Rig:
    """The door, what the department holds, and a way to lose one reply."""

    door: Department
    held: Callable[[], dict[str, Any]]
    lose: Callable[[], None]
    back: dict[str, str]


@contextmanager
def fake() -> Iterator[Rig]:
    door = FakeDepartment()
    door.said = [ItemResult(**one) for one in SAID]  # type: ignore[arg-type]
    yield Rig(
        door,
        lambda: {ref: item.code for ref, item in door.items.items()},
        lambda: door.faults.play("lost reply"),
        door.back,  # type: ignore[arg-type]
    )


@contextmanager
def real() -> Iterator[Rig]:
    held: dict[str, Any] = {}
    back: dict[str, str] = {}

    def answer(asked: Asked) -> Answer:
        if asked.path == "/HSA/items/taken-back":
            told = json.loads(asked.body)
            back[told["ref"]] = told["why"]
            return as_json({})
        if asked.headers.get("Authorization") != "Bearer t":
            return as_json({"error": "invalid_token"}, status=401)
        if asked.path == "/HSA/items":
            told = json.loads(asked.body)
            held[told["ref"]] = told["item"]
            return as_json({})
        start = int(asked.query.get("cursor", ["0"])[0])
        return as_json({"results": SAID[start:], "cursor": str(len(SAID))})

    with Loopback(answer) as server:
        bearer = {"Authorization": "Bearer t"}
        client = HttpClient("HSA", server.url + "/HSA", headers=bearer, patience=PATIENCE)
        yield Rig(DepartmentDoor(client), lambda: held, lambda: server.play("lost reply"), back)


@pytest.fixture(params=[fake, real], ids=["fake", "real"])
def rig(request: pytest.FixtureRequest) -> Iterator[Rig]:
    with request.param() as found:
        yield found


def test_an_item_pushed_twice_is_one_item(rig: Rig) -> None:
    rig.door.push(ITEM)
    rig.door.push(ITEM)
    assert rig.held() == {"item-1": "YILIAO_JIUZHU"}


def test_a_lost_reply_is_asked_again_and_is_still_one_item(rig: Rig) -> None:
    rig.lose()
    try:
        rig.door.push(ITEM)
    except OutsideError:
        rig.door.push(ITEM)
    assert rig.held() == {"item-1": "YILIAO_JIUZHU"}


def test_an_item_taken_back_twice_is_taken_back_once(rig: Rig) -> None:
    rig.door.push(ITEM)
    for why in ("withdrawn", "withdrawn"):
        rig.door.take_back("item-1", why)
    assert rig.back == {"item-1": "withdrawn"}


def test_results_come_once_after_the_cursor(rig: Rig) -> None:
    results, cursor = rig.door.results()
    assert [(one.ref, one.seq, one.outcome, one.amount_fen) for one in results] == [
        ("item-1", 1, "received", 0),
        ("item-1", 2, "granted", 500),
        ("item-2", 1, "refused", 0),
    ]
    assert [(one.letter, one.words) for one in results] == [("", ""), ("", ""), ("2026-118", "too much")]
    assert rig.door.results(cursor=cursor) == ((), cursor)


@pytest.mark.parametrize(
    "page",
    [
        {"results": "x", "cursor": "1"},
        {"results": [], "cursor": 1},
        {"results": [{"ref": "a", "seq": "1", "outcome": "granted"}], "cursor": "1"},
        {"results": [{"ref": "a", "seq": 1, "outcome": "maybe"}], "cursor": "1"},
        {"results": [{"ref": "a", "seq": 1, "outcome": "granted", "amount_fen": -1}], "cursor": "1"},
        {"results": [{"ref": "a", "seq": 1, "outcome": "granted", "letter": 7}], "cursor": "1"},
        {"results": [{"ref": "a", "seq": 1, "outcome": "granted", "words": None}], "cursor": "1"},
        {"results": [7], "cursor": "1"},
    ],
)
def test_a_page_that_is_not_as_agreed_is_refused_whole(page: dict[str, Any]) -> None:
    with Loopback(lambda _asked: as_json(page)) as server:
        door = DepartmentDoor(HttpClient("HSA", server.url, patience=PATIENCE))
        with pytest.raises(WillNeverWork):
            door.results()


TASK = TaskOut("task-1", "HOUSING.REPAIR", 600_000, "dwelling_safety", "mark")
WORDS = [
    {"ref": "task-1", "seq": 2, "outcome": "done", "units": 450_000},
    {"ref": "task-1", "seq": 1, "outcome": "accepted"},
    {"ref": "task-2", "seq": 1, "outcome": "returned", "reason": "NO_MEANS"},
]


@contextmanager
def fake_tasks() -> Iterator[tuple[DepartmentTasks, Callable[[], dict[str, int]]]]:
    door = FakeTasks()
    door.said = [TaskWord(**one) for one in WORDS]  # type: ignore[arg-type]
    yield door, lambda: {ref: task.units for ref, task in door.tasks.items()}


@contextmanager
def real_tasks() -> Iterator[tuple[DepartmentTasks, Callable[[], dict[str, int]]]]:
    held: dict[str, int] = {}

    def answer(asked: Asked) -> Answer:
        if asked.path == "/HUD/tasks":
            told = json.loads(asked.body)
            held[told["ref"]] = told["units"]
            return as_json({})
        start = int(asked.query.get("cursor", ["0"])[0])
        return as_json({"words": WORDS[start:], "cursor": str(len(WORDS))})

    with Loopback(answer) as server:
        yield TaskDoor(HttpClient("HUD", server.url + "/HUD", patience=PATIENCE)), lambda: held


@pytest.mark.parametrize("made", [fake_tasks, real_tasks], ids=["fake", "real"])
def test_a_task_pushed_twice_is_one_task_and_words_come_once_in_any_order(made: Any) -> None:
    with made() as (door, held):
        door.push(TASK)
        door.push(TASK)
        assert held() == {"task-1": 600_000}
        words, cursor = door.words()
        assert [(one.ref, one.seq, one.outcome, one.units, one.reason) for one in words] == [
            ("task-1", 2, "done", 450_000, ""),
            ("task-1", 1, "accepted", 0, ""),
            ("task-2", 1, "returned", 0, "NO_MEANS"),
        ]
        assert door.words(cursor=cursor) == ((), cursor)


@pytest.mark.parametrize("row", [7, {"ref": "a", "seq": 1, "outcome": "granted"}, {**WORDS[0], "units": -1}])
def test_a_word_that_is_not_as_agreed_is_refused(row: Any) -> None:
    with Loopback(lambda _asked: as_json({"words": [row], "cursor": "1"})) as server:
        door = TaskDoor(HttpClient("HUD", server.url, patience=PATIENCE))
        with pytest.raises(WillNeverWork):
            door.words()
