"""Merkle trees after RFC 9162: roots, and proofs that a row stands in a tree and that a tree only grew.

Enters: a size, and a function that gives the hash of any complete subtree. Leaves: roots and proofs as lists of
32-byte hashes. Pure arithmetic, called by `trail.service`. Checking a proof is written in `shanqiao_verify.py`, which
imports nothing of the house; the hashing of leaves and nodes stands in both on purpose, and tests compare them.

>>> leaves = [leaf_hash(bytes([n])) for n in range(5)]
>>> root(5, subtrees(leaves)) == node_hash(root(4, subtrees(leaves)), leaves[4])
True
>>> len(inclusion(2, 5, subtrees(leaves))), len(consistency(3, 5, subtrees(leaves)))
(3, 4)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import sha256

Subtree = Callable[[int, int], bytes]
"""(level, place) ► hash of the complete subtree of ``2 ** level`` leaves that begins at leaf ``place * 2 ** level``."""
EMPTY = sha256(b"").digest()


def leaf_hash(data: bytes) -> bytes:
    """SHA-256 of ``0x00 ‖ data``."""
    return sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256 of ``0x01 ‖ left ‖ right``."""
    return sha256(b"\x01" + left + right).digest()


def fold(hashes: Sequence[bytes]) -> bytes:
    """The root over a complete row of ``2 ** k`` hashes."""
    row = list(hashes)
    while len(row) > 1:
        row = [node_hash(row[n], row[n + 1]) for n in range(0, len(row), 2)]
    return row[0]


def subtrees(leaves: Sequence[bytes]) -> Subtree:
    """The subtrees of a list of leaf hashes held in memory."""
    return lambda level, place: fold(leaves[place << level : (place + 1) << level])


def root(size: int, subtree: Subtree) -> bytes:
    """The root of the first `size` leaves; O(log size) subtrees."""
    return _over(0, size, subtree) if size else EMPTY


def _over(start: int, end: int, subtree: Subtree) -> bytes:
    """The hash over the leaves ``start`` to ``end - 1``; `start` is a multiple of the width's next power of two."""
    width = end - start
    level = (width - 1).bit_length()
    if width == 1 << level:
        return subtree(level, start >> level)
    middle = start + (1 << (level - 1))
    return node_hash(_over(start, middle, subtree), _over(middle, end, subtree))


def inclusion(index: int, size: int, subtree: Subtree) -> list[bytes]:
    """The hashes beside the way from leaf `index` up to the root (RFC 9162 2.1.3.1)."""
    if not 0 <= index < size:
        raise ValueError(f"leaf {index} does not stand in a tree of {size}")
    start, end, path = 0, size, list[bytes]()
    while end - start > 1:
        middle = start + (1 << ((end - start - 1).bit_length() - 1))
        if index < middle:
            path.append(_over(middle, end, subtree))
            end = middle
        else:
            path.append(_over(start, middle, subtree))
            start = middle
    return path[::-1]


def consistency(old: int, new: int, subtree: Subtree) -> list[bytes]:
    """The hashes that show that the tree of `new` leaves begins with the tree of `old` (RFC 9162 2.1.4.1)."""
    if not 0 <= old <= new:
        raise ValueError(f"a tree of {new} leaves does not grow out of one of {old}")
    if old in (0, new):
        return []
    start, end, path, whole = 0, new, list[bytes](), True
    while old != end:
        middle = start + (1 << ((end - start - 1).bit_length() - 1))
        if old <= middle:
            path.append(_over(middle, end, subtree))
            end = middle
        else:
            path.append(_over(start, middle, subtree))
            start, whole = middle, False
    return ([] if whole else [_over(start, end, subtree)]) + path[::-1]
