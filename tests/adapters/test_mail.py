"""The mail door against a real SMTP server on loopback: encryption, sign-in, refusals and rude servers."""

from __future__ import annotations

import datetime
import ipaddress
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from adapters.mail import SmtpDoor, SmtpSettings
from adapters.ports import Message, TryAgainLater, WillNeverWork
from tests.adapters.mail_server import MailServer

SENDER = "notices@shanqiao.example.test"


def letter(*, address: str = "someone@example.test", subject: str = "善桥", key: str = "n-1") -> Message:
    return Message(
        channel="email", idempotency_key=key, template_code="t", address=address, subject=subject, body="一件事\n.\nend"
    )


def settings(server: MailServer, **changed: object) -> SmtpSettings:
    values: dict[str, object] = {"tls": "none", "timeout_seconds": 5, **changed}
    return SmtpSettings("127.0.0.1", server.port, SENDER, **values)  # type: ignore[arg-type]


@pytest.fixture
def server() -> Iterator[MailServer]:
    with MailServer() as running:
        yield running


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for 127.0.0.1 with its key, made for this run."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    today = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(today - datetime.timedelta(days=1))
        .not_valid_after(today + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    plain = serialization.NoEncryption()
    pem, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    path.write_bytes(key.private_bytes(pem, form, plain) + made.public_bytes(pem))
    return path


def test_a_letter_is_plain_text_from_us_marked_as_automatic(server: MailServer) -> None:
    receipt = SmtpDoor(settings(server)).send(letter())
    (got,) = server.letters
    assert (got["From"], got["To"], got["Subject"]) == (SENDER, "someone@example.test", "善桥")
    assert got["Auto-Submitted"] == "auto-generated"
    assert got.get_content() == "一件事\n.\nend\n"
    assert receipt.reference == got["Message-ID"]
    assert server.recipients == ["someone@example.test"]


def test_the_key_names_the_letter_without_being_in_it(server: MailServer) -> None:
    door = SmtpDoor(settings(server))
    for key in ("n-1", "n-1", "n-2"):
        door.send(letter(key=key))
    names = [str(got["Message-ID"]) for got in server.letters]
    assert names[0] == names[1] != names[2]
    assert "n-1" not in names[0]


@pytest.mark.parametrize("from_start", [False, True])
def test_a_letter_goes_encrypted_and_signed_in(certificate: Path, from_start: bool) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    trust = ssl.create_default_context(cafile=str(certificate))
    with MailServer(tls=context, tls_from_start=from_start, login="open") as server:
        tls = "start" if from_start else "starttls"
        SmtpDoor(settings(server, tls=tls, username="us", password="open"), trust=trust).send(letter())
        with pytest.raises(TryAgainLater) as caught:
            SmtpDoor(settings(server, tls=tls, username="us", password="wrong"), trust=trust).send(letter())
        assert caught.value.code == "credentials_refused"
        with pytest.raises(TryAgainLater) as stranger:
            SmtpDoor(settings(server, tls=tls)).send(letter())
        assert stranger.value.code == "no_reply"
        assert len(server.letters) == 1


def test_no_letter_goes_in_the_clear_where_encryption_was_asked_for(server: MailServer) -> None:
    with pytest.raises(WillNeverWork):
        SmtpDoor(settings(server, tls="starttls")).send(letter())
    assert server.letters == []


@pytest.mark.parametrize("stage", ["RCPT", "DATA"])
@pytest.mark.parametrize(("reply", "error"), [("550 no such box", WillNeverWork), ("452 box full", TryAgainLater)])
def test_the_mail_servers_codes_decide_between_later_and_never(
    server: MailServer, stage: str, reply: str, error: type[Exception]
) -> None:
    server.at[stage] = reply
    with pytest.raises(error) as caught:
        SmtpDoor(settings(server)).send(letter())
    assert caught.value.params == {"status": int(reply[:3])}  # type: ignore[attr-defined]


def test_a_rude_goodbye_does_not_make_a_taken_letter_look_unsent(server: MailServer) -> None:
    server.at["QUIT"] = "421 go away"
    SmtpDoor(settings(server)).send(letter())
    assert len(server.letters) == 1


@pytest.mark.parametrize(
    ("address", "subject"),
    [
        ("a@example.test\r\nBcc: b@example.test", "x"),
        ("a@example.test, b@example.test", "x"),
        ("", "x"),
        ("张三", "x"),
        ("a@example.test", "x\r\nBcc: b@example.test"),
    ],
)
def test_no_second_recipient_can_be_slipped_in(server: MailServer, address: str, subject: str) -> None:
    with pytest.raises(WillNeverWork) as caught:
        SmtpDoor(settings(server)).send(letter(address=address, subject=subject))
    assert caught.value.code == "address_refused"
    assert server.recipients == []


def test_an_address_the_server_cannot_write_is_refused_for_good(server: MailServer) -> None:
    with pytest.raises(WillNeverWork):
        SmtpDoor(settings(server)).send(letter(address="张三@example.test"))
    assert server.letters == []


def test_a_server_that_says_nothing_is_tried_again_later() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        quiet = SmtpSettings("127.0.0.1", port, SENDER, tls="none", timeout_seconds=0.2)
        with pytest.raises(TryAgainLater) as caught:
            SmtpDoor(quiet).send(letter())
    assert caught.value.code == "no_reply"


def test_settings_do_not_show_the_password() -> None:
    assert "open-sesame" not in repr(SmtpSettings("h", 25, SENDER, password="open-sesame"))
