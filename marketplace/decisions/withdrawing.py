"""Withdrawing a consent in the middle of a match, and what becomes of everything that stood on it.

Enters: the household's word that a consent ends. Leaves, in one transaction: the consent revoked, matches freed or
held, the recipient's deletion order, both sides told. `decisions.service` offers it to every other room.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import update
from sqlmodel import Session, col, select

from marketplace import notices
from marketplace.actors import Actor
from marketplace.consent import service as consent
from marketplace.consent.ask import lock_head
from marketplace.consent.models import Consent, Purpose
from marketplace.decisions import moves
from marketplace.decisions.models import Match, MatchState
from marketplace.proposals.models import LineState, ProposedLine

FREED_BY_BASE_CARD = (MatchState.AWAITING_SECOND, MatchState.AWAITING_GIVER, MatchState.AWAITING_HOUSEHOLD)
"""Where nothing but the base card has been used: withdrawing it ends the match."""


def withdraw_consent(session: Session, chain_id: str, /, *, actor: Actor, now: datetime) -> Consent:
    """End a consent and free what stood on it, in one transaction.

    Without the base card no match may wait any longer; without a giver's own consent its running match ends. Aid that
    was delivered stays, and government aid is never touched.
    """
    head = lock_head(session, chain_id)
    ended = consent.withdraw(session, chain_id, actor=actor, now=now)
    matches = select(Match).where(col(Match.household_id) == head.household_id)
    if head.purpose is Purpose.AUTO_MATCH:
        matches = matches.where(col(Match.state).in_(FREED_BY_BASE_CARD))
        session.execute(
            update(ProposedLine)
            .where(col(ProposedLine.household_id) == head.household_id)
            .where(col(ProposedLine.state) == LineState.PROPOSED)
            .values(state=LineState.STALE)
        )
    else:
        running = (MatchState.IN_DELIVERY,)
        matches = matches.where(col(Match.state).in_(running), col(Match.consent_chain_id) == chain_id)
    for match in session.exec(matches.order_by(col(Match.id)).with_for_update()).all():
        moves.end(session, match, to=MatchState.CANCELLED, reason_code="consent_withdrawn", actor=actor, now=now)
    notices.post(
        session, "consent_withdrawn", key=f"{ended.chain_id}@{ended.version}", household_id=head.household_id, now=now
    )
    return ended
