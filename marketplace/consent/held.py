"""What this room keeps of a household, for the eraser: consents and their documents.

Enters: nothing. Leaves: `HELD`, this room's part of the answer whether anything is open (see `marketplace.held`).
"""

from __future__ import annotations

from sqlmodel import col

from marketplace.consent.ask import LIVING
from marketplace.consent.models import Consent, ConsentEvidence, ConsentHead
from marketplace.held import Held

HELD = (
    Held(
        ConsentHead,
        col(ConsentHead.household_id),
        at=(ConsentHead.valid_to,),
        waits=lambda now: col(ConsentHead.state).in_(LIVING) & (col(ConsentHead.valid_to) > now),
    ),
    Held(Consent, col(Consent.household_id), at=(Consent.created_at, Consent.state_at)),
    Held(
        ConsentEvidence,
        col(ConsentHead.household_id),
        at=(ConsentEvidence.recorded_at,),
        joins=((ConsentHead, col(ConsentHead.chain_id) == col(ConsentEvidence.chain_id)),),
    ),
)
