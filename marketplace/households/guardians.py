"""Who may act for a child: the guardians that the government's record names, verified by staff.

Enters: a child and whoever acts. Leaves: the guardian who signs, nobody for a grown-up, or a refusal where no verified
guardian acts. Called by rooms in which a child is applied for, says yes, or is asked whether it is well; `consent`
writes the links down.
"""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session, col, select

from marketplace.actors import Actor, Role
from marketplace.calendar import local_day
from marketplace.errors import WrongState
from marketplace.households.models import Guardian, Person

ADULT_FROM = 18
RESTORED = "restored"
"""Why a link rests that came back with a backup: it counts for nothing until staff have looked whether it had ended."""
_COUNTS = (col(Guardian.ended_at).is_(None), col(Guardian.end_reason) != RESTORED)


def is_minor(person: Person, /, *, now: datetime) -> bool:
    """Under eighteen by the year; who turns eighteen this year may act for itself."""
    return person.birth_year is not None and local_day(now).year - person.birth_year < ADULT_FROM


def links_of(session: Session, child_id: str, /) -> list[Guardian]:
    """The verified guardians of a child whose link neither has ended nor rests, the first written down first."""
    wanted = select(Guardian).where(Guardian.child_id == child_id, *_COUNTS)
    return list(session.exec(wanted.order_by(col(Guardian.verified_at), col(Guardian.id))))


def children_of(session: Session, guardian_id: str, /, *, now: datetime) -> list[Person]:
    """For whom this person may act: the minors it is a verified guardian of."""
    wanted = select(Person).join(Guardian, col(Guardian.child_id) == col(Person.id))
    wanted = wanted.where(Guardian.guardian_id == guardian_id, *_COUNTS)
    found = session.exec(wanted.order_by(col(Person.id))).all()
    return [person for person in found if is_minor(person, now=now)]


def link_for(session: Session, child_id: str, /, *, actor: Actor) -> Guardian:
    """The link under which somebody acts for this child: the actor's own; for a helper or staff, who act beside a
    guardian, the first. WrongState where there is none."""
    links = links_of(session, child_id)
    if actor.role is Role.HOUSEHOLD and session.get(Person, actor.id) is not None:
        links = [link for link in links if link.guardian_id == actor.id]
    if not links:
        raise WrongState("guardian_not_verified")
    return links[0]


def voice_of(session: Session, person: Person, signed_by: str, /, *, now: datetime) -> str:
    """Who speaks today in what `signed_by` signed for this person: the person itself, or for a minor that guardian
    while its link lasts, then the first other one; empty where no guardian is left."""
    if signed_by == person.id or not is_minor(person, now=now):
        return person.id
    left = [link.guardian_id for link in links_of(session, person.id)]
    return signed_by if signed_by in left else next(iter(left), "")


def signer_for(session: Session, person: Person, /, *, actor: Actor, now: datetime) -> str:
    """Who signs for this person: the person itself, or a minor's verified guardian."""
    if not is_minor(person, now=now):
        return person.id
    return link_for(session, person.id, actor=actor).guardian_id
