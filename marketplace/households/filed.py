"""What each room has on file about a household, for the one file (一户一档): a registry that the rooms hang into.

Enters: households, from whoever gathers a file and has written the look. Leaves: entries of codes, days and sums, each
with the page where its room shows it; nothing sealed, no name. A room hangs its part into `PARTS` when its pages are
imported, so that a new room is in the file without anybody remembering it. Called by `meetings.household_file`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

from sqlmodel import Session

Word = tuple[str, str]
"""A code and the table that has its words."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing on file: the day, what it is, how it stands, why, how much, and the page that shows it."""

    on: date
    what: Word
    state: Word
    reason: Word | None = None
    fen: int | None = None
    view: str = ""
    ref: str = ""
    """The page's endpoint, and the id that it asks for."""


@dataclass(frozen=True, slots=True)
class Part:
    """One room's part: its entries, and the name under which its page asks for the id."""

    entries: Callable[[Session, str], list[Entry]]
    key: str = ""


PARTS: dict[str, Part] = {}
"""Code of the table `file_part` ► the part; filled by the rooms."""


def on_file(session: Session, household_id: str, /) -> list[tuple[str, Sequence[Entry], str]]:
    """Every part that has something about this household, with its entries, the newest first, and its page's key."""
    found = [(code, part.entries(session, household_id), part.key) for code, part in sorted(PARTS.items())]
    return [(code, sorted(rows, key=lambda row: row.on, reverse=True), key) for code, rows, key in found if rows]
