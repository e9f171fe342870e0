"""What this room keeps of a household, for the eraser: households that an incident touches.

Enters: nothing. Leaves: `HELD`, this room's part of the answer whether anything is open (see `marketplace.held`).
"""

from __future__ import annotations

from sqlmodel import col

from marketplace.held import Held, row_of
from marketplace.incidents.models import Incident, IncidentHousehold

HELD = (
    Held(
        IncidentHousehold,
        col(IncidentHousehold.household_id),
        at=(IncidentHousehold.last_at, IncidentHousehold.told_at),
        waits=lambda now: col(IncidentHousehold.told_at).is_(None) & col(Incident.closed_at).is_(None),
        joins=(row_of(Incident, IncidentHousehold.incident_id),),
    ),
)
