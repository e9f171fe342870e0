"""Questions that a rule asks about a need, and that end by themselves once nobody needs the answer.

Enters: open hits of the rules that ask. Leaves: those ended whose need is closed, has run out or is covered; what was
taken back ends like a late report's task (`late_ends`). Called by the worker.
"""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session, col, select

from marketplace.db import Database
from marketplace.ledger import hits
from marketplace.ledger.late_ends import end_all
from marketplace.ledger.models import HitState, OverlapHit
from marketplace.needs.models import Need, NeedState


def over(session: Session, /) -> list[str]:
    """Open questions about needs that nobody can serve any more."""
    open_ = (col(Need.state) == NeedState.VERIFIED) & (col(Need.gap_units) > col(Need.committed_units))
    asked = (col(OverlapHit.state) == HitState.OPEN, col(OverlapHit.code).in_(hits.QUESTIONS))
    found = select(OverlapHit.id).join(Need, col(Need.id) == col(OverlapHit.need_id))
    found = found.where(*asked, col(OverlapHit.place) == hits.APPROVAL, ~open_)
    return list(session.exec(found.order_by(col(OverlapHit.id))))


def end_over(database: Database, /, *, now: datetime) -> int:
    """End them; returns how many."""
    return end_all(database, over, now=now)
