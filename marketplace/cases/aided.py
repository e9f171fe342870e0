"""What temporary aid the same person had already for the same cause this year, and how much of it was the quick help.

Enters: an item. Leaves: whether the county has to allow it once more, and what the larger amount is less by. Called by
`outcome` and by the page of staff.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session, col, select

from marketplace.calendar import local_day
from marketplace.cases.models import Case, CaseItem, ItemState
from marketplace.cases.rules import FAST


def aided_already(session: Session, item: CaseItem, /, *, now: datetime) -> bool:
    """Whether the same person got temporary aid for the same cause in this calendar year (R2.39). The fast payment of
    the first days is a part of what the table of amounts gives, and does not use it up."""
    known = _aided(session, item, now=now)
    return any(item.path == FAST or one.path != FAST for one in known)


def larger_given(session: Session, item: CaseItem, /, *, now: datetime) -> bool:
    """Whether more than the quick help was given for the same cause this year."""
    return any(one.path != FAST for one in _aided(session, item, now=now))


def fast_given(session: Session, item: CaseItem, /, *, now: datetime) -> int:
    """What the fast path gave for the same cause this year: the larger amount is less by it."""
    if item.path == FAST:
        return 0
    return sum(one.amount_fen for one in _aided(session, item, now=now) if one.path == FAST)


def _aided(session: Session, item: CaseItem, *, now: datetime) -> Sequence[CaseItem]:
    """The same person's temporary aid for the same cause in this calendar year, but this item."""
    if item.code != "LINSHI":
        return ()
    subject = select(Case.subject_id).where(Case.id == item.case_id).scalar_subquery()
    asked = select(CaseItem).join(Case, col(Case.id) == col(CaseItem.case_id))
    asked = asked.where(
        Case.subject_id == subject,
        CaseItem.code == item.code,
        CaseItem.cause == item.cause,
        CaseItem.state == ItemState.GRANTED,
        col(CaseItem.month).startswith(f"{local_day(now):%Y}"),
        CaseItem.id != item.id,
    )
    return session.exec(asked).all()
