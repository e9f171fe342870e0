"""What this room keeps of a household, for the eraser: looks, emergencies, orders to delete.

An order to delete waits for the giver alone and needs nothing of the person, so it holds nobody back.

Enters: nothing. Leaves: `HELD`, this room's part of the answer whether anything is open (see `marketplace.held`).
"""

from __future__ import annotations

from sqlmodel import col

from marketplace.consent.models import ConsentHead
from marketplace.held import Held
from marketplace.sharing.models import Disclosure
from marketplace.sharing.models_api import DeletionOrder, Emergency

HELD = (
    Held(Disclosure, col(Disclosure.household_id), at=(Disclosure.at,)),
    Held(
        Emergency,
        col(Emergency.household_id),
        at=(Emergency.asked_at, Emergency.opened_at, Emergency.reviewed_at),
        waits=lambda now: col(Emergency.opened_at).is_not(None) & col(Emergency.reviewed_at).is_(None),
    ),
    Held(
        DeletionOrder,
        col(ConsentHead.household_id),
        at=(DeletionOrder.ordered_at, DeletionOrder.attested_at),
        joins=((ConsentHead, col(ConsentHead.chain_id) == col(DeletionOrder.consent_chain_id)),),
    ),
)
