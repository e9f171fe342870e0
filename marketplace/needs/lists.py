"""Lists of needs for staff, filtered and paged in the database.

What enters: filters, a page number and the acting person. What leaves: one page of needs of that person's area, and
counts. Called by the service's callers; a city of 100,000 needs is never loaded whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import ColumnElement, func, or_, select
from sqlmodel import Session, col

from marketplace import policy
from marketplace.actors import Actor
from marketplace.errors import NotAllowed
from marketplace.needs.models import Need, NeedState


@dataclass(frozen=True, slots=True)
class NeedFilters:
    """What a list shows; an empty value does not filter."""

    state: NeedState | None = None
    district: str = ""
    category: str = ""
    source: str = ""
    reason: str = ""
    urgency: int | None = None


@dataclass(frozen=True, slots=True)
class NeedPage:
    """One page of a list: `total` counts all rows that the filters let through."""

    needs: Sequence[Need]
    total: int
    page: int
    pages: int


def not_over(on: date, /) -> ColumnElement[bool]:
    """Needs whose time is not over on this day: `valid_to` is the day after their last."""
    return or_(col(Need.valid_to).is_(None), col(Need.valid_to) > on)


def list_needs(session: Session, filters: NeedFilters, /, *, actor: Actor, page: int = 1, size: int = 25) -> NeedPage:
    """One page, newest first with the id as tie-break; only needs of the actor's area."""
    _may_list(actor)
    conditions = _conditions(filters, actor)
    total = session.scalar(select(func.count()).select_from(Need).where(*conditions)) or 0
    pages = max(1, -(-total // size))
    page = min(max(page, 1), pages)
    newest = (col(Need.created_at).desc(), col(Need.id).desc())
    # The ids are sorted first: sorting whole rows of a city costs several times as much.
    ids = select(col(Need.id)).where(*conditions).order_by(*newest).offset((page - 1) * size).limit(size)
    needs = session.scalars(select(Need).where(col(Need.id).in_(ids.scalar_subquery())).order_by(*newest)).all()
    return NeedPage(needs=needs, total=total, page=page, pages=pages)


def count_by_state(session: Session, /, *, actor: Actor) -> dict[NeedState, int]:
    """How many needs of the actor's area stand in each state."""
    _may_list(actor)
    counted = select(col(Need.state), func.count()).group_by(col(Need.state))
    asked = counted.where(*_conditions(NeedFilters(), actor))
    found = {NeedState(state): int(count) for state, count in session.execute(asked)}
    return {state: found.get(state, 0) for state in NeedState}


def _conditions(filters: NeedFilters, actor: Actor) -> list[ColumnElement[bool]]:
    wanted = (
        (filters.state, col(Need.state) == filters.state),
        (filters.district, col(Need.district_code) == filters.district),
        (filters.category, col(Need.category) == filters.category),
        (filters.source, col(Need.source) == filters.source),
        (filters.reason, col(Need.state_reason) == filters.reason),
        (filters.urgency is not None, col(Need.urgency) == filters.urgency),
        (actor.districts, col(Need.district_code).in_(sorted(actor.districts))),
    )
    return [condition for value, condition in wanted if value]


def _may_list(actor: Actor) -> None:
    """The role must be allowed; its area is a condition of the question itself."""
    if not policy.may(actor, "need:list").allow:
        raise NotAllowed("not_allowed", action="need:list")
