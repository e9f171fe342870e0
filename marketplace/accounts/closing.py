"""Closing an account: it signs in no more, at once, and whatever lay on its desk is a named colleague's from then on.

Enters: a manager for somebody of its own team, or the security administrator for any account of the house. Leaves: a
closed account, its desk with the heir, one audit row for each of the two. The last person of a house closes only when
nothing waits for that house, because nobody is left to take it over.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete
from sqlmodel import Session, col, func, select

from marketplace import audit
from marketplace.accounts import desks, standins
from marketplace.accounts.models import Account, AccountSession, StandIn
from marketplace.accounts.team import colleague, keep_one_manager
from marketplace.actors import Actor, Role
from marketplace.db import flush
from marketplace.errors import NotFound, WrongState
from marketplace.policy import require


def to_close(session: Session, account_id: str, /, *, actor: Actor) -> Account:
    """The account, locked, if the actor may close it; any other looks like a missing one."""
    if actor.role is not Role.SECURITY_ADMIN:
        return colleague(session, account_id, actor=actor)
    require(actor, "account:close")
    account = session.get(Account, account_id, with_for_update=True, populate_existing=True)
    if account is None or not account.active:
        raise NotFound("account")
    return account


def close_account(session: Session, account_id: str, /, *, heir_id: str = "", actor: Actor, now: datetime) -> Account:
    """Close it; with open work somebody of the same house has to take that over, all of it, in the same moment."""
    account = to_close(session, account_id, actor=actor)
    if actor.role is not Role.SECURITY_ADMIN:
        keep_one_manager(session, account)
    elif account.id in actor.people:
        raise WrongState("own_account")
    if desks.pieces_of(session, account, now=now):
        heir = _heir(session, account, heir_id)
        many = desks.hand_over(session, account, heir, now=now)
        body = {"pieces": many, "heir": heir.id}
        audit.record(session, audit.Entry("account:hand_over", object_ref=account.id, body=body), actor=actor, now=now)
    _end_absences(session, account, actor=actor, now=now)
    account.active = False
    session.add(account)
    session.execute(delete(AccountSession).where(col(AccountSession.account_id) == account.id))
    flush(session)
    act = "account:close" if actor.role is Role.SECURITY_ADMIN else "team:close"
    entry = audit.Entry(act, object_ref=account.id, rule_id=account.role.value)
    audit.record(session, entry, actor=actor, now=now)
    return account


def _heir(session: Session, account: Account, heir_id: str) -> Account:
    able = {one.id: one for one in standins.colleagues(session, account)}
    if not able:
        raise WrongState("nobody_takes_over")
    if heir_id and heir_id not in able and heir_id != account.id:
        raise NotFound("account")
    if heir_id not in able:
        raise WrongState("open_work")
    return able[heir_id]


def _end_absences(session: Session, account: Account, *, actor: Actor, now: datetime) -> None:
    """Nobody stands in any more for somebody who is gone."""
    away = select(StandIn).where(col(StandIn.head_id) == account.id, col(StandIn.ends_at) > now)
    for row in session.exec(away).all():
        standins.close(session, row, actor=actor, now=now)


def list_accounts(session: Session, /, *, actor: Actor, offset: int, limit: int) -> list[Account]:
    """Every account, those that may sign in first."""
    require(actor, "account:list")
    order = (col(Account.active).desc(), col(Account.display_name), col(Account.id))
    return list(session.exec(select(Account).order_by(*order).offset(offset).limit(limit)))


def count_accounts(session: Session, /) -> int:
    """How many there are."""
    return session.exec(select(func.count()).select_from(Account)).one()
