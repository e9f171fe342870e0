"""Table cells that know the head of their column, so that a narrow screen can show each row as a stack of lines.

Enters: the cells of one row as the caller of the table macro wrote them, and the macro's columns. Leaves: the same
cells with a `data-label` that the style sheet shows below 600 px, and with their roles, which a browser forgets once a
cell is no longer laid out as one. Called by the table macro only.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from flask import Flask
from markupsafe import Markup, escape

CELL = re.compile(r"<(td|th)\b([^>]*)>")
SPAN = re.compile(r'\bcolspan="(\d+)"')


def install(app: Flask) -> None:
    """Register the filter."""
    app.jinja_env.filters["stacked"] = stacked


def stacked(cells: str, columns: Sequence[Any]) -> Markup:
    """Give each cell the words of its column.

    >>> stacked(Markup('<td>a</td><td class="num">3</td>'), ["Name", ("Count", "num")])
    Markup('<td role="cell" data-label="Name">a</td><td role="cell" data-label="Count" class="num">3</td>')
    """
    heads = [column if isinstance(column, str) or not isinstance(column, tuple) else column[0] for column in columns]
    place = 0

    def told(found: re.Match[str]) -> str:
        nonlocal place
        name, rest = found.groups()
        span = SPAN.search(rest)
        label = escape(str(heads[place])) if place < len(heads) and not span else ""
        place += int(span[1]) if span else 1
        role = "rowheader" if name == "th" else "cell"
        return f'<{name} role="{role}"' + (f' data-label="{label}"' if label else "") + f"{rest}>"

    return Markup(CELL.sub(told, str(cells)))
