"""Codes of WeChat's shell for the reader's number: the same promises on the fake and on a platform on loopback."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest

from adapters.fakes_wechat import FakeWeChat
from adapters.http import HttpClient, Patience
from adapters.openid import OpenIdDoor
from adapters.ports import OutsideError, TryAgainLater, WillNeverWork
from adapters.wechat_login import WeChatLogin
from tests.adapters.loopback import Answer, Asked, Loopback, as_json

PATIENCE = Patience(attempts=2, connect=2, read=0.3, first_wait=0)


@dataclass
class Platform:
    """Answers 200 to everything, as WeChat does; a code is good once."""

    used: set[str] = field(default_factory=set)
    next_codes: list[int] = field(default_factory=list)

    def answer(self, asked: Asked) -> Answer:
        assert (asked.method, asked.path) == ("GET", "/sns/jscode2session")
        told = {name: values[0] for name, values in asked.query.items()}
        if self.next_codes:
            return as_json({"errcode": self.next_codes.pop(0), "errmsg": "as played"})
        if (told["appid"], told["secret"]) != ("app", "app-secret"):
            return as_json({"errcode": 40125, "errmsg": "invalid appsecret"})
        assert told["grant_type"] == "authorization_code"
        number, dot, _word = told["js_code"].partition(".")
        if not dot or told["js_code"] in self.used:
            return as_json({"errcode": 40163 if dot else 40029, "errmsg": "code"})
        self.used.add(told["js_code"])
        return as_json({"openid": f"o-{number}", "session_key": "never read"})


Rig = tuple[OpenIdDoor, Callable[[], None]]


@contextmanager
def fake() -> Iterator[Rig]:
    door = FakeWeChat()
    yield door, lambda: door.faults.play(TryAgainLater("busy", code="busy"))


@contextmanager
def real() -> Iterator[Rig]:
    platform = Platform()
    with Loopback(platform.answer) as server:
        client = HttpClient("wechat-login", server.url, patience=PATIENCE)
        yield WeChatLogin(client, app_id="app", app_secret="app-secret"), lambda: platform.next_codes.append(-1)


@pytest.fixture(params=[fake, real], ids=lambda make: make.__name__)
def rig(request: pytest.FixtureRequest) -> Iterator[Rig]:
    with request.param() as found:
        yield found


def test_a_code_gives_its_readers_number_once_and_a_strange_one_none(rig: Rig) -> None:
    door, busy = rig
    assert door.openid_of("ann.1") == door.openid_of("ann.2") == "o-ann"
    for code in ("ann.1", "strange", "", "x" * 200, "长.1"):
        with pytest.raises(WillNeverWork) as caught:
            door.openid_of(code)
        assert caught.value.code == "code_refused"
    busy()
    with pytest.raises(TryAgainLater):
        door.openid_of("ann.3")


@pytest.mark.parametrize(
    ("answer", "kind", "code"),
    [
        ({"errcode": 45011, "errmsg": "too often"}, TryAgainLater, "busy"),
        ({"errcode": 40125, "errmsg": "secret"}, TryAgainLater, "credentials_refused"),
        ({"errcode": 40226, "errmsg": "blocked"}, WillNeverWork, "code_refused"),
        ({"session_key": "s"}, WillNeverWork, "page_not_as_agreed"),
        ({"openid": 7}, WillNeverWork, "page_not_as_agreed"),
    ],
)
def test_what_the_platform_tells_in_its_answer_is_taken_as_it_is_meant(
    answer: dict[str, object], kind: type[OutsideError], code: str
) -> None:
    with Loopback(lambda _asked: as_json(answer)) as server:
        door = WeChatLogin(HttpClient("wechat-login", server.url, patience=PATIENCE), app_id="a", app_secret="s")
        with pytest.raises(kind) as caught:
            door.openid_of("ann.1")
        assert caught.value.code == code


def test_neither_secret_nor_code_stands_in_the_log_or_in_an_error(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    with Loopback(Platform().answer) as server:
        server.play("silence", "silence")
        door = WeChatLogin(HttpClient("wechat-login", server.url, patience=PATIENCE), app_id="a", app_secret="hidden")
        with pytest.raises(TryAgainLater) as caught:
            door.openid_of("ann.told")
    for text in (caplog.text, repr(caught.value), str(caught.value)):
        assert "hidden" not in text
        assert "ann.told" not in text
