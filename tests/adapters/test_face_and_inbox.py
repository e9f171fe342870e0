"""The provider of face checks and the inbox of text messages: the same promises on the fake and against loopback."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from joserfc import jws
from joserfc.jwk import ECKey

from adapters.face import FaceDoor
from adapters.fakes import FakeFace, FakeSmsInbox
from adapters.http import HttpClient, Patience
from adapters.liveness import FaceGateway
from adapters.ports import OutsideError, TryAgainLater, WillNeverWork
from adapters.sms_in import IncomingSms, SmsInbox
from adapters.sms_inbox import SmsInboxDoor
from tests.adapters.loopback import Answer, Asked, Loopback, as_json

PATIENCE = Patience(attempts=2, connect=2, read=0.3, first_wait=0)
ISSUER = "https://face.example.cn"
SAID = [{"seq": 3, "from": "13800000001", "text": "1 12345678"}, {"seq": 9, "from": "13800000002", "text": "你好"}]


@dataclass
class Face:
    """The door, what the provider finds from now on (None: not finished), and a way to lose one reply."""

    door: FaceDoor
    find: Callable[[str, bool | None], None]
    lose: Callable[[], None]


@contextmanager
def fake_face() -> Iterator[Face]:
    door = FakeFace()
    yield Face(door, lambda ref, found: door.verdicts.update({ref: found}), lambda: door.faults.play("lost reply"))


@contextmanager
def real_face() -> Iterator[Face]:
    key, opened, verdicts = ECKey.generate_key("P-256"), dict[str, str](), dict[str, bool | None]()

    def answer(asked: Asked) -> Answer:
        if asked.headers.get("Authorization") != "Bearer t":
            return as_json({}, status=401)
        if asked.method == "POST":
            ref = opened.setdefault(asked.headers["Idempotency-Key"], f"face-{len(opened) + 1}")
            assert set(asked.json) == {"subject", "back"}
            return as_json({"reference": ref, "address": f"https://face.example.cn/go/{ref}"})
        ref = asked.path.rpartition("/")[2]
        alive = verdicts.get(ref, True)
        claims = json.dumps({"iss": ISSUER, "ref": ref, "alive": alive})
        return as_json({"result": None if alive is None else jws.serialize_compact({"alg": "ES256"}, claims, key)})

    with Loopback(answer) as server:
        client = HttpClient("face", server.url, headers={"Authorization": "Bearer t"}, patience=PATIENCE)
        door = FaceGateway(client, issuer=ISSUER, key=key)
        yield Face(door, lambda ref, found: verdicts.update({ref: found}), lambda: server.play("lost reply"))


@pytest.fixture(params=[fake_face, real_face], ids=["fake", "real"])
def face(request: pytest.FixtureRequest) -> Iterator[Face]:
    with request.param() as found:
        yield found


def begin(face: Face) -> str:
    return face.door.begin(key="check-1", subject="mark", back="https://shanqiao.example.cn/back").reference


def test_a_check_opened_twice_or_after_a_lost_reply_is_one_check(face: Face) -> None:
    face.lose()
    try:
        first = begin(face)
    except OutsideError:
        first = begin(face)
    assert begin(face) == first


def test_the_answer_comes_when_the_person_has_finished_and_is_signed(face: Face) -> None:
    ref = begin(face)
    face.find(ref, None)
    with pytest.raises(TryAgainLater):
        face.door.result(ref)
    for found in (True, False):
        face.find(ref, found)
        told = face.door.result(ref)
        assert (told.alive, told.reference, told.signed.count(".")) == (found, ref, 2)


def _signed(key: ECKey, **claims: object) -> dict[str, object]:
    return {"result": jws.serialize_compact({"alg": "ES256"}, json.dumps(claims), key)}


def test_an_answer_of_another_key_issuer_check_or_shape_is_refused() -> None:
    key, other = ECKey.generate_key("P-256"), ECKey.generate_key("P-256")
    good: dict[str, Any] = {"iss": ISSUER, "ref": "face-1", "alive": True}
    pages = [
        _signed(other, **good),
        _signed(key, **{**good, "iss": "https://else.example.cn"}),
        _signed(key, **{**good, "ref": "face-2"}),
        _signed(key, **{**good, "alive": "yes"}),
        {"result": "eyJhbGciOiJub25lIn0.e30."},
    ]
    for page in pages:
        with Loopback(lambda _asked, page=page: as_json(page)) as server:
            door = FaceGateway(HttpClient("face", server.url, patience=PATIENCE), issuer=ISSUER, key=key)
            with pytest.raises(WillNeverWork):
                door.result("face-1")


@contextmanager
def fake_inbox() -> Iterator[SmsInbox]:
    yield FakeSmsInbox([IncomingSms(one["seq"], one["from"], one["text"]) for one in reversed(SAID)])  # type: ignore[arg-type]


@contextmanager
def real_inbox() -> Iterator[SmsInbox]:
    def answer(asked: Asked) -> Answer:
        after = int(asked.query["after"][0])
        return as_json({"messages": [one for one in reversed(SAID) if int(str(one["seq"])) > after]})

    with Loopback(answer) as server:
        yield SmsInboxDoor(HttpClient("sms-inbox", server.url, patience=PATIENCE))


@pytest.fixture(params=[fake_inbox, real_inbox], ids=["fake", "real"])
def inbox(request: pytest.FixtureRequest) -> Iterator[SmsInbox]:
    with request.param() as found:
        yield found


def test_messages_come_in_order_after_the_last_one_and_stay_out_of_every_repr(inbox: SmsInbox) -> None:
    found = inbox.messages(after=0)
    assert [(one.seq, one.text) for one in found] == [(3, "1 12345678"), (9, "你好")]
    assert inbox.messages(after=3) == found[1:]
    assert inbox.messages(after=9) == ()
    assert "138" not in repr(found)


@pytest.mark.parametrize("page", [{}, {"messages": 7}, {"messages": [{"seq": "1", "from": "1", "text": "x"}]}])
def test_an_inbox_that_is_not_as_agreed_is_refused_whole(page: Any) -> None:
    with Loopback(lambda _asked: as_json(page)) as server:
        door = SmsInboxDoor(HttpClient("sms-inbox", server.url, patience=PATIENCE))
        with pytest.raises(WillNeverWork):
            door.messages(after=0)
