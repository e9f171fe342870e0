"""What this room keeps of a household, for the eraser: insurance cases.

Enters: nothing. Leaves: `HELD`, this room's part of the answer whether anything is open (see `marketplace.held`).
"""

from __future__ import annotations

from typing import Any

from sqlmodel import col

from marketplace.claims.models import WAITING, InsuranceCase, PayoutChange, PayoutOverlap
from marketplace.held import Held


def _of(column: Any, /) -> tuple[type[InsuranceCase], Any]:
    """The join to the claim of this row."""
    return InsuranceCase, col(InsuranceCase.id) == column


HELD = (
    Held(
        InsuranceCase,
        col(InsuranceCase.household_id),
        at=(InsuranceCase.opened_at, InsuranceCase.updated_at),
        waits=lambda now: col(InsuranceCase.state).in_(WAITING),
    ),
    Held(
        PayoutChange,
        col(InsuranceCase.household_id),
        at=(PayoutChange.asked_at, PayoutChange.decided_at),
        waits=lambda now: col(PayoutChange.decided_at).is_(None),
        joins=(_of(PayoutChange.case_id),),
    ),
    Held(
        PayoutOverlap,
        col(InsuranceCase.household_id),
        at=(PayoutOverlap.created_at, PayoutOverlap.settled_at),
        waits=lambda now: col(PayoutOverlap.settled_at).is_(None),
        joins=(_of(PayoutOverlap.case_id),),
    ),
)
