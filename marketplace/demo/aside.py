"""What happens beside the one job: a meeting, a closed day, reports, proofs, a gift, rights, applications, alerts.

Enters: the demonstration after its deliveries, and the first day of its story. Leaves: rows on every page that the job
itself leaves empty. Called by `story`.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from marketplace.db import Database
from marketplace.demo import (
    applications,
    counter,
    gifts,
    helping,
    meetings,
    portraits,
    proofs,
    reports,
    rights,
    signals,
    visits,
)
from marketplace.demo.build import Roster

DAY = timedelta(days=1)


def play(database: Database, roster: Roster, /, *, now: datetime) -> None:
    """Play everything beside the job, a week after it began."""
    meetings.hold_meeting(database, roster, now=now + 7 * DAY)
    meetings.close_a_day(database, roster, now=now + 7 * DAY)
    reports.count_month(database, roster, now=now + 8 * DAY)
    proofs.prove(database, roster, now=now + 8 * DAY)
    gifts.ask_about_a_draft(database, roster, now=now + 8 * DAY)
    rights.use(database, roster, now=now + 7 * DAY)
    applications.apply(database, roster, now=now + 7 * DAY)
    applications.ask_three_departments(database, now=now + 7 * DAY)
    helping.help_and_ask(database, roster, now=now + 7 * DAY)
    counter.take_down(database, roster, now=now + 7 * DAY)
    signals.watch(database, roster, now=now + 8 * DAY)
    visits.go(database, roster, now=now + 8 * DAY)
    portraits.push_to_departments(database, roster, now=now + 8 * DAY)
