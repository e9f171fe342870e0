"""Payments of government feeds to people who are not in the register: kept sealed, and matched once they enter it.

Enters: the rows of a feed's page that fit nobody here. Leaves: each under a number, sealed; a count for the page of
staff; and ledger rows for those whose person has come since. What has waited too long is destroyed. Called by
`reporting`, the worker and the page.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlmodel import Session, col, func, select

from marketplace import audit
from marketplace.actors import SYSTEM
from marketplace.db import flush
from marketplace.intake import CheckedRow
from marketplace.ledger.models_reports import FeedStranger
from marketplace.sealed import vault_of

KEPT = timedelta(days=365)
"""So long a payment waits: rules against helping twice look back over a year. Then its personal data goes."""
TRY_AGAIN = timedelta(days=1)
MOST = 500
_BLOB = "feed-stranger"


def keep(session: Session, rows: Sequence[CheckedRow], /, *, source: str, now: datetime) -> int:
    """Seal what fits nobody, each payment once; what the feed says of it now replaces what it said before."""
    vault, new = vault_of(session), 0
    for row in rows:
        index = vault.index("feed-stranger", f"{source}\x00{row.values['source_id']}")
        payload = vault.seal_blob(_BLOB, json.dumps(dict(row.values), ensure_ascii=False).encode())
        known = session.exec(select(FeedStranger).where(FeedStranger.source_index == index)).one_or_none()
        if known is None:
            kept = FeedStranger(source=source, source_index=index, payload=payload, created_at=now, tried_at=now)
            session.add(kept)
            new += 1
        else:
            known.payload, known.tried_at = payload, now
            session.add(known)
    flush(session)
    return new


def due(session: Session, /, *, now: datetime) -> list[FeedStranger]:
    """Those that were not tried for a day, the longest first."""
    wanted = select(FeedStranger).where(col(FeedStranger.tried_at) <= now - TRY_AGAIN)
    return list(session.exec(wanted.order_by(col(FeedStranger.tried_at), col(FeedStranger.number)).limit(MOST)))


def opened(session: Session, kept: Sequence[FeedStranger], /) -> list[CheckedRow]:
    """The rows as the feed told them, under their own numbers."""
    vault = vault_of(session)
    return [CheckedRow(one.number, json.loads(vault.open_blob(_BLOB, one.payload))) for one in kept]


def settle(session: Session, kept: Sequence[FeedStranger], still: Sequence[CheckedRow], /, *, now: datetime) -> int:
    """After another try: who is still nobody waits on, or goes after too long; the others are in the ledger."""
    unknown, gone = {row.number for row in still}, 0
    for one in kept:
        old = one.created_at <= now - KEPT
        gone += old and one.number in unknown
        if one.number in unknown and not old:
            one.tried_at = now
            session.add(one)
        else:
            session.delete(one)
    flush(session)
    body = {"tried": len(kept), "placed": len(kept) - len(unknown), "destroyed": int(gone)}
    audit.record(session, audit.Entry("aid:strangers", body=body), actor=SYSTEM, now=now)
    return len(kept) - len(unknown)


def waiting(session: Session, /) -> list[tuple[str, int]]:
    """Feed ► how many of its payments wait."""
    counted = select(FeedStranger.source, func.count()).group_by(col(FeedStranger.source))
    return list(session.exec(counted.order_by(col(FeedStranger.source))).all())
