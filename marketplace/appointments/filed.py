"""What this room has in a household's file: its visits. Enters: a household. Leaves: entries; nobody's name."""

from __future__ import annotations

from sqlmodel import Session, select

from marketplace.appointments.models import Appointment
from marketplace.calendar import local_day
from marketplace.households.filed import PARTS, Entry, Part


def _entries(session: Session, household_id: str) -> list[Entry]:
    found = session.exec(select(Appointment).where(Appointment.household_id == household_id))
    return [
        Entry(
            local_day(one.starts_at),
            (one.category, "need"),
            (one.state.value, "appointment_state"),
            view="appointments.city_visit",
            ref=one.id,
        )
        for one in found
    ]


PARTS["visit"] = Part(_entries, key="appointment_id")
