"""The same person goes on: a new password where it or a factor was lost, another role or area where the work changed.

Enters: an account and what an operator was asked for, after looking who asks. Leaves: the same account, with its ties
and with every act of before, so that who verified does not approve under another name. Its sign-ins and stand-ins end.
Called by `operations.change_account`.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import delete
from sqlmodel import Session, col

from marketplace import audit
from marketplace.accounts import desks, standins
from marketplace.accounts.guessable import require_good
from marketplace.accounts.models import Account, AccountSession, Passkey, TotpSecret
from marketplace.accounts.service import HASHER
from marketplace.actors import SYSTEM, Role
from marketplace.db import flush
from marketplace.errors import WrongState


def renew(session: Session, account: Account, password: str, /, *, now: datetime) -> None:
    """Another password and no factor: the next sign-in adds one, as the first did."""
    require_good(password, account.login, field="password")
    account.password_hash = HASHER.hash(password)
    session.execute(delete(Passkey).where(col(Passkey.account_id) == account.id))
    session.execute(delete(TotpSecret).where(col(TotpSecret.account_id) == account.id))
    _end_all(session, account)
    audit.record(session, audit.Entry("account:renew", object_ref=account.id), actor=SYSTEM, now=now)


def move(
    session: Session,
    account: Account,
    role: Role,
    districts: Iterable[str],
    streets: Iterable[str],
    /,
    *,
    now: datetime,
) -> None:
    """Another role or other districts, with an empty desk: what lay there was given to the old ones. Streets open
    nothing: where they alone change, the desk stays as it is."""
    area = sorted(set(districts))
    if (role, area) != (account.role, sorted(account.districts)):
        if desks.pieces_of(session, account, now=now):
            raise WrongState("work_on_desk")
        standins.close_all(session, account.id, actor=SYSTEM, now=now)
    account.role, account.districts, account.streets = role, area, sorted(set(streets))
    _end_all(session, account)
    body = {"districts": account.districts, "streets": account.streets}
    entry = audit.Entry("account:move", object_ref=account.id, rule_id=role.value, body=body)
    audit.record(session, entry, actor=SYSTEM, now=now)


def _end_all(session: Session, account: Account) -> None:
    session.add(account)
    session.execute(delete(AccountSession).where(col(AccountSession.account_id) == account.id))
    flush(session)
