"""One household, one giver and the line between them, and the way of their match as far as a test needs it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, select

from marketplace.actors import Actor, Role
from marketplace.decisions import approve as approval
from marketplace.decisions import service as decisions
from marketplace.decisions.models import Match
from marketplace.households.models import Household, Person
from marketplace.needs.models import Need
from marketplace.offers.models import Offer
from marketplace.organisations.models import Organisation
from marketplace.proposals.models import ProposedLine
from tests import factories as make

APPROVER = Actor(id="approver-1", role=Role.APPROVER)


@dataclass
class Scene:
    """10 food packs for one household from one giver."""

    household: Household
    person: Person
    need: Need
    organisation: Organisation
    offer: Offer
    line: ProposedLine

    @property
    def giver(self) -> Actor:
        return make.as_giver(self.organisation)

    @property
    def manager(self) -> Actor:
        return Actor(id="manager-1", role=Role.CHARITY_MANAGER, org_id=self.organisation.id)

    @property
    def household_actor(self) -> Actor:
        return make.as_household(self.household)

    def approved(self, session: Session, now: datetime) -> Match:
        assert approval.approve(session, [self.line.id], actor=APPROVER, now=now).approved
        return session.exec(select(Match).where(Match.line_id == self.line.id)).one()

    def taken_on(self, session: Session, now: datetime) -> Match:
        match = self.approved(session, now)
        return decisions.giver_accepts(session, match.id, actor=self.giver, now=now)

    def in_delivery(self, session: Session, now: datetime) -> Match:
        return self.accepts(session, self.taken_on(session, now), now)

    def accepts(self, session: Session, match: Match, now: datetime) -> Match:
        return decisions.household_accepts(
            session,
            match.id,
            data_fields=["name"],
            agrees_to_share=True,
            agrees_to_terms=True,
            person_id=self.person.id,
            actor=self.household_actor,
            now=now,
        )

    def delivered(self, session: Session, now: datetime) -> Match:
        match = self.in_delivery(session, now)
        return decisions.deliver(session, match.id, actor=self.giver, now=now)

    def confirmed(self, session: Session, now: datetime) -> Match:
        match = self.delivered(session, now)
        return decisions.confirm(session, match.id, actor=self.household_actor, now=now)


def a_scene(
    session: Session,
    *,
    phone: str = "10000000001",
    organisation: Organisation | None = None,
    offer: Offer | None = None,
    urgency: int = 2,
    now: datetime = make.NOW,
) -> Scene:
    """A household that may be matched, its need, and a proposed line from a giver that answers each match."""
    household = make.a_household(session, phone=phone)
    person = session.exec(select(Person).where(Person.household_id == household.id)).one()
    need = make.a_need(session, household, urgency=urgency)
    organisation = organisation or make.an_organisation(session)
    offer = offer or make.an_offer(session, organisation)
    make.auto_match(session, household, now=now)
    return Scene(household, person, need, organisation, offer, make.a_line(session, need, offer))
