"""Money that the bank paid although its match had ended: a person books it as delivered after all, or asks it back.

Enters: a match that is over, and which of the two a member of staff decides on. Leaves: a ledger row of its own for
what was paid, so that bank and ledger say the same and nobody gives it twice; and the match delivered, its household
asked to confirm, or being reclaimed by its giver. Called by `payments`, which knows what the bank has paid.
"""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session

from marketplace.actors import Actor
from marketplace.decisions import moves
from marketplace.decisions.models import Match, MatchState
from marketplace.ledger import service as ledger
from marketplace.ledger.models import AidState
from marketplace.needs import settling
from marketplace.needs.models import Need
from marketplace.organisations.models import Organisation
from marketplace.proposals.models import LineState, ProposedLine

OVER = (
    MatchState.REJECTED,
    MatchState.DECLINED_GIVER,
    MatchState.DECLINED_HOUSEHOLD,
    MatchState.CANCELLED,
    MatchState.RETURNED,
    MatchState.EXPIRED_GIVER,
    MatchState.EXPIRED_HOUSEHOLD,
    MatchState.GIVEN_BACK,
    MatchState.RECLAIMED,
)
"""Ends: the ledger counts nothing for them."""
REASON = "paid_after_end"


def deliver_after_all(session: Session, match_id: str, /, *, actor: Actor, now: datetime) -> Match:
    """The household keeps what was paid: the match is delivered, and it is asked to confirm. Conflict if the need or
    the offer has been used otherwise since."""
    match = _booked(session, match_id, actor=actor, now=now)
    match.reason_code = ""
    clock = moves.step(session, match, to=MatchState.DELIVERED, actor=actor, now=now)
    moves.tell_household(session, match, "confirm_receipt", key=f"confirm:{now.isoformat()}", now=now, clock=clock)
    return match


def ask_back(session: Session, match_id: str, /, *, actor: Actor, now: datetime) -> Match:
    """The giver is to ask it back: it is booked as paid until it has come back, and the household is told."""
    match = _booked(session, match_id, actor=actor, now=now)
    match.reason_code = REASON
    moves.step(session, match, to=MatchState.RECLAIMING, actor=actor, now=now)
    moves.tell_household(session, match, "aid_asked_back", key=f"reclaim:{now.isoformat()}", now=now)
    return match


def _booked(session: Session, match_id: str, *, actor: Actor, now: datetime) -> Match:
    match = moves.locked(session, match_id, "payment:talk", actor=actor, expected=OVER)
    need = settling.money_settled(session, match.need_id, actor=actor, now=now)
    book(session, match, need, units=match.units, actor=actor, now=now)
    match.confirmed_at, match.closed_at = None, None
    return match


def book(session: Session, match: Match, need: Need, /, *, units: int, actor: Actor, now: datetime) -> None:
    """A ledger row of its own, delivered, for a match whose row counts nothing any more. Conflict if the need or the
    offer has been used otherwise since."""
    entry = ledger.reserve(
        session,
        need,
        offer_id=match.offer_id,
        org_id=match.org_id,
        giver=session.get_one(Organisation, match.org_id).name,
        units=units,
        actor=actor,
        now=now,
    )
    for state in (AidState.APPROVED, AidState.DELIVERED):
        ledger.move(session, entry.id, to=state, actor=actor, now=now)
    match.ledger_entry_id, match.delivered_at = entry.id, now
    line = session.get_one(ProposedLine, match.line_id)
    line.state = LineState.APPROVED
    session.add(line)
