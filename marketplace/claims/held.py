"""What this room keeps of a household, for the eraser: insurance cases.

Enters: nothing. Leaves: `HELD`, this room's part of the answer whether anything is open (see `marketplace.held`).
"""

from __future__ import annotations

from sqlmodel import col

from marketplace.claims.models import WAITING, InsuranceCase, PayoutChange, PayoutOverlap
from marketplace.held import Held, row_of

HELD = (
    Held(
        InsuranceCase,
        col(InsuranceCase.household_id),
        at=(InsuranceCase.opened_at, InsuranceCase.updated_at),
        waits=lambda now: col(InsuranceCase.state).in_(WAITING),
        follows=True,
    ),
    Held(
        PayoutChange,
        col(InsuranceCase.household_id),
        at=(PayoutChange.asked_at, PayoutChange.decided_at),
        waits=lambda now: col(PayoutChange.decided_at).is_(None),
        joins=(row_of(InsuranceCase, PayoutChange.case_id),),
        follows=True,
    ),
    Held(
        PayoutOverlap,
        col(InsuranceCase.household_id),
        at=(PayoutOverlap.created_at, PayoutOverlap.settled_at),
        waits=lambda now: col(PayoutOverlap.settled_at).is_(None),
        joins=(row_of(InsuranceCase, PayoutOverlap.case_id),),
        follows=True,
    ),
)
