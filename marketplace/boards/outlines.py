"""The districts drawn as the city itself drew them: outlines brought by a file, scaled to a small picture.

Enters: rings of longitudes and latitudes by district, and the number of each. Leaves: the size of a picture and one
path for each district with its shade; points that fall together are left out. It stands beside the tile map and says
nothing that the table beside it does not say. Called by the board's page.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import cos, radians

from marketplace.reference.visiting import Point

WIDTH = 480


@dataclass(frozen=True, slots=True)
class Drawn:
    """A picture: its size, and for each district the code, the path and the shade from 0 to 4."""

    width: int
    height: int
    paths: tuple[tuple[str, str, int], ...]


def draw(outlines: Mapping[str, Sequence[Sequence[Point]]], numbers: Mapping[str, int], /) -> Drawn | None:
    """All outlines in one picture, the north up; None where the city brought none."""
    points = [point for rings in outlines.values() for ring in rings for point in ring]
    if not points:
        return None
    west, east = min(lon for lon, _lat in points), max(lon for lon, _lat in points)
    south, north = min(lat for _lon, lat in points), max(lat for _lon, lat in points)
    narrow = cos(radians((south + north) / 2))
    scale = WIDTH / max((east - west) * narrow, 1e-6)
    most = max(numbers.values(), default=0)

    def path(rings: Sequence[Sequence[Point]]) -> str:
        pieces = []
        for ring in rings:
            seen = [(round((lon - west) * narrow * scale), round((north - lat) * scale)) for lon, lat in ring]
            kept = [one for n, one in enumerate(seen) if n == 0 or one != seen[n - 1]]
            if len(kept) > 3:
                pieces.append("M" + "L".join(f"{x} {y}" for x, y in kept[:-1]) + "Z")
        return "".join(pieces)

    def shade(code: str) -> int:
        return -(-4 * numbers.get(code, 0) // most) if most else 0

    paths = tuple((code, path(rings), shade(code)) for code, rings in sorted(outlines.items()))
    return Drawn(WIDTH, max(round((north - south) * scale), 1), paths)
