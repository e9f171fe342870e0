"""Critical needs without aid: one list for whoever is on call, and how many they are.

Enters: a member of staff and the moment. Leaves: needs of the reader's area, the longest waiting first. Called by the
pages of urgent cases, the start page and `meetings.calling`.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement
from sqlmodel import Session, col, func, select

from marketplace.actors import Actor
from marketplace.calendar import local_day
from marketplace.needs.lists import not_over
from marketplace.needs.models import Need
from marketplace.needs.service import LIVE
from marketplace.proposals.quotes import CRITICAL


def list_needs(session: Session, /, *, actor: Actor, now: datetime, offset: int = 0, limit: int = 25) -> list[Need]:
    """One page of the critical needs of the actor's area of which nothing is given or under way: the longest waiting
    first. Those that nobody has verified yet stand among them, for somebody on call verifies, too."""
    wanted = select(Need).where(*conditions(actor, now)).order_by(col(Need.created_at), col(Need.id))
    return list(session.exec(wanted.offset(offset).limit(limit)))


def count_needs(session: Session, /, *, actor: Actor, now: datetime) -> int:
    """How many there are."""
    return session.exec(select(func.count()).select_from(Need).where(*conditions(actor, now))).one()


def conditions(actor: Actor, now: datetime) -> list[ColumnElement[bool]]:
    """What makes a need one of them."""
    wanted: list[ColumnElement[bool]] = [
        col(Need.state).in_(LIVE),
        col(Need.urgency) == CRITICAL,
        col(Need.committed_units) == 0,
        not_over(local_day(now)),
    ]
    if actor.districts:
        wanted.append(col(Need.district_code).in_(sorted(actor.districts)))
    return wanted
