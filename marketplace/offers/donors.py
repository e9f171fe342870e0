"""What a donor bound stays bound: it is loosened only with the donor's own paper, which is recorded for ever.

Enters: an offer's terms before and after a change, and the paper if there is one (its number and day; no name). Leaves:
nothing, a `DonorConsent` row, or BadInput. Called by the offers' service and import before a change is stored.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from sqlmodel import Session, col, select

from marketplace import audit
from marketplace.actors import Actor
from marketplace.calendar import local_day
from marketplace.db import new_id
from marketplace.errors import BadInput
from marketplace.offers.models import DonorConsent, Offer
from marketplace.offers.terms import Terms, donor_bound, loosens


@dataclass(frozen=True, slots=True)
class DonorPaper:
    """The donor's written consent to a wider use."""

    document: str
    signed_on: date


def keep_paper(
    session: Session,
    offer: Offer,
    before: Terms,
    after: Terms,
    /,
    *,
    paper: DonorPaper | None,
    actor: Actor,
    now: datetime,
) -> None:
    """Refuse a loosening without a paper; with one, keep what was bound before and after."""
    if not loosens(before, after):
        return
    if paper is None or not paper.document:
        raise BadInput("donor_paper_missing", field="donor_purpose")
    if paper.signed_on > local_day(now):
        raise BadInput("donor_paper_future", field="donor_signed_on")
    consent = DonorConsent(
        id=new_id(),
        offer_id=offer.id,
        document=paper.document,
        signed_on=paper.signed_on,
        before=donor_bound(before),
        after=donor_bound(after),
        recorded_by=actor.id,
        recorded_at=now,
    )
    session.add(consent)
    audit.record(session, audit.Entry("offer:donor_consent", object_ref=offer.id), actor=actor, now=now)


def papers_of(session: Session, offer_id: str, /) -> list[DonorConsent]:
    """Every paper of one offer, the newest first."""
    rows = select(DonorConsent).where(col(DonorConsent.offer_id) == offer_id)
    return list(session.exec(rows.order_by(col(DonorConsent.recorded_at).desc(), col(DonorConsent.id))))
