"""How much money a giver has given in a calendar year, against the ceiling that it set itself.

Enters: an organisation and a year. Leaves: whole fen of its ledger rows of money: delivered in that year, or promised
before its end and still on their way, for they are given in it at the earliest; else what December promised would count
in no year's check. Goods and services do not count, for nobody has priced them. Called by the allocator's problem, by
approval and pages.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from sqlmodel import Session, col, func, or_, select

from marketplace.ledger.models import LIVE, AidState, LedgerEntry
from marketplace.reference.needs import list_need_kinds


def given_in_year(session: Session, year: int, /, *, org_ids: Iterable[str]) -> dict[str, int]:
    """Organisation ► fen of live aid of that calendar year; one without any is missing."""
    money = [kind.code for kind in list_need_kinds() if kind.is_money]
    rows = (
        select(LedgerEntry.org_id, func.sum(LedgerEntry.units))
        .where(col(LedgerEntry.org_id).in_(list(org_ids)), col(LedgerEntry.state).in_(LIVE))
        .where(col(LedgerEntry.category).in_(money))
        .where(or_(col(LedgerEntry.given_on) >= date(year, 1, 1), col(LedgerEntry.state) != AidState.DELIVERED))
        .where(col(LedgerEntry.given_on) < date(year + 1, 1, 1))
        .group_by(col(LedgerEntry.org_id))
    )
    return {row[0]: int(row[1]) for row in session.execute(rows)}
