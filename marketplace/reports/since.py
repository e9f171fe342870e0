"""What has come, changed or gone in a month since its report was published: receipts, and aid that others report.

Enters: a published report. Leaves: how many rows that are dated into its month would count today and do not stand in it
as they are, their sum, and how many that stand in it count no more. Deliveries and answers carry the moment at which
they were told, so only these two, which carry a day of their own, can come later. Nothing is written here: a new
version is counted by a person.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlmodel import Session, col, exists, func, select

from marketplace.ledger.models import LedgerEntry
from marketplace.proofs.models import Paper
from marketplace.reference.needs import list_need_kinds
from marketplace.reports import sources
from marketplace.reports.models import Figure, Report, ReportRow
from marketplace.reports.months import Period


@dataclass(frozen=True, slots=True)
class Since:
    """Rows that came or changed, the money in them, and rows that are gone or were otherwise."""

    came: int = 0
    came_fen: int = 0
    gone: int = 0

    def __add__(self, other: Since) -> Since:
        return Since(self.came + other.came, self.came_fen + other.came_fen, self.gone + other.gone)

    def __bool__(self) -> bool:
        return bool(self.came or self.gone)


def since(session: Session, report: Report, month: Period, /) -> Since:
    """Both figures together; one question each way."""
    reported = sources.reported_in(month, org_id=report.org_id)
    money = col(LedgerEntry.category).in_([kind.code for kind in list_need_kinds() if kind.is_money])
    found = _compare(session, report, Figure.REPORTED, reported, LedgerEntry, col(LedgerEntry.units), money)
    if report.org_id is None:
        return found
    received = sources.received_in(month, org_id=report.org_id)
    amount: Any = col(Paper.amount_fen)
    return found + _compare(session, report, Figure.RECEIVED, received, Paper, amount, amount > 0)


def _compare(
    session: Session, report: Report, figure: Figure, now: tuple[Any, ...], kind: Any, units: Any, money: Any
) -> Since:
    stands = (
        col(ReportRow.report_id) == report.id,
        col(ReportRow.figure) == figure,
        col(ReportRow.object_ref) == col(kind.id),
        col(ReportRow.units) == units,
    )
    new = (*now, ~exists().where(*stands))
    came = session.exec(select(func.count()).select_from(kind).where(*new)).one()
    fen = session.exec(select(func.coalesce(func.sum(units), 0)).where(*new, money)).one()
    mine = select(func.count()).select_from(ReportRow)
    mine = mine.where(col(ReportRow.report_id) == report.id, col(ReportRow.figure) == figure)
    as_it_stands = exists().where(*now, col(kind.id) == col(ReportRow.object_ref), units == col(ReportRow.units))
    return Since(came, int(fen), session.exec(mine.where(~as_it_stands)).one())
