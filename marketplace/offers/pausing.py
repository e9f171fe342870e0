"""Pausing the resources of a giver that has stopped answering, so that no household waits for it in vain.

Here too is said why a resource is paused that nobody paused by hand.

Enters: an organisation. Leaves: its open resources that need an answer for each match, paused with the reason; a
standing yes needs no answer and goes on. The giver opens them again itself. Called by the sweep of `decisions`.
"""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session, col, select

from marketplace import audit
from marketplace.actors import SYSTEM
from marketplace.db import flush
from marketplace.offers.models import Acceptance, Offer, OfferState

SILENT = "giver_silent"
LISTED = "listed_closed"
"""Why a resource is paused: its giver is silent, or the giver's own list says that it is closed for now. A list that
says open opens only what a list has paused."""


def pause_silent(session: Session, org_id: str, /, *, now: datetime) -> int:
    """Pause what waits for answers that do not come; return how many resources that were."""
    statement = select(Offer).where(col(Offer.org_id) == org_id, col(Offer.state) == OfferState.OPEN)
    statement = statement.where(col(Offer.acceptance) == Acceptance.EACH).order_by(col(Offer.id)).with_for_update()
    offers = session.exec(statement).all()
    for offer in offers:
        offer.state, offer.state_reason, offer.updated_at = OfferState.PAUSED, SILENT, now
        session.add(offer)
        audit.record(session, audit.Entry("offer:silent", object_ref=offer.id, rule_id=SILENT), actor=SYSTEM, now=now)
    flush(session)
    return len(offers)
