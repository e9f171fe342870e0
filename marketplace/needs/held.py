"""What this room keeps of a household, for the eraser: needs.

Enters: nothing. Leaves: `HELD`, this room's part of the answer whether anything is open (see `marketplace.held`).
"""

from __future__ import annotations

from sqlmodel import col

from marketplace.held import Held
from marketplace.needs.models import Need, NeedStanding
from marketplace.needs.service import LIVE

HELD = (
    Held(
        Need,
        col(Need.household_id),
        at=(Need.created_at, Need.updated_at),
        waits=lambda now: col(Need.state).in_(LIVE),
        follows=True,
    ),
    Held(NeedStanding),
)
