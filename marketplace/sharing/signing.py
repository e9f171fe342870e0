"""The platform's own signing keys of the partner API: one for access tokens, one for what is sent to webhooks.

Enters: the vault's root and a label. Leaves: an ES256 key that is never stored, because the same root always gives it
again; and the public halves as a JWK set, for partners to check webhooks with. Called by `authority`, `door`, `hooks`.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from joserfc.jwk import ECKey, KeySet

from marketplace.sealed import Vault
from marketplace.signing import private_key

ACCESS_TOKENS = "access-token"
WEBHOOKS = "webhook"


def key_of(vault: Vault, use: str, /) -> ECKey:
    """The signing key of one use; its id follows from the public half."""
    return _key(vault.index("signing-key", f"{use}|1") + vault.index("signing-key", f"{use}|2"), use)


@lru_cache(maxsize=8)
def _key(seed: str, use: str) -> ECKey:
    private = private_key(bytes.fromhex(seed))
    bare = ECKey.import_key(private)
    return ECKey.import_key(private, {"kid": bare.thumbprint(), "use": "sig", "alg": "ES256"})


def public_keys(vault: Vault, /) -> dict[str, Any]:
    """What partners check signatures with."""
    keys = KeySet([key_of(vault, use) for use in (ACCESS_TOKENS, WEBHOOKS)])
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
