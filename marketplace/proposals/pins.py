"""Why a kept pin or ban means nothing to the next run: the need or the offer is gone, or nobody may carry the pin out.

Enters: an override with its need, offer and giver, and a moment. Leaves: the code of the first reason, or nothing if it
counts. Called by `overrides`. A pin that no plan can meet would leave everybody without a plan, so it falls away here
and is listed with its reason; only pins that contradict each other stay and are told by the run. What a run finds out
about one pin by itself, `service.work` leaves out as well and `overrides.note` keeps.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import date, datetime

from sqlmodel import Session, col, select

from marketplace.calendar import local_day
from marketplace.consent.ask import Willing, auto_match_among
from marketplace.households.related import is_related
from marketplace.households.same import same_as
from marketplace.ledger import overlap
from marketplace.ledger import service as ledger
from marketplace.needs.models import Need, NeedState
from marketplace.offers.models import Offer, OfferState
from marketplace.offers.service import has_run_out
from marketplace.organisations.agreements import in_force
from marketplace.organisations.models import Organisation
from marketplace.proposals.models import LineState, ProposedLine
from marketplace.proposals.supply import resources_of, yearly_budgets
from marketplace.proposals.wanted import one_need
from marketplace.reference.needs import MONEY, need_kind
from matching.compiled import compile_problem
from matching.eligibility import CODES, ELIGIBLE, NO_CONSENT, WINDOW
from matching.model import Policy, Problem

NO_PLAN = "no_plan"
"""The code of a pin that a run left out because no plan could meet it by itself."""


def gone(need: Need | None, offer: Offer | None, *, today: date) -> str:
    """Why a standing override means nothing, whatever it asks for."""
    if need and (need.state is not NeedState.VERIFIED or (need.valid_to is not None and need.valid_to <= today)):
        return "need_closed"
    if offer and (offer.state is not OfferState.OPEN or has_run_out(offer, on=today)):
        return "offer_closed"
    return ""


@dataclass(frozen=True, slots=True)
class Known:
    """What is asked once about all needs that somebody pinned something to: units given by need and offer, the pairs
    that somebody said no to, and each household's living yes to being matched."""

    given: dict[tuple[str | None, str | None], int]
    refused: set[tuple[str, str]]
    consents: dict[str, Willing]
    today: date


def known_of(session: Session, pinned: Collection[Need], /, *, now: datetime) -> Known:
    """The same of these needs; nothing is asked where there are none."""
    homes = [need.household_id for need in pinned]
    said_no = refused(session, [need.id for need in pinned]) if homes else set()
    return Known(given_to(session, homes), said_no, auto_match_among(session, homes, now=now), local_day(now))


def falls(session: Session, known: Known, sides: tuple[Need, Offer, Organisation], /, *, units: int) -> str:
    """Why a pin of so many units falls away though its need and its offer, of which `sides` names the giver as well,
    are open."""
    need, offer, giver = sides
    left = units - known.given.get((need.id, offer.id), 0)
    if left <= 0:
        return "fulfilled"
    if (need.id, offer.id) in known.refused:
        return "refused"
    if not (in_force(giver, on=known.today) and need_kind(offer.category).purpose in giver.purposes):
        return "giver_rests"
    if left > need.gap_units - need.committed_units:
        return "less_open"
    if offer.max_per_household is not None and _had(session, need, offer):
        return "household_had"
    consent = known.consents.get(need.household_id)
    code = _out_of_reach(session, need, offer, left=left, consent=consent, today=known.today)
    if code:
        return code
    said = overlap.verdict(session, need, org_id=offer.org_id, project=offer.project, units=left, on=known.today)
    return "" if said.allowed >= left else "rule_forbids"


def _had(session: Session, need: Need, offer: Offer) -> bool:
    """Whether the household has had anything of this offer: then a run closes an offer with a limit per household."""
    homes = sorted(same_as(session, [need.household_id]).of(need.household_id))
    return any(row.offer_id == offer.id for row in ledger.live_aid(session, household_ids=homes))


def _out_of_reach(
    session: Session, need: Need, offer: Offer, *, left: int, consent: Willing | None, today: date
) -> str:
    """What the allocator itself would say of this pair if there were no other in the world."""
    homes = same_as(session, [need.household_id]).of(need.household_id)
    if any(is_related(session, home, org_id=offer.org_id) for home in sorted(homes)):
        return "related_party"
    budgets = yearly_budgets(session, frozenset({offer.org_id}), on=today) if offer.unit == MONEY else ()
    (resource,) = resources_of([offer], ())
    stock = min(resource.stock, *(mark.budget for mark in budgets)) if budgets else resource.stock
    wanted = replace(one_need(need, consent, organisations=frozenset({offer.org_id})), all_or_nothing=False)
    pair = compile_problem(Problem(Policy(as_of=today), (wanted,), (resource,)))
    code = CODES[int(pair.refusals.codes(0)[0])]
    if code != ELIGIBLE:
        return {NO_CONSENT: "no_consent", WINDOW: "not_begun"}.get(code, "terms")
    if stock // resource.lot * resource.lot < left:
        return "stock"
    return "" if int(pair.pair_most[0]) >= left else "terms"


def given_to(session: Session, households: Collection[str], /) -> dict[tuple[str | None, str | None], int]:
    """Units given to these households by need and offer."""
    found: dict[tuple[str | None, str | None], int] = {}
    for entry in ledger.live_aid(session, household_ids=households) if households else ():
        found[entry.need_id, entry.offer_id] = found.get((entry.need_id, entry.offer_id), 0) + entry.units
    return found


def refused(session: Session, need_ids: Collection[str] | None = None, /) -> set[tuple[str, str]]:
    """Pairs of all needs, or of these, that an approver, the giver or the household said no to: no run proposes them
    again."""
    said_no = select(ProposedLine.need_id, ProposedLine.offer_id)
    said_no = said_no.where(col(ProposedLine.state).in_((LineState.REJECTED, LineState.DECLINED)))
    if need_ids is not None:
        said_no = said_no.where(col(ProposedLine.need_id).in_(sorted(need_ids)))
    return {(row[0], row[1]) for row in session.exec(said_no)}
