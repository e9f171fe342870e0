"""The board of items: what runs and what is late, counted and cut into pages in SQL within the actor's districts.

Enters: who looks, and whether only late ones. Leaves: items by the end of their whole time, and the step each stands
at. Late is what is over now: an item over its total, or whose running step is over its own limit. A step that ended
late is told on the item's page and in the month. Called by the board's page and by `bench/cases.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func
from sqlmodel import Session, col, select

from marketplace.actors import Actor
from marketplace.cases.lateness import NOBODYS
from marketplace.cases.models import CaseItem, CaseStep, ItemState

PAYMENT = "payment"
OPEN = (ItemState.WAITING, ItemState.RUNNING)


def conditions(actor: Actor, now: datetime, *, late: bool) -> list[Any]:
    """Open and begun; what is stopped is not late, what waits for another item has no limit yet."""
    wanted: list[Any] = [col(CaseItem.state).in_(OPEN), col(CaseItem.due_at).is_not(None)]
    if late:
        held = select(CaseStep.item_id).where(col(CaseStep.ended_at).is_(None), col(CaseStep.code).not_in(NOBODYS))
        wanted.append((col(CaseItem.due_at) <= now) | col(CaseItem.id).in_(held.where(col(CaseStep.due_at) <= now)))
    if actor.districts:
        wanted.append(col(CaseItem.district_code).in_(sorted(actor.districts)))
    return wanted


def count_open(session: Session, /, *, actor: Actor, now: datetime, late: bool = False) -> int:
    """How many there are."""
    return session.exec(select(func.count()).select_from(CaseItem).where(*conditions(actor, now, late=late))).one()


def list_open(
    session: Session, /, *, actor: Actor, now: datetime, late: bool = False, offset: int = 0, limit: int = 50
) -> list[CaseItem]:
    """One page; found in the index alone, only its own rows are read."""
    order = (col(CaseItem.due_at), col(CaseItem.id))
    ids = select(CaseItem.id).where(*conditions(actor, now, late=late)).order_by(*order).offset(offset).limit(limit)
    found = session.exec(ids).all()
    return list(session.exec(select(CaseItem).where(col(CaseItem.id).in_(found)).order_by(*order)))


def list_unpaid(
    session: Session, /, *, actor: Actor, now: datetime, limit: int = 50
) -> list[tuple[CaseItem, CaseStep]]:
    """What was granted and has not been paid by its day, the longest waiting first."""
    asked = select(CaseItem, CaseStep).join(CaseStep, col(CaseStep.item_id) == col(CaseItem.id))
    asked = asked.where(CaseStep.code == PAYMENT, col(CaseStep.ended_at).is_(None), col(CaseStep.due_at) <= now)
    if actor.districts:
        asked = asked.where(col(CaseItem.district_code).in_(sorted(actor.districts)))
    return [
        (row[0], row[1]) for row in session.exec(asked.order_by(col(CaseStep.due_at), col(CaseItem.id)).limit(limit))
    ]


def running_of(session: Session, item_ids: Sequence[str], /) -> dict[str, CaseStep]:
    """Item ► the step it stands at."""
    asked = select(CaseStep).where(col(CaseStep.item_id).in_(item_ids), col(CaseStep.ended_at).is_(None))
    return {step.item_id: step for step in session.exec(asked)}


def passed(item: CaseItem, step: CaseStep | None, /, *, now: datetime) -> datetime | None:
    """The limit that is over, the step's before the whole item's; None where it is in time."""
    limits = [item.due_at] + ([step.due_at] if step is not None and step.code not in NOBODYS else [])
    return min((limit for limit in limits if limit is not None and limit <= now), default=None)
