"""What a giver may tell its donor (R1.18: a donor may ask): how helps from one resource went, by a consent of its own.

Enters: a household's separate yes for one match (purpose DONOR_FEEDBACK: nothing personal); a resource of the giver.
Leaves: that consent; or one row for each help whose consent lives at this moment: kind, amount and month, what the
giver reported and what the household said remains. No name, no place and no words of anybody: nothing has to be checked
by staff, and a withdrawal takes the row out at once. Called by the pages.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from marketplace.actors import Actor
from marketplace.calendar import local_day
from marketplace.consent import service as consent
from marketplace.consent.ask import find_head, is_alive
from marketplace.consent.models import Consent, Purpose
from marketplace.decisions.models import FollowUp, GiverResult, Match
from marketplace.decisions.results import REPORTABLE
from marketplace.errors import NotFound, WrongState
from marketplace.households.models import Household
from marketplace.needs.models import Need
from marketplace.offers.models import Offer
from marketplace.organisations.models import Organisation, OrganisationKind
from marketplace.policy import require
from marketplace.proofs.evidence import match_for
from marketplace.proofs.publicity import AFTER

PURPOSE = Purpose.DONOR_FEEDBACK.value


@dataclass(frozen=True, slots=True)
class Line:
    """One help as its donor may hear of it; empty codes where nobody said anything."""

    category: str
    unit: str
    units: int
    month: str
    outcome: str
    remains: str


def allow(
    session: Session, match_id: str, /, *, actor: Actor, now: datetime, capture: consent.Capture | None = None
) -> Consent:
    """The household lets the giver of this match tell its donor how it went; an insurer has no donor to tell."""
    match = match_for(session, match_id, actor=actor)
    require(actor, "publicity:give", household_id=match.household_id)
    if match.state not in AFTER or not has_donor(session, match):
        raise WrongState("match_moved_on", state=match.state.value)
    return consent.give_for_match(
        session,
        session.get_one(Household, match.household_id),
        organisation=session.get_one(Organisation, match.org_id),
        match_id=match.id,
        purpose=PURPOSE,
        data_fields=(),
        actor=actor,
        now=now,
        capture=capture,
    )


def has_donor(session: Session, match: Match, /) -> bool:
    """Whether this giver gives what others donated."""
    return session.get_one(Organisation, match.org_id).kind is not OrganisationKind.INSURER


def allowed(session: Session, match: Match, /, *, now: datetime) -> bool:
    """Whether the household's yes lives at this moment."""
    head = find_head(session, match.household_id, purpose=PURPOSE, org_id=match.org_id, match_id=match.id)
    return head is not None and is_alive(head, now)


def for_donor(session: Session, offer_id: str, /, *, actor: Actor, now: datetime) -> tuple[Offer, list[Line]]:
    """What the donor of one resource may hear, the earliest delivery first."""
    offer = session.get(Offer, offer_id)
    if offer is None:
        raise NotFound("offer")
    require(actor, "project:view", org_id=offer.org_id)
    wanted = (
        select(Match, Need, GiverResult, FollowUp)
        .join(Need, col(Need.id) == col(Match.need_id))
        .outerjoin(GiverResult, col(GiverResult.match_id) == col(Match.id))
        .outerjoin(FollowUp, col(FollowUp.match_id) == col(Match.id))
        .where(col(Match.offer_id) == offer.id, col(Match.state).in_(REPORTABLE))
        .order_by(col(Match.delivered_at), col(Match.id))
    )
    rows = session.execute(wanted).all()
    return offer, [_line(*row) for row in rows if allowed(session, row[0], now=now)]


def _line(match: Match, need: Need, result: GiverResult | None, talk: FollowUp | None) -> Line:
    month = f"{local_day(match.delivered_at):%Y-%m}" if match.delivered_at else ""
    outcome, remains = result.outcome if result else "", talk.remains if talk else ""
    return Line(need.category, need.unit, match.units, month, outcome, remains)
