"""Token Status Lists: two bits for each credential, packed, so that one public file answers for all of them.

Enters: places and their states. Leaves: the packed list, or one entry read from it. Pure; `credentials.status` fills
it. Unpacking has a cap, because whoever packs decides how large it becomes. `shanqiao_verify.py` reads lists with code
of its own, on purpose.

>>> packed = pack({3: REVOKED, 5: SUSPENDED})
>>> [entry(packed, place) for place in (2, 3, 5)]
[0, 1, 2]
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping

SIZE = 131_072
"""Entries of one list; a signed list of three million would be refused for its length."""
BITS, PER_BYTE = 2, 4
VALID, REVOKED, SUSPENDED = 0, 1, 2


def fill(states: Mapping[int, int], size: int) -> bytes:
    """The bytes of a list, the lowest bits first.

    >>> fill({0: 1, 2: 2, 4: 3}, 8).hex()
    '2103'
    """
    raw = bytearray(size // PER_BYTE)
    for place, state in states.items():
        raw[place // PER_BYTE] |= state << (place % PER_BYTE) * BITS
    return bytes(raw)


def pack(states: Mapping[int, int], size: int = SIZE) -> bytes:
    """The list, packed by zlib."""
    return zlib.compress(fill(states, size), 9)


def unpack(packed: bytes, size: int = SIZE) -> bytes:
    """The bytes of a list; never more than its size, whatever was packed.

    Raises ValueError for anything that is not exactly one packed list of this size.
    """
    opening = zlib.decompressobj()
    try:
        raw = opening.decompress(packed, size // PER_BYTE + 1)
    except zlib.error as error:
        raise ValueError("not a packed status list") from error
    if len(raw) != size // PER_BYTE or not opening.eof or opening.unused_data:
        raise ValueError("a status list of another size")
    return raw


def entry(packed: bytes, place: int, size: int = SIZE) -> int:
    """The state at one place."""
    return unpack(packed, size)[place // PER_BYTE] >> (place % PER_BYTE) * BITS & 3
