"""How the doors speak HTTP: how long they wait, what they repeat, what they refuse, and what they keep quiet."""

from __future__ import annotations

import gzip
import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from threading import Event

import pytest
import requests

from adapters.http import HttpClient, Patience, Reply, safe_base, seconds_asked
from adapters.ports import OutsideError, TryAgainLater, WillNeverWork
from adapters.whole import MOST, WholeCall
from adapters.witness import HttpWitness
from tests.adapters.loopback import Answer, Asked, Loopback, as_json

PATIENCE = Patience(attempts=3, connect=2, read=0.3, first_wait=0.5, longest_wait=8)


@pytest.fixture
def server() -> Iterator[Loopback]:
    with Loopback(lambda asked: as_json({"path": asked.path, "method": asked.method})) as loopback:
        yield loopback


@pytest.fixture
def waits() -> list[float]:
    return []


@pytest.fixture
def client(server: Loopback, waits: list[float]) -> HttpClient:
    return HttpClient("test", server.url, patience=PATIENCE, sleep=waits.append)


def test_a_good_answer_is_read_at_the_first_attempt(client: HttpClient, waits: list[float]) -> None:
    reply = client.get("/a", call="ask", params={"cursor": "7"})
    assert reply.json() == {"path": "/a", "method": "GET"}
    assert waits == []


def test_a_post_carries_its_key_and_its_json(client: HttpClient, server: Loopback) -> None:
    client.post("/b", call="tell", payload={"units": 3}, key="k-1")
    client.post("/b", call="tell", payload={"units": 4})
    assert [asked.headers.get("Idempotency-Key") for asked in server.asked] == ["k-1", None]
    assert server.asked[0].json == {"units": 3}


@pytest.mark.parametrize("fault", [429, 408, 409, 425, 500, 502, 503, 504, "silence", "lost reply", "cut short"])
def test_a_passing_fault_is_met_by_repeating_with_the_same_key(
    client: HttpClient, server: Loopback, fault: int | str
) -> None:
    server.play(fault)
    assert client.post("/b", call="tell", payload={}, key="k-2").status == 200
    assert [asked.headers["Idempotency-Key"] for asked in server.asked] == ["k-2", "k-2"]


@pytest.mark.parametrize(
    ("fault", "code"), [(429, "busy"), (500, "server_fault"), ("silence", "timeout"), ("lost reply", "no_reply")]
)
def test_a_lasting_fault_ends_after_the_attempts_agreed(
    client: HttpClient, server: Loopback, fault: int | str, code: str
) -> None:
    server.play(*[fault] * 5)
    with pytest.raises(TryAgainLater) as caught:
        client.get("/a", call="ask")
    assert caught.value.code == code
    assert len(server.asked) == PATIENCE.attempts


def test_a_reply_that_drips_is_given_up_as_a_whole(server: Loopback) -> None:
    server.play("drip", "drip")
    client = HttpClient("test", server.url, patience=Patience(attempts=1, read=0.3, whole=0.4))
    for ask in (
        partial(client.get, "/a", call="ask"),
        partial(HttpWitness(server.url, seconds=0.4).add_checkpoint, 0, proof=(), note="n"),
    ):
        with pytest.raises(TryAgainLater) as caught:
            ask()
        assert caught.value.code == "timeout"


def test_a_door_behind_which_many_calls_hang_asks_nobody() -> None:
    released, door = Event(), WholeCall(0.0)
    for code in [*["timeout"] * MOST, "still_hanging"]:
        with pytest.raises(TryAgainLater) as caught:
            door.ask(partial(released.wait, 9))
        assert caught.value.code == code
    released.set()


def test_waits_grow_and_stay_within_bounds(client: HttpClient, server: Loopback, waits: list[float]) -> None:
    server.play(500, 500, 500)
    with pytest.raises(TryAgainLater):
        client.get("/a", call="ask")
    first, second = waits
    assert 0.25 <= first <= 0.5 <= second <= 1.0


def test_a_wait_that_is_asked_for_is_kept(client: HttpClient, server: Loopback, waits: list[float]) -> None:
    server.play(Answer(429, headers={"Retry-After": "7"}))
    client.get("/a", call="ask")
    assert waits == [7.0]


def test_a_wait_too_long_for_one_call_is_handed_to_the_caller(
    client: HttpClient, server: Loopback, waits: list[float]
) -> None:
    server.play(Answer(503, headers={"Retry-After": "3600"}))
    with pytest.raises(TryAgainLater) as caught:
        client.get("/a", call="ask")
    assert caught.value.after_seconds == 3600
    assert (len(server.asked), waits) == (1, [])


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("12", 12.0),
        ("soon", None),
        ("-5", None),
        ("Mon, 23 Nov 2026 08:00:30 GMT", 30.0),
        ("Mon, 23 Nov 2026 07:00:00 GMT", 0.0),
        ("Mon, 23 Nov 2026 08:01:00 -0000", 60.0),
    ],
)
def test_a_wait_is_read_as_seconds_or_as_a_date(value: str | None, seconds: float | None) -> None:
    assert seconds_asked(value, now=datetime(2026, 11, 23, 8, tzinfo=UTC)) == seconds


@pytest.mark.parametrize("status", [400, 404, 410, 422])
def test_a_refusal_is_final_and_asked_once(client: HttpClient, server: Loopback, status: int) -> None:
    server.play(status)
    with pytest.raises(WillNeverWork) as caught:
        client.post("/b", call="tell", payload={}, key="k")
    assert (caught.value.code, caught.value.params) == ("request_refused", {"status": status})
    assert len(server.asked) == 1


@pytest.mark.parametrize("status", [401, 403])
def test_refused_credentials_are_ours_to_mend_and_not_hammered(
    client: HttpClient, server: Loopback, status: int
) -> None:
    server.play(status)
    with pytest.raises(TryAgainLater) as caught:
        client.get("/a", call="ask")
    assert caught.value.code == "credentials_refused"
    assert len(server.asked) == 1


def test_a_redirect_is_never_followed(client: HttpClient, server: Loopback) -> None:
    server.play(Answer(302, headers={"Location": f"{server.url}/elsewhere"}))
    with pytest.raises(WillNeverWork):
        client.get("/a", call="ask")
    assert [asked.path for asked in server.asked] == ["/a"]


def test_a_server_that_is_not_there_is_tried_again_later() -> None:
    with Loopback(lambda asked: Answer()) as gone:
        url = gone.url
    with pytest.raises(TryAgainLater) as caught:
        HttpClient("test", url, patience=PATIENCE, sleep=lambda _: None).get("/a", call="ask")
    assert caught.value.code == "no_reply"


def test_a_reply_is_read_only_so_far(client: HttpClient, server: Loopback) -> None:
    bomb = gzip.compress(bytes(20_000_000))
    server.play(Answer(200, bomb, {"Content-Encoding": "gzip"}))
    with pytest.raises(WillNeverWork) as caught:
        client.get("/a", call="ask")
    assert caught.value.code == "reply_too_large"


@pytest.mark.parametrize("body", [b"<html>sign in</html>", b"[1]", b"\xff"])
def test_a_page_of_some_gateway_is_no_answer(body: bytes) -> None:
    with pytest.raises(TryAgainLater) as caught:
        Reply(200, body).json()
    assert caught.value.code == "reply_unreadable"


@pytest.mark.parametrize(
    "url",
    [
        "http://sms.example.test",
        "ftp://127.0.0.1",
        "https://",
        "https://user:word@sms.example.test",
        "https://sms.example.test/?a=1",
        "https://sms.example.test/#a",
        "//sms.example.test",
    ],
)
def test_an_unsafe_address_is_refused_at_the_start(url: str) -> None:
    with pytest.raises(ValueError, match="https"):
        HttpClient("test", url)


@pytest.mark.parametrize("url", ["https://sms.example.test/v1/", "http://localhost:9", "http://[::1]:9"])
def test_a_safe_address_is_taken_without_its_last_stroke(url: str) -> None:
    assert safe_base(url) == url.rstrip("/")


def test_the_proxies_and_passwords_of_the_machine_stay_out(
    client: HttpClient, server: Loopback, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    assert client.get("/a", call="ask").status == 200
    assert "Authorization" not in server.asked[0].headers


class Stamps:
    """A credential that counts how often it was refused."""

    def __init__(self) -> None:
        self.number = 0

    def __call__(self, request: requests.PreparedRequest, /) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self.number}"
        return request

    def forget(self) -> None:
        self.number += 1


def test_a_refused_token_is_forgotten_and_a_new_one_shown(server: Loopback) -> None:
    client = HttpClient("test", server.url, patience=PATIENCE, credential=Stamps(), sleep=lambda _: None)
    server.play(401)
    assert client.get("/a", call="ask").status == 200
    assert [asked.headers["Authorization"] for asked in server.asked] == ["Bearer 0", "Bearer 1"]


@pytest.mark.parametrize("fault", [404, 500, "silence", "lost reply"])
def test_logs_and_errors_tell_outcome_and_time_but_no_path_key_or_body(
    client: HttpClient, server: Loopback, fault: int | str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    server.play(*[fault] * 3)
    with pytest.raises(OutsideError) as caught:
        client.post("/secret?token=abc", call="tell", payload={"to": "13900000000"}, key="k-9")
    assert "door=test call=tell attempt=1 outcome=" in caplog.text
    assert " ms=" in caplog.text
    assert caught.value.__cause__ is None
    for hidden in ("secret", "abc", "13900000000", "k-9"):
        assert hidden not in caplog.text + repr(caught.value)


def test_a_reply_does_not_show_its_body() -> None:
    assert "Zhang" not in repr(Reply(200, b"Zhang"))


def test_the_answering_function_sees_what_was_asked(server: Loopback, client: HttpClient) -> None:
    def count(asked: Asked) -> Answer:
        return as_json({"cursor": asked.query["cursor"]})

    server.answer = count
    assert client.get("/a", call="ask", params={"cursor": "3&4"}).json() == {"cursor": ["3&4"]}
