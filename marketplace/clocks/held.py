"""What this room keeps of a household, for the eraser: steps that wait for somebody.

Enters: nothing. Leaves: `HELD`, this room's part of the answer whether anything is open (see `marketplace.held`).
"""

from __future__ import annotations

from sqlmodel import col

from marketplace.clocks.models import Clock
from marketplace.held import Held

HELD = (
    Held(
        Clock,
        col(Clock.household_id),
        at=(Clock.started_at, Clock.ended_at),
        waits=lambda now: col(Clock.ended_at).is_(None),
        follows=False,
    ),
)
