"""Count a month or a year, look at it, publish it; correct what was published by a new version.

Enters: a month and whose it is. Leaves: a report with its rows, and the figures summed from exactly these rows, so that
every number opens what it was counted from. Publishing freezes both with a hash; the database refuses later changes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import datetime
from hashlib import sha256
from itertools import islice
from typing import Any, TypeVar

from sqlalchemy import delete, insert
from sqlmodel import Session, col, func, select

from marketplace import audit
from marketplace.actors import GIVERS, Actor
from marketplace.db import flush, new_id
from marketplace.errors import BadInput, NotAllowed, NotFound, WrongState
from marketplace.organisations.agreements import were_givers
from marketplace.organisations.models import Organisation, OrganisationKind
from marketplace.policy import require
from marketplace.reports import yearly
from marketplace.reports.models import Report, ReportRow, ReportState
from marketplace.reports.months import Period, Year, read_period
from marketplace.reports.since import Since, since
from marketplace.reports.sources import rows_of_month

CITY = "city"
BATCH = 500
T = TypeVar("T")
HASHED = tuple(name for name in ReportRow.model_fields if name != "report_id")


def prepare(
    session: Session, month: Period, /, *, org_id: str | None, actor: Actor, now: datetime, note: str = ""
) -> Report:
    """Count a month anew: the draft of this month is counted again, or a first or next version begins.

    After a publication a new version needs its reason (`note`); a month that has not ended may be counted, but not
    published. Civil affairs counts a giver's month that the giver has not published, and reads what it has.
    """
    require(actor, "report:prepare", org_id=org_id)
    scope = org_id or CITY
    versions = _versions(session, scope, month)
    newest = versions[0] if versions else None
    if actor.org_id != org_id and any(one.state is ReportState.PUBLISHED for one in versions):
        raise BadInput("published_by_giver", field="month")
    if newest is not None and newest.state is ReportState.DRAFT:
        report, note = newest, note or newest.note
        session.execute(delete(ReportRow).where(col(ReportRow.report_id) == report.id))
    else:
        if newest is not None and not note.strip():
            raise BadInput("correction_reason", field="note")
        version = newest.version + 1 if newest else 1
        report = Report(
            id=new_id(),
            scope=scope,
            org_id=org_id,
            month=month.text,
            version=version,
            state=ReportState.DRAFT,
            prepared_by=actor.id,
            prepared_at=now,
        )
    report.note, report.prepared_by, report.prepared_at = note.strip()[:200], actor.id, now
    _name_giver(session, report)
    session.add(report)
    flush(session)
    report.row_count = _count_rows(session, report, month)
    session.add(report)
    flush(session)
    _record(session, report, "report:prepare", actor=actor, now=now)
    return report


def _name_giver(session: Session, report: Report) -> None:
    """Who the giver is, as it stands when it is counted: a trust's report names trustee, supervisor and filing."""
    giver = session.get(Organisation, report.org_id) if report.org_id is not None else None
    if giver is not None:
        report.giver_name, report.giver_kind = giver.name, giver.kind.value
        report.trustee, report.supervisor, report.filing_ref = giver.trustee, giver.supervisor, giver.filing_ref


def publish(session: Session, report_id: str, /, *, actor: Actor, now: datetime) -> Report:
    """Freeze a draft: from now on neither the report nor its rows can change. A giver's report is the giver's word."""
    report = session.get(Report, report_id, with_for_update=True, populate_existing=True)
    if report is None:
        raise NotFound("report")
    require(actor, "report:publish", org_id=report.org_id)
    if report.org_id != actor.org_id:
        raise NotAllowed("report_of_giver")
    if report.state is not ReportState.DRAFT:
        raise WrongState("report_published")
    month = read_period(report.month, now=now)
    if now < month.ends:
        raise WrongState("month_runs")
    if report.prepared_at < month.ends:
        raise WrongState("counted_too_early")
    report.rows_sha256 = hash_of(session, report)
    report.state, report.published_by, report.published_at = ReportState.PUBLISHED, actor.id, now
    session.add(report)
    flush(session)
    _record(session, report, "report:publish", actor=actor, now=now)
    yearly.published(session, report, now=now)
    return report


def changed_since(session: Session, report: Report, /) -> Since:
    """What is dated into the month of the newest published version and does not stand in it as it is today."""
    newest = versions_of(session, report)[0]
    if newest.id != report.id or report.state is not ReportState.PUBLISHED:
        return Since()
    return since(session, report, read_period(report.month, now=report.prepared_at))


def can_publish(report: Report, /, *, now: datetime) -> bool:
    """Whether this is a draft of a month that is over, counted after its end."""
    ends = read_period(report.month, now=now).ends
    return report.state is ReportState.DRAFT and now >= ends and report.prepared_at >= ends


def hash_of(session: Session, report: Report, /) -> str:
    """SHA-256 over all rows in their order, each as one line of JSON; what an auditor computes from the table."""
    digest = sha256()
    for line in lines_of(session, report, _hashed):
        digest.update(line)
    return digest.hexdigest()


def _hashed(row: ReportRow) -> bytes:
    return json.dumps([getattr(row, name) for name in HASHED], separators=(",", ":")).encode() + b"\n"


def lines_of(session: Session, report: Report, write: Callable[[ReportRow], T], /) -> Iterator[T]:
    """Every row of a report, written by `write`, without holding them all in memory."""
    statement = select(ReportRow).where(col(ReportRow.report_id) == report.id).order_by(col(ReportRow.number))
    for row in session.exec(statement.execution_options(yield_per=BATCH)):
        yield write(row)
        session.expunge(row)


def get_report(session: Session, report_id: str, /, *, actor: Actor) -> Report:
    """One report; for a giver another's, or the city's, looks like a missing one."""
    report = session.get(Report, report_id)
    if report is None:
        raise NotFound("report")
    require(actor, "report:view", org_id=report.org_id)
    return report


def list_reports(
    session: Session, /, *, actor: Actor, org_id: str | None = None, offset: int = 0, size: int = 25
) -> tuple[list[Report], int]:
    """Reports of the city or of one giver, the newest month and version first; givers see their own only."""
    if actor.role in GIVERS:
        org_id = actor.org_id
    require(actor, "report:view", org_id=org_id)
    wanted = select(Report).where(col(Report.scope) == (org_id or CITY))
    total = session.exec(select(func.count()).select_from(wanted.subquery())).one()
    ordered = wanted.order_by(col(Report.month).desc(), col(Report.version).desc(), col(Report.id))
    return list(session.exec(ordered.offset(offset).limit(size))), total


def yearly_of_givers(session: Session, year: Year, /, *, actor: Actor) -> list[tuple[Organisation, Report | None]]:
    """Every giver that was here in a year, suspended since or not, with its newest published report of it, those
    without one first (R1.27: a trust reports at least once a year; R1.23: a charity does too)."""
    require(actor, "report:list", org_id=None)
    wanted = select(Report).where(col(Report.month) == year.text, col(Report.state) == ReportState.PUBLISHED)
    wanted = wanted.where(col(Report.org_id).is_not(None)).order_by(col(Report.version))
    filed = {report.org_id: report for report in session.exec(wanted)}
    here = were_givers(year.first_day, year.next.first_day)
    givers = select(Organisation).where(col(Organisation.created_at) < year.ends, here)
    givers = givers.order_by(col(Organisation.name))
    rows = [(giver, filed.get(giver.id)) for giver in session.exec(givers.order_by(col(Organisation.id)))]
    return sorted(rows, key=lambda row: (row[1] is not None, row[0].kind is not OrganisationKind.TRUST))


def versions_of(session: Session, report: Report, /) -> list[Report]:
    """All versions of the same month, the newest first."""
    return _versions(session, report.scope, read_period(report.month, now=report.prepared_at))


def _versions(session: Session, scope: str, month: Period) -> list[Report]:
    statement = select(Report).where(col(Report.scope) == scope, col(Report.month) == month.text)
    return list(session.exec(statement.order_by(col(Report.version).desc())))


def _count_rows(session: Session, report: Report, month: Period) -> int:
    rows = enumerate(rows_of_month(session, month, org_id=report.org_id, now=report.prepared_at), start=1)
    count = 0
    for batch in _batches({"report_id": report.id, "number": number, **values} for number, values in rows):
        session.execute(insert(ReportRow), batch)
        count += len(batch)
    return count


def _batches(rows: Iterator[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    while batch := list(islice(rows, BATCH)):
        yield batch


def _record(session: Session, report: Report, action: str, *, actor: Actor, now: datetime) -> None:
    body = {"month": report.month, "version": report.version, "rows": report.row_count}
    audit.record(session, audit.Entry(action, object_ref=report.id, body=body), actor=actor, now=now)
