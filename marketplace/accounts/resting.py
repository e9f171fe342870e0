"""What rests of accounts after a backup was restored, because nobody knows what ended since.

Enters: a house as it was at the backup, and the accounts that are known to be closed. Leaves: nobody signed in, no
code, challenge or open place in a team, nobody who stands in, and these accounts closed again. Called by
`operations.after_restore`, in the transaction of the restore.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import delete, func, update
from sqlmodel import Session, col, select

from marketplace.accounts import standins
from marketplace.accounts.models import Account, AccountSession, Challenge, Invitation, SignInCode, StandIn
from marketplace.actors import SYSTEM


def rest(session: Session, closed: Collection[str], /, *, now: datetime) -> int:
    """End all that; returns how many accounts are open, for somebody to compare them with who works here now."""
    for row in session.exec(select(StandIn).where(col(StandIn.ends_at) > now).order_by(col(StandIn.id))).all():
        standins.close(session, row, actor=SYSTEM, now=now)
    for kind in (AccountSession, SignInCode, Challenge):
        session.execute(delete(kind))
    waiting = (col(Invitation.account_id).is_(None), col(Invitation.withdrawn).is_(False))
    session.execute(update(Invitation).where(*waiting).values(withdrawn=True))
    session.execute(update(Account).where(col(Account.id).in_(closed)).values(active=False))
    return session.exec(select(func.count()).where(col(Account.active).is_(True))).one()
