"""Whom an account's holder is close to, said by the holder: kin, the own household, a shared telephone or bank account,
an organisation it works for or leads.

Enters: an ID number, a telephone, a bank account or an organisation's credit code, with a word by which the holder
knows it again. Leaves: a keyed index; the number itself is not kept. `touches` answers whether any of some people is
tied to a household, an account or a giver: who is does not approve, check or pay there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete
from sqlmodel import Session, col, select

from marketplace import audit
from marketplace.accounts.models import Account, StaffTie
from marketplace.actors import Actor
from marketplace.db import Database, flush, new_id, remembered
from marketplace.errors import BadInput, NotFound
from marketplace.reference.identity_number import BadIdNumber, check_id_number
from marketplace.reference.organisation_number import BadOrganisationNumber, check_uscc
from marketplace.sealed import Vault, number_index, vault_of

PHONE = re.compile(r"1\d{10}")
COUNTS_ON = timedelta(days=365)
"""So long a tie counts after its holder has taken it back."""
ACCOUNT = re.compile(r"\d{12,19}")


def declare(session: Session, value: str, /, *, reference: str, actor: Actor, now: datetime) -> StaffTie:
    """Keep a tie of the actor's own, under the word by which it is told now."""
    vault, text = vault_of(session), re.sub(r"[\s-]|^\+86", "", value).upper()
    index = _index(vault, text)
    known = select(StaffTie).where(StaffTie.account_id == actor.id, StaffTie.value_index == index)
    row = session.exec(known).one_or_none()
    if row is None:
        row = StaffTie(id=new_id(), account_id=actor.id, reference=reference[:32], value_index=index, added_at=now)
    elif row.ended_at is None and row.reference == reference[:32]:
        return row
    row.ended_at, row.reference = None, reference[:32]
    session.add(row)
    flush(session)
    audit.record(session, audit.Entry("account:tie", object_ref=row.id), actor=actor, now=now)
    return row


def _index(vault: Vault, text: str) -> str:
    """By which index the text is found again; BadInput for what is none of the four."""
    if _holds(check_id_number, text, BadIdNumber):
        return number_index(vault, text)
    if PHONE.fullmatch(text):
        return vault.index("phone", text)
    if _holds(check_uscc, text, BadOrganisationNumber):
        return giver_index(vault, text)
    if ACCOUNT.fullmatch(text):
        return vault.index("payee-account", text)
    raise BadInput("tie_unreadable", field="value")


def _holds(check: Callable[[str], object], text: str, error: type[Exception]) -> bool:
    try:
        check(text)
    except error:
        return False
    return True


def giver_index(vault: Vault, credit_code: str, /) -> str:
    """By which an organisation is found among ties."""
    return vault.index("tied-giver", credit_code)


def list_ties(session: Session, /, *, actor: Actor) -> list[StaffTie]:
    """The actor's own, the oldest first."""
    mine = select(StaffTie).where(col(StaffTie.account_id) == actor.id)
    return list(session.exec(mine.order_by(col(StaffTie.added_at), col(StaffTie.id))))


def untie(session: Session, tie_id: str, /, *, actor: Actor, now: datetime) -> None:
    """Say that a tie of the actor's own is no more. It goes on counting for `COUNTS_ON`: nobody unties itself by
    itself to approve for its own."""
    row = session.get(StaffTie, tie_id)
    if row is None or row.account_id != actor.id:
        raise NotFound("tie")
    if row.ended_at is None:
        row.ended_at = now
        session.add(row)
        flush(session)
        audit.record(session, audit.Entry("account:untie", object_ref=tie_id), actor=actor, now=now)


def forget(database: Database, *, now: datetime) -> int:
    """Ties that have counted on for long enough are gone; how many."""
    over = col(StaffTie.ended_at) <= now - COUNTS_ON
    with database.reading() as session:
        if session.exec(select(StaffTie.id).where(over).limit(1)).first() is None:
            return 0
    with database.transaction() as session:
        gone: Any = session.execute(delete(StaffTie).where(over))
        return int(gone.rowcount)


def touches(session: Session, people: Collection[str], indexes: Collection[str], /) -> bool:
    """Whether one of these people has declared one of these indexes."""
    tied = select(StaffTie.value_index).where(col(StaffTie.account_id).in_(people))
    declared = remembered(session, ("ties", frozenset(people)), lambda: set(session.exec(tied)))
    return not declared.isdisjoint(indexes)


def touch_anybody(session: Session, indexes: Collection[str], /) -> bool:
    """Whether anybody who still works here has declared one of these indexes."""
    tied = select(StaffTie.id).join(Account, col(Account.id) == col(StaffTie.account_id))
    tied = tied.where(col(Account.active).is_(True), col(StaffTie.value_index).in_(indexes))
    return session.exec(tied.limit(1)).first() is not None
