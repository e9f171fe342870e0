"""Pausing the resources of a giver that has stopped answering, or delivering, so that no household waits in vain.

Here too is said why a resource is paused that nobody paused by hand.

Enters: an organisation. Leaves: its open resources that need an answer for each match, paused with the reason; a
standing yes needs no answer and goes on, unless its deliveries stay away. The giver opens them again itself. Called by
`decisions`.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement
from sqlmodel import Session, col, select

from marketplace import audit
from marketplace.actors import SYSTEM
from marketplace.db import flush
from marketplace.offers.models import Acceptance, Offer, OfferState

SILENT = "giver_silent"
IDLE = "giver_idle"
LISTED = "listed_closed"
"""Why a resource is paused: its giver is silent, or its deliveries stay away, or the giver's own list says that it is
closed for now. A list that says open opens only what a list has paused."""


def pause_silent(session: Session, org_id: str, /, *, now: datetime) -> int:
    """Pause what waits for answers that do not come; return how many resources that were."""
    return _pause(session, org_id, SILENT, col(Offer.acceptance) == Acceptance.EACH, now=now)


def pause_idle(session: Session, org_id: str, /, *, now: datetime) -> int:
    """Pause everything of a giver whose deliveries do not come; return how many resources that were."""
    return _pause(session, org_id, IDLE, now=now)


def _pause(session: Session, org_id: str, reason: str, *only: ColumnElement[bool], now: datetime) -> int:
    statement = select(Offer).where(col(Offer.org_id) == org_id, col(Offer.state) == OfferState.OPEN, *only)
    offers = session.exec(statement.order_by(col(Offer.id)).with_for_update()).all()
    for offer in offers:
        offer.state, offer.state_reason, offer.updated_at = OfferState.PAUSED, reason, now
        session.add(offer)
        audit.record(session, audit.Entry("offer:silent", object_ref=offer.id, rule_id=reason), actor=SYSTEM, now=now)
    flush(session)
    return len(offers)
