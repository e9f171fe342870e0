"""Deletion orders: a consent ended, so whoever saw something under it deletes it and says so within five working days.

Enters: a consent that was withdrawn. Leaves: one order for its recipient, if anything was disclosed; later the
recipient's word. A recipient that owes its word sees nothing new (`RECIPIENT_OVERDUE`). Called by `decisions`, which
withdraws, and by the pages and the API on which recipients answer.
"""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session, col, func, select

from marketplace import audit, notices
from marketplace.actors import Actor
from marketplace.calendar import after_working_days
from marketplace.consent.models import ConsentHead
from marketplace.db import flush, new_id
from marketplace.errors import NotFound, WrongState
from marketplace.policy import require
from marketplace.sharing import hooks
from marketplace.sharing.models import DeletionOrder, Disclosure

WORKING_DAYS = 5


def order(session: Session, head: ConsentHead, /, *, actor: Actor, now: datetime) -> DeletionOrder | None:
    """Tell the recipient to delete what it saw under this consent; None if it saw nothing."""
    seen = session.exec(
        select(func.count()).select_from(Disclosure).where(col(Disclosure.consent_chain_id) == head.chain_id)
    ).one()
    if not seen or not head.recipient_org_id:
        return None
    row = DeletionOrder(
        id=new_id(),
        org_id=head.recipient_org_id,
        consent_chain_id=head.chain_id,
        match_id=head.match_id,
        disclosures=seen,
        ordered_at=now,
        due_at=after_working_days(now, WORKING_DAYS),
    )
    session.add(row)
    flush(session)
    entry = audit.Entry("deletion:order", object_ref=row.id, subject=head.household_id, body={"disclosures": seen})
    audit.record(session, entry, actor=actor, now=now)
    notices.post(session, "deletion_order", key=f"deletion:{row.id}", org_id=row.org_id, now=now)
    hooks.emit(session, row.org_id, kind="deletion.ordered", object_ref=row.id, now=now)
    return row


def attest(session: Session, order_id: str, /, *, actor: Actor, now: datetime) -> DeletionOrder:
    """The recipient says that everything is deleted."""
    row = session.get(DeletionOrder, order_id, with_for_update=True)
    if row is None:
        raise NotFound("deletion_order")
    require(actor, "deletion:attest", org_id=row.org_id)
    if row.attested_at is not None:
        raise WrongState("attested_already")
    row.attested_at, row.attested_by = now, actor.id
    session.add(row)
    flush(session)
    audit.record(session, audit.Entry("deletion:attest", object_ref=row.id), actor=actor, now=now)
    return row


def orders_of(session: Session, org_id: str, /, *, actor: Actor) -> list[DeletionOrder]:
    """The orders of one recipient: unanswered ones first, then the newest."""
    require(actor, "deletion:attest", org_id=org_id)
    rows = select(DeletionOrder).where(col(DeletionOrder.org_id) == org_id)
    newest = rows.order_by(col(DeletionOrder.ordered_at).desc(), col(DeletionOrder.id))
    return sorted(session.exec(newest), key=lambda row: row.attested_at is not None)
