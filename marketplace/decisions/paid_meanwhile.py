"""Matches that were paid while a person looked at them: followed once the person has let them go on, or has ended them.

Enters: what says that a match was paid (a bank's line, an insurer's case), and what its room does then. Leaves: each
such match handed to the room once, in a transaction of its own. Called by the sweeps of `payments` and `claims`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime
from functools import partial

from sqlalchemy import ColumnElement
from sqlmodel import Session, col, exists, or_, select

from marketplace.clocks.models import Clock
from marketplace.db import Database, one_by_one
from marketplace.decisions.at_once import locked_match
from marketplace.decisions.models import Match, MatchState
from marketplace.decisions.paid_late import PAID, STEP
from marketplace.decisions.service import PAYABLE

FROM_HOLD = (MatchState.CANCELLED, MatchState.DECLINED_HOUSEHOLD)
"""How a match can end that was paid while a person was looking at it."""
BATCH = 100
Follow = Callable[[Session, Match, datetime], object]


def sweep(
    database: Database,
    paid: ColumnElement[bool],
    follow: Follow,
    /,
    *,
    clock: Callable[[], datetime],
    log: logging.Logger,
) -> int:
    """Follow the matches of which `paid` is true; how many. What cannot be done now waits for the next sweep."""

    def failed(_match_id: str, error: str) -> None:
        log.warning("a paid match waits for the next sweep: %s", error)

    with database.reading() as session:
        found = _found(session, paid)
    return one_by_one(database, found, partial(_one, paid=paid, follow=follow, now=clock()), failed=failed)


def _found(session: Session, *paid: ColumnElement[bool]) -> list[str]:
    asked = exists().where(col(Clock.object_ref) == PAID + col(Match.id), col(Clock.step) == STEP)
    goes_on = col(Match.state).in_(PAYABLE) & (col(Match.held_for) == "")
    wanted = select(Match.id).where(*paid, or_(goes_on, col(Match.state).in_(FROM_HOLD) & ~asked))
    return list(session.exec(wanted.order_by(col(Match.id)).limit(BATCH)))


def _one(session: Session, match_id: str, *, paid: ColumnElement[bool], follow: Follow, now: datetime) -> bool:
    match = locked_match(session, match_id)
    if match is None or not _found(session, paid, col(Match.id) == match_id):
        return False
    follow(session, match, now)
    return True
