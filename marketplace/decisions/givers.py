"""What a giver's agreement, terms, budget and donors and the law say about one approval, asked again at that moment.

Enters: a need, an offer and its organisation, locked by the caller, and the units (0: they are reserved already).
Leaves: nothing, or the first reason against as WrongState. Called by `decisions.approve`, and by `decisions.service`
when a household says yes.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlmodel import Session

from marketplace.errors import WrongState
from marketplace.households.related import is_related
from marketplace.households.same import same_as
from marketplace.ledger.budgets import given_in_year
from marketplace.ledger.service import live_aid
from marketplace.needs.models import Need, NeedState
from marketplace.offers.models import Offer, OfferState
from marketplace.offers.service import has_run_out
from marketplace.offers.terms import gives_as_much, kept_by_donor, within_terms
from marketplace.organisations.agreements import in_force
from marketplace.organisations.models import Organisation, OrganisationState
from marketplace.reference.needs import need_kind


def open_giver(session: Session, org_id: str, /) -> Organisation:
    """The giver to whom a household is about to say yes; WrongState while it is suspended."""
    giver = session.get_one(Organisation, org_id)
    if giver.state is OrganisationState.SUSPENDED:
        raise WrongState("giver_suspended")
    return giver


def refuse_pair(
    session: Session, need: Need, offer: Offer, /, *, organisation: Organisation, units: int, on: date
) -> None:
    """The same, after the need itself: only a verified one whose time is not over is given anything."""
    if need.state is not NeedState.VERIFIED or (need.valid_to is not None and need.valid_to <= on):
        raise WrongState("need_changed")
    refuse_giver(session, need, offer, organisation=organisation, units=units, on=on)


def refuse_giver(
    session: Session, need: Need, offer: Offer, /, *, organisation: Organisation, units: int, on: date
) -> None:
    """Raise the first reason why this giver may not give this to this household on this day. Its terms are its yes: a
    line that they no longer hold was proposed before the giver, or the need, changed."""
    if offer.state is not OfferState.OPEN or has_run_out(offer, on=on) or not in_force(organisation, on=on):
        raise WrongState("offer_not_open")
    if need_kind(need.category).purpose not in organisation.purposes:
        raise WrongState("purpose_above_ceiling")
    homes = same_as(session, [need.household_id]).of(need.household_id)
    if any(is_related(session, home, org_id=organisation.id) for home in sorted(homes)):
        raise WrongState("related_party")
    if offer.max_per_household is not None:
        had = sum(row.units for row in live_aid(session, household_ids=sorted(homes)) if row.offer_id == offer.id)
        if had + units > offer.max_per_household:
            raise WrongState("already_given")
    if not kept_by_donor(offer, district=need.district_code, tags=need.tags):
        raise WrongState("donor_bound")
    asked: dict[str, Any] = {"district": need.district_code, "tags": need.tags, "urgency": need.urgency}
    if not within_terms(offer, on=on, **asked) or (units and not gives_as_much(offer, units)):
        raise WrongState("offer_terms_changed")
    budget = organisation.yearly_budget_fen
    if budget is not None and need_kind(need.category).is_money:
        given = given_in_year(session, on.year, org_ids=[organisation.id]).get(organisation.id, 0)
        if given + units > budget:
            raise WrongState("budget_spent")
