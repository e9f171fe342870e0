"""Insurance after the plan: still there when a visit is recorded, and not taken away under a visit that counts on it.

Enters: a recorded visit with who came, or a volunteer with the days that a change would leave. Leaves: nothing, or
whose insurance is missing, or for which visit. Called by `outcomes` when a visit is recorded, by `volunteers` and
`imports` on a change.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from sqlmodel import Session, col, func, select

from marketplace.appointments.fitness import Window, covers, insured_on, risks_of
from marketplace.appointments.models import OPEN, Appointment, Booking, Volunteer
from marketplace.calendar import local_day
from marketplace.reference.services import service_kind


def uninsured(appointment: Appointment, people: Sequence[Volunteer], /) -> Volunteer | None:
    """The first of these who is at risk in this visit and has no insurance for its days."""
    if not _risks(appointment, len(people)):
        return None
    window = Window(appointment.starts_at, appointment.ends_at)
    return next((one for one in people if not insured_on(one, window)), None)


def counts_on(
    session: Session, volunteer: Volunteer, /, *, insured_from: date | None, insured_to: date | None
) -> date | None:
    """The day of the first visit, promised or waiting for its record, that has insurance now and would lose it."""
    wanted = select(Appointment).join(Booking, col(Booking.appointment_id) == col(Appointment.id))
    wanted = wanted.where(col(Booking.volunteer_id) == volunteer.id, col(Appointment.state).in_(OPEN))
    for one in session.exec(wanted.order_by(col(Appointment.starts_at), col(Appointment.id))):
        window = Window(one.starts_at, one.ends_at)
        lost = insured_on(volunteer, window) and not covers(insured_from, insured_to, window)
        if lost and is_risky(session, one):
            return local_day(one.starts_at)
    return None


def is_risky(session: Session, appointment: Appointment, /) -> bool:
    """Whether this visit, with as many people as are booked, asks for insurance."""
    booked = select(func.count()).select_from(Booking).where(col(Booking.appointment_id) == appointment.id)
    return _risks(appointment, session.exec(booked).one())


def _risks(appointment: Appointment, people: int) -> bool:
    window = Window(appointment.starts_at, appointment.ends_at)
    return bool(risks_of(service_kind(appointment.category), window, place=appointment.place, people=people))
