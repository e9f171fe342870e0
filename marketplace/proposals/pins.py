"""Why a kept pin or ban means nothing to the next run: the need or the offer is gone, or nobody may carry the pin out.

Enters: an override with its need, offer and giver, and a day. Leaves: the code of the first reason, or nothing if it
counts. Called by `overrides`. A pin that no plan can meet would leave everybody without a plan, so it falls away here
and is listed with its reason; pins that only contradict each other, or a ban of staff, stay and are told by the run.
"""

from __future__ import annotations

from datetime import date

from sqlmodel import Session

from marketplace.households.same import same_as
from marketplace.ledger import overlap
from marketplace.ledger import service as ledger
from marketplace.needs.models import Need, NeedState
from marketplace.offers.models import Offer, OfferState
from marketplace.offers.service import has_run_out
from marketplace.organisations.agreements import in_force
from marketplace.organisations.models import Organisation
from marketplace.reference.needs import need_kind


def gone(need: Need | None, offer: Offer | None, *, today: date) -> str:
    """Why a standing override means nothing, whatever it asks for."""
    if need and (need.state is not NeedState.VERIFIED or (need.valid_to is not None and need.valid_to <= today)):
        return "need_closed"
    if offer and (offer.state is not OfferState.OPEN or has_run_out(offer, on=today)):
        return "offer_closed"
    return ""


def falls(
    session: Session, need: Need, offer: Offer, giver: Organisation, *, left: int, refused: bool, today: date
) -> str:
    """Why a pin of which `left` units are not given yet falls away though its need and its offer are open."""
    if left <= 0:
        return "fulfilled"
    if refused:
        return "refused"
    if not (in_force(giver, on=today) and need_kind(offer.category).purpose in giver.purposes):
        return "giver_rests"
    if left > need.gap_units - need.committed_units:
        return "less_open"
    if offer.max_per_household is not None and _had(session, need, offer):
        return "household_had"
    allowed = overlap.verdict(session, need, org_id=offer.org_id, project=offer.project, units=left, on=today).allowed
    return "" if allowed >= left else "rule_forbids"


def _had(session: Session, need: Need, offer: Offer) -> bool:
    """Whether the household has had anything of this offer: then a run closes an offer with a limit per household."""
    homes = sorted(same_as(session, [need.household_id]).of(need.household_id))
    return any(row.offer_id == offer.id for row in ledger.live_aid(session, household_ids=homes))
