"""Whether a household is close to somebody of the staff, by what staff declared of themselves (`accounts.ties`).

Enters: a household, and the people behind an actor. Leaves: yes or no, by keyed indexes of numbers and telephones. Who
is close handles nothing of that household; and staff's kin are marked, because all of them are visited (R2.24). Called
by `cases`, by the approval of aid, and where a rule's hit, an exception or a pair of records is decided.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import or_
from sqlmodel import Session, col, func, select

from marketplace.accounts import ties
from marketplace.accounts.models import Account, StaffTie
from marketplace.actors import Actor
from marketplace.db import remembered
from marketplace.errors import WrongState
from marketplace.households.models import Person


def is_close(session: Session, household_id: str, /, *, actor: Actor) -> bool:
    """Whether the actor, or whom it stands in for, declared somebody of this household or a shared telephone."""
    indexes = remembered(session, ("kin", household_id), lambda: _indexes(session, household_id))
    return bool(indexes) and ties.touches(session, actor.people, indexes)


def refuse_close(session: Session, household_id: str, /, *, actor: Actor) -> None:
    """WrongState("officer_is_kin"): another officer does it."""
    if is_close(session, household_id, actor=actor):
        raise WrongState("officer_is_kin")


def of_staff(session: Session, household_id: str, /) -> bool:
    """Whether anybody of the staff declared somebody of this household; who it was is not told."""
    indexes = _indexes(session, household_id)
    return bool(indexes) and ties.touch_anybody(session, indexes)


def homes_of_staff(session: Session, /) -> list[tuple[str, str, datetime]]:
    """Every household that somebody of the staff declared, its first person, and since when it is known."""
    tied = or_(
        col(StaffTie.value_index) == col(Person.id_number_index), col(StaffTie.value_index) == col(Person.phone_index)
    )
    asked: Any = (
        select(Person.household_id, func.min(Person.id), func.min(StaffTie.added_at))
        .join(StaffTie, tied)
        .join(Account, col(Account.id) == col(StaffTie.account_id))
        .where(col(Account.active).is_(True))
        .group_by(col(Person.household_id))
    )
    return [(home, person, since) for home, person, since in session.execute(asked.order_by(col(Person.household_id)))]


def _indexes(session: Session, household_id: str) -> set[str]:
    members = session.exec(
        select(Person.id_number_index, Person.phone_index).where(col(Person.household_id) == household_id)
    )
    return {index for pair in members for index in pair if index}
