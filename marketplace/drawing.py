"""A name drawn with a finger: strokes of whole numbers, never a picture file.

Enters: text such as ``10,20 14,25;300,40 310,44`` from the page's canvas. Leaves: the same text if it is sound, or an
SVG drawn from it. Called where somebody signs: the proofs of deliveries and the applications.
"""

from __future__ import annotations

import re
from html import escape

from marketplace.errors import BadInput

WIDTH, HEIGHT = 600, 200
MOST_POINTS = 4000
_POINT = re.compile(r"(\d{1,3}),(\d{1,3})")


def read_strokes(text: str, /) -> str:
    """The strokes in plain form.

    Raises
    ------
    BadInput
        `bad_drawing`: not strokes of points inside the canvas, too few to be a name, or far too many.

    >>> read_strokes(" 1,2 3,4 5,6;7,8 9,10 ")
    '1,2 3,4 5,6;7,8 9,10'
    """
    strokes = [stroke.split() for stroke in text.split(";") if stroke.strip()]
    points = [_POINT.fullmatch(point) for stroke in strokes for point in stroke]
    inside = all(point and int(point[1]) <= WIDTH and int(point[2]) <= HEIGHT for point in points)
    if not inside or not 5 <= len(points) <= MOST_POINTS:
        raise BadInput("bad_drawing", field="drawn")
    return ";".join(" ".join(stroke) for stroke in strokes)


def svg_of(strokes: str, /, *, title: str = "") -> str:
    """The drawing; only digits, commas and spaces of `strokes` reach it, and its name for who cannot see it."""
    named = f"<title>{escape(title)}</title>" if title else ""
    lines = "".join(f'<polyline points="{stroke}"/>' for stroke in read_strokes(strokes).split(";"))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">{named}'
        f'<g fill="none" stroke="#000" stroke-width="3" stroke-linecap="round">{lines}</g></svg>'
    )
