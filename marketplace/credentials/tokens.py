"""SD-JWT (RFC 9901) as the house issues it: VNC/1, the verified-need credential.

Enters: claims that are always visible, claims that may be disclosed, the issuing office's key. Leaves: one compact
text. Pure arithmetic on joserfc; called by `credentials.service`. Fresh salts and a fresh signature every time, and
decoys that pad every list of digests to one length, so that neither equality nor count tells anything.
"""

from __future__ import annotations

import base64
import json
import random
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from joserfc import jws
from joserfc.jwk import ECKey

CREDENTIAL, BINDING, RECEIPT, STATUS_LIST = "dc+sd-jwt", "kb+jwt", "consent-receipt+jwt", "statuslist+jwt"
"""The `typ` of everything the house signs; drafts may still rename some, so they stand in one place."""
VCT = "urn:cq-aid:verified-need:1"
ALGORITHM = "ES256"
DIGESTS, ELEMENTS = 24, 8
NEVER_SD = frozenset(
    {
        "iss",
        "vct",
        "aud",
        "sub",
        "iat",
        "nbf",
        "exp",
        "cnf",
        "status",
        "consent",
        "verification",
        "_sd",
        "_sd_alg",
        "...",
    }
)
"""Claims that are never selectively disclosed, or that are no claims at all."""
_shuffle = random.SystemRandom().shuffle


@dataclass(frozen=True, slots=True)
class Disclosure:
    """One disclosure as text, and the digest that the signed part holds."""

    text: str
    digest: str


def base64url(raw: bytes) -> str:
    """Without padding."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def digest_of(text: str) -> str:
    """SHA-256 of the text as it travels."""
    return base64url(sha256(text.encode()).digest())


def sign(payload: Mapping[str, Any], *, typ: str, key: ECKey) -> str:
    """A compact JWS whose header is exactly alg, typ and kid."""
    header = {"alg": ALGORITHM, "typ": typ, "kid": str(key.kid)}
    text = json.dumps(payload, ensure_ascii=False, separators=(",", ":"))
    return jws.serialize_compact(header, text, key, algorithms=[ALGORITHM], registry=REGISTRY)


REGISTRY = jws.JWSRegistry(algorithms=[ALGORITHM])


def _disclosure(*parts: Any) -> Disclosure:
    salted = [base64url(secrets.token_bytes(16)), *parts]
    text = base64url(json.dumps(salted, ensure_ascii=False, separators=(",", ":")).encode())
    return Disclosure(text, digest_of(text))


def _decoy() -> str:
    return base64url(sha256(secrets.token_bytes(32)).digest())


def _padded(digests: Sequence[str], length: int) -> list[str]:
    if len(digests) > length:
        raise ValueError(f"{len(digests)} digests do not fit in {length}")
    mixed = [*digests, *(_decoy() for _ in range(length - len(digests)))]
    _shuffle(mixed)
    return mixed


def issue(visible: Mapping[str, Any], selective: Mapping[str, Any], *, key: ECKey) -> str:
    """The credential, with every disclosure behind it: the recipient leaves away what it does not want to show.

    `needs` is a list whose elements are disclosed one by one. Raises ValueError for a claim that may never be
    selectively disclosed.
    """
    forbidden = NEVER_SD & set(selective)
    if forbidden:
        raise ValueError(f"never selectively disclosed: {', '.join(sorted(forbidden))}")
    elements = [_disclosure(need) for need in selective.get("needs", ())]
    parts = []
    for name, value in selective.items():
        if name == "needs":
            value = [{"...": digest} for digest in _padded([element.digest for element in elements], ELEMENTS)]
        parts.append(_disclosure(name, value))
    payload = {**visible, "_sd": _padded([part.digest for part in parts], DIGESTS), "_sd_alg": "sha-256"}
    signed = sign(payload, typ=CREDENTIAL, key=key)
    return "~".join([signed, *(part.text for part in (*parts, *elements)), ""])


def present(compact: str, *, keep: Sequence[str], key: ECKey, audience: str, nonce: str, at: int) -> str:
    """What the recipient does with it: show only the claims of `keep`, bound to its key and to one question."""
    signed, *texts = compact.rstrip("~").split("~")
    kept = [text for text in texts if _shown(text, keep)]
    before = "~".join([signed, *kept, ""])
    said = {"iat": at, "aud": audience, "nonce": nonce, "sd_hash": digest_of(before)}
    header = {"alg": ALGORITHM, "typ": BINDING}
    return before + jws.serialize_compact(header, json.dumps(said), key, algorithms=[ALGORITHM], registry=REGISTRY)


def _shown(text: str, keep: Sequence[str]) -> bool:
    parts = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    return (parts[1] if len(parts) == 3 else "needs") in keep
