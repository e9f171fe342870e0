"""Aid that is given piece by piece, as a service is visit by visit: what of it was given already when its match ends.

Enters: what a room above hangs in here when it is imported, for this room may not import it. Leaves: how much of a
match was given; its open pieces called off when it ends; its pieces void when the household says that nothing came.
Called by `moves.end`, through which every match ends, and by the acts after a delivery.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from marketplace.actors import Actor
from marketplace.decisions.models import Match
from marketplace.errors import WrongState


@dataclass(frozen=True, slots=True)
class Pieces:
    """What one room above knows: the units given, whether a promised piece has passed of which nobody has said what
    became of it, how to call off what is only promised, how to void what was given lately (it returns what stands),
    and the minutes that the giver's people have served by its records (None: it has none)."""

    given: Callable[[Session, Match], int]
    unrecorded: Callable[[Session, Match, datetime], bool]
    call_off: Callable[[Session, Match, Actor, datetime], None]
    void: Callable[[Session, Match, Actor, datetime], int]
    minutes: Callable[[Session, Match], int | None]


ROOMS: dict[str, Pieces] = {}
"""Filled by the rooms above."""


def given(session: Session, match: Match, /) -> int:
    """The units of a match that were given piece by piece; 0 where it is given at once."""
    return sum(room.given(session, match) for room in ROOMS.values())


def minutes(session: Session, match: Match, /) -> int | None:
    """The minutes that the giver's people served, where they are on record already; None where nobody knows yet."""
    known = [told for room in ROOMS.values() if (told := room.minutes(session, match)) is not None]
    return sum(known) if known else None


def refuse_unrecorded(session: Session, match: Match, /, *, now: datetime) -> None:
    """Whoever ends a match itself first says what became of the pieces that have passed: else they would be lost."""
    if is_unrecorded(session, match, now=now):
        raise WrongState("visits_to_record")


def is_unrecorded(session: Session, match: Match, /, *, now: datetime) -> bool:
    """Whether a piece has passed of which nobody has said what became of it."""
    return any(room.unrecorded(session, match, now) for room in ROOMS.values())


def call_off(session: Session, match: Match, /, *, actor: Actor, now: datetime) -> None:
    """What was only promised does not come any more."""
    for room in ROOMS.values():
        room.call_off(session, match, actor, now)


def void(session: Session, match: Match, /, *, actor: Actor, now: datetime) -> int:
    """Nothing came: what was recorded lately stays on record and counts no longer. Returns the units that still stand,
    because the time to say so has passed for them; 0 where nothing stands."""
    before = given(session, match)
    standing = sum(room.void(session, match, actor, now) for room in ROOMS.values())
    if before and standing == before:
        raise WrongState("too_late_to_dispute")
    return standing


def refuse_given(session: Session, match: Match, /) -> None:
    """An hour that was served cannot be handed back, nor asked back."""
    if given(session, match):
        raise WrongState("served_already")
