"""Signing keys: one for each issuing office, one for checkpoints; made from the key files, never stored.

Enters: the settings' issuer ring and checkpoint key. Leaves: ES256 keys of joserfc for the office of a district, their
public halves for everybody, and the Ed25519 key of checkpoints. Called by credentials and by the trail. Whoever
replaces these functions by calls to a certified module (SM2, HSM) replaces nothing else.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, derive_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from joserfc.jwk import ECKey

from marketplace.config import Settings
from marketplace.suites import derive

CITY = "500000"
"""The office that signs what belongs to no single district: status lists."""
_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""The number of points of P-256."""


class NoKey(RuntimeError):
    """The settings hold no issuer or checkpoint key."""


def issuer_of(settings: Settings, district: str) -> str:
    """The name under which a district's civil-affairs office issues."""
    return f"{settings.base_url}/mz/{district}"


def issuer_key(settings: Settings, district: str, *, epoch: int = 0) -> ECKey:
    """The office's key of this epoch (0: the one in use); its kid names office and epoch."""
    if settings.issuer_ring is None:
        raise NoKey("the settings hold no issuer key")
    number = epoch or settings.issuer_ring.epoch
    return _office_key(settings.issuer_ring.keys[number], district, number)


@lru_cache(maxsize=256)
def _office_key(root: bytes, district: str, epoch: int) -> ECKey:
    label = f"issuer|{district}"
    numbers = private_key(derive(root, f"{label}|high") + derive(root, f"{label}|low")).private_numbers()
    jwk: dict[str, str | list[str]] = {
        "kty": "EC",
        "crv": "P-256",
        "x": _number(numbers.public_numbers.x),
        "y": _number(numbers.public_numbers.y),
        "d": _number(numbers.private_value),
        "kid": f"mz-{district}-{epoch}",
    }
    return ECKey.import_key(jwk)


def private_key(seed: bytes) -> EllipticCurvePrivateKey:
    """The P-256 key that these bytes always give; twice the curve's width leaves no bias."""
    return derive_private_key(int.from_bytes(seed, "big") % (_ORDER - 1) + 1, SECP256R1())


def _number(value: int) -> str:
    return base64.urlsafe_b64encode(value.to_bytes(32, "big")).rstrip(b"=").decode()


def public_keys(settings: Settings, districts: Iterable[str]) -> list[dict[str, Any]]:
    """The public halves of every office and epoch, each with its issuer."""
    if settings.issuer_ring is None:
        raise NoKey("the settings hold no issuer key")
    return [
        {
            **{
                name: str(value)
                for name, value in issuer_key(settings, code, epoch=epoch).as_dict(private=False).items()
            },
            "iss": issuer_of(settings, code),
        }
        for code in districts
        for epoch in sorted(settings.issuer_ring.keys)
    ]


def checkpoint_key(settings: Settings) -> Ed25519PrivateKey:
    """The log's own key."""
    if not settings.checkpoint_key:
        raise NoKey("the settings hold no checkpoint key")
    return Ed25519PrivateKey.from_private_bytes(settings.checkpoint_key[:32])


def log_name(settings: Settings) -> str:
    """The name of this log: the public address without its scheme."""
    parts = urlsplit(settings.base_url)
    return f"{parts.netloc}{parts.path}/audit"
