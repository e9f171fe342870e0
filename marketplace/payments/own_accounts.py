"""The giver's own accounts and those of its people: kept as indexes only, so that none of them is ever paid.

Enters: numbers that somebody of the giver types, or copies out of its own table. Leaves: a row each without the
number. Called by the giver's page.
"""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session, col, select

from marketplace import audit
from marketplace.actors import Actor
from marketplace.db import flush
from marketplace.errors import BadInput, Conflict, NotFound
from marketplace.payments.account_number import account_digits
from marketplace.payments.models import AccountKind, OwnAccount
from marketplace.payments.open_matches import account_index
from marketplace.policy import require
from marketplace.sealed import vault_of


def list_own(session: Session, org_id: str, /) -> list[OwnAccount]:
    """The accounts of one giver, its own first."""
    wanted = select(OwnAccount).where(col(OwnAccount.org_id) == org_id)
    return list(session.exec(wanted.order_by(col(OwnAccount.staff), col(OwnAccount.last_four))))


def add_own(session: Session, org_id: str, typed: str, /, *, staff: bool, actor: Actor, now: datetime) -> OwnAccount:
    """Name an account of the giver (from which it pays) or of one of its people."""
    require(actor, "payment:prepare", org_id=org_id)
    digits = account_digits(typed, AccountKind.PASSBOOK)
    index = account_index(vault_of(session), digits)
    if session.get(OwnAccount, (org_id, index)) is not None:
        raise Conflict("account_known")
    own = OwnAccount(
        org_id=org_id, account_index=index, last_four=digits[-4:], staff=staff, added_by=actor.id, added_at=now
    )
    session.add(own)
    flush(session)
    _record(session, org_id, "payment:own_account", actor=actor, now=now)
    return own


def add_many(session: Session, org_id: str, typed: str, /, *, staff: bool, actor: Actor, now: datetime) -> int:
    """Name several, one a line, such as a column out of the giver's own list: all of them or, with a wrong line, none.
    Of several, those that are on the list already are left as they are. How many are new."""
    lines = [(number, line) for number, line in enumerate(typed.splitlines(), 1) if line.strip()]
    added: set[str] = set()
    for number, line in lines:
        try:
            digits = account_digits(line, AccountKind.PASSBOOK)
        except BadInput as error:
            raise BadInput(error.code, field="account", row=number) from None
        known = session.get(OwnAccount, (org_id, account_index(vault_of(session), digits))) is not None
        if not known or len(lines) == 1:
            added.add(add_own(session, org_id, line, staff=staff, actor=actor, now=now).account_index)
    return len(added)


def remove_own(session: Session, org_id: str, index: str, /, *, actor: Actor, now: datetime) -> None:
    """Take it back, such as when somebody has left."""
    require(actor, "payment:prepare", org_id=org_id)
    own = session.get(OwnAccount, (org_id, index))
    if own is None:
        raise NotFound("own_account")
    session.delete(own)
    flush(session)
    _record(session, org_id, "payment:own_account_gone", actor=actor, now=now)


def _record(session: Session, org_id: str, action: str, *, actor: Actor, now: datetime) -> None:
    audit.record(session, audit.Entry(action, object_ref=org_id), actor=actor, now=now)
