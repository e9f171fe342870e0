"""For whom somebody may speak: an adult for itself, a verified guardian for a child, a helper for whom it helps.

Enters: the person whose data a consent opens, or whose words were written down, and who acts. Leaves: the capacity that
the consent keeps, or a refusal: nobody reads another adult's words, nor undoes what it has said, also not in the same
household. What belongs to the household as a whole has no person. The guardian's link is
verified by staff from the government's record. Called by this room, by `rights`, `appeals`, `sharing` and the portal.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlmodel import Session

from marketplace import audit, notices
from marketplace.actors import Actor, Role
from marketplace.calendar import local_day
from marketplace.consent.ask import newest
from marketplace.consent.models import Consent, ConsentHead
from marketplace.consent.versions import require_area
from marketplace.db import flush, new_id
from marketplace.errors import BadInput, NotFound, WrongState
from marketplace.households.guardians import ADULT_FROM, children_of, is_minor, link_for
from marketplace.households.models import Guardian, Person
from marketplace.households.service import contact_of
from marketplace.notices import Notice
from marketplace.proxies.models import HelpPower

CHILD_BELOW = 14
"""Only the year of birth is kept unsealed: who turns fourteen this year still counts as a child."""


def is_child(person: Person, /, *, now: datetime) -> bool:
    """Whether a guardian has to say yes for this person."""
    return person.birth_year is not None and local_day(now).year - person.birth_year <= CHILD_BELOW


def capacity_of(session: Session, person_id: str | None, /, *, actor: Actor, now: datetime) -> dict[str, Any]:
    """How the one who acts may say yes for this person. A worker who helps is checked by the call-back instead."""
    person = session.get(Person, person_id) if person_id else None
    signer = person_behind(session, actor.id)
    if person is not None and is_child(person, now=now):
        link = link_for(session, person.id, actor=actor)
        return {"capacity": "guardian", "capacity_evidence": link.evidence}
    if person is not None and signer is not None and signer.id != person.id:
        raise WrongState("own_data_only")
    return {}


def person_behind(session: Session, actor_id: str, /) -> Person | None:
    """The person that acts under this id, or for whom the helper of this id acts."""
    power = session.get(HelpPower, actor_id)
    return session.get(Person, power.subject_id if power is not None else actor_id)


def signer_of(session: Session, household_id: str, /, *, actor: Actor) -> Person | None:
    """Who speaks here as a member of this household: who is signed in, or whom a helper helps; else the contact."""
    signer = person_behind(session, actor.id) or contact_of(session, household_id)
    return signer if signer is not None and signer.household_id == household_id else None


def voices(session: Session, /, *, actor: Actor, now: datetime) -> frozenset[str] | None:
    """The people of the household for whom the one who acts speaks; None for staff, whose own rules hold instead."""
    if actor.role not in (Role.HOUSEHOLD, Role.HELPER):
        return None
    try:
        return frozenset(one.id for one in speaks_for(session, actor.household_id or "", actor=actor, now=now))
    except NotFound:
        return frozenset()


def is_own(person_id: str | None, heard: frozenset[str] | None, /) -> bool:
    """Whether what was said or shown of this person is one of these `voices`' own; nobody's is the household's."""
    return heard is None or person_id is None or person_id in heard


def of_voices(consents: Iterable[Consent], heard: frozenset[str] | None, /) -> list[Consent]:
    """Those of these consents that are the voices' own or the household's."""
    return [one for one in consents if is_own(one.person_id, heard)]


def letters_of(session: Session, household_id: str, /, *, actor: Actor, now: datetime) -> list[Notice]:
    """What the household was told; a letter about what one of its people asked is for that person only, not for its
    helper either."""
    heard = frozenset[str]() if actor.role is Role.HELPER else voices(session, actor=actor, now=now)
    return [one for one in notices.of_household(session, household_id) if is_own(one.params.get("about"), heard)]


def require_own(session: Session, person_id: str | None, /, *, actor: Actor, now: datetime) -> None:
    """WrongState where this is another adult's own affair."""
    if not is_own(person_id, voices(session, actor=actor, now=now)):
        raise WrongState("own_data_only")


def require_voice(session: Session, head: ConsentHead, action: str, /, *, actor: Actor, now: datetime) -> None:
    """The policy with the household's district, and never another adult's consent."""
    require_area(session, actor, action, household_id=head.household_id)
    require_own(session, newest(session, head).person_id, actor=actor, now=now)


def speaks_for(session: Session, household_id: str, /, *, actor: Actor, now: datetime) -> list[Person]:
    """Whose data the one who acts may open: its own (a helper acts for whom it helps), then those of each child whose
    guardian it is on record."""
    signer = signer_of(session, household_id, actor=actor)
    if signer is None:
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
