"""A piece of a service that was given before its match ended and is recorded only afterwards.

Enters: a match that is over, locked, and the units now recorded. Leaves: the units counted as given, so that nobody
gives them twice: a match of which nothing had counted is delivered after all and its household asked to confirm; one
of which a part was given has that much more. Where need or offer have been used otherwise since, nothing is counted:
the volunteer's record stands all the same. Called by the room of visits.
"""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session

from marketplace import audit
from marketplace.actors import Actor
from marketplace.decisions import moves
from marketplace.decisions.models import Match, MatchState
from marketplace.decisions.paid_late import OVER, book
from marketplace.errors import Conflict, WrongState
from marketplace.ledger import service as ledger
from marketplace.ledger.late import look_again
from marketplace.needs.models import Need

GIVEN = (MatchState.DELIVERED, MatchState.CONFIRMED, MatchState.CLOSED)


def count(session: Session, match: Match, /, *, units: int, actor: Actor, now: datetime) -> bool:
    """Whether the units could be counted."""
    require_over(match)
    try:
        with session.begin_nested():
            _count(session, match, units=units, actor=actor, now=now)
    except Conflict:
        session.refresh(match)
        return False
    if match.state in OVER:
        match.reason_code, match.confirmed_at, match.closed_at = "", None, None
        clock = moves.step(session, match, to=MatchState.DELIVERED, actor=actor, now=now)
        key = f"confirm:{now.isoformat()}"
        moves.tell_household(session, match, "confirm_receipt", key=key, now=now, clock=clock)
    return True


def require_over(match: Match, /) -> None:
    """Nothing is counted for a match that neither is over nor was given."""
    if match.state not in (*OVER, *GIVEN):
        raise WrongState("match_moved_on", state=match.state.value)


def _count(session: Session, match: Match, *, units: int, actor: Actor, now: datetime) -> None:
    most = match.units + match.short_units
    if match.state in GIVEN:
        units += match.units
        ledger.raise_to(session, match.ledger_entry_id, units=units, actor=actor, now=now)
        look_again(session, [match.ledger_entry_id], actor=actor, now=now)
    else:
        need = session.get_one(Need, match.need_id, with_for_update=True, populate_existing=True)
        book(session, match, need, units=units, actor=actor, now=now)
    match.units, match.short_units, match.updated_at = units, most - units, now
    session.add(match)
    body = moves.committed(match)
    entry = audit.Entry("match:part", object_ref=match.id, subject=match.household_id, rule_id="served_late", body=body)
    audit.record(session, entry, actor=actor, now=now)
