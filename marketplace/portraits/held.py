"""What this room keeps of a household, for the eraser: needs pushed to a department.

Enters: nothing. Leaves: `HELD`, this room's part of the answer whether anything is open (see `marketplace.held`).
"""

from __future__ import annotations

from sqlmodel import col

from marketplace.held import Held
from marketplace.portraits.models import Push, PushState

HELD = (
    Held(
        Push,
        col(Push.household_id),
        at=(Push.asked_at, Push.answered_at, Push.ended_at),
        waits=lambda now: col(Push.state).in_((PushState.ASKED, PushState.ACCEPTED)),
        follows=True,
    ),
)
