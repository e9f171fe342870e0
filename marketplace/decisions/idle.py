"""A giver whose deliveries stay away: what it has posted is paused, so that no further household waits for it in vain.

Enters: a match that a person has just ended. Leaves: after three deliveries in a row that were late and ended so, every
open resource of the giver paused, also under a standing yes, for a yes is no delivery; and the giver told. One
delivery begins the count anew. A grant that waited for the household's account to its end was never the giver's turn:
it does not count. Called by the act with which staff end a match.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime

from sqlalchemy import ColumnElement, exists, or_
from sqlmodel import Session, col, func, select

from marketplace.clocks.models import Clock
from marketplace.clocks.steps import Side
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


TURNS: dict[str, Callable[[Session, Collection[str], datetime], dict[str, Side]]] = {}
"""What a room above hangs in here when it is imported: of these matches, those whose giver can do nothing yet, each
with the side that has to see to it."""


TO_COME: dict[str, Callable[[Session, str, datetime], bool]] = {}
"""The same: whether of this match something is agreed for later, or proposed and waits for the household."""


def is_to_come(session: Session, match_id: str, /, *, now: datetime) -> bool:
    """Whether a part of the help has its own day, which is still to come."""
    return any(ask(session, match_id, now) for ask in TO_COME.values())


def turns(session: Session, match_ids: Collection[str], /, *, now: datetime) -> dict[str, Side]:
    """Of these matches, those for which household or civil affairs have something to do before the giver can pay."""
    return {match_id: side for ask in TURNS.values() for match_id, side in ask(session, match_ids, now).items()}


def waits_for_account(session: Session, match_id: str, /, *, now: datetime) -> bool:
    """Whether the giver can do nothing, for there is no account yet that it may pay to."""
    running = select(Clock.id).where(Clock.object_ref == ref_of(match_id), col(Clock.step).in_((CORRECT, HELP)))
    if session.exec(running.where(col(Clock.ended_at).is_(None)).limit(1)).first() is not None:
        return True
    return bool(turns(session, [match_id], now=now))


def look(session: Session, match: Match, /, *, now: datetime) -> None:
    """Pause the giver of a match that was late and has been ended, if it is the third in a row."""
    if match.state is not MatchState.CANCELLED or not _was_late(session, match.id, now=now):
        return
    if _stayed_away(session, match.org_id) >= IDLE_AFTER and pause_idle(session, match.org_id, now=now):
        moves.tell_giver(session, match, "offers_paused", key="idle", now=now)


def _was_late(session: Session, match_id: str, *, now: datetime) -> bool:
    asked = select(Clock.id).where(Clock.object_ref == match_id, col(Clock.step).in_(LATE))
    return session.exec(asked.limit(1)).first() is not None and not waits_for_account(session, match_id, now=now)


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
