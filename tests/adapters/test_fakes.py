"""The stand-ins' own ways; what they share with the real doors is in the contract tests."""

from __future__ import annotations

from dataclasses import replace

import pytest

from adapters.fakes import FakeMessenger
from adapters.ports import Message, TryAgainLater, WillNeverWork

MESSAGE = Message(channel="sms", idempotency_key="n-1", template_code="t", address="13900000000", body="x")


def test_a_key_used_for_another_message_is_refused_as_a_gateway_would() -> None:
    messenger = FakeMessenger()
    messenger.send(MESSAGE)
    with pytest.raises(WillNeverWork) as caught:
        messenger.send(replace(MESSAGE, body="y"))
    assert caught.value.code == "key_reused"


def test_faults_are_played_in_order_and_then_all_is_well() -> None:
    messenger = FakeMessenger()
    messenger.faults.play(TryAgainLater("Busy.", code="busy"), "lost reply")
    codes = []
    for _ in range(2):
        with pytest.raises(TryAgainLater) as caught:
            messenger.send(MESSAGE)
        codes.append(caught.value.code)
    assert codes == ["busy", "no_reply"]
    assert messenger.send(MESSAGE).reference == "fake-1"
    assert messenger.sent == [MESSAGE]
