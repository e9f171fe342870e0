"""Hostile assertions and access tokens: none is taken, and none ends in a fault of the server."""

from __future__ import annotations

import base64
import json
import random
import time
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from joserfc import jws
from joserfc.jwk import ECKey, OctKey

from marketplace.app import create_app
from marketplace.calendar import utc_now
from marketplace.config import Settings
from marketplace.db import Database
from marketplace.sharing import signing
from tests import factories as make
from tests.marketplace import figures
from tests.marketplace.partner_scene import Machine, let_in

CALLS = figures.count(625, torture=12_500)
"""Of each seed, for assertions and for access tokens."""
SEEDS = range(4)
ODD: list[Any] = [
    None, True, False, 0, -1, 1.5, 1e308, "", "x", [], {}, ["a"], [["a"]], {"a": 1}, "\u0000", "\ud83d\ude00", "é" * 9,
    [1, "b64"], {"kty": "EC"}, "http://127.0.0.1/", 10**30, "none", "HS256", "ES256", ["ES256"], "at+jwt", [{}], 2**63,
]  # fmt: skip
NAMES = ("alg", "typ", "kid", "crit", "jwk", "jku", "x5c", "x5u", "b64", "cty", "zip", "enc", "p2c")


def _part(value: Any) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _sign(header: dict[str, Any], claims: Any, key: ECKey) -> str:
    """A true ES256 signature over whatever header and body, also over those that the library would refuse."""
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec, utils

    text = f"{_part(header)}.{_part(claims)}"
    der = key.private_key.sign(text.encode(), ec.ECDSA(hashes.SHA256()))  # type: ignore[union-attr]
    r, s = utils.decode_dss_signature(der)
    return f"{text}.{_part(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"


def _bent(rng: random.Random, header: dict[str, Any], claims: dict[str, Any], key: ECKey) -> str:
    """One hostile token made from a good one."""
    header, claims = dict(header), dict(claims)
    way = rng.randrange(9)
    if way == 0:
        header[rng.choice(NAMES[:3])] = rng.choice([odd for odd in ODD if odd not in ("ES256", "at+jwt")])
    elif way == 1:
        header[rng.choice(NAMES[3:])] = rng.choice(ODD)
    elif way == 2:
        name = rng.choice(("iss", "sub", "aud", "jti", "exp", "iat"))
        claims[name] = rng.choice([odd for odd in ODD if odd != claims[name]])
        if name == "jti":
            claims[name] = rng.choice(["", [], {}, None, 5, "short", "a b c d e f g h", "x" * 200])
    elif way == 3:
        claims.pop(rng.choice(("iss", "sub", "aud", "jti", "exp", "iat")))
    elif way == 4:
        key = ECKey.generate_key("P-256")
    elif way == 5:
        now = int(time.time())
        claims |= rng.choice(
            [{"exp": now + 10**8}, {"exp": now - 61, "iat": now - 200}, {"iat": now + 999, "exp": now + 1100}]
        )
    elif way == 6:
        claims["aud"] = [claims["aud"], "https://evil.example"]
    if way < 7:
        return _sign(header, claims, key)
    good = _sign(header, claims, key)
    if way == 7:
        place = rng.randrange(len(good) - 90)
        swap = rng.choice([sign for sign in "AQgw_-.+/=%é \n\0" if sign != good[place]])
        return good[:place] + swap + good[place + 1 :]
    return rng.choice(["", ".", "..", "a.b.c", good + ".", good * 3, "null", good.split(".")[0], "{" * 2000, good[:-9]])


@pytest.fixture(scope="module")
def machine_and_app(
    tmp_path_factory: pytest.TempPathFactory, settings: Settings, sqlite_template: Any
) -> tuple[Flask, Machine]:
    import shutil

    from marketplace.sealed import Vault

    file = tmp_path_factory.mktemp("hostile") / "house.db"
    shutil.copy(sqlite_template, file)
    database = Database(f"sqlite:///{file}", info={"vault": Vault(settings.kek), "settings": settings})
    with database.transaction() as session:
        machine = let_in(session, make.an_organisation(session))
    return create_app(settings, database=database), machine


def _campaign(seed: int, app: Flask, call: Callable[[str], int], make_one: Callable[[random.Random], str]) -> None:
    rng = random.Random(seed + 1_000 * figures.seed())
    answers: dict[int, int] = {}
    for _turn in range(CALLS):
        token = make_one(rng)
        status = call(token)
        answers[status] = answers.get(status, 0) + 1
        assert status == 401, (status, token[:300])
    assert answers == {401: CALLS}
    figures.keep(CALLS, refused=answers[401])


@pytest.mark.threat("T09")
@pytest.mark.parametrize("seed", SEEDS)
def test_no_bent_assertion_gives_a_token(seed: int, machine_and_app: tuple[Flask, Machine]) -> None:
    app, machine = machine_and_app
    client = app.test_client()

    def call(token: str) -> int:
        return client.post("/api/v1/token", data=machine.form(assertion=token or "-")).status_code

    _campaign(seed, app, call, lambda rng: _bent(rng, machine.header(), machine.claims(), machine.key))


@pytest.mark.threat("T09")
@pytest.mark.parametrize("seed", SEEDS)
def test_no_bent_access_token_opens_anything(seed: int, machine_and_app: tuple[Flask, Machine]) -> None:
    app, machine = machine_and_app
    client = app.test_client()
    key = signing.key_of(app.extensions["database"].info["settings"], signing.ACCESS_TOKENS)
    header = {"alg": "ES256", "typ": "at+jwt", "kid": key.kid}

    def claims() -> dict[str, Any]:
        kid = machine.key.thumbprint()
        return machine.claims(iss=machine.issuer, client_id=machine.client_id, scope="offers:write", key_id=kid)

    def call(token: str) -> int:
        try:
            return client.get("/api/v1/offers", headers={"Authorization": f"Bearer {token}"}).status_code
        except ValueError:  # a header that no client can send
            return 401

    assert call(_sign(header, claims(), key)) == 200
    _campaign(seed + 100, app, call, lambda rng: _bent(rng, header, claims(), key))


@pytest.mark.threat("T09")
def test_an_assertion_is_taken_once_even_if_its_scope_was_refused(machine_and_app: tuple[Flask, Machine]) -> None:
    app, machine = machine_and_app
    client, one = app.test_client(), machine.assertion()
    assert client.post("/api/v1/token", data=machine.form("needs:write", assertion=one)).status_code == 400
    assert client.post("/api/v1/token", data=machine.form(assertion=one)).status_code == 401


@pytest.mark.threat("T09")
def test_named_tricks_with_keys_and_kinds_are_refused(machine_and_app: tuple[Flask, Machine]) -> None:
    app, machine = machine_and_app
    client = app.test_client()
    public = json.dumps(machine.key.as_dict(private=False)).encode()
    claims = machine.claims()
    hs256 = jws.serialize_compact(
        {"alg": "HS256", "typ": "JWT", "kid": machine.key.thumbprint()},
        json.dumps(claims).encode(),
        OctKey.import_key(public + b"0" * 16),
        algorithms=["HS256"],
    )
    unsigned = f"{_part({'alg': 'none', 'typ': 'JWT', 'kid': 'x' * 10})}.{_part(claims)}."
    mine = ECKey.generate_key("P-256")
    carried = _sign(machine.header(jwk=mine.as_dict(private=False)), machine.claims(), mine)
    at = machine.token(client)
    for trick in (hs256, unsigned, carried, at):
        assert client.post("/api/v1/token", data=machine.form(assertion=trick)).status_code == 401
    used_as_token = client.get("/api/v1/offers", headers={"Authorization": f"Bearer {machine.assertion()}"})
    assert used_as_token.status_code == 401
    for grant in ("password", "authorization_code", "refresh_token", "implicit", ""):
        other = {**machine.form(), "grant_type": grant, "username": "x", "password": "y", "code": "z"}
        assert client.post("/api/v1/token", data=other).status_code in (400, 401), grant
    doubled = {**machine.form(), "scope": ["needs:read", "offers:write"]}
    assert client.post("/api/v1/token", data=doubled).status_code == 401
    assert utc_now() is not None
