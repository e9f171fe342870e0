"""Needs whose time is over are closed, once nothing of them is under way any more, and their households are told.

Enters: the clock. Leaves: needs closed as lapsed with an audit row and a letter each, what was proposed for them
withdrawn; they stand on no list of open or critical needs, on no sheet of a meeting and in no month's unmet figure any
more. The worker looks now and then.
"""

from __future__ import annotations

import logging
from datetime import datetime
from functools import partial

from sqlalchemy import update
from sqlmodel import Session, col, select

from marketplace.actors import SYSTEM
from marketplace.calendar import local_day
from marketplace.db import Database, lock_rows, one_by_one
from marketplace.decisions.models import OPEN, Match
from marketplace.needs import settling
from marketplace.needs.models import Need
from marketplace.proposals.models import LineState, ProposedLine

log = logging.getLogger("shanqiao.lapsed")
AT_ONCE = 200


def look(database: Database, /, *, now: datetime) -> int:
    """Close what has lapsed, each in a transaction of its own; returns how many there were."""
    with database.reading() as session:
        found = _lapsed(session, now)
    failed = partial(log.warning, "need %s has lapsed and is not closed yet: %s")
    return one_by_one(database, found, partial(_close, now=now), failed=failed)


def _lapsed(session: Session, now: datetime) -> list[str]:
    under_way = select(Match.id).where(col(Match.need_id) == col(Need.id), col(Match.state).in_(OPEN)).exists()
    wanted = select(Need.id).where(col(Need.state).in_(settling.LAPSING), ~under_way)
    wanted = wanted.where(col(Need.valid_to) <= local_day(now))
    return list(session.exec(wanted.order_by(col(Need.valid_to), col(Need.id)).limit(AT_ONCE)))


def _close(session: Session, need_id: str, *, now: datetime) -> bool:
    """What was proposed for it goes as well, so that nobody looks at a line that leads nowhere: those lines are locked
    first, then the need, as an approval locks them."""
    proposed = (col(ProposedLine.need_id) == need_id, col(ProposedLine.state) == LineState.PROPOSED)
    lock_rows(session, ProposedLine, *proposed)
    if not settling.lapse(session, need_id, actor=SYSTEM, now=now):
        return False
    session.execute(update(ProposedLine).where(*proposed).values(state=LineState.STALE))
    return True
