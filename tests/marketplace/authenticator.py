"""A passkey in software: answers what the browser would, and lies where a test tells it to.

Enters: the options that a page carries. Leaves: the JSON that `passkeys.js` puts into the form.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from webauthn.helpers import encode_cbor

ORIGIN = "https://aid.example"
PRESENT, VERIFIED, ATTESTED = 0x01, 0x04, 0x40


def text_of(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


@dataclass
class Authenticator:
    """One key. Every field can be set wrong."""

    origin: str = ORIGIN
    host: str = "aid.example"
    flags: int = PRESENT | VERIFIED
    count: int = 0
    kind: str = ""
    challenge: str = ""
    key_id: bytes = b"a key of the tests"
    key: EllipticCurvePrivateKey = field(default_factory=lambda: generate_private_key(SECP256R1()))

    def create(self, options: str) -> str:
        asked = json.loads(options)
        point = self.key.public_key().public_numbers()
        cose = encode_cbor({1: 2, 3: -7, -1: 1, -2: point.x.to_bytes(32, "big"), -3: point.y.to_bytes(32, "big")})
        named = bytes(16) + len(self.key_id).to_bytes(2, "big") + self.key_id + cose
        data = self._data(self.flags | ATTESTED) + named
        attestation = encode_cbor({"fmt": "none", "attStmt": {}, "authData": data})
        client = self._client("webauthn.create", asked["challenge"])
        return self._answer({"clientDataJSON": text_of(client), "attestationObject": text_of(attestation)})

    def get(self, options: str) -> str:
        asked = json.loads(options)
        self.count += 1
        client, data = self._client("webauthn.get", asked["challenge"]), self._data(self.flags)
        signature = self.key.sign(data + sha256(client).digest(), ECDSA(SHA256()))
        said = {"clientDataJSON": client, "authenticatorData": data, "signature": signature}
        return self._answer({name: text_of(value) for name, value in said.items()})

    def _client(self, kind: str, challenge: str) -> bytes:
        said = {"type": self.kind or kind, "challenge": self.challenge or challenge, "origin": self.origin}
        return json.dumps(said).encode()

    def _data(self, flags: int) -> bytes:
        return sha256(self.host.encode()).digest() + bytes([flags]) + self.count.to_bytes(4, "big")

    def _answer(self, response: dict[str, Any]) -> str:
        key_id = text_of(self.key_id)
        return json.dumps({"id": key_id, "rawId": key_id, "type": "public-key", "response": response})
