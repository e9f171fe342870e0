"""Temporary aid of the same year that stands outside this room: asked for before one more is granted.

Enters: an item. Leaves: what the room that keeps all aid knows of, for whoever decides. That room hangs its question
in here; it stands above this one. Called by `outcome` and the page of an item.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime

from sqlmodel import Session

from marketplace.cases.models import CaseItem


@dataclass(frozen=True, slots=True)
class Aided:
    """One payment that may be for the same cause."""

    giver: str
    fen: int
    on: date


Ask = Callable[[Session, CaseItem, datetime], list[Aided]]
ASKED: dict[str, Ask] = {}
"""Room ► its question; filled by the rooms above."""


def list_aided(session: Session, item: CaseItem, /, *, now: datetime) -> list[Aided]:
    """What other rooms know of, the newest first; nothing for items that are no temporary aid."""
    if item.code != "LINSHI":
        return []
    found = [one for _room, ask in sorted(ASKED.items()) for one in ask(session, item, now)]
    return sorted(found, key=lambda one: one.on, reverse=True)
