"""The month's reports of the demonstration: the city's and one giver's, counted at the end of the story.

Enters: the database and its roster after the whole job. Leaves: two drafts. Called by `demo.story`.
"""

from __future__ import annotations

from datetime import datetime

from marketplace.db import Database
from marketplace.demo.build import Roster
from marketplace.reports import service
from marketplace.reports.months import month_of


def count_month(database: Database, roster: Roster, /, *, now: datetime) -> None:
    """Count the month in which the story ends."""
    with database.transaction() as session:
        for login in ("demo-approver", "demo-charity"):
            actor = roster.staff[login]
            service.prepare(session, month_of(now), org_id=actor.org_id, actor=actor, now=now)
