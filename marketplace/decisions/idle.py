"""A giver whose deliveries stay away: what it has posted is paused, so that no further household waits for it in vain.

Enters: a match that a person has just ended. Leaves: after three deliveries in a row that were late and ended so, every
open resource of the giver paused, also under a standing yes, for a yes is no delivery; and the giver told. One
delivery begins the count anew. Called by the act with which staff end a match.
"""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session, col, func, select

from marketplace.clocks.models import Clock
from marketplace.decisions import moves
from marketplace.decisions.models import Match, MatchState
from marketplace.offers.pausing import pause_idle

LATE = ("late_delivery", "insure_late")
"""Steps in which staff decide on what a giver has not done."""
IDLE_AFTER = 3


def look(session: Session, match: Match, /, *, now: datetime) -> None:
    """Pause the giver of a match that was late and has been ended, if it is the third in a row."""
    if match.state is not MatchState.CANCELLED or not _was_late(session, match.id):
        return
    if _stayed_away(session, match.org_id) >= IDLE_AFTER and pause_idle(session, match.org_id, now=now):
        moves.tell_giver(session, match, "offers_paused", key="idle", now=now)


def _was_late(session: Session, match_id: str) -> bool:
    asked = select(Clock.id).where(Clock.object_ref == match_id, col(Clock.step).in_(LATE))
    return session.exec(asked.limit(1)).first() is not None


def _stayed_away(session: Session, org_id: str) -> int:
    """How many late deliveries of this giver people have ended since it last delivered anything."""
    last = session.exec(select(func.max(Match.delivered_at)).where(col(Match.org_id) == org_id)).one()
    late = select(Clock.object_ref).where(col(Clock.step).in_(LATE))
    ended = select(func.count()).select_from(Match).where(col(Match.org_id) == org_id, col(Match.id).in_(late))
    ended = ended.where(col(Match.state) == MatchState.CANCELLED)
    return session.exec(ended if last is None else ended.where(col(Match.updated_at) > last)).one()
