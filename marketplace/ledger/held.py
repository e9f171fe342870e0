"""What this room keeps of a household, for the eraser: aid, bills and hits of the rules against helping twice.

Enters: nothing. Leaves: `HELD`, this room's part of the answer whether anything is open (see `marketplace.held`).
"""

from __future__ import annotations

from sqlalchemy import true
from sqlmodel import col

from marketplace.held import Held
from marketplace.ledger.models import (
    AidState,
    CostBill,
    CostLayer,
    HitState,
    LedgerEntry,
    OverlapException,
    OverlapHit,
)

HELD = (
    Held(
        LedgerEntry,
        col(LedgerEntry.household_id),
        at=(LedgerEntry.created_at, LedgerEntry.updated_at, LedgerEntry.given_on),
        waits=lambda now: col(LedgerEntry.state).in_((AidState.RESERVED, AidState.APPROVED)),
    ),
    Held(
        OverlapHit,
        col(OverlapHit.household_id),
        at=(OverlapHit.created_at, OverlapHit.decided_at),
        waits=lambda now: col(OverlapHit.state) == HitState.OPEN,
        follows=True,
    ),
    Held(OverlapException, col(OverlapException.household_id), at=(OverlapException.allowed_at,)),
    Held(
        CostBill,
        col(CostBill.household_id),
        at=(CostBill.created_at, CostBill.updated_at),
        follows=lambda now: true(),
    ),
    Held(CostLayer),
)
