"""Undecided lines that a report which came after their run contradicts, so that nobody has to press to learn it.

Enters: rows of the queue's page. Leaves: line ► the code of the rule that now stands against it. Only households with
aid that the ledger learned of since the run are asked about; approval asks about all again, the household locked.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, func, select

from marketplace.calendar import local_day
from marketplace.decisions.queues import LineRow
from marketplace.households.same import same_as
from marketplace.ledger.models import LIVE, LedgerEntry
from marketplace.ledger.overlap import verdict
from marketplace.proposals.models import Run


def contradicted(session: Session, rows: Sequence[LineRow], /, *, now: datetime) -> dict[str, str]:
    """O(rows), and one question to the rules for each household with news."""
    same = same_as(session, {row.line.household_id for row in rows})
    homes = {home for row in rows for home in same.of(row.line.household_id)}
    told = _told_last(session, homes)
    runs = select(Run.id, Run.created_at).where(col(Run.id).in_({row.line.run_id for row in rows}))
    begun = dict(session.exec(runs).all())
    found = {}
    for row in rows:
        news = [told[home] for home in same.of(row.line.household_id) if home in told]
        if news and max(news) > begun[row.line.run_id]:
            asked: dict[str, Any] = {"org_id": row.organisation.id, "project": row.offer.project}
            said = verdict(session, row.need, units=row.line.units, on=local_day(now), **asked)
            if said.allowed < row.line.units:
                found[row.line.id] = said.code
    return found


def _told_last(session: Session, homes: set[str]) -> dict[str, datetime]:
    """Household ► when the ledger last learned of live aid for it."""
    newest = select(LedgerEntry.household_id, func.max(LedgerEntry.updated_at)).group_by(col(LedgerEntry.household_id))
    wanted = newest.where(col(LedgerEntry.household_id).in_(sorted(homes)), col(LedgerEntry.state).in_(LIVE))
    return dict(session.exec(wanted).all())
