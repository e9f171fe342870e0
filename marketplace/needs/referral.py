"""A charity refers a person in, with that person's yes: an unverified need for staff, and one answer for every case.

What enters: the person's facts, the need, and how the person said yes. What leaves: a `Referral` with a reference
number that tells nothing: whether the person was known, and whether the same need is open already, the charity does
not learn. Called by the needs' views; how and when the person said yes stands in the audit chain.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from sqlmodel import Session

from marketplace import audit, policy
from marketplace.actors import Actor
from marketplace.calendar import local_day
from marketplace.db import new_id
from marketplace.errors import BadInput, Conflict
from marketplace.households.register import REFERRAL, PersonFacts
from marketplace.households.service import register_household
from marketplace.needs.service import NeedFacts, add_need
from marketplace.organisations.service import require_active
from marketplace.reference.words import list_codes


@dataclass(frozen=True, slots=True)
class PersonYes:
    """How and when the person agreed to be referred to civil affairs."""

    how: str
    given_on: date


@dataclass(frozen=True, slots=True)
class Referral:
    """What the charity gets: a reference to quote, nothing about the person."""

    reference: str


def refer_need(
    session: Session,
    facts: NeedFacts,
    /,
    *,
    person: PersonFacts,
    district_code: str,
    yes: PersonYes | None,
    actor: Actor,
    now: datetime,
) -> Referral:
    """Store an unverified need of the person; without the person's yes nothing is stored."""
    policy.require(actor, "need:refer")
    require_active(session, actor.org_id or "")
    if yes is None or yes.how not in list_codes("yes_given") or yes.given_on > local_day(now):
        raise BadInput("yes_missing", field="yes")
    reference = new_id()
    home = register_household(
        session,
        source=REFERRAL,
        source_ref=reference,
        district_code=district_code,
        people=[person],
        actor=actor,
        now=now,
    )
    try:
        add_need(
            session,
            facts,
            home=home,
            source=REFERRAL,
            source_id=reference,
            actor=actor,
            now=now,
            referred_by=actor.org_id,
        )
    except Conflict:
        _record(session, reference, "double", yes=yes, subject=home.id, actor=actor, now=now)
        return Referral(reference)
    _record(session, reference, "accepted", yes=yes, subject=home.id, actor=actor, now=now)
    return Referral(reference)


def _record(
    session: Session, reference: str, decision: str, *, yes: PersonYes, subject: str, actor: Actor, now: datetime
) -> None:
    body = {"how": yes.how, "given_on": yes.given_on.isoformat()}
    entry = audit.Entry(
        "need:refer", object_ref=reference, subject=subject, purpose="REFERRAL", decision=decision, body=body
    )
    audit.record(session, entry, actor=actor, now=now)
