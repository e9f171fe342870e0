"""What this room keeps of a household, for the eraser: credentials and receipts.

Enters: nothing. Leaves: `HELD`, this room's part of the answer whether anything is open (see `marketplace.held`).
"""

from __future__ import annotations

from sqlmodel import col

from marketplace.credentials.models import ConsentReceipt, IssuedCredential
from marketplace.held import Held

HELD = (
    Held(
        IssuedCredential,
        col(IssuedCredential.household_id),
        at=(IssuedCredential.issued_at, IssuedCredential.revoked_at),
    ),
    Held(ConsentReceipt, col(ConsentReceipt.household_id), at=(ConsentReceipt.made_at,)),
)
