"""The civil-affairs register: the same promises on the fake and on the real door, then the real door's own ways."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime

import pytest

from adapters.fakes import FakeRegistry
from adapters.http import Patience
from adapters.ports import NEED_COLUMNS, AidGiven, NeedRecord, Registry, StateChange, TryAgainLater, WillNeverWork
from adapters.registry import CivilAffairsRegistry, connect
from tests.adapters.civil_affairs_server import CivilAffairsServer, sample_need
from tests.adapters.loopback import Answer, as_json

PATIENCE = Patience(attempts=3, connect=2, read=0.3, first_wait=0)
SAMPLES = [sample_need(number) for number in range(1, 6)]
CHANGE = StateChange("CA/2026 1", "DELIVERED", datetime(2026, 11, 23, 8, tzinfo=UTC), "state-1")
AID = AidGiven("aid-1", "CA/2026 1", "food", 50_000, date(2026, 11, 23), "Bridge Charity", "aid-key-1")


@dataclass
class Rig:
    """A register's door, what was told through it, and a way to lose one reply."""

    door: Registry
    states: Callable[[], list[tuple[str, str]]]
    aid: Callable[[], list[tuple[str, int]]]
    lose_a_reply: Callable[[], None]


@contextmanager
def fake() -> Iterator[Rig]:
    records = [
        NeedRecord(str(sample["source_id"]), {k: v for k, v in sample.items() if k in NEED_COLUMNS and v != ""})
        for sample in SAMPLES
    ]
    registry = FakeRegistry(records, page_size=2)
    yield Rig(
        door=registry,
        states=lambda: [(told.need_source_id, told.state) for told in registry.states],
        aid=lambda: [(told.source_id, told.units) for told in registry.aid],
        lose_a_reply=lambda: registry.faults.play("lost reply"),
    )


@contextmanager
def real() -> Iterator[Rig]:
    with CivilAffairsServer(SAMPLES) as server:
        door = connect(server.settings, patience=PATIENCE)
        door.pull_needs()
        yield Rig(
            door=door,
            states=lambda: [(told["need_source_id"], told["state"]) for told in server.states],
            aid=lambda: [(told["source_id"], told["units"]) for told in server.aid],
            lose_a_reply=lambda: server.web.play(*["lost reply"] * PATIENCE.attempts),
        )


@pytest.fixture(params=[fake, real], ids=lambda make: make.__name__)
def rig(request: pytest.FixtureRequest) -> Iterator[Rig]:
    with request.param() as made:
        yield made


def pull_all(door: Registry) -> list[NeedRecord]:
    found: list[NeedRecord] = []
    cursor, more = None, True
    while more:
        page = door.pull_needs(cursor=cursor)
        found += page.needs
        cursor, more = page.cursor, page.more
    return found


def test_all_needs_come_in_page_by_page_each_once(rig: Rig) -> None:
    assert [record.source_id for record in pull_all(rig.door)] == [sample["source_id"] for sample in SAMPLES]


def test_a_need_carries_raw_cells_under_the_template_names_and_nothing_else(rig: Rig) -> None:
    cells = rig.door.pull_needs().needs[0].cells
    assert set(cells) <= set(NEED_COLUMNS)
    assert (cells["members"], cells["gap"], cells["valid_from"]) == (3, 50_000, "2026-11-01")
    assert cells["head_id_number"] == "509900199003070013"
    assert "health_note" not in cells


def test_the_last_cursor_can_be_kept_and_pulled_again_later(rig: Rig) -> None:
    cursor, more = None, True
    while more:
        page = rig.door.pull_needs(cursor=cursor)
        cursor, more = page.cursor, page.more
    again = rig.door.pull_needs(cursor=cursor)
    assert (again.needs, again.cursor, again.more) == ((), cursor, False)


def test_an_unknown_cursor_is_refused_for_good(rig: Rig) -> None:
    for cursor in ("elsewhere", "99"):
        with pytest.raises(WillNeverWork):
            rig.door.pull_needs(cursor=cursor)


def test_states_and_aid_are_told_back(rig: Rig) -> None:
    rig.door.push_state(CHANGE)
    rig.door.push_aid(AID)
    assert rig.states() == [("CA/2026 1", "DELIVERED")]
    assert rig.aid() == [("aid-1", 50_000)]


def test_telling_twice_with_the_same_key_changes_nothing(rig: Rig) -> None:
    for _ in range(2):
        rig.door.push_state(CHANGE)
        rig.door.push_aid(AID)
    assert (len(rig.states()), len(rig.aid())) == (1, 1)


def test_a_key_cannot_be_used_for_something_else(rig: Rig) -> None:
    rig.door.push_state(CHANGE)
    rig.door.push_aid(AID)
    with pytest.raises(WillNeverWork):
        rig.door.push_state(replace(CHANGE, state="RETURNED"))
    with pytest.raises(WillNeverWork):
        rig.door.push_aid(replace(AID, units=1))


def test_a_lost_reply_neither_loses_nor_doubles_what_was_told(rig: Rig) -> None:
    rig.lose_a_reply()
    with pytest.raises(TryAgainLater):
        rig.door.push_aid(AID)
    rig.door.push_aid(AID)
    assert rig.aid() == [("aid-1", 50_000)]


def test_a_need_the_register_does_not_know_is_refused_for_good(rig: Rig) -> None:
    with pytest.raises(WillNeverWork):
        rig.door.push_state(replace(CHANGE, need_source_id="nowhere"))


def test_a_lost_page_is_simply_pulled_again(rig: Rig) -> None:
    rig.lose_a_reply()
    with pytest.raises(TryAgainLater):
        rig.door.pull_needs()
    assert len(rig.door.pull_needs().needs) == 2


@pytest.fixture
def server() -> Iterator[CivilAffairsServer]:
    with CivilAffairsServer(SAMPLES) as running:
        yield running


@pytest.fixture
def door(server: CivilAffairsServer) -> CivilAffairsRegistry:
    return connect(server.settings, patience=PATIENCE)


def test_one_token_serves_many_calls(server: CivilAffairsServer, door: CivilAffairsRegistry) -> None:
    pull_all(door)
    door.push_state(CHANGE)
    assert server.tokens == ["t-1"]


def test_a_token_about_to_end_is_renewed_before_the_next_call(server: CivilAffairsServer) -> None:
    server.lasts = 30
    door = connect(server.settings, patience=PATIENCE)
    door.pull_needs()
    door.pull_needs()
    assert server.tokens == ["t-1", "t-2"]


def test_a_token_refused_early_is_renewed_within_the_call(
    server: CivilAffairsServer, door: CivilAffairsRegistry
) -> None:
    door.pull_needs()
    server.refused.add("t-1")
    assert len(door.pull_needs().needs) == 2
    assert server.tokens == ["t-1", "t-2"]


def test_a_wrong_client_secret_is_ours_to_mend(server: CivilAffairsServer) -> None:
    door = connect(replace(server.settings, client_secret="wrong"), patience=PATIENCE)
    with pytest.raises(TryAgainLater) as caught:
        door.pull_needs()
    assert caught.value.code == "credentials_refused"
    assert len(server.web.asked) == 1


@pytest.mark.parametrize(
    "fault", [500, "silence", Answer(200, b"<html>"), as_json({"token_type": "Bearer"}), Answer(302)]
)
def test_without_a_token_the_call_is_tried_again(
    server: CivilAffairsServer, door: CivilAffairsRegistry, fault: Answer | int | str
) -> None:
    server.web.play(fault)
    assert len(door.pull_needs().needs) == 2


@pytest.mark.parametrize(
    "page",
    [
        {},
        {"needs": {}, "cursor": "1", "more": False},
        {"needs": [], "cursor": 1, "more": False},
        {"needs": [], "cursor": "1", "more": "no"},
        {"needs": [7], "cursor": "1"},
        {"needs": [{"head_name": "x"}], "cursor": "1"},
        {"needs": [{"source_id": "a", "tags": ["x"]}], "cursor": "1"},
        {"needs": [], "cursor": "0", "more": True},
    ],
)
def test_a_page_not_as_agreed_is_refused_whole(
    server: CivilAffairsServer, door: CivilAffairsRegistry, page: object
) -> None:
    door.pull_needs()
    server.web.play(as_json(page))
    with pytest.raises(WillNeverWork) as caught:
        door.pull_needs(cursor="0")
    assert caught.value.code == "page_not_as_agreed"


def test_logs_hold_no_person_secret_or_token(
    server: CivilAffairsServer, door: CivilAffairsRegistry, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    pull_all(door)
    door.push_aid(AID)
    assert "call=push-aid" in caplog.text
    for hidden in ("王小明", "5099", "register-secret", "t-1", "CA/2026", "aid-key-1"):
        assert hidden not in caplog.text
    assert "register-secret" not in repr(server.settings)
