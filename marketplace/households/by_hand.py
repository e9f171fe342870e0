"""Households that refused to be matched by a program alone: who they are, and how one joins or leaves them.

Enters: a household and who asked. Leaves: a row, or its absence. The allocator's input asks `by_hand`; the right itself
is asked for in `rights`. Nothing else changes for the household.
"""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session, select

from marketplace import audit
from marketplace.actors import Actor
from marketplace.db import flush
from marketplace.households.models import ByHand


def by_hand(session: Session, /) -> frozenset[str]:
    """All households that people match."""
    return frozenset(session.exec(select(ByHand.household_id)))


def is_by_hand(session: Session, household_id: str, /) -> bool:
    """Whether people match this one."""
    return session.get(ByHand, household_id) is not None


def asked_by(session: Session, household_id: str, /) -> str:
    """Who said no to programs for this household; empty where nobody did."""
    found = session.get(ByHand, household_id)
    return found.asked_by if found is not None else ""


def refuse_programs(session: Session, household_id: str, /, *, actor: Actor, now: datetime) -> None:
    """From the next run on a person matches this household; asked twice, nothing changes."""
    if is_by_hand(session, household_id):
        return
    session.add(ByHand(household_id=household_id, since_at=now, asked_by=actor.id))
    _record(session, household_id, "household:by_hand", actor=actor, now=now)


def allow_programs(session: Session, household_id: str, /, *, actor: Actor, now: datetime) -> None:
    """The household takes part in runs again."""
    found = session.get(ByHand, household_id)
    if found is not None:
        session.delete(found)
        _record(session, household_id, "household:by_program", actor=actor, now=now)


def _record(session: Session, household_id: str, action: str, *, actor: Actor, now: datetime) -> None:
    flush(session)
    entry = audit.Entry(action, subject=household_id)
    audit.record(session, entry, actor=actor, now=now)
