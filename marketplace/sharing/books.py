"""An organisation's own consents for its books: how each stands, what is to be deleted under it, its signed receipts.

Enters: a person of the organisation. Leaves: the consents that name it, the newest first, and what a machine of it
reads of them (`sharing.api`), so that an organisation without a machine has the same. Nothing here says who somebody
is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, func, select

from marketplace import audit
from marketplace.actors import Actor
from marketplace.calendar import local_day
from marketplace.consent.models import ConsentHead
from marketplace.credentials.models import ConsentReceipt
from marketplace.db import chunks
from marketplace.policy import require
from marketplace.sharing.models import DeletionOrder

_ASKED = 500


@dataclass(frozen=True, slots=True)
class Own:
    """One consent, and the order to delete under it that waits longest, or else the first that was answered."""

    head: ConsentHead
    order: DeletionOrder | None


def count(session: Session, org_id: str, /) -> int:
    """How many consents name this organisation."""
    named = select(func.count()).select_from(ConsentHead).where(col(ConsentHead.recipient_org_id) == org_id)
    return session.exec(named).one()


def consents_of(
    session: Session, org_id: str, /, *, actor: Actor, offset: int = 0, most: int | None = None
) -> list[Own]:
    """They, the newest first, as one page or all."""
    require(actor, "deletion:attest", org_id=org_id)
    named = select(ConsentHead).where(col(ConsentHead.recipient_org_id) == org_id)
    named = named.order_by(col(ConsentHead.valid_from).desc(), col(ConsentHead.chain_id)).offset(offset).limit(most)
    heads = session.exec(named).all()
    orders = _orders(session, [head.chain_id for head in heads])
    return [Own(head, orders.get(head.chain_id)) for head in heads]


def _orders(session: Session, chain_ids: Sequence[str]) -> dict[str, DeletionOrder]:
    found: dict[str, DeletionOrder] = {}
    waits = col(DeletionOrder.attested_at).is_(None)
    for some in chunks(chain_ids, _ASKED):
        asked = select(DeletionOrder).where(col(DeletionOrder.consent_chain_id).in_(some))
        for order in session.exec(asked.order_by(waits.desc(), col(DeletionOrder.due_at))):
            found.setdefault(order.consent_chain_id, order)
    return found


def receipts_of(
    session: Session, org_id: str, /, *, match_id: str = "", actor: Actor, now: datetime
) -> list[dict[str, Any]]:
    """The signed receipts of all its consents, or of those for one match; that they were taken is written down as it is
    where a machine reads them. They hold codes of fields and no value, and stay readable after a consent has ended."""
    require(actor, "deletion:attest", org_id=org_id)
    named = select(ConsentHead).where(col(ConsentHead.recipient_org_id) == org_id).order_by(col(ConsentHead.chain_id))
    heads = {head.chain_id: head for head in session.exec(named) if match_id in ("", head.of_match)}
    told: list[dict[str, Any]] = []
    for some in chunks(list(heads), _ASKED):
        asked = select(ConsentReceipt).where(col(ConsentReceipt.chain_id).in_(some))
        rows = session.exec(asked.order_by(col(ConsentReceipt.chain_id), col(ConsentReceipt.version)))
        told += [_receipt(heads[row.chain_id], row) for row in rows]
    of = "all" if not match_id else match_id if heads else "none"
    said: dict[str, Any] = {"rule_id": "OK", "fields": ["receipt"], "body": {"rows": len(told)}}
    audit.record(session, audit.Entry("share:list", object_ref=f"receipts:{of}", **said), actor=actor, now=now)
    return told


def _receipt(head: ConsentHead, row: ConsentReceipt) -> dict[str, Any]:
    return {
        "consent": head.chain_id,
        "match": head.of_match,
        "purpose": head.purpose.value,
        "version": row.version,
        "event": row.event,
        "made_on": local_day(row.made_at).isoformat(),
        "sha256": row.sha256,
        "receipt": row.jws,
    }
