"""Pairs made to agree with each other: who is the same as one is the same as all of that one's copies.

What enters: scored pairs, and what compares further pairs. What leaves: further pairs inside groups and a group for
each row. Called by `identity`. Groups grow from the surest pair on and join only if all their cross pairs together
speak for it, so that one wrong link cannot chain two people; pairs that were never candidates are compared then.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise, product

import numpy as np

from matching.identity_records import Codes
from matching.identity_weights import Chances

LARGEST = 40
"""A group of one person's rows grows no larger."""

Judge = Callable[[Codes, Codes], Chances]
_FAR = 7.0


def evidence(chance: Chances) -> Chances:
    """Log odds, bounded."""
    kept = np.clip(chance, 1e-6, 1 - 1e-6)
    return np.asarray(np.clip(np.log(kept / (1 - kept)), -_FAR, _FAR))


def missing_pairs(a: Codes, b: Codes, chance: Chances, *, size: int) -> tuple[Codes, Codes]:
    """Pairs not yet compared whose rows are linked to one and the same third row."""
    strong = chance >= 0.5
    one, two = np.concatenate((a[strong], b[strong])), np.concatenate((b[strong], a[strong]))
    order = np.lexsort((two, one))
    one, two = one[order], two[order]
    first = np.flatnonzero(np.diff(one, prepend=-1))
    found: set[int] = set()
    for start, stop in pairwise([*first.tolist(), len(one)]):
        near = two[start:stop].tolist()[:LARGEST]
        found.update(i * size + j for at, i in enumerate(near) for j in near[at + 1 :])
    known = set((a * size + b).tolist()) if found else set()
    new = np.array(sorted(found - known), np.int64)
    return new // size, new % size


def grouped(a: Codes, b: Codes, proof: Chances, *, size: int, barred: set[tuple[int, int]]) -> Codes:
    """The group of each row: joined in order of evidence while the mean over all cross pairs is for it."""
    known = {(int(i), int(j)): float(w) for i, j, w in zip(a, b, proof, strict=True) if w > -_FAR}
    group = np.arange(size)
    members: dict[int, list[int]] = {}
    order = np.lexsort((b, a, -np.round(proof, 6)))
    for at in order[: int((proof > 0).sum())]:
        one, two = int(group[a[at]]), int(group[b[at]])
        if one == two:
            continue
        left, right = members.get(one, [one]), members.get(two, [two])
        if len(left) + len(right) > LARGEST:
            continue
        cross = [(min(i, j), max(i, j)) for i, j in product(left, right)]
        if sum(known.get(pair, -_FAR) for pair in cross) <= 0 or any(pair in barred for pair in cross):
            continue
        keep, drop = min(one, two), max(one, two)
        members[keep] = sorted(left + right)
        members.pop(drop, None)
        group[members[keep]] = keep
    return group
