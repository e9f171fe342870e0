"""The two sets of ciphers an installation may use; the first byte of every envelope says which one closed it.

Enters: a 32-byte key, a nonce, text and what it is bound to. Leaves: cipher text with its tag, or a keyed hash.
Suite 1 is AES-256-GCM with HMAC-SHA256; suite 2 is SM4-GCM with HMAC-SM3 for installations under the commercial-cipher
rules (GM/T). Both open what the other closed as long as the keys are there. Called by `marketplace.sealed` only.
"""

from __future__ import annotations

import hmac

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import SM4
from cryptography.hazmat.primitives.ciphers.modes import GCM
from cryptography.hazmat.primitives.hashes import SHA256, SM3
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

AES, SM = 1, 2
NAMES = {"aes": AES, "sm": SM}
_TAG = 16


def derive(root: bytes, label: str) -> bytes:
    """32 bytes for one use out of a root key; no two uses share a key."""
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=f"shanqiao|{label}".encode()).derive(root)


def encrypt(suite: int, key: bytes, nonce: bytes, *, text: bytes, bound: bytes) -> bytes:
    """Cipher text and tag."""
    if suite == AES:
        return AESGCM(key).encrypt(nonce, text, bound)
    closing = Cipher(SM4(_sm4(key)), GCM(nonce)).encryptor()
    closing.authenticate_additional_data(bound)
    return closing.update(text) + closing.finalize() + closing.tag


def decrypt(suite: int, key: bytes, nonce: bytes, *, body: bytes, bound: bytes) -> bytes:
    """The text.

    Raises InvalidTag if the body, its key or what it is bound to is not the one it was closed with, ValueError for a
    suite that does not exist.
    """
    if suite == AES:
        return AESGCM(key).decrypt(nonce, body, bound)
    if suite != SM:
        raise ValueError("the envelope is of an unknown suite")
    if len(body) < _TAG:
        raise InvalidTag
    opening = Cipher(SM4(_sm4(key)), GCM(nonce, body[-_TAG:])).decryptor()
    opening.authenticate_additional_data(bound)
    return opening.update(body[:-_TAG]) + opening.finalize()


def keyed_hash(suite: int, key: bytes, text: bytes) -> bytes:
    """32 bytes that only the key's holder can compute."""
    if suite == AES:
        return hmac.digest(key, text, "sha256")
    mac = HMAC(key, SM3())
    mac.update(text)
    return mac.finalize()


def _sm4(key: bytes) -> bytes:
    """SM4 takes 16 bytes: its own, derived, never a half of the other suite's key."""
    return derive(key, "sm4")[:16]
