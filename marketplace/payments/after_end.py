"""What becomes of money that the bank paid for a match that had ended, or that a person was holding.

Enters: a match and what the bank has said. Leaves: what `decisions.paid_late` makes of it: a person is asked. The sweep
follows what a person did after the bank had paid: a match that was held and let go on is delivered, one that was ended
waits for a person like any other. Called by `effects`, the worker and the staff's page.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime
from functools import partial

from sqlalchemy import ColumnElement
from sqlmodel import Session, col, exists, or_, select

from marketplace.actors import SYSTEM
from marketplace.clocks.models import Clock
from marketplace.db import Database, one_by_one
from marketplace.decisions import service as decisions
from marketplace.decisions.models import Match, MatchState
from marketplace.decisions.paid_late import (
    ASK_BACK,
    DELIVER,
    EXTRA,
    PAID,
    STANDS,
    STEP,
    ask,
    came_back,
    decide,
    get_asked,
    outcomes_of,
    ref_of,
)
from marketplace.payments.models import LineState, PaymentBatch, PaymentLine

__all__ = [
    "ASK_BACK",
    "DELIVER",
    "EXTRA",
    "STANDS",
    "ask",
    "came_back",
    "decide",
    "get_asked",
    "outcomes_of",
    "ref_of",
    "sweep",
    "who_paid",
]

log = logging.getLogger("shanqiao.payments")
ENDED_SINCE = (MatchState.CANCELLED, MatchState.DECLINED_HOUSEHOLD)
"""How a match can end whose money the bank had paid while a person was holding it."""
BATCH = 100


def who_paid(session: Session, match: Match, /) -> frozenset[str]:
    """Who prepared and who released the payments of this match: somebody else settles what becomes of them."""
    batches = select(PaymentBatch).join(PaymentLine, col(PaymentLine.batch_id) == col(PaymentBatch.id))
    found = session.exec(batches.where(col(PaymentLine.match_id) == match.id)).all()
    return frozenset({who for batch in found for who in (batch.prepared_by, batch.released_by) if who})


def sweep(database: Database, *, clock: Callable[[], datetime]) -> int:
    """Follow matches that went on, or ended, after the bank had paid, each in its own transaction."""
    with database.reading() as session:
        found = _found(session)
    return one_by_one(database, found, partial(_follow, now=clock()), failed=_failed)


def _failed(_match_id: str, error: str) -> None:
    log.warning("a paid match waits for the next sweep: %s", error)


def _found(session: Session, *only: ColumnElement[bool]) -> list[str]:
    asked = exists().where(col(Clock.object_ref) == PAID + col(Match.id), col(Clock.step) == STEP)
    goes_on = col(Match.state).in_(decisions.PAYABLE) & (col(Match.held_for) == "")
    wanted = select(Match.id).join(PaymentLine, col(PaymentLine.match_id) == col(Match.id))
    wanted = wanted.where(col(PaymentLine.state) == LineState.PAID)
    wanted = wanted.where(or_(goes_on, col(Match.state).in_(ENDED_SINCE) & ~asked))
    return list(session.exec(wanted.where(*only).order_by(col(Match.id)).limit(BATCH)))


def _follow(session: Session, match_id: str, *, now: datetime) -> bool:
    match = session.get_one(Match, match_id, with_for_update=True, populate_existing=True)
    if not _found(session, col(Match.id) == match_id):
        return False
    if match.state in ENDED_SINCE:
        ask(session, match, actor=SYSTEM, now=now)
    else:
        decisions.deliver_paid(session, match, actor=SYSTEM, now=now)
    return True
