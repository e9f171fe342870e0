"""What becomes of money that the bank paid for a match that had ended, or that a person was holding.

Enters: a match and what the bank has said. Leaves: what `decisions.paid_late` makes of it: a person is asked. The sweep
follows what a person did after the bank had paid: a match that was held and let go on is delivered, one that was ended
waits for a person like any other. Called by `effects`, the worker and the staff's page.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime

from sqlmodel import Session, col, select

from marketplace.actors import SYSTEM, hands
from marketplace.db import Database
from marketplace.decisions import paid_meanwhile
from marketplace.decisions import service as decisions
from marketplace.decisions.models import Match
from marketplace.decisions.paid_late import (
    ASK_BACK,
    DELIVER,
    EXTRA,
    STANDS,
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


def who_paid(session: Session, match: Match, /) -> frozenset[str]:
    """Who prepared and who released the payments of this match: somebody else settles what becomes of them."""
    batches = select(PaymentBatch).join(PaymentLine, col(PaymentLine.batch_id) == col(PaymentBatch.id))
    found = session.exec(batches.where(col(PaymentLine.match_id) == match.id)).all()
    return frozenset[str]().union(*(one.preparers | hands(one.released_by, one.released_for) for one in found))


def sweep(database: Database, *, clock: Callable[[], datetime]) -> int:
    """Follow matches that went on, or ended, after the bank had paid, each in its own transaction."""
    paid = col(Match.id).in_(select(PaymentLine.match_id).where(col(PaymentLine.state) == LineState.PAID))
    return paid_meanwhile.sweep(database, paid, _follow, clock=clock, log=log)


def _follow(session: Session, match: Match, now: datetime) -> None:
    if match.state in paid_meanwhile.FROM_HOLD:
        ask(session, match, actor=SYSTEM, now=now)
    else:
        decisions.deliver_paid(session, match, actor=SYSTEM, now=now)
