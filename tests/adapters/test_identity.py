"""Staff sign-in against a real provider on loopback: the honest one is believed, every lie is refused."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from adapters.identity import OidcDoor, OidcSettings
from adapters.ports import Identity, OutsideError, TryAgainLater, WillNeverWork
from tests.adapters.identity_provider import (
    CLIENT,
    KEY,
    SECRET,
    STRANGER,
    SUBJECT,
    Lie,
    Provider,
    altered,
    signed,
    unsigned,
    with_secret,
)
from tests.adapters.loopback import Answer, as_json

BACK = "https://aid.example/sign-in/office/return"
EVIL = "https://evil.example"


def without(name: str) -> Any:
    return lambda reply: as_json({key: value for key, value in reply.items() if key != name})


LIES = {
    "made for another client, by our own request": Lie({"aud": "another", "azp": CLIENT}),
    "made for us and another client": Lie({"aud": [CLIENT, "another"], "azp": CLIENT}),
    "no audience": Lie({"aud": None}),
    "another issuer in the token": Lie({"iss": EVIL}),
    "no issuer in the token": Lie({"iss": None}),
    "no nonce": Lie({"nonce": None}),
    "the nonce of another sign-in": Lie({"nonce": "another"}),
    "ran out": Lie({"exp": int(time.time()) - 3600}),
    "never runs out": Lie({"exp": None}),
    "without the time of making": Lie({"iat": None}),
    "made tomorrow": Lie({"iat": int(time.time()) + 86_400}),
    "good from tomorrow": Lie({"nbf": int(time.time()) + 86_400}),
    "nobody": Lie({"sub": None}),
    "a subject that is no text": Lie({"sub": 7}),
    "a subject without end": Lie({"sub": "x" * 10_000}),
    "asked for by another client": Lie({"azp": "another"}),
    "methods that are no list": Lie({"amr": "mfa"}),
    "hash of another access token": Lie({"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"}),
    "not signed": Lie(token=unsigned),
    "signed with the shared secret": Lie(token=with_secret(SECRET.encode())),
    "signed with the public key as a secret": Lie(token=with_secret(KEY.as_pem(private=False))),
    "signed by a stranger under the known name": Lie(token=lambda claims: signed(claims, key=STRANGER)),
    "signed by a key that it brings itself": Lie(
        token=lambda claims: signed(claims, key=STRANGER, jwk=STRANGER.as_dict(private=False))
    ),
    "altered after signing": Lie(token=altered),
    "no token but words": Lie(token=lambda _claims: "not.a.token"),
    "a number for a token": Lie(token=lambda _claims: 7),
    "no identity token at all": Lie(reply=without("id_token")),
    "an error instead": Lie(reply=lambda _reply: as_json({"error": "server_error"}, status=400)),
    "a page instead": Lie(reply=lambda _reply: Answer(body=b"<html>")),
    "a list instead": Lie(reply=lambda _reply: as_json([])),
    "sent elsewhere for the token": Lie(reply=lambda _reply: Answer(302, b"", {"Location": EVIL})),
    "another issuer in the metadata": Lie(metadata={"issuer": EVIL}),
    "keys from an unsafe address": Lie(metadata={"jwks_uri": "http://evil.example/keys"}),
    "only shared secrets in the metadata": Lie(metadata={"id_token_signing_alg_values_supported": ["HS256", "none"]}),
    "metadata without a token address": Lie(metadata={"token_endpoint": None}),
    "the state of another browser": Lie(back={"state": "x" * 30}),
    "no state": Lie(back={"state": ""}),
    "a state that is not ASCII": Lie(back={"state": "状态"}),
    "answered by another provider": Lie(back={"iss": EVIL}),
    "refused with an error": Lie(back={"error": "access_denied"}),
    "no code": Lie(back={"code": ""}),
    "a code that was never given": Lie(back={"code": "never"}),
}


@pytest.fixture
def provider() -> Iterator[Provider]:
    with Provider() as running:
        yield running


def door_to(provider: Provider) -> OidcDoor:
    return OidcDoor(OidcSettings(provider.url, CLIENT, SECRET))


def sign_in(provider: Provider) -> Identity:
    door = door_to(provider)
    departure = door.begin(BACK)
    return door.finish(provider.visit(departure.address), departure=departure)


@pytest.mark.threat("T10")
def test_an_honest_provider_is_believed(provider: Provider) -> None:
    known = sign_in(provider)
    assert replace(known, proved_at=None) == Identity(provider.url, SUBJECT, frozenset({"pwd", "otp"}))
    assert known.proved_at is not None
    assert abs(known.proved_at.timestamp() - time.time()) < 60


@pytest.mark.threat("T10")
@pytest.mark.parametrize("said", [None, True, 0, int(time.time()) + 86_400, 10**30])
def test_a_provider_that_names_no_moment_that_was_vouches_for_no_moment(provider: Provider, said: object) -> None:
    provider.lie = Lie({"auth_time": said})
    assert sign_in(provider).proved_at is None


@pytest.mark.threat("T10")
@pytest.mark.parametrize("name", LIES)
def test_a_lie_is_refused(provider: Provider, name: str) -> None:
    provider.lie = LIES[name]
    with pytest.raises(WillNeverWork, match="refused"):
        sign_in(provider)


@pytest.mark.threat("T10")
def test_a_code_works_once_and_only_with_its_own_verifier(provider: Provider) -> None:
    door = door_to(provider)
    departure = door.begin(BACK)
    back = provider.visit(departure.address)
    assert door.finish(back, departure=departure).subject == SUBJECT
    with pytest.raises(WillNeverWork):
        door.finish(back, departure=departure)
    again = door.begin(BACK)
    with pytest.raises(WillNeverWork):
        door.finish(provider.visit(again.address), departure=replace(again, code_verifier="x" * 48))


@pytest.mark.threat("T10")
def test_a_provider_that_never_ends_its_answer_is_given_up_as_a_whole(provider: Provider) -> None:
    door = OidcDoor(OidcSettings(provider.url, CLIENT, SECRET), seconds=0.0)
    departure = door_to(provider).begin(BACK)
    back = provider.visit(departure.address)
    for call in (partial(door.begin, BACK), partial(door.finish, back, departure=departure)):
        with pytest.raises(TryAgainLater) as caught:
            call()
        assert caught.value.code == "timeout"


@pytest.mark.threat("T10")
def test_each_departure_has_a_state_a_nonce_and_a_verifier_of_its_own(provider: Provider) -> None:
    door = door_to(provider)
    one, two = door.begin(BACK), door.begin(BACK)
    assert not {one.state, one.nonce, one.code_verifier} & {two.state, two.nonce, two.code_verifier}
    assert SECRET not in one.address
    assert one.code_verifier not in one.address
    assert one.state not in repr(one)


def test_a_silent_provider_is_asked_again_later(provider: Provider) -> None:
    provider.loopback.play(503)
    with pytest.raises(TryAgainLater):
        door_to(provider).begin(BACK)
    assert sign_in(provider).subject == SUBJECT


def test_no_error_of_the_door_shows_the_secret_or_the_subject(provider: Provider) -> None:
    for lie in LIES.values():
        provider.lie = lie
        with pytest.raises(OutsideError) as refused:
            sign_in(provider)
        assert SECRET not in str(refused.value)
        assert SUBJECT not in str(refused.value)
