"""In the books of which month an answer of the bank stands.

Enters: a giver and the bank's days. Leaves: for each day its own month; if that one is closed, the month that is open,
so that a closed month never changes and no movement is missing from all of them. Nothing is written here; `hold_books`
lets one person at a time close a month or take answers in.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from sqlmodel import Session, col, select

from marketplace.organisations.models import Organisation
from marketplace.payments.models import PaymentMonth


def hold_books(session: Session, org_id: str, /) -> None:
    """Wait for whoever closes a month of this giver or takes answers in for it."""
    session.exec(select(Organisation.id).where(Organisation.id == org_id).with_for_update(key_share=True)).one()


def months_for(session: Session, org_id: str, days: Iterable[date], /) -> dict[date, str]:
    """Day ► the month in whose books it stands now. A month is closed by opening a later one: the newest is open."""
    rows = session.exec(select(PaymentMonth).where(col(PaymentMonth.org_id) == org_id)).all()
    closed = {row.month for row in rows if row.closed_at is not None}
    newest = max((row.month for row in rows), default="")
    own = {day: f"{day:%Y-%m}" for day in days}
    return {day: newest if month in closed else month for day, month in own.items()}
