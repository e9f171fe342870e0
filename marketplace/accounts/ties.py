"""Whom an account's holder is close to, said by the holder: kin, the own household, a shared telephone.

Enters: an ID number or a telephone, with a word by which the holder knows it again. Leaves: a keyed index; the number
itself is not kept. `touches` answers whether any of some people is tied to a household: who is does not approve for it.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import datetime

from sqlmodel import Session, col, select

from marketplace import audit
from marketplace.accounts.models import StaffTie
from marketplace.actors import Actor
from marketplace.db import flush, new_id
from marketplace.errors import BadInput, NotFound
from marketplace.sealed import number_index, vault_of

PHONE = re.compile(r"1\d{10}")
NUMBER = re.compile(r"\d{17}[\dX]")


def declare(session: Session, value: str, /, *, reference: str, actor: Actor, now: datetime) -> StaffTie:
    """Keep a tie of the actor's own."""
    vault, text = vault_of(session), re.sub(r"[\s-]|^\+86", "", value).upper()
    if NUMBER.fullmatch(text):
        index = number_index(vault, text)
    elif PHONE.fullmatch(text):
        index = vault.index("phone", text)
    else:
        raise BadInput("tie_unreadable", field="value")
    known = select(StaffTie).where(StaffTie.account_id == actor.id, StaffTie.value_index == index)
    row = session.exec(known).one_or_none()
    if row is None:
        row = StaffTie(id=new_id(), account_id=actor.id, reference=reference[:32], value_index=index, added_at=now)
        session.add(row)
        flush(session)
        audit.record(session, audit.Entry("account:tie", object_ref=row.id), actor=actor, now=now)
    return row


def list_ties(session: Session, /, *, actor: Actor) -> list[StaffTie]:
    """The actor's own, the oldest first."""
    mine = select(StaffTie).where(col(StaffTie.account_id) == actor.id)
    return list(session.exec(mine.order_by(col(StaffTie.added_at), col(StaffTie.id))))


def untie(session: Session, tie_id: str, /, *, actor: Actor, now: datetime) -> None:
    """Take a tie of the actor's own back; the audit row stays."""
    row = session.get(StaffTie, tie_id)
    if row is None or row.account_id != actor.id:
        raise NotFound("tie")
    session.delete(row)
    flush(session)
    audit.record(session, audit.Entry("account:untie", object_ref=tie_id), actor=actor, now=now)


def touches(session: Session, people: Collection[str], indexes: Collection[str], /) -> bool:
    """Whether one of these people has declared one of these indexes."""
    tied = select(StaffTie.id).where(col(StaffTie.account_id).in_(people), col(StaffTie.value_index).in_(indexes))
    return session.exec(tied.limit(1)).first() is not None
