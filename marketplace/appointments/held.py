"""What this room keeps of a household, for the eraser: appointments.

Enters: nothing. Leaves: `HELD`, this room's part of the answer whether anything is open (see `marketplace.held`).
"""

from __future__ import annotations

from sqlmodel import col

from marketplace.appointments.models import OPEN, Appointment, Booking, Hold, ServiceRecord
from marketplace.held import Held

HELD = (
    Held(
        Appointment,
        col(Appointment.household_id),
        at=(Appointment.created_at, Appointment.updated_at),
        waits=lambda now: col(Appointment.state).in_(OPEN),
        follows=True,
    ),
    *(Held(table) for table in (Booking, Hold, ServiceRecord)),
)
