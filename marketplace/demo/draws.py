"""Weighted draws from a seeded generator.

What enters: values with weights, and a `random.Random`. What leaves: one value a draw. Called by every module of the
demo, so that the same seed always makes the same city.
"""

import random
from bisect import bisect
from collections.abc import Iterable, Mapping
from itertools import accumulate
from typing import Generic, TypeVar

T = TypeVar("T")


class Weighted(Generic[T]):
    """A fixed table of values with weights; one draw costs one bisection."""

    def __init__(self, weights: Mapping[T, float] | Iterable[tuple[T, float]]) -> None:
        pairs: list[tuple[T, float]] = list(weights.items() if isinstance(weights, Mapping) else weights)
        self._values: list[T] = [value for value, _ in pairs]
        self._bounds = list(accumulate(weight for _, weight in pairs))

    def draw(self, pick: random.Random) -> T:
        """One value, with a chance in proportion to its weight."""
        return self._values[bisect(self._bounds, pick.random() * self._bounds[-1])]


def between(pick: random.Random, low: int, high: int, *, step: int = 1) -> int:
    """A whole number from low to high, more often in the lower half, in steps where the range allows it."""
    drawn = round(pick.triangular(low, high, low + (high - low) / 3))
    return max(low, min(high, drawn // step * step)) if high - low >= step else drawn
