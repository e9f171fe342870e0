"""What every way of sending promises: the same tests on the fake and on each real door against a loopback server."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from adapters.fakes import FakeMessenger
from adapters.http import HttpClient, Patience
from adapters.mail import SmtpDoor, SmtpSettings
from adapters.messages import SmsGateway, Switchboard
from adapters.ports import Channel, Message, Messenger, OutsideError, TryAgainLater, WillNeverWork
from adapters.wechat import WeChatDoor, WeChatSettings, WeChatTemplate
from tests.adapters.gateways import Delivered, SmsService, WeChatPlatform
from tests.adapters.loopback import Loopback
from tests.adapters.mail_server import MailServer

PATIENCE = Patience(attempts=2, connect=2, read=0.3)
TEXT = "您有一项事务待办 · Something waits for you"


@dataclass
class Rig:
    """A door, what has reached people through it, and ways to trouble the other side."""

    door: Messenger
    channel: Channel
    delivered: Callable[[], Delivered]
    be_busy: Callable[[], None]
    calm_down: Callable[[], None]
    lose_a_reply: Callable[[], None]
    good_address: str
    no_address: str

    def message(self, key: str, *, address: str | None = None) -> Message:
        return Message(
            channel=self.channel,
            idempotency_key=key,
            template_code="matter-waiting",
            address=address or self.good_address,
            subject="善桥",
            body=TEXT,
            params={"text": TEXT},
        )


@contextmanager
def fake() -> Iterator[Rig]:
    messenger = FakeMessenger()

    class Numbered:
        def send(self, message: Message, /) -> object:
            if message.address.startswith("0"):
                messenger.faults.play(WillNeverWork("No such number.", code="address_refused"))
            return messenger.send(message)

    busy = [TryAgainLater("Busy.", code="busy")]
    yield Rig(
        door=Numbered(),  # type: ignore[arg-type]
        channel="sms",
        delivered=lambda: [(message.address, message.body) for message in messenger.sent],
        be_busy=lambda: messenger.faults.play(*busy),
        calm_down=messenger.faults.coming.clear,
        lose_a_reply=lambda: messenger.faults.play("lost reply"),
        good_address="13900000000",
        no_address="00000000000",
    )


@contextmanager
def sms() -> Iterator[Rig]:
    service = SmsService()
    with Loopback(service.answer) as server:
        client = HttpClient("sms", server.url, patience=PATIENCE, sleep=lambda _: None)
        yield Rig(
            door=SmsGateway(client),
            channel="sms",
            delivered=lambda: service.delivered,
            be_busy=lambda: server.play(429, 500),
            calm_down=lambda: None,
            lose_a_reply=lambda: server.play("lost reply"),
            good_address="13900000000",
            no_address="00000000000",
        )


@contextmanager
def wechat() -> Iterator[Rig]:
    platform = WeChatPlatform()
    template = WeChatTemplate(template_id="T-1", keywords={"text": "thing1"})
    settings = WeChatSettings("app", "app-secret", {"matter-waiting": template})
    with Loopback(platform.answer) as server:
        client = HttpClient("wechat", server.url, patience=PATIENCE, sleep=lambda _: None)
        rig = Rig(
            door=WeChatDoor(client, settings),
            channel="wechat",
            delivered=lambda: platform.delivered,
            be_busy=lambda: server.play(500, "silence"),
            calm_down=lambda: None,
            lose_a_reply=lambda: server.play("lost reply", "lost reply"),
            good_address="oAAAA",
            no_address="0AAAA",
        )
        # Once the token is there, the faults meet the sending itself.
        rig.door.send(rig.message("warm-up"))
        platform.delivered.clear()
        yield rig


@contextmanager
def mail() -> Iterator[Rig]:
    with MailServer() as server:
        settings = SmtpSettings(
            "127.0.0.1", server.port, "notices@shanqiao.example.test", tls="none", timeout_seconds=5
        )

        def delivered() -> Delivered:
            by_id = {str(letter["Message-ID"]): letter for letter in server.letters}
            return [(str(letter["To"]), letter.get_content().strip()) for letter in by_id.values()]

        yield Rig(
            door=SmtpDoor(settings),
            channel="email",
            delivered=delivered,
            be_busy=lambda: server.at.update(RCPT="451 try later"),
            calm_down=server.at.clear,
            lose_a_reply=lambda: server.at.update(DATA="lost reply"),
            good_address="someone@example.test",
            no_address="no-one@@example.test",
        )


@contextmanager
def switchboard() -> Iterator[Rig]:
    with sms() as rig:
        rig.door = Switchboard({"sms": rig.door})
        yield rig


@pytest.fixture(params=[fake, sms, wechat, mail, switchboard], ids=lambda make: make.__name__)
def rig(request: pytest.FixtureRequest) -> Iterator[Rig]:
    with request.param() as made:
        yield made


def test_a_message_reaches_its_address_with_its_text(rig: Rig) -> None:
    receipt = rig.door.send(rig.message("n-1"))
    assert rig.delivered() == [(rig.good_address, TEXT)]
    assert receipt.channel == rig.channel
    assert receipt.reference


def test_two_messages_with_the_same_words_both_arrive(rig: Rig) -> None:
    rig.door.send(rig.message("n-1"))
    rig.door.send(rig.message("n-2"))
    assert len(rig.delivered()) == 2


def test_the_same_key_reaches_the_person_once(rig: Rig) -> None:
    rig.door.send(rig.message("n-1"))
    rig.door.send(rig.message("n-1"))
    assert len(rig.delivered()) == 1


def test_a_busy_other_side_asks_for_a_later_try_which_then_works(rig: Rig) -> None:
    rig.be_busy()
    with pytest.raises(TryAgainLater):
        rig.door.send(rig.message("n-1"))
    assert rig.delivered() == []
    rig.calm_down()
    rig.door.send(rig.message("n-1"))
    assert len(rig.delivered()) == 1


def test_a_lost_reply_neither_loses_nor_doubles_the_message(rig: Rig) -> None:
    rig.lose_a_reply()
    try:
        rig.door.send(rig.message("n-1"))
    except TryAgainLater:
        assert len(rig.delivered()) == 1
        rig.calm_down()
        rig.door.send(rig.message("n-1"))
    assert rig.delivered() == [(rig.good_address, TEXT)]


def test_an_address_that_does_not_exist_is_final(rig: Rig) -> None:
    with pytest.raises(WillNeverWork):
        rig.door.send(rig.message("n-1", address=rig.no_address))
    assert rig.delivered() == []


def test_neither_logs_nor_errors_hold_an_address_a_text_or_a_secret(rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    rig.door.send(rig.message("n-1"))
    rig.be_busy()
    told = ""
    for address in (rig.good_address, rig.no_address):
        with pytest.raises(OutsideError) as caught:
            rig.door.send(rig.message("n-2", address=address))
        told += "".join(traceback.format_exception(caught.value)) + repr(caught.value.params)
        rig.calm_down()
    # The mail server of the test is the outside; it may log what it likes.
    told += "".join(record.getMessage() for record in caplog.records if record.name != "mail.log")
    for hidden in (rig.good_address, rig.no_address, "事务", "app-secret", "token 1", "token%201"):
        assert hidden not in told
