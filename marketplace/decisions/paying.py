"""Money that a bank may be about to pay: nobody records meanwhile that it was handed over in another way.

Enters: matches whose delivery somebody is about to record. Leaves: those of which a payment is with the bank, as the
room above says that keeps payments; or a WrongState. Until two people of the giver have stopped the payment, or the
bank has answered, the money would be given twice. Called by `decisions.service` and the desk of deliveries.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

from sqlmodel import Session

from marketplace.errors import WrongState

AT_THE_BANK: dict[str, Callable[[Session, Collection[str]], set[str]]] = {}
"""What a room above hangs in here when it is imported: of these matches, those whose payment is with a bank."""


def at_the_bank(session: Session, match_ids: Collection[str], /) -> set[str]:
    """Of these matches, those of which a payment is on its way."""
    return {match_id for ask in AT_THE_BANK.values() for match_id in ask(session, match_ids)}


def refuse(session: Session, match_id: str, /) -> None:
    """Refuse to record by hand what a bank may be about to pay."""
    if at_the_bank(session, [match_id]):
        raise WrongState("payment_on_its_way")
