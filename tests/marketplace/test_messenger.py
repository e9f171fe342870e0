"""Which doors the settings open for notices: the console in a demonstration, real servers where they are named."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from adapters.ports import Channel, Message, WillNeverWork
from marketplace.config import Settings, demo_settings
from marketplace.wiring import messenger_of
from tests.adapters.gateways import SmsService
from tests.adapters.loopback import Loopback
from tests.adapters.mail_server import MailServer


def notice(channel: Channel, *, address: str) -> Message:
    return Message(channel=channel, idempotency_key="n-1", template_code="t", address=address, subject="s", body="b")


@pytest.mark.parametrize("channel", ["sms", "email"])
def test_a_demonstration_takes_every_notice_without_any_server(channel: Channel, tmp_path: Path) -> None:
    receipt = messenger_of(demo_settings(tmp_path, seed=1)).send(notice(channel, address="10000000000"))
    assert receipt.channel == channel


def test_named_servers_get_the_notices_of_their_channel() -> None:
    service = SmsService()
    with Loopback(service.answer) as gateway, MailServer() as mail:
        settings = Settings(
            smtp_host="127.0.0.1", smtp_port=mail.port, smtp_tls="none", sms_url=gateway.url, sms_token="open-sesame"
        )
        messenger = messenger_of(settings)
        messenger.send(notice("sms", address="10000000000"))
        messenger.send(notice("email", address="someone@example.test"))
        assert gateway.asked[0].headers["Authorization"] == "Bearer open-sesame"
        assert (len(service.delivered), len(mail.letters)) == (1, 1)


def test_without_a_server_a_notice_waits_for_a_person() -> None:
    messenger = messenger_of(replace(Settings(), demo=False))
    with pytest.raises(WillNeverWork) as caught:
        messenger.send(notice("sms", address="10000000000"))
    assert caught.value.code == "no_such_channel"
