"""Money that came back after it was paid: the bank sent it back, or the giver reclaimed it.

Enters: a match that was delivered or confirmed. Leaves: the match returned, its ledger row with it, the household told.
Called by payments, which keep what the bank said.
"""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session

from marketplace import audit, notices
from marketplace.actors import Actor
from marketplace.consent import service as consent
from marketplace.db import flush
from marketplace.decisions.models import Match, MatchState
from marketplace.errors import NotFound, WrongState
from marketplace.ledger import service as ledger
from marketplace.ledger.models import AidState
from marketplace.policy import require

PAID = (MatchState.DELIVERED, MatchState.CONFIRMED)


def money_back(session: Session, match_id: str, /, *, reason_code: str, actor: Actor, now: datetime) -> Match:
    """The payment of this match is undone: its units are free again, and the need is open again."""
    match = session.get(Match, match_id, with_for_update=True, populate_existing=True)
    if match is None:
        raise NotFound("match")
    require(actor, "match:deliver", org_id=match.org_id)
    if match.state not in PAID:
        raise WrongState("match_moved_on", state=match.state.value)
    if match.consent_chain_id is not None:
        consent.close(session, match.consent_chain_id, actor=actor, now=now)
    ledger.move(session, match.ledger_entry_id, to=AidState.RETURNED, actor=actor, now=now)
    match.state, match.reason_code, match.updated_at = MatchState.RETURNED, reason_code, now
    session.add(match)
    entry = audit.Entry("match:returned", object_ref=match.id, subject=match.household_id, body={"units": match.units})
    audit.record(session, entry, actor=actor, now=now)
    flush(session)
    notices.post(session, "match_cancelled", key=f"{match.id}:money_back", household_id=match.household_id, now=now)
    return match
