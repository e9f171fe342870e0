"""Who hears of which power: at home whom it concerns, among staff whoever serves the district.

Enters: an actor with a household or a power. Leaves: the powers of which it may know, or NotFound. Called by this
room's pages and by its acts.
"""

from __future__ import annotations

from sqlmodel import Session, select

from marketplace.actors import Actor, Role
from marketplace.errors import NotFound
from marketplace.households.guardians import links_of
from marketplace.households.models import Household, Person
from marketplace.households.service import list_people
from marketplace.policy import require
from marketplace.proxies.models import HelpPower, PowerState


def get_power(session: Session, power_id: str, action: str, /, *, actor: Actor) -> HelpPower:
    """The power, if the actor may hear of it at home or it lies in its district."""
    power = session.get(HelpPower, power_id)
    facts = {"household_id": power.household_id, "district": power.district_code} if power is not None else {}
    require(actor, action, **facts)
    if power is None or not _hears(session, power, actor=actor):
        raise NotFound("help_power")
    return power


def _hears(session: Session, power: HelpPower, *, actor: Actor) -> bool:
    """Whom messages reach is told of every helper at home; another adult hears of its own and of its children's, and a
    helper of those of whom it helps."""
    if actor.role is Role.HELPER:
        mine = session.get(HelpPower, actor.id)
        return mine is not None and _concerns(session, power, mine.subject_id)
    me = session.get(Person, actor.id) if actor.role is Role.HOUSEHOLD else None
    return me is None or me.contact or _concerns(session, power, me.id)


def _concerns(session: Session, power: HelpPower, person_id: str) -> bool:
    return power.subject_id == person_id or any(
        link.guardian_id == person_id for link in links_of(session, power.subject_id)
    )


def of_household(session: Session, household_id: str, /, *, actor: Actor) -> list[HelpPower]:
    """The helpers of a household of which the actor hears, living ones first."""
    rows = session.exec(select(HelpPower).where(HelpPower.household_id == household_id))
    found = [power for power in rows if _hears(session, power, actor=actor)]
    return sorted(found, key=lambda one: (one.state is PowerState.ENDED, -one.recorded_at.timestamp(), one.id))


def people_of(session: Session, household_id: str, /, *, actor: Actor) -> list[Person]:
    """Of whom a power can be recorded, for a worker of the district."""
    home = session.get(Household, household_id)
    require(actor, "power:record", district=home.district_code if home is not None else None)
    return list_people(session, household_id)
