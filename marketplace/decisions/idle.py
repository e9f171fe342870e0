"""A giver whose deliveries stay away: what it has posted is paused, so that no further household waits for it in vain.

Enters: a match that a person has just ended. Leaves: after three deliveries in a row that were late and ended so, every
open resource of the giver paused, also under a standing yes, for a yes is no delivery; and the giver told. One
delivery begins the count anew. A grant that waited for the household's account to its end was never the giver's turn:
it does not count. Called by the act with which staff end a match.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, exists, or_
from sqlmodel import Session, col, func, select

from marketplace.clocks.models import Clock
from marketplace.decisions import moves
from marketplace.decisions.models import Match, MatchState
from marketplace.offers.pausing import pause_idle

LATE = ("late_delivery", "insure_late")
"""Steps in which staff decide on what a giver has not done."""
IDLE_AFTER = 3
CORRECT, HELP = "correct_account", "payee_help"
"""Steps of money in which the household, then a worker, sees to the account."""


def ref_of(match_id: str, /) -> str:
    """Under which a payment waits: apart from the match, whose own clock keeps running."""
    return f"pay:{match_id}"


def waits_for_account(session: Session, match_id: str, /) -> bool:
    """Whether the giver can do nothing, for the household has not given an account that can be paid to."""
    running = select(Clock.id).where(Clock.object_ref == ref_of(match_id), col(Clock.step).in_((CORRECT, HELP)))
    return session.exec(running.where(col(Clock.ended_at).is_(None)).limit(1)).first() is not None


def look(session: Session, match: Match, /, *, now: datetime) -> None:
    """Pause the giver of a match that was late and has been ended, if it is the third in a row."""
    if match.state is not MatchState.CANCELLED or not _was_late(session, match.id):
        return
    if _stayed_away(session, match.org_id) >= IDLE_AFTER and pause_idle(session, match.org_id, now=now):
        moves.tell_giver(session, match, "offers_paused", key="idle", now=now)


def _was_late(session: Session, match_id: str) -> bool:
    asked = select(Clock.id).where(Clock.object_ref == match_id, col(Clock.step).in_(LATE))
    return session.exec(asked.limit(1)).first() is not None and not waits_for_account(session, match_id)


def _stayed_away(session: Session, org_id: str) -> int:
    """How many late deliveries of this giver people have ended since it last delivered anything."""
    last = session.exec(select(func.max(Match.delivered_at)).where(col(Match.org_id) == org_id)).one()
    late = select(Clock.object_ref).where(col(Clock.step).in_(LATE))
    ended = select(func.count()).select_from(Match).where(col(Match.org_id) == org_id, col(Match.id).in_(late))
    ended = ended.where(col(Match.state) == MatchState.CANCELLED, ~_for_want_of_account())
    return session.exec(ended if last is None else ended.where(col(Match.updated_at) > last)).one()


def _for_want_of_account() -> ColumnElement[bool]:
    """The match ended while its household was to see to the account."""
    return exists().where(
        col(Clock.object_ref) == "pay:" + col(Match.id),
        col(Clock.step).in_((CORRECT, HELP)),
        or_(col(Clock.ended_at).is_(None), col(Clock.outcome) == "over"),
    )
