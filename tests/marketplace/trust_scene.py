"""A household with a verified need, a charity that it let see some fields, and what checks the credentials issued."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from joserfc.jwk import ECKey
from sqlmodel import Session, col, select

import shanqiao_verify as verifier
from marketplace.actors import Actor, Role
from marketplace.consent import service as consent
from marketplace.consent.models import Consent
from marketplace.credentials import service
from marketplace.credentials.verdicts import keys_of
from marketplace.households.models import Household, Person
from marketplace.organisations.models import Organisation
from tests import factories as make

FIELDS = ("name", "county", "need_code", "amount_band", "household_size_band")


@dataclass(frozen=True)
class Scene:
    """Who is there, and the recipient's key."""

    household: Household
    charity: Organisation
    given: Consent
    holder: ECKey
    giver: Actor
    own: Actor

    @property
    def jwk(self) -> dict[str, Any]:
        """The recipient's public key."""
        return dict(self.holder.as_dict(private=False))


def a_scene(session: Session, now: datetime, *, fields: Sequence[str] = ("name", "phone")) -> Scene:
    """A verified need of goods, and a living consent for one charity."""
    household = make.a_household(session, kind="LOW_INCOME", size=3)
    make.a_need(session, household)
    charity = make.an_organisation(session)
    return allowed(session, household, charity, now, fields=fields)


def allowed(
    session: Session, household: Household, charity: Organisation, now: datetime, *, fields: Sequence[str]
) -> Scene:
    """The household lets one more charity see these fields."""
    own = Actor(id="household-actor", role=Role.HOUSEHOLD, household_id=household.id)
    person = session.exec(select(Person).where(col(Person.household_id) == household.id)).first()
    assert person is not None
    given = consent.give_for_match(
        session,
        household,
        organisation=charity,
        match_id=f"match-{charity.id}",
        purpose="GOODS",
        data_fields=fields,
        actor=own,
        now=now,
        person_id=person.id,
    )
    giver = Actor(id="giver", role=Role.CHARITY_MANAGER, org_id=charity.id)
    return Scene(household, charity, given, ECKey.generate_key("P-256"), giver, own)


def issued(session: Session, scene: Scene, now: datetime, *, fields: Sequence[str] = FIELDS) -> str:
    """One credential."""
    return service.issue(session, scene.giver, scene.given.chain_id, fields=fields, now=now, holder_jwk=scene.jwk)


def checked(session: Session, compact: str, now: datetime, **over: Any) -> verifier.Credential:
    """The credential as the stand-alone verifier reads it."""
    return verifier.check_credential(compact, keys_of(session), now=int(now.timestamp()), **over)
