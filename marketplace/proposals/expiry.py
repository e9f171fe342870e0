"""What the end of an offer frees: the lines that were proposed of it and nobody has decided.

Enters: the clock. Leaves: expired offers and their letters (`offers.expiry`), and their undecided lines as stale, so
that the needs stand open for the next run. Called by the worker every minute; approval asks again in any case.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from sqlmodel import Session, col, select

from marketplace.db import Database, flush, lock_rows
from marketplace.offers import expiry
from marketplace.proposals.models import LineState, ProposedLine

_WAITS = col(ProposedLine.state) == LineState.PROPOSED


def sweep(database: Database, *, clock: Callable[[], datetime]) -> int:
    """Expire, free and remind; returns how many offers it touched."""
    now = clock()
    with database.reading() as session:
        if not expiry.find_due(session, now=now):
            return 0
    with database.transaction() as session:
        over = (col(ProposedLine.offer_id).in_(expiry.over(session, now=now)), _WAITS)
        lock_rows(session, ProposedLine, *over)  # before the offers, as an approval does
        gone = expiry.expire(session, now=now)
        free_lines(session, gone)
    with database.transaction() as session:
        return len(gone) + expiry.remind(session, now=now)


def free_lines(session: Session, offer_ids: list[str], /) -> int:
    """Make the undecided lines of these offers stale; returns how many there were."""
    mine = select(ProposedLine).where(col(ProposedLine.offer_id).in_(offer_ids))
    lines = session.exec(mine.where(_WAITS)).all() if offer_ids else []
    for line in lines:
        line.state = LineState.STALE
        session.add(line)
    flush(session)
    return len(lines)
