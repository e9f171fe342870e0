"""Changing one's own password.

Enters: the old one and the new one. Leaves: another hash, an audit row, and no other living sign-in of this account.
Called by the page; wrong old ones are counted like wrong sign-ins.
"""

from __future__ import annotations

from datetime import datetime

from argon2.exceptions import InvalidHashError, VerifyMismatchError
from sqlmodel import Session

from marketplace import audit
from marketplace.accounts import limits
from marketplace.accounts.guessable import require_good
from marketplace.accounts.models import Account
from marketplace.accounts.service import HASHER
from marketplace.actors import Actor
from marketplace.db import flush
from marketplace.errors import BadInput, WrongState


def change_password(session: Session, *, old: str, new: str, actor: Actor, now: datetime) -> Account:
    """Give the actor's own account a new password.

    Raises WrongState for an account that signs in elsewhere, BadInput that names the field for a wrong old password or
    a new one that is too short, too long, the old one or guessable; NotAllowed("too_many_tries") after ten.
    """
    account = session.get_one(Account, actor.id, with_for_update=True)
    if not account.password_hash:
        raise WrongState("no_password")
    limits.count(session, f"password:{account.id}", now=now)
    try:
        HASHER.verify(account.password_hash, old)
    except (VerifyMismatchError, InvalidHashError) as error:
        raise BadInput("password_wrong", field="old") from error
    require_good(new, account.login, field="new")
    if new == old:
        raise BadInput("password_weak", field="new")
    limits.clear(session, f"password:{account.id}")
    account.password_hash = HASHER.hash(new)
    session.add(account)
    flush(session)
    audit.record(session, audit.Entry("account:password", object_ref=account.id), actor=actor, now=now)
    return account
