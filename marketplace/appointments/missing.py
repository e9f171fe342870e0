"""Volunteers who did not come are counted; from the second time on a manager has the task to speak with them.

Enters: who was missing at an appointment. Leaves: counted no-shows and the clock of the talk. Called by
`outcomes` and `disputes`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session, col, select

from marketplace.appointments.models import Volunteer
from marketplace.appointments.volunteers import TALK
from marketplace.clocks import service as clocks
from marketplace.clocks.service import Holder
from marketplace.db import flush

TWICE = 2


def count_missing(session: Session, missing: Sequence[Volunteer], /, *, now: datetime) -> None:
    """Count these once each."""
    named = [volunteer.id for volunteer in missing]
    wanted = select(Volunteer).where(col(Volunteer.id).in_(named)).order_by(col(Volunteer.id)).with_for_update()
    for volunteer in session.exec(wanted.execution_options(populate_existing=True)).all():
        volunteer.no_shows += 1
        session.add(volunteer)
        if volunteer.no_shows >= TWICE:
            clocks.start(session, TALK, volunteer.id, holder=Holder(org_id=volunteer.org_id), now=now)
    flush(session)
