"""What has come, changed or gone in a month since its report was published: deliveries, receipts, aid of others.

Enters: a published report. Leaves: how many rows that are dated into its month would count today and do not stand in it
as they are, their sum, and how many that stand in it count no more. Receipts and aid that others report carry a day of
their own and can come later; a delivery keeps its moment, but part of it may turn out not to have come, or more to
have. One that came back altogether is told by the month in which it did, and answers stay as they were given. Nothing
is written here: a new version is counted by a person.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlmodel import Session, col, exists, func, or_, select

from marketplace.decisions.models import Match
from marketplace.ledger.models import LedgerEntry
from marketplace.needs.models import Need
from marketplace.proofs.models import Paper
from marketplace.reference.needs import MONEY, list_need_kinds
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
    """All figures together; one question each way."""
    reported = sources.reported_in(month, org_id=report.org_id)
    money = col(LedgerEntry.category).in_([kind.code for kind in list_need_kinds() if kind.is_money])
    found = _compare(session, report, Figure.REPORTED, reported, LedgerEntry, col(LedgerEntry.units), money)
    given, cash = sources.given_in(month, org_id=report.org_id), col(Match.need_id).in_(_needs_of_money())
    came_back = or_(col(Match.state).in_(sources.ENDS[Figure.RETURNED]), sources.is_refused())
    found += _compare(session, report, Figure.GIVEN, given, Match, col(Match.units), cash, elsewhere=came_back)
    if report.org_id is None:
        return found
    received = sources.received_in(month, org_id=report.org_id)
    amount: Any = col(Paper.amount_fen)
    return found + _compare(session, report, Figure.RECEIVED, received, Paper, amount, amount > 0)


def _needs_of_money() -> Any:
    return select(Need.id).where(col(Need.unit) == MONEY)


def _compare(
    session: Session,
    report: Report,
    figure: Figure,
    now: tuple[Any, ...],
    kind: Any,
    units: Any,
    money: Any,
    *,
    elsewhere: Any = None,
) -> Since:
    """`elsewhere`: on which rows of this kind another month tells that they count no more."""
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
    mine = mine.where(~exists().where(*now, col(kind.id) == col(ReportRow.object_ref), units == col(ReportRow.units)))
    if elsewhere is not None:
        mine = mine.where(~exists().where(col(kind.id) == col(ReportRow.object_ref), elsewhere))
    return Since(came, int(fen), session.exec(mine).one())
