"""Key files: what a file of keys may look like, and how one is read, made and moved on.

Enters: a path. Leaves: a `Ring` of keys by epoch, or a `KeyFileError` with a sentence. A file holds one key of 64
hexadecimal digits (epoch 1), or a line ``EPOCH KEY`` for each epoch and one line ``index KEY`` for the look-up key,
which outlives every epoch. Called by the settings and by `shanqiao keys`.
"""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

SHORTEST, FEWEST_BYTES = 32, 8
"""A key has 32 bytes, and at least eight different ones: a file of zeros is not a key."""
INDEX = "index"


class KeyFileError(ValueError):
    """The file is missing, open to others, or holds no key; the sentence says how to mend it."""


@dataclass(frozen=True, slots=True, repr=False)
class Ring:
    """The keys of one file; the highest epoch is the one in use."""

    keys: Mapping[int, bytes]
    index: bytes

    @property
    def epoch(self) -> int:
        """The epoch in use."""
        return max(self.keys)

    @property
    def newest(self) -> bytes:
        """The key in use."""
        return self.keys[self.epoch]

    def __repr__(self) -> str:
        return f"<ring of epochs {sorted(self.keys)}>"


def read_ring(path: Path, /) -> Ring:
    """The keys that a file holds; the file must be closed to others."""
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise KeyFileError(f"{path} can be read by others: run `chmod 600 {path}`")
    try:
        lines = [line.split() for line in path.read_text(encoding="ascii").splitlines() if line.strip()]
        if len(lines) <= 1:
            key = _strong(bytes.fromhex(lines[0][0] if lines and len(lines[0]) == 1 else ""), path)
            return Ring({1: key}, index=key)
        named = {name: _strong(bytes.fromhex(text), path) for name, text in lines}
        index = named.pop(INDEX)
        keys = {int(name): key for name, key in named.items()}
    except KeyFileError:
        raise
    except KeyError as error:
        raise KeyFileError(f"{path} has epochs but no line `index KEY`: take the file from its safe copy") from error
    except ValueError as error:
        raise KeyFileError(f"{path} is not hexadecimal: run `shanqiao keys new`") from error
    if not keys or len(set(keys.values())) != len(keys) or min(keys) < 1 or len(lines) != len(named) + 1:
        raise KeyFileError(f"{path} names one key or epoch twice: take the file from its safe copy")
    return Ring(keys, index=index)


def _strong(key: bytes, path: Path) -> bytes:
    if len(key) < SHORTEST or len(set(key)) < FEWEST_BYTES:
        raise KeyFileError(f"{path} holds a weak key: run `shanqiao keys new`")
    return key


def new_key() -> bytes:
    """A fresh key."""
    return secrets.token_bytes(SHORTEST)


def write_key(path: Path, key: bytes, /) -> None:
    """A new file with one key, closed to others; a file that exists is never touched."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="ascii") as stream:
        stream.write(key.hex() + "\n")


def write_ring(path: Path, ring: Ring, /) -> None:
    """Put the whole ring in the file's place at once: a crash leaves the old file or the new one, never a half."""
    fresh = path.with_name(path.name + ".new")
    fresh.unlink(missing_ok=True)
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="ascii") as stream:
        stream.write(f"{INDEX} {ring.index.hex()}\n")
        stream.writelines(f"{epoch} {key.hex()}\n" for epoch, key in sorted(ring.keys.items()))
        stream.flush()
        os.fsync(stream.fileno())
    fresh.replace(path)
