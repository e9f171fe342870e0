"""What an erasure leaves of the accounts that a person was paid to: nothing that tells them.

Enters: an erased person. Leaves: its accounts emptied, none of them to be paid any more. Called by `rights.erasing`.
"""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session, col, select

from marketplace.payments import waiting
from marketplace.payments.models import Payee, PayeeState
from marketplace.payments.payees import LIVE


def forget(session: Session, person_id: str, /, *, now: datetime) -> None:
    """Nothing tells the accounts of an erased person any more, nor is any of them paid; who was paid when stays."""
    for payee in session.exec(select(Payee).where(col(Payee.person_id) == person_id).order_by(col(Payee.id))):
        payee.holder = payee.bank = payee.account = None
        payee.account_index = payee.holder_index = payee.last_four = ""
        if payee.state in LIVE:
            payee.state = PayeeState.REPLACED
            waiting.payee_settled(session, payee, now=now)
        session.add(payee)
