"""Insurance after the plan: still there when a visit is recorded, and not taken away under a visit that counts on it.

Enters: a recorded visit, or a volunteer with the days that a change would leave. Leaves: nothing, or the first visit
whose insurance is missing. Called by `outcomes` when a visit is recorded, by `volunteers` and `imports` on a change.
"""

from __future__ import annotations

from datetime import date

from sqlmodel import Session, col, func, select

from marketplace.appointments.fitness import Window, covers, insured_on, risks_of
from marketplace.appointments.models import OPEN, Appointment, Booking, Volunteer
from marketplace.calendar import local_day
from marketplace.reference.services import service_kind


def uninsured(session: Session, appointment: Appointment, /) -> Volunteer | None:
    """The first who is booked for this visit, is at risk in it and has no insurance for its days."""
    if not is_risky(session, appointment):
        return None
    booked = select(Volunteer).join(Booking, col(Booking.volunteer_id) == col(Volunteer.id))
    booked = booked.where(col(Booking.appointment_id) == appointment.id).order_by(col(Volunteer.registration_no))
    window = Window(appointment.starts_at, appointment.ends_at)
    return next((one for one in session.exec(booked) if not insured_on(one, window)), None)


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
    window, people = Window(appointment.starts_at, appointment.ends_at), session.exec(booked).one()
    return bool(risks_of(service_kind(appointment.category), window, place=appointment.place, people=people))
