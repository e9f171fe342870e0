"""The gate before every token: what does not have exactly the expected shape never reaches a library.

Enters: the text of a client's assertion or of an access token, straight from outside. Leaves: its key id and claims,
still unverified but of known types; or `Malformed` with the reason for the log. Called by `authority` and `door`.
Nothing a sender can write ends in any other error: the libraries behind would meet lists, deep nesting and unhashable
values as faults of their own.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from dataclasses import dataclass
from typing import Any

LONGEST = 4096
LIFE_S = 300
SKEW_S = 60
HEADER = {"alg", "typ", "kid"}
ASSERTION = frozenset({"JWT", "client-authentication+jwt"})
ACCESS = frozenset({"at+jwt"})
_PART = re.compile(r"[A-Za-z0-9_-]+\Z")
_WORD = re.compile(r"[A-Za-z0-9._:~-]{8,128}\Z")


class Malformed(Exception):
    """Not a token of ours; the text says why, for the log only."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What a well-formed token says of itself; nothing of it is believed before its signature was checked."""

    kid: str
    claims: dict[str, Any]


def look(token: object, /, *, types: frozenset[str], audience: str, now_s: int) -> Seen:
    """Check the shape, header and times of a compact JWS; raise Malformed at the first fault."""
    if not isinstance(token, str) or not 0 < len(token) <= LONGEST:
        raise Malformed("length")
    parts = token.split(".")
    if len(parts) != 3:
        raise Malformed("parts")
    header, claims, _signature = _object(parts[0]), _object(parts[1]), _bytes(parts[2])
    if set(header) != HEADER or not all(isinstance(value, str) for value in header.values()):
        raise Malformed("header")
    if header["alg"] != "ES256" or header["typ"] not in types or not _WORD.match(header["kid"]):
        raise Malformed("alg_typ_kid")
    for name in ("iss", "sub", "aud", "jti"):
        if not isinstance(claims.get(name), str):
            raise Malformed(name)
    if claims["aud"] != audience or not _WORD.match(claims["jti"]) or not _WORD.match(claims["sub"]):
        raise Malformed("aud_jti_sub")
    _check_times(claims, now_s=now_s)
    return Seen(header["kid"], claims)


def _check_times(claims: dict[str, Any], *, now_s: int) -> None:
    for name in ("iat", "exp", *(["nbf"] if "nbf" in claims else [])):
        if type(claims.get(name)) is not int or not 0 < claims[name] < 2**40:
            raise Malformed(name)
    issued, ends = claims["iat"], claims["exp"]
    if not 0 < ends - issued <= LIFE_S:
        raise Malformed("life")
    if ends <= now_s or issued > now_s + SKEW_S or claims.get("nbf", 0) > now_s + SKEW_S:
        raise Malformed("time")


def _bytes(part: str) -> bytes:
    """Canonical base64url only: one spelling for each value."""
    if not _PART.match(part):
        raise Malformed("base64")
    try:
        raw = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except (binascii.Error, ValueError) as error:
        raise Malformed("base64") from error
    if base64.urlsafe_b64encode(raw).decode().rstrip("=") != part:
        raise Malformed("base64")
    return raw


def _object(part: str) -> dict[str, Any]:
    try:
        value = json.loads(_bytes(part), object_pairs_hook=_pairs, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise Malformed("json") from error
    if not isinstance(value, dict):
        raise Malformed("json")
    return value


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a member twice")
    return found


def _refuse(name: str) -> None:
    raise ValueError(name)
