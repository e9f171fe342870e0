"""The WeChat door's token and error codes, the console, and the choice of doors."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass, replace
from io import StringIO

import pytest

from adapters.http import HttpClient, Patience
from adapters.messages import ConsoleDoor, MessageDoor, SmsGateway, Switchboard
from adapters.ports import Message, TryAgainLater, WillNeverWork
from adapters.wechat import WeChatDoor, WeChatSettings, WeChatTemplate
from tests.adapters.gateways import WeChatPlatform
from tests.adapters.loopback import Loopback, as_json

MESSAGE = Message(
    channel="wechat",
    idempotency_key="n-1",
    template_code="matter-waiting",
    address="oAAAA",
    body="Something waits",
    params={"text": "Something waits", "link": "https://shanqiao.example.test/"},
)
PATIENCE = Patience(attempts=1, connect=2, read=2)


@dataclass
class Trial:
    platform: WeChatPlatform
    server: Loopback
    door: WeChatDoor
    clock: list[float]


@pytest.fixture
def wechat() -> Iterator[Trial]:
    platform, clock = WeChatPlatform(), [1000.0]
    template = WeChatTemplate(template_id="T-1", keywords={"text": "thing1", "day": "time2"})
    settings = WeChatSettings("app", "app-secret", {"matter-waiting": template})
    with Loopback(platform.answer) as server:
        client = HttpClient("wechat", server.url, patience=PATIENCE, sleep=lambda _: None)
        yield Trial(platform, server, WeChatDoor(client, settings, clock=lambda: clock[0]), clock)


def test_a_template_message_carries_only_the_templates_keywords(wechat: Trial) -> None:
    assert wechat.door.send(MESSAGE).reference == "200"
    sent = wechat.server.asked[-1].json
    assert sent["data"] == {"thing1": {"value": "Something waits"}, "time2": {"value": ""}}
    assert (sent["template_id"], sent["url"]) == ("T-1", "https://shanqiao.example.test/")


def test_one_token_serves_many_messages_until_it_is_about_to_end(wechat: Trial) -> None:
    for number in range(3):
        wechat.door.send(replace(MESSAGE, idempotency_key=f"n-{number}"))
    assert len(wechat.platform.tokens) == 1
    wechat.clock[0] += 7200 - 300
    wechat.door.send(replace(MESSAGE, idempotency_key="n-9"))
    assert len(wechat.platform.tokens) == 2


def test_a_refused_token_is_fetched_anew_and_the_message_still_goes(wechat: Trial) -> None:
    wechat.platform.refused.add("token 1")
    wechat.door.send(MESSAGE)
    assert len(wechat.platform.tokens) == 2
    assert len(wechat.platform.delivered) == 1


def test_tokens_refused_twice_are_ours_to_mend(wechat: Trial) -> None:
    wechat.platform.refused |= {"token 1", "token 2"}
    with pytest.raises(TryAgainLater) as caught:
        wechat.door.send(MESSAGE)
    assert caught.value.code == "credentials_refused"


@pytest.mark.parametrize(
    ("code", "error", "told"),
    [
        (-1, TryAgainLater, "busy"),
        (45009, TryAgainLater, "busy"),
        (40164, TryAgainLater, "credentials_refused"),
        (40003, WillNeverWork, "address_refused"),
        (43004, WillNeverWork, "address_refused"),
    ],
)
def test_the_platforms_codes_decide_between_later_and_never(
    wechat: Trial, code: int, error: type[TryAgainLater | WillNeverWork], told: str
) -> None:
    wechat.platform.next_codes.append(code)
    with pytest.raises(error) as caught:
        wechat.door.send(MESSAGE)
    assert (caught.value.code, caught.value.params) == (told, {"status": code})


def test_a_wrong_app_secret_is_ours_to_mend(wechat: Trial) -> None:
    wechat.platform.token_reply = {"errcode": 40125, "errmsg": "invalid appsecret"}
    with pytest.raises(TryAgainLater) as caught:
        wechat.door.send(MESSAGE)
    assert caught.value.code == "credentials_refused"


@pytest.mark.parametrize(
    "reply", [{}, {"access_token": 5, "expires_in": 7200}, {"access_token": "t"}, {"errcode": "many"}]
)
def test_a_strange_token_reply_is_tried_again_later(wechat: Trial, reply: dict[str, object]) -> None:
    wechat.platform.token_reply = reply
    with pytest.raises(TryAgainLater):
        wechat.door.send(MESSAGE)


def test_a_notice_without_a_template_of_the_platform_is_refused_before_any_call(wechat: Trial) -> None:
    with pytest.raises(WillNeverWork) as caught:
        wechat.door.send(replace(MESSAGE, template_code="unknown"))
    assert caught.value.code == "no_template"
    assert wechat.server.asked == []


def test_settings_do_not_show_the_app_secret() -> None:
    assert "app-secret" not in repr(WeChatSettings("app", "app-secret"))


def test_the_sms_gateway_gets_template_values_text_and_reference() -> None:
    with Loopback(lambda asked: as_json({})) as server:
        door = SmsGateway(HttpClient("sms", server.url, patience=PATIENCE))
        receipt = door.send(replace(MESSAGE, channel="sms", address="13900000000"))
    assert server.asked[0].json == {
        "to": "13900000000",
        "template": "matter-waiting",
        "params": dict(MESSAGE.params),
        "text": "Something waits",
        "reference": "n-1",
    }
    assert receipt.reference == "n-1"


def test_the_console_shows_the_text_and_half_hides_the_address() -> None:
    stream = StringIO()
    receipt = ConsoleDoor(stream).send(replace(MESSAGE, channel="console", address="13900001234", subject="善桥"))
    assert stream.getvalue() == "[matter-waiting → 13…34] 善桥\nSomething waits\n"
    assert receipt.reference == "console-1"


def test_the_console_may_stand_in_for_another_channel() -> None:
    stream = StringIO()
    assert ConsoleDoor(stream, channel="wechat").send(MESSAGE).channel == "wechat"
    assert "Something waits" in stream.getvalue()
    assert ConsoleDoor(None, channel="wechat").send(MESSAGE).reference == "console-1"


def test_a_reference_is_cut_to_what_the_outbox_keeps() -> None:
    with Loopback(lambda asked: as_json({"id": "x" * 500})) as server:
        door = SmsGateway(HttpClient("sms", server.url, patience=PATIENCE))
        assert door.send(replace(MESSAGE, channel="sms")).reference == "x" * 64


def test_a_message_for_another_channel_is_refused() -> None:
    with pytest.raises(WillNeverWork) as caught:
        ConsoleDoor(StringIO()).send(MESSAGE)
    assert caught.value.code == "wrong_channel"


def test_the_switchboard_refuses_a_channel_without_a_door() -> None:
    board = Switchboard({"console": ConsoleDoor(StringIO())})
    assert board.send(replace(MESSAGE, channel="console")).channel == "console"
    with pytest.raises(WillNeverWork) as caught:
        board.send(replace(MESSAGE, channel="sms"))
    assert caught.value.code == "no_such_channel"


def test_a_door_that_breaks_unexpectedly_is_logged_as_such(caplog: pytest.LogCaptureFixture) -> None:
    class Broken(MessageDoor):
        channel = "wechat"

        def _try_send(self, message: Message) -> str:
            raise RuntimeError("bug")

    caplog.set_level(logging.INFO)
    with pytest.raises(RuntimeError):
        Broken().send(MESSAGE)
    assert "outcome=crashed" in caplog.text
