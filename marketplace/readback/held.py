"""What this room keeps of a household, for the eraser: texts that were read out.

Enters: nothing. Leaves: `HELD`, this room's part of the answer whether anything is open (see `marketplace.held`).
"""

from __future__ import annotations

from sqlmodel import col

from marketplace.held import Held
from marketplace.readback.models import ReadBack, SecondCall

HELD = (
    Held(
        ReadBack,
        col(ReadBack.household_id),
        at=(ReadBack.read_at, ReadBack.second_at),
        waits=lambda now: col(ReadBack.second) == SecondCall.DUE,
        follows=True,
    ),
)
