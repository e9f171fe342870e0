"""The judge's columns: rows as arrays of whole numbers, values as numbers in the order in which they come.

What enters: rows, values or arrays. What leaves: arrays. Called by the judge's other parts only.
"""

from __future__ import annotations

from collections.abc import Iterable
from operator import attrgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[Any]
"""int64, or Python integers (dtype object) where int64 could overflow; or yes and no."""

FAR = 2**62
"""A limit that nobody set: more than any amount."""


def columns(rows: Iterable[Any], *names: str, none: int = FAR) -> list[Numbers]:
    """Columns of whole numbers, `none` where a row has no value."""
    told = [list(map(attrgetter(name), rows)) for name in names]
    return [np.array([none if x is None else x for x in values], np.int64) for values in told]


def coded(values: Iterable[Any]) -> tuple[dict[Any, int], Numbers]:
    """The distinct values, numbered as they come, and all values as these numbers."""
    values = list(values)
    names = {value: i for i, value in enumerate(dict.fromkeys(values))}
    return names, np.fromiter(map(names.__getitem__, values), np.int64, len(values))


def find(keys: Numbers, wanted: Numbers) -> Numbers:
    """Where each wanted number stands in the sorted `keys`, -1 where it does not."""
    at = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where(keys[at] == wanted, at, -1) if len(keys) else np.full(np.shape(wanted), -1)


def summed(at: Numbers, amounts: Numbers, *, size: int) -> Numbers:
    """Σ of the amounts at each of `size` places."""
    np.add.at(total := np.zeros(size, amounts.dtype), at, amounts)
    return total
