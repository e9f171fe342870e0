"""What this room keeps of a household, for the eraser: codes of letters.

Enters: nothing. Leaves: `HELD`, this room's part of the answer whether anything is open (see `marketplace.held`).
"""

from __future__ import annotations

from sqlmodel import col

from marketplace.answers.models import CodeState, OfferCode, SmsIn
from marketplace.held import Held

HELD = (
    Held(
        OfferCode,
        col(OfferCode.household_id),
        at=(OfferCode.made_at, OfferCode.used_at),
        waits=lambda now: (col(OfferCode.state) == CodeState.OPEN) & (col(OfferCode.ends_at) > now),
    ),
    Held(SmsIn),
)
