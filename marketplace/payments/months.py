"""Opening a month: the one before is closed with its figures as they are, and what is open goes over.

Enters: a giver's actor. Leaves: a `PaymentMonth`, the older ones closed, their unreleased drafts dropped so that their
matches are free for the new month. Lines that are at the bank stay in their batch: the bank's answer finds them, and
stands in the books of the month in which the bank moved the money.
"""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session, col, select

from marketplace import audit
from marketplace.actors import Actor
from marketplace.db import flush
from marketplace.errors import WrongState
from marketplace.payments.batches import drop_batch, month_of
from marketplace.payments.booking import hold_books
from marketplace.payments.books import Figure, books_of, months_of
from marketplace.payments.models import BatchState, PaymentBatch, PaymentMonth
from marketplace.payments.open_matches import open_of_giver
from marketplace.policy import require


def find_month(session: Session, org_id: str, month: str, /) -> PaymentMonth | None:
    """The month's row, if it was opened."""
    return session.get(PaymentMonth, (org_id, month))


def open_month(session: Session, org_id: str, /, *, actor: Actor, now: datetime) -> PaymentMonth:
    """Open this month. What was accepted and not paid goes over, whether it was never tried or the bank said no."""
    require(actor, "payment:prepare", org_id=org_id)
    month = month_of(now)
    hold_books(session, org_id)
    if find_month(session, org_id, month) is not None:
        raise WrongState("month_open")
    old = select(PaymentBatch).where(
        col(PaymentBatch.org_id) == org_id,
        col(PaymentBatch.month) < month,
        col(PaymentBatch.state) == BatchState.DRAFT,
    )
    for batch in session.exec(old).all():
        drop_batch(session, batch.id, actor=actor, now=now)
    _close_before(session, org_id, month, actor=actor, now=now)
    open_now = [payable.match for payable in open_of_giver(session, org_id, now=now)]
    before = [m for m in open_now if m.household_answered_at and month_of(m.household_answered_at) < month]
    carried = sum((Figure(1, match.units) for match in before), Figure())
    opened = PaymentMonth(
        org_id=org_id,
        month=month,
        opened_by=actor.id,
        opened_at=now,
        carried_lines=carried.count,
        carried_fen=carried.fen,
    )
    session.add(opened)
    flush(session)
    _record(session, opened, "payment:open_month", actor=actor, now=now)
    return opened


def _close_before(session: Session, org_id: str, month: str, *, actor: Actor, now: datetime) -> None:
    """Close every earlier month that is still open, also those in which something happened and were never opened."""
    known = session.exec(select(PaymentMonth.month).where(col(PaymentMonth.org_id) == org_id))
    for earlier in sorted({*months_of(session, org_id), *known}):
        row = find_month(session, org_id, earlier)
        if earlier >= month or (row is not None and row.closed_at is not None):
            continue
        row = row or PaymentMonth(org_id=org_id, month=earlier, opened_by=actor.id, opened_at=now)
        row.closed_at, row.figures = now, books_of(session, org_id, earlier).kept()
        session.add(row)
        flush(session)
        _record(session, row, "payment:close_month", actor=actor, now=now)


def _record(session: Session, row: PaymentMonth, action: str, *, actor: Actor, now: datetime) -> None:
    body = {"carried": row.carried_lines, "fen": row.carried_fen}
    audit.record(session, audit.Entry(action, object_ref=f"{row.org_id}:{row.month}", body=body), actor=actor, now=now)
