"""What a giver outside has set aside does not bar a household for ever: a reminder, and then it is let go.

Enters: rows of other sources that are reserved or approved and that nobody has told anything of since; the same told
again says that the promise stands. Leaves: one letter to the giver, where it is an organisation here, and after the
limit the row returned: the need is open again for the next run. Told as given later, it counts again like any late
report. Called by the worker.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from marketplace import audit, notices
from marketplace.actors import SYSTEM
from marketplace.calendar import local_day
from marketplace.db import Database, flush
from marketplace.ledger.granted_aid import SOURCE as CASES
from marketplace.ledger.models import PROMISED, AidState, LedgerEntry
from marketplace.ledger.service import PLATFORM

LIMIT = timedelta(days=30)
"""So long a promise of another source stands without a word: our own value, about twice the days of a delivery here."""
REMIND = timedelta(days=23)
OURS = (PLATFORM, CASES)
"""Sources whose rows follow acts in this house, with limits of their own."""
MOST = 500


def due(session: Session, /, *, now: datetime) -> list[LedgerEntry]:
    """Promises that are over, or old enough for a reminder that was not written yet; the oldest first."""
    wanted = select(LedgerEntry).where(col(LedgerEntry.state).in_(PROMISED))
    wanted = wanted.where(col(LedgerEntry.source).not_in(OURS), col(LedgerEntry.updated_at) <= now - REMIND)
    found = session.exec(wanted.order_by(col(LedgerEntry.updated_at), col(LedgerEntry.id)).limit(MOST)).all()
    keys = [_key(row) for row in found]
    told = set(session.exec(select(notices.Notice.key).where(col(notices.Notice.key).in_(keys))))
    return [row for row in found if row.updated_at <= now - LIMIT or (row.org_id and _key(row) not in told)]


def _key(row: LedgerEntry) -> str:
    """One letter for each time that the giver said that the promise stands."""
    return f"{row.id}:{row.updated_at:%Y%m%d}:promise"


def sweep(database: Database, /, *, clock: Callable[[], datetime]) -> int:
    """Remind, and let go what is over its limit; returns how many promises were let go."""
    now = clock()
    with database.reading() as session:
        if not due(session, now=now):
            return 0
    with database.transaction() as session:
        return sum(_follow(session, row, now=now) for row in due(session, now=now))


def _follow(session: Session, row: LedgerEntry, *, now: datetime) -> bool:
    if row.updated_at > now - LIMIT:
        last = local_day(row.updated_at + LIMIT).isoformat()
        notices.post(session, "promise_due", key=_key(row), org_id=row.org_id, now=now, params={"by": last})
        return False
    row.state, row.updated_at = AidState.RETURNED, now
    session.add(row)
    flush(session)
    body = {"units": row.units}
    act = audit.Entry("aid:returned", object_ref=row.id, subject=row.household_id, rule_id="promise_over", body=body)
    audit.record(session, act, actor=SYSTEM, now=now)
    return True
