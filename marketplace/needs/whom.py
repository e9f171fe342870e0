"""Whom of a household a need is for: one of its people by name, or all of them.

Enters: a need and a person. Leaves: the need with that person's reference, or an error: somebody who is not of the
household, another one than aid is under way for, or a second open need of the kind for the same person or for nobody by
name. Called by the needs' service and where a bill says who
was treated.
"""

from __future__ import annotations

from sqlalchemy import select
from sqlmodel import Session, col

from marketplace.errors import BadInput, Conflict
from marketplace.households.service import list_people
from marketplace.needs.models import Need, NeedState

_LIVE = (NeedState.UNVERIFIED, NeedState.HELD, NeedState.VERIFIED)


def has_twin(session: Session, need: Need, /, *, person_id: str) -> bool:
    """Whether the household has another open need of this kind, period and cause for this person; where nobody is
    named, for anybody."""
    twin = select(col(Need.id)).where(
        col(Need.household_id) == need.household_id,
        col(Need.category) == need.category,
        col(Need.period) == need.period,
        col(Need.cause) == need.cause,
        *((col(Need.person_id) == person_id,) if person_id else ()),
        col(Need.state).in_(_LIVE),
        col(Need.id) != need.id,
    )
    with session.no_autoflush:
        return session.scalars(twin).first() is not None


def refuse_stranger(session: Session, household_id: str, person_id: str, /) -> None:
    """Whom a need is for is of its household."""
    if person_id and person_id not in {person.id for person in list_people(session, household_id)}:
        raise BadInput("not_in_list", field="for_person")


def name_person(session: Session, need: Need, person_id: str | None, /) -> None:
    """Say whom the need is for (empty: all of the household; None: as it stands); the caller writes the act."""
    if person_id is None or person_id == need.person_id:
        return
    refuse_stranger(session, need.household_id, person_id)
    if need.person_id and need.committed_units:
        raise BadInput("person_fixed", field="for_person")
    if has_twin(session, need, person_id=person_id):
        raise Conflict("need_exists")
    need.person_id = person_id
