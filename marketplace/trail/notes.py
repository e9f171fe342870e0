"""Signed notes after C2SP: checkpoints that the log signs and witnesses cosign, and the keys' written form.

Enters: a log's name, size and root, and an Ed25519 key. Leaves: the note's text. Pure; called by `trail.service` and
`trail.witness`. Reading and checking notes is `shanqiao_verify`'s work, which imports nothing of the house.
"""

from __future__ import annotations

import base64
from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

LOG, WITNESS = b"\x01", b"\x04"
"""Kinds of key: plain Ed25519, and time-stamped cosignatures."""
DASH = "\u2014"


def _public(key: Ed25519PrivateKey) -> bytes:
    return key.public_key().public_bytes_raw()


def key_id(name: str, key: Ed25519PrivateKey, kind: bytes) -> bytes:
    """The four bytes that say whose signature it is."""
    return sha256(name.encode() + b"\n" + kind + _public(key)).digest()[:4]


def verifier_key(name: str, key: Ed25519PrivateKey, kind: bytes) -> str:
    """``name+id+base64(kind and public key)``: what somebody needs to check."""
    return f"{name}+{key_id(name, key, kind).hex()}+{base64.b64encode(kind + _public(key)).decode()}"


def body_of(origin: str, size: int, root: bytes) -> str:
    """The three lines that are signed."""
    return f"{origin}\n{size}\n{base64.b64encode(root).decode()}\n"


def _line(name: str, raw: bytes) -> str:
    return f"{DASH} {name} {base64.b64encode(raw).decode()}\n"


def signature(name: str, key: Ed25519PrivateKey, body: str) -> str:
    """The log's line below its checkpoint."""
    return _line(name, key_id(name, key, LOG) + key.sign(body.encode()))


def cosignature(name: str, key: Ed25519PrivateKey, body: str, *, at: int) -> str:
    """A witness's line: it saw this checkpoint at this second and it only adds to what the witness saw before."""
    signed = key.sign(f"cosignature/v1\ntime {at}\n{body}".encode())
    return _line(name, key_id(name, key, WITNESS) + at.to_bytes(8, "big") + signed)


def note(body: str, *lines: str) -> str:
    """The whole note."""
    return body + "\n" + "".join(lines)
