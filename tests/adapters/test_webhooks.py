"""Webhooks go to allowed public hosts only: thirty addresses that are not, and no request is made to any of them."""

from __future__ import annotations

from threading import Event

import pytest

from adapters.ports import OutsideError, TryAgainLater, WillNeverWork
from adapters.webhooks import Webhooks
from adapters.whole import MOST

HOST = "hooks.partner.example"
BAD = (
    "http://hooks.partner.example/", "ftp://hooks.partner.example/", "file:///etc/passwd", "//hooks.partner.example/",
    "https://127.0.0.1/", "https://localhost/", "https://[::1]/", "https://0.0.0.0/", "https://169.254.169.254/latest/",
    "https://10.0.0.1/", "https://192.168.1.1/", "https://2130706433/", "https://0x7f000001/", "https://017700000001/",
    "https://127.1/", "https://user@hooks.partner.example/", "https://hooks.partner.example@127.0.0.1/",
    "https://hooks.partner.example:8443/", "https://hooks.partner.example:22/", "https://evil.example/",
    "https://hooks.partner.example.evil.example/", "https://evil.example/#hooks.partner.example",
    "https://evil.example\\@hooks.partner.example/", "https://hooks.partner.example\r\nHost: evil/", "https://",
    "https://hooks.partner.example:99999/", "https://ｈooks.partner.example/", "https://hooks.partner.example\t/",
    "https://[::ffff:127.0.0.1]/", "gopher://hooks.partner.example:70/_x", "javascript:alert(1)", "",
)  # fmt: skip
PRIVATE = (
    ["127.0.0.1"], ["93.184.216.34", "10.0.0.7"], ["::1"], ["::ffff:10.0.0.1"], ["fe80::1"], ["fd00::1"], ["0.0.0.0"],
    ["169.254.169.254"], ["100.64.0.1"], ["224.0.0.1"], ["2002:7f00:1::"], ["not an address"], [],
)  # fmt: skip


class Wire:
    """What would have gone out."""

    def __init__(self, status: int = 200) -> None:
        self.status = status
        self.sent: list[tuple[str, str, str]] = []

    def send(self, address: str, host: str, path: str, body: bytes) -> int:
        self.sent.append((address, host, path))
        return self.status


@pytest.mark.threat("T12")
@pytest.mark.parametrize("url", BAD)
def test_an_address_that_is_not_a_plain_allowed_https_one_is_never_called(url: str) -> None:
    wire = Wire()
    door = Webhooks([HOST], resolve=lambda host: ["93.184.216.34"], send=wire.send)
    with pytest.raises(WillNeverWork):
        door.post(url, "x")
    assert wire.sent == []


@pytest.mark.threat("T12")
@pytest.mark.parametrize("addresses", PRIVATE)
def test_a_name_that_leads_into_a_private_network_is_never_called(addresses: list[str]) -> None:
    wire = Wire()
    with pytest.raises(WillNeverWork):
        Webhooks([HOST], resolve=lambda host: addresses, send=wire.send).post(f"https://{HOST}/", "x")
    assert wire.sent == []


@pytest.mark.threat("T12")
def test_the_call_goes_to_the_address_that_was_judged_even_if_the_name_changes() -> None:
    wire, answers = Wire(), iter([["93.184.216.34"], ["127.0.0.1"]])
    door = Webhooks([HOST], resolve=lambda host: next(answers), send=wire.send)
    door.post(f"https://{HOST}/in?x=1", "x")
    assert wire.sent == [("93.184.216.34", HOST, "/in?x=1")]
    with pytest.raises(WillNeverWork):
        door.post(f"https://{HOST}/in", "x")
    assert len(wire.sent) == 1


@pytest.mark.parametrize(("status", "error"), [(302, WillNeverWork), (500, TryAgainLater), (404, TryAgainLater)])
def test_a_redirect_is_not_followed_and_other_answers_are_tried_again(status: int, error: type[OutsideError]) -> None:
    wire = Wire(status)
    with pytest.raises(error):
        Webhooks([HOST], resolve=lambda host: ["93.184.216.34"], send=wire.send).post(f"https://{HOST}/", "x")
    assert len(wire.sent) == 1


def test_a_partner_that_never_ends_its_answer_holds_up_no_other() -> None:
    released, slow = Event(), "slow.partner.example"

    def send(_address: str, host: str, _path: str, _body: bytes) -> int:
        return 200 if host == HOST or released.wait(9) else 500

    door = Webhooks([HOST, slow], resolve=lambda host: ["93.184.216.34"], send=send, seconds=0.05)
    for code in [*["timeout"] * MOST, "still_hanging"]:
        with pytest.raises(TryAgainLater) as caught:
            door.post(f"https://{slow}/", "x")
        assert caught.value.code == code
    door.post(f"https://{HOST}/", "x")
    released.set()
