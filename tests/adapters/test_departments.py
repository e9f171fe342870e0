"""Departments' facts: the same promises on the fake and on the real door, then the real door's own ways."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any

import pytest

from adapters.departments import DepartmentExchange
from adapters.fakes import FakeDepartments
from adapters.http import HttpClient, Patience
from adapters.ports import FACT_COLUMNS, DepartmentFeed, TryAgainLater, WillNeverWork
from tests.adapters.loopback import Answer, Asked, Loopback, as_json

PATIENCE = Patience(attempts=2, connect=2, read=0.3, first_wait=0)
AS_OF = date(2026, 10, 31)
ROWS: list[dict[str, Any]] = [
    {"source_id": f"D/{n}", "id_number": f"5099-{n}", "kind": "DEATH", "happened_on": "2026-10-01"} for n in range(5)
]


@dataclass
class Rig:
    """A door with five facts under CIVIL_RECORDS, two a page, and a way to lose one reply."""

    feed: DepartmentFeed
    lose: Callable[[], None]


@contextmanager
def fake() -> Iterator[Rig]:
    door = FakeDepartments({"CIVIL_RECORDS": ROWS}, as_of=AS_OF, page_size=2)
    yield Rig(door, lambda: door.faults.play("lost reply"))


def page(asked: Asked) -> Answer:
    """The exchange's own answer."""
    if asked.headers.get("Authorization") != "Bearer t":
        return as_json({"error": "invalid_token"}, status=401)
    cursor = asked.query.get("cursor", ["0"])[0]
    if asked.path == "/facts/CIVIL_RECORDS/people":
        wanted = json.loads(asked.body)["id_numbers"]
        told = [row for row in ROWS if row["id_number"] in wanted]
        return as_json({"facts": told, "cursor": "", "as_of": AS_OF.isoformat()})
    if asked.path != "/facts/CIVIL_RECORDS" or not cursor.isdecimal() or int(cursor) > len(ROWS):
        return as_json({"error": "unknown"}, status=404)
    end = min(int(cursor) + 2, len(ROWS))
    rows = [{**row, "amount": None, "neighbour": "said so"} for row in ROWS[int(cursor) : end]]
    return as_json({"facts": rows, "cursor": str(end), "more": end < len(ROWS), "as_of": AS_OF.isoformat()})


@contextmanager
def served(answer: Callable[[Asked], Answer] = page) -> Iterator[tuple[DepartmentExchange, Loopback]]:
    """The real door against a server of our own."""
    with Loopback(answer) as server:
        client = HttpClient("departments", server.url, patience=PATIENCE, headers={"Authorization": "Bearer t"})
        yield DepartmentExchange(client), server


@contextmanager
def real() -> Iterator[Rig]:
    with served() as (door, server):
        yield Rig(door, lambda: server.play(*["lost reply"] * PATIENCE.attempts))


@pytest.fixture(params=[fake, real], ids=["fake", "real"])
def rig(request: pytest.FixtureRequest) -> Iterator[Rig]:
    with request.param() as made:
        yield made


def test_all_facts_come_page_by_page_each_once_and_without_unknown_fields(rig: Rig) -> None:
    seen, cursor, more = [], None, True
    while more:
        told = rig.feed.pull_facts("CIVIL_RECORDS", cursor=cursor)
        seen, cursor, more = [*seen, *told.facts], told.cursor, told.more
        assert told.as_of == AS_OF
    assert [dict(row) for row in seen] == ROWS
    assert all(set(row) <= set(FACT_COLUMNS) for row in seen)
    assert rig.feed.pull_facts("CIVIL_RECORDS", cursor=cursor).facts == ()


def test_a_few_people_are_asked_about_at_once_and_nobody_else_is_told(rig: Rig) -> None:
    told = rig.feed.facts_of("CIVIL_RECORDS", ["5099-1", "5099-4", "5099-9"])
    assert [dict(row) for row in told.facts] == [ROWS[1], ROWS[4]]
    assert (told.as_of, told.more) == (AS_OF, False)
    with pytest.raises(WillNeverWork):
        rig.feed.facts_of("NOBODY", ["5099-1"])


def test_the_numbers_that_are_asked_about_stand_in_no_address() -> None:
    with served() as (door, server):
        door.facts_of("CIVIL_RECORDS", ["5099-1"])
        assert all("5099" not in asked.path and not asked.query for asked in server.asked)
    half = {"facts": [], "cursor": "1", "more": True, "as_of": "2026-10-31"}
    with served(lambda _asked: as_json(half)) as (door, _server), pytest.raises(WillNeverWork):
        door.facts_of("CIVIL_RECORDS", ["5099-1"])


def test_a_lost_reply_is_to_be_tried_again_and_asking_again_is_harmless(rig: Rig) -> None:
    rig.lose()
    with pytest.raises(TryAgainLater):
        rig.feed.pull_facts("CIVIL_RECORDS")
    assert len(rig.feed.pull_facts("CIVIL_RECORDS").facts) == 2


def test_an_unknown_feed_or_cursor_is_refused_for_good(rig: Rig) -> None:
    for feed, cursor in (("NOBODY", None), ("CIVIL_RECORDS", "far"), ("CIVIL_RECORDS", "99")):
        with pytest.raises(WillNeverWork):
            rig.feed.pull_facts(feed, cursor=cursor)


@pytest.mark.parametrize(
    "reply",
    [
        {},
        {"facts": {}, "cursor": "1", "as_of": "2026-10-31"},
        {"facts": [], "cursor": 1, "as_of": "2026-10-31"},
        {"facts": [], "cursor": "1", "as_of": "soon"},
        {"facts": [], "cursor": "1"},
        {"facts": ["row"], "cursor": "1", "as_of": "2026-10-31"},
        {"facts": [{"kind": ["DEATH"]}], "cursor": "1", "as_of": "2026-10-31"},
        {"facts": [], "cursor": "1", "more": "yes", "as_of": "2026-10-31"},
    ],
)
def test_a_page_that_is_not_as_agreed_is_refused_whole(reply: dict[str, Any]) -> None:
    with served(lambda _asked: as_json(reply)) as (door, _server), pytest.raises(WillNeverWork):
        door.pull_facts("CIVIL_RECORDS")


def test_a_cursor_that_does_not_move_on_ends_the_pull() -> None:
    reply = {"facts": [], "cursor": "4", "more": True, "as_of": "2026-10-31"}
    with served(lambda _asked: as_json(reply)) as (door, _server), pytest.raises(WillNeverWork):
        door.pull_facts("CIVIL_RECORDS", cursor="4")


def test_a_page_shows_nobody_in_its_repr(rig: Rig) -> None:
    assert "5099" not in repr(rig.feed.pull_facts("CIVIL_RECORDS"))
