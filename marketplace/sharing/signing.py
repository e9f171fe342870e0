"""The platform's own signing keys of the partner API: one for access tokens, one for what is sent to webhooks.

Enters: the settings' issuer ring and a label. Leaves: an ES256 key that is never stored, because the same ring always
gives it again; and the public halves as a JWK set, for partners to check webhooks with. Only the newest line of the
ring signs and is believed: what it signs lives five minutes. Called by `authority`, `door`, `hooks`.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from joserfc.jwk import ECKey, KeySet

from marketplace.config import Settings
from marketplace.signing import NoKey, private_key
from marketplace.suites import derive

ACCESS_TOKENS = "access-token"
WEBHOOKS = "webhook"


def key_of(settings: Settings, use: str, /) -> ECKey:
    """The signing key of one use; its id follows from the public half."""
    if settings.issuer_ring is None:
        raise NoKey("the settings hold no issuer key")
    return _key(settings.issuer_ring.newest, use)


@lru_cache(maxsize=8)
def _key(root: bytes, use: str) -> ECKey:
    private = private_key(derive(root, f"{use}|high") + derive(root, f"{use}|low"))
    bare = ECKey.import_key(private)
    return ECKey.import_key(private, {"kid": bare.thumbprint(), "use": "sig", "alg": "ES256"})


def public_keys(settings: Settings, /) -> dict[str, Any]:
    """What partners check signatures with."""
    keys = KeySet([key_of(settings, use) for use in (ACCESS_TOKENS, WEBHOOKS)])
    found: dict[str, Any] = dict(keys.as_dict(private=False))
    return found


def partner_key(jwk: object, /) -> tuple[str, dict[str, Any]]:
    """Id and members of a partner's public key as it was typed; ValueError for anything but a P-256 public key."""
    if not isinstance(jwk, dict) or not {"kty", "crv", "x", "y"} <= set(jwk) <= {
        "kty", "crv", "x", "y", "kid", "use", "alg",
    }:  # fmt: skip
        raise ValueError("members")
    if not all(isinstance(value, str) for value in jwk.values()) or (jwk["kty"], jwk["crv"]) != ("EC", "P-256"):
        raise ValueError("kind")
    if jwk.get("alg", "ES256") != "ES256" or jwk.get("use", "sig") != "sig":
        raise ValueError("use")
    plain = {name: jwk[name] for name in ("kty", "crv", "x", "y")}
    try:
        bare = ECKey.import_key(plain)
        _ = bare.public_key
    except Exception as error:
        raise ValueError("point") from error
    kid = bare.thumbprint()
    return kid, {**plain, "kid": kid}
