"""What this room keeps of a household, for the eraser: powers of helpers.

Enters: nothing. Leaves: `HELD`, this room's part of the answer whether anything is open (see `marketplace.held`).
"""

from __future__ import annotations

from sqlmodel import col

from marketplace.held import Held
from marketplace.proxies.models import HelpPower, PowerState

HELD = (
    Held(
        HelpPower,
        col(HelpPower.household_id),
        at=(HelpPower.recorded_at, HelpPower.checked_at, HelpPower.ended_at, HelpPower.ends_at),
        waits=lambda now: (col(HelpPower.state) != PowerState.ENDED) & (col(HelpPower.ends_at) > now),
        follows=True,
    ),
)
