"""The report that a giver owes once a year (R1.23, R1.27): its clock, its reminders, and who owes it still.

Enters: the time. Leaves: from New Year on one clock for each active giver that was here in the year before, until that
year's report is published. No rule that could be read names the day, so the limit, sixty working days, is our own
proposal. A late report stays late and stands as missing on the staff's list. A sweep of the background worker.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from sqlmodel import Session, col, exists, select

from marketplace.calendar import after_working_days
from marketplace.clocks import service as clocks
from marketplace.clocks.models import Clock
from marketplace.clocks.service import Holder
from marketplace.clocks.steps import STEPS
from marketplace.db import Database
from marketplace.organisations.agreements import were_givers
from marketplace.organisations.models import Organisation, OrganisationState
from marketplace.reports.models import Report, ReportState
from marketplace.reports.months import Year, month_of

STEP = "yearly_report"
LEAST_DAYS = 10
"""So many working days has a giver in any case, should the house have slept through New Year."""


def last_year(now: datetime, /) -> Year:
    """The year whose report is owed now."""
    return Year(month_of(now).year - 1)


def ref(year: Year, org_id: str, /) -> str:
    """What the clock of a giver's report of a year is about."""
    return f"{year.text}:{org_id}"


def sweep(database: Database, /, *, clock: Callable[[], datetime]) -> int:
    """Begin the clocks of last year's reports; returns how many."""
    now = clock()
    year = last_year(now)
    with database.reading() as session:
        if not _waiting(session, year):
            return 0
    with database.transaction() as session:
        found = _waiting(session, year, lock=True)
        due = max(after_working_days(year.ends, STEPS[STEP].days), after_working_days(now, LEAST_DAYS))
        for org_id in found:
            about, holder = ref(year, org_id), Holder(org_id=org_id)
            clocks.start_between(session, STEP, about, holder=holder, started=now, due=due, now=now)
    return len(found)


def _waiting(session: Session, year: Year, *, lock: bool = False) -> list[str]:
    """Active givers that were here before the year was over and have neither its report nor, ever, its clock."""
    asked = exists().where(col(Clock.object_ref) == f"{year.text}:" + col(Organisation.id), col(Clock.step) == STEP)
    filed = exists().where(col(Report.org_id) == col(Organisation.id), col(Report.month) == year.text)
    filed = filed.where(col(Report.state) == ReportState.PUBLISHED)
    wanted = select(Organisation.id).where(
        col(Organisation.state) == OrganisationState.ACTIVE, col(Organisation.created_at) < year.ends, ~asked, ~filed
    )
    wanted = wanted.where(were_givers(year.first_day, year.next.first_day))
    wanted = wanted.order_by(col(Organisation.id))
    return list(session.exec(wanted.with_for_update() if lock else wanted))


def published(session: Session, report: Report, /, *, now: datetime) -> None:
    """End the clock of this report, if it is a giver's report of a year."""
    if report.org_id is not None and "-" not in report.month:
        clocks.end(session, f"{report.month}:{report.org_id}", step=STEP, outcome="published", now=now)


def find_owed(session: Session, org_id: str, /, *, now: datetime) -> Clock | None:
    """The running clock of the report that this giver owes."""
    running = clocks.running_of(session, ref(last_year(now), org_id))
    return running[0] if running else None
