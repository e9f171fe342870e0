"""What made-up cities are made of: the goods that are asked for and given, and the shapes of a city.

What enters: nothing. What leaves: `GOODS` and `SHAPES`, which `generate` and `generate_nation` draw from.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Good:
    """A category: its unit, how much a need asks, the lot givers pack it in, its share of all needs."""

    category: str
    unit: str
    least: int
    most: int
    lot: int
    weight: int


GOODS = (
    Good("rice", "kg", 10, 60, 5, 16),
    Good("oil", "bottle", 1, 6, 2, 12),
    Good("quilt", "piece", 1, 5, 2, 9),
    Good("coat", "piece", 1, 6, 2, 9),
    Good("medical", "fen", 20_000, 500_000, 10_000, 14),
    Good("heating", "fen", 10_000, 90_000, 5_000, 10),
    Good("care", "hour", 4, 40, 4, 8),
    Good("tutoring", "hour", 6, 30, 2, 7),
    Good("milk", "can", 2, 12, 3, 8),
    Good("transport", "trip", 2, 20, 2, 7),
)


@dataclass(frozen=True, slots=True)
class Shape:
    """What kind of city: `reach` is the aimed number of eligible resources per need."""

    districts: int = 40
    regions: int = 4
    reach: int = 28
    citywide: float = 0.0
    spread: float = 1.0
    """How unequal the givers are: 0 all alike, 2 a few hold most."""


SHAPES = {
    "city": Shape(),
    "county": Shape(districts=6, regions=1, reach=25),
    "giants": Shape(districts=40, regions=1, citywide=0.05, spread=2.5),
    "villages": Shape(districts=200, regions=20, reach=10, spread=0.3),
}
