"""A plot of time against size, drawn as SVG: both axes in powers of ten, one line with its points and figures.

Enters: points (size, seconds) and the words of the axes. Leaves: the text of an SVG file that reads in light and dark.
Called by `scripts.figures`.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from math import ceil, floor, log10

WIDTH, HEIGHT, LEFT, BELOW = 640, 360, 70, 50
Point = tuple[float, float]


def plot(points: Sequence[Point], /, *, title: str, across: str, up: str) -> str:
    """The picture; a dotted line shows what growing in step with the size would be."""
    spans = [_span([point[axis] for point in points]) for axis in (0, 1)]
    placed = [_place(point, spans) for point in points]
    step = points[0][1] / points[0][0]
    steady = [_place((x, x * step), spans) for x in (points[0][0], points[-1][0])]
    body = [
        f'<title id="t">{escape(title)}</title>',
        '<rect width="100%" height="100%" fill="#fff"/>',
        *_grid(spans),
        f'<polyline points="{_path(steady)}" fill="none" stroke="#767676" stroke-dasharray="4 4"/>',
        f'<polyline points="{_path(placed)}" fill="none" stroke="#1d4f91" stroke-width="2"/>',
        *(_dot(place, point) for place, point in zip(placed, points, strict=True)),
        f'<text x="{(WIDTH + LEFT) / 2:.0f}" y="{HEIGHT - 10}" text-anchor="middle">{escape(across)}</text>',
        f'<text x="8" y="18">{escape(up)}</text>',
    ]
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-labelledby="t"'
    return f'{head} font-family="sans-serif" font-size="13">\n' + "\n".join(body) + "\n</svg>\n"


def _span(values: Sequence[float]) -> tuple[int, int]:
    return floor(log10(min(values))), ceil(log10(max(values)))


def _place(point: Point, spans: Sequence[tuple[int, int]]) -> Point:
    """Where a point stands in the picture."""
    shares = [(log10(value) - low) / (high - low) for value, (low, high) in zip(point, spans, strict=True)]
    return LEFT + shares[0] * (WIDTH - LEFT - 30), HEIGHT - BELOW - shares[1] * (HEIGHT - BELOW - 40)


def _grid(spans: Sequence[tuple[int, int]]) -> list[str]:
    """A line and a figure at every power of ten."""
    (left, right), (low, high) = spans
    found = []
    for power in range(left, right + 1):
        x, _y = _place((10.0**power, 10.0**low), spans)
        found.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="40" y2="{HEIGHT - BELOW}" stroke="#ddd"/>')
        found.append(f'<text x="{x:.1f}" y="{HEIGHT - BELOW + 18}" text-anchor="middle">{10**power:,}</text>')
    for power in range(low, high + 1):
        _x, y = _place((10.0**left, 10.0**power), spans)
        found.append(f'<line x1="{LEFT}" x2="{WIDTH - 30}" y1="{y:.1f}" y2="{y:.1f}" stroke="#ddd"/>')
        found.append(f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{10**power:,}</text>')
    return found


def _path(points: Sequence[Point]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)


def _dot(place: Point, point: Point) -> str:
    x, y = place
    told = f"{point[1]:,.0f}"
    dot = f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="#1d4f91"/>'
    return f'{dot}<text x="{x - 6:.1f}" y="{y - 9:.1f}" text-anchor="end">{told}</text>'
