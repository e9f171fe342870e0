"""What this room keeps of a household, for the eraser: when a household last signed in.

Enters: nothing. Leaves: `HELD`, this room's part of the answer whether anything is open (see `marketplace.held`).
"""

from __future__ import annotations

from sqlmodel import col

from marketplace.accounts.models import AccountSession
from marketplace.held import Held

HELD = (Held(AccountSession, col(AccountSession.household_id), at=(AccountSession.seen_at,)),)
