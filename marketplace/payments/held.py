"""What this room keeps of a household, for the eraser: accounts, payments and what the bank said.

Enters: nothing. Leaves: `HELD`, this room's part of the answer whether anything is open (see `marketplace.held`).
"""

from __future__ import annotations

from sqlmodel import col

from marketplace.decisions.models import Match
from marketplace.held import Held, row_of
from marketplace.payments.models import BankNumber, BankResult, LineState, Payee, PayeeState, PaymentLine

HELD = (
    Held(
        Payee,
        col(Payee.household_id),
        at=(Payee.created_at, Payee.decided_at),
        waits=lambda now: col(Payee.state) == PayeeState.TO_CHECK,
    ),
    Held(
        PaymentLine,
        col(PaymentLine.household_id),
        at=(PaymentLine.changed_at,),
        waits=lambda now: col(PaymentLine.state).in_((LineState.WAITING, LineState.PAID_TWICE)),
    ),
    Held(
        BankResult,
        col(Match.household_id),
        at=(BankResult.told_at,),
        joins=(row_of(Match, BankResult.match_id),),
    ),
    Held(
        BankNumber,
        col(PaymentLine.household_id),
        at=(BankNumber.told_at,),
        joins=(row_of(PaymentLine, BankNumber.line_id),),
    ),
)
