"""`shanqiao import places` as a function.

Enters: a GeoJSON file. Leaves: sentences in Chinese or English, one for each fault with the number of its feature; the
shapes kept if there is none and somebody agrees. Returns 0 well, 1 faults in features, 2 a file that cannot be used.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from marketplace.actors import Actor
from marketplace.db import Database
from marketplace.visits import places
from marketplace.visits.models_places import ShapeKind

KINDS = {
    ShapeKind.PLACE: ("地点", "places"),
    ShapeKind.BARRIER: ("河流或山脊", "rivers and ridges"),
    ShapeKind.OUTLINE: ("区县轮廓", "outlines of districts"),
}
SHOWN = 15


def bring(
    database: Database,
    file: Path,
    /,
    *,
    source: str,
    dry_run: bool,
    actor: Actor,
    now: datetime,
    lang: str,
    say: Callable[[str], object],
    agree: Callable[[], bool],
) -> int:
    """Check a file, tell what is in it, keep it."""
    at = 0 if lang == "zh" else 1
    shapes, faults = places.read(file.read_bytes(), source=source[:64], now=now)
    for number, fault in faults[:SHOWN]:
        say(f"{number:>6}  {places.FAULTS[fault][at]}")
    if faults:
        return 1 if faults[0][0] else 2
    for kind, words in KINDS.items():
        say(f"{sum(row.kind is kind for row in shapes):>6}  {words[at]}")
    if dry_run or not agree():
        return 0
    with database.transaction() as session:
        places.keep(session, shapes, actor=actor, now=now)
    return 0
