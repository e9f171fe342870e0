"""What this room keeps of a household, for the eraser: appeals and complaints.

Enters: nothing. Leaves: `HELD`, this room's part of the answer whether anything is open (see `marketplace.held`).
"""

from __future__ import annotations

from sqlmodel import col

from marketplace.appeals.models import Appeal, AppealState
from marketplace.held import Held

HELD = (
    Held(
        Appeal,
        col(Appeal.household_id),
        at=(Appeal.raised_at, Appeal.answered_at),
        waits=lambda now: col(Appeal.state) == AppealState.OPEN,
        follows=False,
    ),
)
