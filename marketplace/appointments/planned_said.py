"""The rows of a table of visits that say what became of one: asked and recorded as on the page.

Enters: judged rows, in the dry run and in the press that follows it. Leaves: the first thing in a row that does not
fit; then visits served by who came, or missed by the giver's own people or by the household. Called by `planned`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlmodel import Session

from marketplace.actors import Actor
from marketplace.appointments import booking, outcomes, sayable
from marketplace.appointments.models import Appointment
from marketplace.appointments.planned_changes import Act, Judged
from marketplace.errors import BadInput


def check(session: Session, row: Judged, /, *, now: datetime) -> None:
    """Refuse what the page would not take either."""
    visit, match, one = _visit(row), row.service.match, row.one
    if row.act is Act.DONE:
        came = _came(session, row)
        sayable.served(session, visit, match, minutes=one.minutes, content=one.content, came=came, now=now)
    else:
        sayable.require_begun(visit, match, now=now)


def store(session: Session, rows: Sequence[Judged], /, *, actor: Actor, now: datetime) -> None:
    """Record them in the order of their times; what was served first, for a missed visit gives its half hours back."""
    for row in sorted(rows, key=lambda row: (row.act is not Act.DONE, row.one.window.starts_at, row.number)):
        visit, one = _visit(row), row.one
        if row.act is Act.DONE:
            told: dict[str, Any] = {"minutes": one.minutes, "content": one.content, "came": _came(session, row)}
            outcomes.record_done(session, visit.id, **told, actor=actor, now=now)
        elif row.act is Act.MISSED:
            outcomes.volunteer_missed(session, visit.id, actor=actor, now=now)
        else:
            outcomes.household_missed(session, visit.id, actor=actor, now=now)


def _visit(row: Judged) -> Appointment:
    if row.there is None:
        raise BadInput("visit_number_needed", field="visit")
    return row.there.visit


def _came(session: Session, row: Judged) -> list[str]:
    """The people of the row, who all must be booked: who went instead of somebody is exchanged first."""
    booked = {one.registration_no: one.id for one in booking.people_of(session, _visit(row).id)}
    if other := next((number for number in row.one.numbers if number not in booked), ""):
        raise BadInput("visit_not_booked", field="volunteers", who=other)
    return [booked[number] for number in row.one.numbers]
