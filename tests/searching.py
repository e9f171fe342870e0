"""Many marks are looked for in megabytes of a database's files at once.

Enters: the bytes and the marks. Leaves: the marks that are in them, in the encodings a database or a log may use.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

WIDTH = 4
"""Bytes of a mark that are compared first, as one number."""


def found_in(raw: bytes, values: Iterable[str]) -> list[str]:
    """Which of the values stand in `raw` as UTF-8 or UTF-16; each has at least `WIDTH` bytes in either."""
    spellings = [(value, value.encode(code)) for value in values for code in ("utf-8", "utf-16-le")]
    if short := [value for value, spelt in spellings if len(spelt) < WIDTH]:
        raise ValueError(f"too short to be looked for: {len(short)} values")
    heads: dict[int, list[tuple[str, bytes]]] = {}
    for value, spelt in spellings:
        heads.setdefault(int.from_bytes(spelt[:WIDTH], "little"), []).append((value, spelt))
    return sorted(
        {value for at, head in _hits(raw, heads) for value, spelt in heads[head] if raw.startswith(spelt, at)}
    )


def _hits(raw: bytes, heads: Iterable[int]) -> Iterable[tuple[int, int]]:
    """Every place where the first bytes of some mark stand, and these bytes as a number."""
    known = np.array(sorted(heads), dtype="<u4")
    for shift in range(WIDTH):
        count = (len(raw) - shift) // WIDTH
        if count <= 0:
            continue
        numbers = np.frombuffer(raw, dtype="<u4", count=count, offset=shift)
        near = known[np.minimum(np.searchsorted(known, numbers), len(known) - 1)]
        for place in np.flatnonzero(near == numbers):
            yield shift + int(place) * WIDTH, int(numbers[place])
