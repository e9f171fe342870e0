"""Payment feed and cover door: the same promises on the fakes and on the real doors, then the real doors' own ways."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from adapters.fakes import FakeCoverDoor, FakePaymentFeed
from adapters.http import HttpClient, Patience
from adapters.payments import CoverGateway, PaymentFeedDoor
from adapters.ports import (
    CoverAnswer,
    CoverDoor,
    CoverQuestion,
    OutsideError,
    PaymentFeed,
    PaymentRecord,
    WillNeverWork,
)
from tests.adapters.loopback import Answer, Asked, Loopback, as_json

PATIENCE = Patience(attempts=2, connect=2, read=0.3, first_wait=0)
ROWS: list[dict[str, Any]] = [
    {"source_id": f"P/{n}", "category": "EMERGENCY.CASH", "units": n, "given_on": "2026-11-01"} for n in range(1, 6)
]
QUESTION = CoverQuestion("bill-1:mark", "mark", 100)
COVER = [{"payer": "BASIC_INSURANCE", "state": "paid", "fen": 70}, {"payer": "TEMPORARY_AID", "state": "none"}]


@dataclass
class Rig:
    """Both doors, and a way to lose one reply of each."""

    feed: PaymentFeed
    cover: CoverDoor
    lose_replies: Callable[[], None]


@contextmanager
def fake() -> Iterator[Rig]:
    records = [PaymentRecord(str(row["source_id"]), dict(row)) for row in ROWS]
    feed = FakePaymentFeed(records, page_size=2)
    cover = FakeCoverDoor({"mark": [CoverAnswer(**one) for one in COVER]})  # type: ignore[arg-type]

    def lose() -> None:
        feed.faults.play("lost reply")
        cover.faults.play("lost reply")

    yield Rig(feed, cover, lose)


def _answer(asked: Asked) -> Answer:
    if asked.headers.get("Authorization") != "Bearer t":
        return as_json({"error": "invalid_token"}, status=401)
    if asked.path == "/payments":
        cursor = asked.query.get("cursor", ["0"])[0]
        start = int(cursor) if cursor.isdecimal() else -1
        if not 0 <= start <= len(ROWS):
            return as_json({"error": "unknown_cursor"}, status=400)
        end = min(start + 2, len(ROWS))
        return as_json(
            {"payments": [{**r, "secret": "x"} for r in ROWS[start:end]], "cursor": str(end), "more": end < 5}
        )
    known = json.loads(asked.body)["subject"] == "mark"
    return as_json({"answers": COVER if known else []})


@contextmanager
def _doors(answer: Callable[[Asked], Answer] = _answer) -> Iterator[tuple[PaymentFeedDoor, CoverGateway, Loopback]]:
    with Loopback(answer) as web:
        client = HttpClient("outside", web.url, headers={"Authorization": "Bearer t"}, patience=PATIENCE)
        yield PaymentFeedDoor(client), CoverGateway(client), web


@contextmanager
def real() -> Iterator[Rig]:
    with _doors() as (feed, cover, web):
        yield Rig(feed, cover, lambda: web.play(*["lost reply"] * PATIENCE.attempts))


@pytest.fixture(params=[fake, real], ids=lambda make: make.__name__)
def rig(request: pytest.FixtureRequest) -> Iterator[Rig]:
    with request.param() as made:
        yield made


def test_all_payments_come_page_by_page_each_once_and_without_unknown_fields(rig: Rig) -> None:
    found: list[PaymentRecord] = []
    cursor, more = None, True
    while more:
        page = rig.feed.pull_payments(cursor=cursor)
        found += page.payments
        cursor, more = page.cursor, page.more
    assert [(record.source_id, record.cells["units"]) for record in found] == [
        (r["source_id"], r["units"]) for r in ROWS
    ]
    assert all("secret" not in record.cells for record in found)
    assert rig.feed.pull_payments(cursor=cursor).payments == ()


def test_an_unknown_cursor_is_refused_for_good(rig: Rig) -> None:
    with pytest.raises(WillNeverWork):
        rig.feed.pull_payments(cursor="99")


def test_cover_is_answered_by_payer_and_a_stranger_gets_no_answer(rig: Rig) -> None:
    said = rig.cover.ask_cover(QUESTION)
    assert said == (CoverAnswer("BASIC_INSURANCE", "paid", 70), CoverAnswer("TEMPORARY_AID", "none"))
    assert rig.cover.ask_cover(QUESTION) == said
    assert rig.cover.ask_cover(CoverQuestion("b", "stranger", 1)) == ()


def test_a_lost_reply_is_an_error_of_the_outside_and_asking_again_is_harmless(rig: Rig) -> None:
    rig.lose_replies()
    with pytest.raises(OutsideError):
        rig.feed.pull_payments()
    assert len(rig.feed.pull_payments().payments) == 2


@pytest.mark.parametrize(
    "reply",
    [
        {"payments": "x", "cursor": "1", "more": False},
        {"payments": [{"units": 1}], "cursor": "1", "more": False},
        {"payments": [{"source_id": "1", "units": [1]}], "cursor": "1", "more": False},
        {"answers": "x"},
        {"answers": [{"payer": "X", "state": "maybe"}]},
        {"answers": [{"payer": "X", "state": "paid", "fen": -1}]},
        {"answers": [{"payer": "X", "state": "paid", "fen": 1.5}]},
    ],
)
def test_an_answer_that_is_not_as_agreed_is_refused_whole(reply: dict[str, Any]) -> None:
    with _doors(lambda _asked: as_json(reply)) as (feed, cover, _web), pytest.raises(WillNeverWork) as caught:
        feed.pull_payments() if "payments" in reply else cover.ask_cover(QUESTION)
    assert caught.value.code == "page_not_as_agreed"


def test_a_cursor_that_does_not_move_on_ends_the_pull() -> None:
    stuck = as_json({"payments": [], "cursor": "5", "more": True})
    with _doors(lambda _asked: stuck) as (feed, _cover, _web), pytest.raises(WillNeverWork):
        feed.pull_payments(cursor="5")


def test_what_is_asked_shows_nobody_in_its_repr() -> None:
    assert "mark" not in repr(CoverQuestion("k", "mark", 1))
