"""Deletion orders: a consent ended, so whoever saw something under it deletes it and says so within five working days.

Enters: a consent that was withdrawn, out of which fields were taken, or that let a copy be kept and has ended.
Leaves: an order for its recipient, if it holds anything; later the recipient's word. A recipient that owes its word
sees nothing new (`RECIPIENT_OVERDUE`). Called by `decisions`, which withdraws, by `consent` when fields are taken out,
by the background worker (`look`), and by the pages and the API on which recipients answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime

from sqlalchemy import and_, exists, or_
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, func, select
from sqlmodel.sql.expression import SelectOfScalar

from marketplace import audit, notices
from marketplace.actors import SYSTEM, Actor
from marketplace.calendar import after_working_days
from marketplace.consent import changes
from marketplace.consent.ask import lock_head
from marketplace.consent.changes import FINISHING
from marketplace.consent.models import Consent, ConsentHead, ConsentState, Mode
from marketplace.db import Database, flush, new_id
from marketplace.errors import NotFound, WrongState
from marketplace.policy import require
from marketplace.sharing import hooks
from marketplace.sharing.models import DeletionOrder, Disclosure

WORKING_DAYS = 5
ENDED = (ConsentState.EXPIRED, ConsentState.SUPERSEDED)
"""Ends of which nobody told the recipient when they came: what replaces a consent does not cover the older copy."""
MOST = 500
"""So many orders are told of at once."""
BATCH = 200
"""So many ended consents are looked at in one transaction."""
HELD_BESIDES: dict[str, Callable[[Session, str], int]] = {}
"""Rooms above say here how much a recipient holds under a consent besides what was shown to it, such as its photos."""


def order(session: Session, head: ConsentHead, /, *, actor: Actor, now: datetime) -> DeletionOrder | None:
    """Tell the recipient to delete what it holds under this consent; None if that is nothing."""
    row = _order(session, head, actor=actor, now=now)
    if row is not None:
        notices.post(session, "deletion_order", key=f"deletion:{row.id}", org_id=row.org_id, now=now)
    return row


def look(database: Database, *, now: datetime) -> int:
    """Order the deletion of copies whose consent has run out or has done its work, such as the accounts of payments
    that were made; each recipient gets one letter for all that this look found."""
    with database.reading() as session:
        ended = list(session.exec(_ended_copies()))
    if not ended:
        return 0
    with database.transaction() as session:
        told: dict[str, str] = {}
        for chain_id in ended:
            row = _order(session, lock_head(session, chain_id), actor=SYSTEM, now=now)
            if row is not None:
                told.setdefault(row.org_id, row.id)
        for org_id, order_id in told.items():
            notices.post(session, "deletion_order", key=f"deletion:{order_id}", org_id=org_id, now=now)
    return len(ended)


def _ended_copies() -> SelectOfScalar[str]:
    """Consents that let a copy be kept, or that were withdrawn but for the one delivery, which ran out, were done or
    were replaced, and of which somebody took something."""
    version = aliased(Consent)
    finishing = exists().where(
        col(version.chain_id) == col(ConsentHead.chain_id), col(version.reason_code) == FINISHING
    )
    newest = and_(col(Consent.chain_id) == col(ConsentHead.chain_id), col(Consent.version) == col(ConsentHead.version))
    seen = exists().where(col(Disclosure.consent_chain_id) == col(ConsentHead.chain_id))
    of_all = col(DeletionOrder.data_fields) == ""
    ordered = exists().where(col(DeletionOrder.consent_chain_id) == col(ConsentHead.chain_id), of_all)
    return (
        select(ConsentHead.chain_id)
        .join(Consent, newest)
        .where(col(ConsentHead.state).in_(ENDED), or_(col(Consent.mode) == Mode.STORE, finishing), seen, ~ordered)
        .order_by(col(ConsentHead.chain_id))
        .limit(BATCH)
    )


def _order(session: Session, head: ConsentHead, /, *, actor: Actor, now: datetime) -> DeletionOrder | None:
    seen = session.exec(
        select(func.count()).select_from(Disclosure).where(col(Disclosure.consent_chain_id) == head.chain_id)
    ).one() + sum(count(session, head.chain_id) for count in HELD_BESIDES.values())
    return _write(session, head, seen, "", actor=actor, now=now) if seen and head.recipient_org_id else None


def _narrowed(session: Session, head: ConsentHead, gone: frozenset[str], actor: Actor, now: datetime) -> None:
    """The recipient deletes what it saw of the fields that the household took out, whatever goes on under the rest."""
    looks = session.exec(select(Disclosure.data_fields).where(col(Disclosure.consent_chain_id) == head.chain_id)).all()
    touched = [gone.intersection(fields) for fields in looks]
    fields = ",".join(sorted(frozenset().union(*touched)))
    if fields:
        row = _write(session, head, sum(map(bool, touched)), fields, actor=actor, now=now)
        notices.post(session, "deletion_order", key=f"deletion:{row.id}", org_id=row.org_id, now=now)


changes.NARROWED.append(_narrowed)


def _write(
    session: Session, head: ConsentHead, seen: int, fields: str, /, *, actor: Actor, now: datetime
) -> DeletionOrder:
    row = DeletionOrder(
        id=new_id(),
        org_id=head.recipient_org_id,
        consent_chain_id=head.chain_id,
        data_fields=fields,
        match_id=head.of_match,
        disclosures=seen,
        ordered_at=now,
        due_at=after_working_days(now, WORKING_DAYS),
    )
    session.add(row)
    flush(session)
    body = {"disclosures": seen} | ({"fields": fields} if fields else {})
    entry = audit.Entry("deletion:order", object_ref=row.id, subject=head.household_id, body=body)
    audit.record(session, entry, actor=actor, now=now)
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
    return _attested(session, row, actor=actor, now=now)


def attest_all(session: Session, org_id: str, /, *, until: datetime, actor: Actor, now: datetime) -> int:
    """The same for every order that the recipient had before it at that moment; a later one stays open."""
    require(actor, "deletion:attest", org_id=org_id)
    owed = select(DeletionOrder).where(
        col(DeletionOrder.org_id) == org_id,
        col(DeletionOrder.attested_at).is_(None),
        col(DeletionOrder.ordered_at) <= until,
    )
    rows = session.exec(owed.order_by(col(DeletionOrder.id)).with_for_update()).all()
    for row in rows:
        _attested(session, row, actor=actor, now=now)
    return len(rows)


def _attested(session: Session, row: DeletionOrder, *, actor: Actor, now: datetime) -> DeletionOrder:
    row.attested_at, row.attested_by = now, actor.id
    session.add(row)
    flush(session)
    audit.record(session, audit.Entry("deletion:attest", object_ref=row.id), actor=actor, now=now)
    return row


def orders_of(
    session: Session, org_id: str, /, *, actor: Actor, offset: int = 0, most: int = MOST
) -> list[DeletionOrder]:
    """The orders of one recipient: unanswered ones first, then the newest."""
    require(actor, "deletion:attest", org_id=org_id)
    rows = select(DeletionOrder).where(col(DeletionOrder.org_id) == org_id)
    answered = col(DeletionOrder.attested_at).is_not(None)
    newest = rows.order_by(answered, col(DeletionOrder.ordered_at).desc(), col(DeletionOrder.id))
    return list(session.exec(newest.offset(offset).limit(most)))


def count_orders(session: Session, org_id: str, /, *, actor: Actor) -> tuple[int, int, datetime | None]:
    """How many orders there are, how many of them wait for the recipient's word, and when the last of these came."""
    require(actor, "deletion:attest", org_id=org_id)
    mine = col(DeletionOrder.org_id) == org_id
    total = session.exec(select(func.count()).select_from(DeletionOrder).where(mine)).one()
    newest = select(DeletionOrder.ordered_at).where(mine, col(DeletionOrder.attested_at).is_(None))
    last = session.exec(newest.order_by(col(DeletionOrder.ordered_at).desc()).limit(1)).first()
    return total, count_owed(session, org_id), last


def count_owed(session: Session, org_id: str, /) -> int:
    """How many orders wait for this recipient's word."""
    waiting = select(func.count()).select_from(DeletionOrder).where(col(DeletionOrder.org_id) == org_id)
    return session.exec(waiting.where(col(DeletionOrder.attested_at).is_(None))).one()


def of_consents(session: Session, chain_ids: Iterable[str], /) -> dict[str, DeletionOrder]:
    """Consent ► its newest order, for the household that gave them."""
    rows = select(DeletionOrder).where(col(DeletionOrder.consent_chain_id).in_(sorted(set(chain_ids))))
    rows = rows.order_by(col(DeletionOrder.ordered_at), col(DeletionOrder.data_fields).desc())
    return {row.consent_chain_id: row for row in session.exec(rows)}
