"""Visits that time or the end of their match has overtaken are closed, and silent households are called.

Enters: the clock. Leaves: proposals whose time came without an answer called off and told, and everything open of
matches that are over. A sweep of the background worker.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from sqlmodel import col, select

from marketplace import notices
from marketplace.actors import SYSTEM
from marketplace.appointments import booking, silent
from marketplace.appointments.models import OPEN, Appointment, AppointmentState
from marketplace.appointments.service import call_off
from marketplace.db import Database
from marketplace.decisions.models import Match, MatchState


def sweep(database: Database, /, *, clock: Callable[[], datetime]) -> int:
    """Let silent households be called; close proposals whose time has come without an answer, and everything open of
    matches that are over. One short transaction each; returns how many there were."""
    now = clock()
    calls = silent.sweep(database, now=now)
    proposed = col(Appointment.state) == AppointmentState.PROPOSED
    late = proposed & (col(Appointment.starts_at) <= now)
    over = (col(Match.state) != MatchState.IN_DELIVERY) & (proposed | (col(Appointment.starts_at) > now))
    wanted = select(Appointment.id).join(Match, col(Match.id) == col(Appointment.match_id))
    with database.reading() as session:
        ids = session.exec(
            wanted.where(col(Appointment.state).in_(OPEN), late | over).order_by(col(Appointment.id)).limit(100)
        ).all()
    return calls + sum(_close_overtaken(database, appointment_id, now=now) for appointment_id in ids)


def _close_overtaken(database: Database, appointment_id: str, *, now: datetime) -> bool:
    with database.transaction() as session:
        match = booking.lock_match(session, session.get_one(Appointment, appointment_id).match_id)
        appointment = session.get_one(Appointment, appointment_id, with_for_update=True, populate_existing=True)
        over = match.state is not MatchState.IN_DELIVERY
        late = appointment.state is AppointmentState.PROPOSED and appointment.starts_at <= now
        if appointment.state not in OPEN or not (over or late) or booking.has_begun(appointment, now=now):
            return False
        held = match.state is MatchState.HELD
        ended = "match_on_hold" if held else "match_ended"
        call_off(session, appointment, reason=ended if over else booking.NOT_ANSWERED, actor=SYSTEM, now=now)
        if over:
            silent.end_call(session, match.id, outcome=ended, now=now)
        else:
            silent.ask_for_call(session, match, now=now)
            key = f"{appointment.id}:not_answered"
            notices.post(session, "visit_changed", key=key, org_id=match.org_id, now=now)
        return True
