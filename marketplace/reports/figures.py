"""What a report says, summed from its rows: totals, kinds, districts, reasons, days. Called by its pages and files.

Enters: a report. Leaves: frozen values. What is unmet in a giver's report are cells whose amount is a rounded number
of households already (`unmet.of_giver`). Where a reader may not open single rows (an auditor), counts below ten
households are hidden, and with a lone hidden one the next smallest too, so that no difference gives it away.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement
from sqlalchemy import select as columns
from sqlmodel import Session, col, func, select

from marketplace.reports.models import Figure, Report, ReportRow

SMALL = 10


@dataclass(frozen=True, slots=True)
class Filter:
    """Which rows of a report: one figure, narrowed by what is not empty."""

    figure: Figure
    category: str = ""
    district_code: str = ""
    reason: str = ""
    month: str = ""


@dataclass(frozen=True, slots=True)
class Total:
    """One figure: how many rows, households and people, and what they are worth."""

    rows: int = 0
    households: int = 0
    people: int = 0
    fen: int = 0


@dataclass(frozen=True, slots=True)
class Part:
    """One group of a figure; `hidden` where it is too small for this reader."""

    key: str
    unit: str
    rows: int
    households: int
    units: int
    fen: int
    hidden: bool = False


@dataclass(frozen=True, slots=True)
class Days:
    """Working days from approval to delivery: half of the matches and nine of ten were no slower."""

    p50: int
    p90: int
    rows: int


def totals(session: Session, report: Report, /) -> dict[Figure, Total]:
    """Every figure of the report; one without rows is zero."""
    households = (
        select(ReportRow.figure, ReportRow.household_id, func.max(col(ReportRow.people)).label("people"))
        .where(col(ReportRow.report_id) == report.id, col(ReportRow.household_id) != "")
        .group_by(col(ReportRow.figure), col(ReportRow.household_id))
        .subquery()
    )
    reached = {
        figure: (count, people)
        for figure, count, people in session.execute(
            select(households.c.figure, func.count(), func.sum(households.c.people)).group_by(households.c.figure)
        )
    }
    sums = session.execute(
        select(col(ReportRow.figure), func.count(), func.sum(col(ReportRow.fen)))
        .where(col(ReportRow.report_id) == report.id)
        .group_by(col(ReportRow.figure))
    )
    found = {figure: Total(rows, *reached.get(figure, (0, 0)), fen=int(fen)) for figure, rows, fen in sums}
    if report.org_id is not None and Figure.UNMET in found:
        about = sum(part.households for part in parts(session, report, figure=Figure.UNMET, by="category"))
        found[Figure.UNMET] = Total(found[Figure.UNMET].rows, about)
    return {figure: found.get(figure, Total()) for figure in Figure}


def parts(session: Session, report: Report, /, *, figure: Figure, by: str, small_hidden: bool = False) -> list[Part]:
    """One figure by `category`, `district_code`, `reason` or `month`, the largest first (months in order)."""
    key = getattr(ReportRow, by)
    unit = func.max(col(ReportRow.unit)) if by == "category" else func.min("")
    cells = figure is Figure.UNMET and report.org_id is not None
    homes_of = func.sum(col(ReportRow.units)) if cells else func.count(func.distinct(col(ReportRow.household_id)))
    rows = session.execute(
        columns(
            key,
            unit,
            func.count(),
            homes_of,
            func.sum(col(ReportRow.units)),
            func.sum(col(ReportRow.fen)),
        )
        .where(*_where(report, Filter(figure)))
        .group_by(key)
    )
    found = [Part(name, unit, count, int(homes), int(units), int(fen)) for name, unit, count, homes, units, fen in rows]
    found.sort(key=(lambda part: part.key) if by == "month" else (lambda part: (-part.rows, part.key)))
    return _without_small(found) if small_hidden else found


def _without_small(found: Sequence[Part]) -> list[Part]:
    """Blank the groups below ten households; a single one takes the next smallest with it."""
    small = [part.key for part in found if part.households < SMALL]
    if len(small) == 1 and len(found) > 1:
        rest = [part for part in found if part.key not in small]
        small.append(min(rest, key=lambda part: (part.households, part.key)).key)
    return [Part(p.key, p.unit, 0, 0, 0, 0, hidden=True) if p.key in small else p for p in found]


def days(session: Session, report: Report, /) -> Days | None:
    """How long deliveries took; None where nothing was delivered."""
    statement = select(ReportRow.days).where(*_where(report, Filter(Figure.GIVEN)), col(ReportRow.days).is_not(None))
    taken = sorted(day for day in session.exec(statement) if day is not None)
    if not taken:
        return None
    return Days(quantile(taken, 50), quantile(taken, 90), len(taken))


def quantile(ordered: Sequence[int], share: int) -> int:
    """The smallest value that `share` per cent of the values do not exceed (nearest rank).

    >>> quantile([1, 2, 3, 4], 50), quantile([1, 2, 3, 4], 90), quantile([7], 50)
    (2, 4, 7)
    """
    return ordered[-(-len(ordered) * share // 100) - 1]


@dataclass(frozen=True, slots=True)
class Told:
    """A mean over the rows that tell it, and how many of all rows do; None where none does: unknown is never 0."""

    mean: float | None
    known: int
    rows: int


@dataclass(frozen=True, slots=True)
class Effort:
    """How satisfied households were, and the minutes a match cost those who told them."""

    satisfaction: Told
    staff: Told
    helpers: Told
    givers: Told


def effort(session: Session, report: Report, /) -> Effort:
    """From the follow-up talks and the givers' own results of the period."""
    talks, results = Figure.FOLLOWED, Figure.RESULT
    return Effort(
        _told(session, report, talks, ReportRow.satisfaction),
        _told(session, report, talks, ReportRow.minutes),
        _told(session, report, talks, ReportRow.helper_minutes),
        _told(session, report, results, ReportRow.minutes),
    )


def _told(session: Session, report: Report, figure: Figure, column: Any) -> Told:
    asked = select(func.avg(column), func.count(column), func.count()).where(*_where(report, Filter(figure)))
    mean, known, rows = session.execute(asked).one()
    return Told(None if mean is None else float(mean), known, rows)


def rows_of(session: Session, report: Report, wanted: Filter, /, *, offset: int, size: int) -> list[ReportRow]:
    """One page of the rows that a number was counted from."""
    statement = select(ReportRow).where(*_where(report, wanted)).order_by(col(ReportRow.number))
    return list(session.exec(statement.offset(offset).limit(size)))


def count_of(session: Session, report: Report, wanted: Filter, /) -> int:
    """How many rows that are."""
    return session.exec(select(func.count()).select_from(ReportRow).where(*_where(report, wanted))).one()


def _where(report: Report, wanted: Filter) -> list[ColumnElement[bool]]:
    asked: list[ColumnElement[bool]] = [
        col(ReportRow.report_id) == report.id,
        col(ReportRow.figure) == wanted.figure,
    ]
    for column, value in (
        (ReportRow.category, wanted.category),
        (ReportRow.district_code, wanted.district_code),
        (ReportRow.reason, wanted.reason),
        (ReportRow.month, wanted.month),
    ):
        if value:
            asked.append(col(column) == value)
    return asked
