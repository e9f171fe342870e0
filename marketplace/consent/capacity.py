"""For whom somebody may say yes: each adult for its own data, a verified guardian for a child.

Enters: the person whose data a consent opens, and who gives it. Leaves: the capacity that the consent keeps, or a
refusal. The guardian's link is verified by staff from the government's record. Called by `consent.service`.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlmodel import Session

from marketplace import audit
from marketplace.actors import Actor
from marketplace.calendar import local_day
from marketplace.consent.versions import require_area
from marketplace.db import flush, new_id
from marketplace.errors import BadInput, NotFound, WrongState
from marketplace.households.guardians import ADULT_FROM, children_of, is_minor, link_for
from marketplace.households.models import Guardian, Person
from marketplace.households.service import contact_of

CHILD_BELOW = 14
"""Only the year of birth is kept unsealed: who turns fourteen this year still counts as a child."""


def is_child(person: Person, /, *, now: datetime) -> bool:
    """Whether a guardian has to say yes for this person."""
    return person.birth_year is not None and local_day(now).year - person.birth_year <= CHILD_BELOW


def capacity_of(session: Session, person_id: str | None, /, *, actor: Actor, now: datetime) -> dict[str, Any]:
    """How the one who acts may say yes for this person. A worker who helps is checked by the call-back instead."""
    person = session.get(Person, person_id) if person_id else None
    signer = session.get(Person, actor.id)
    if person is not None and is_child(person, now=now):
        link = link_for(session, person.id, actor=actor)
        return {"capacity": "guardian", "capacity_evidence": link.evidence}
    if person is not None and signer is not None and signer.id != person.id:
        raise WrongState("own_data_only")
    return {}


def speaks_for(session: Session, household_id: str, /, *, actor: Actor, now: datetime) -> list[Person]:
    """Whose data the one who acts may open: its own (a helper acts for the contact), then those of each child whose
    guardian it is on record."""
    signer = session.get(Person, actor.id) or contact_of(session, household_id)
    if signer is None or signer.household_id != household_id:
        raise NotFound("person")
    children = [child for child in children_of(session, signer.id, now=now) if is_child(child, now=now)]
    return [signer, *(child for child in children if child.household_id == household_id)]


def verify_guardian(
    session: Session, child_id: str, /, *, guardian_id: str, evidence: str, actor: Actor, now: datetime
) -> Guardian:
    """Staff write down who the government's record names as a child's guardian: an adult of the same household."""
    child, guardian = session.get(Person, child_id), session.get(Person, guardian_id)
    if child is None or guardian is None or child.household_id != guardian.household_id:
        raise NotFound("person")
    require_area(session, actor, "consent:guardian", household_id=child.household_id)
    year = local_day(now).year
    if guardian.birth_year is None or year - guardian.birth_year < ADULT_FROM or not is_minor(child, now=now):
        raise BadInput("not_a_guardian", field="guardian_id")
    if not evidence:
        raise BadInput("evidence_missing", field="evidence")
    link = Guardian(
        id=new_id(),
        child_id=child_id,
        guardian_id=guardian_id,
        evidence=evidence[:120],
        verified_by=actor.id,
        verified_at=now,
    )
    session.add(link)
    flush(session)
    entry = audit.Entry("consent:guardian", object_ref=link.id, subject=child.household_id)
    audit.record(session, entry, actor=actor, now=now)
    return link
