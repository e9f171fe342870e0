"""A giver's own people: invited with a code that works once, given a role, and let go when their work is handed over.

Enters: an act of whoever keeps the accounts of a giver on its own team. Leaves: invitations and accounts of that one
organisation, each act with an audit row. The last manager cannot leave. Rooms that keep work on an account's desk hang
their queue into `QUEUES`; an account with open work is closed only when a colleague takes it over.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from hashlib import sha256

from sqlmodel import Session, col, select

from marketplace import audit
from marketplace.accounts import desks, standins
from marketplace.accounts.models import Account, Invitation
from marketplace.accounts.service import create_account
from marketplace.actors import Actor, Role
from marketplace.db import flush, new_id
from marketplace.errors import BadInput, Conflict, NotFound, WrongState
from marketplace.policy import require

INVITED_FOR = timedelta(days=7)
LETTERS = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"
"""Letters and digits that nobody confuses."""
GROUPS, EACH = 4, 5
MANAGERS = (Role.GIVER_ADMIN,)
"""Who may change a team and sees nothing of any household; one of them always stays. Somebody who does both has two
accounts."""
SEATS: list[Callable[[Session, str], tuple[Role, ...]]] = []
"""The room of organisations says here which other roles the people of one giver can have."""


def roles_in(session: Session, actor: Actor, /) -> tuple[Role, ...]:
    """The roles that this actor's team can have."""
    return (*MANAGERS, *(role for seats in SEATS for role in seats(session, actor.org_id or "")))


def list_team(session: Session, /, *, actor: Actor) -> list[Account]:
    """The actor's colleagues and the actor, those who may sign in first."""
    require(actor, "team:view", org_id=actor.org_id)
    mine = select(Account).where(col(Account.org_id) == actor.org_id)
    return list(session.exec(mine.order_by(col(Account.active).desc(), col(Account.display_name), col(Account.id))))


def list_invitations(session: Session, /, *, actor: Actor, now: datetime) -> list[Invitation]:
    """Invitations of the actor's organisation that still work."""
    require(actor, "team:view", org_id=actor.org_id)
    mine = select(Invitation).where(col(Invitation.org_id) == actor.org_id, col(Invitation.account_id).is_(None))
    living = mine.where(col(Invitation.withdrawn).is_(False), col(Invitation.expires_at) > now)
    return list(session.exec(living.order_by(col(Invitation.created_at), col(Invitation.id))))


def invite(session: Session, /, *, role: Role, note: str = "", actor: Actor, now: datetime) -> tuple[Invitation, str]:
    """A place in the team and the code that opens it, which is shown once and kept nowhere."""
    require(actor, "team:change", org_id=actor.org_id)
    if role not in roles_in(session, actor):
        raise BadInput("role_not_here", field="role")
    return _place(session, actor.org_id or "", role=role, note=note, actor=actor, now=now)


def invite_first(
    session: Session, org_id: str, /, *, role: Role, actor: Actor, now: datetime
) -> tuple[Invitation, str]:
    """The first manager's place in the team of an approved giver, which nobody of its own can make. An older
    invitation that waits works no more; once somebody manages the team, the team invites."""
    require(actor, "organisation:approve")
    if has_manager(session, org_id):
        raise WrongState("team_has_manager")
    waiting = select(Invitation).where(col(Invitation.org_id) == org_id, col(Invitation.account_id).is_(None))
    for old in session.exec(waiting.where(col(Invitation.withdrawn).is_(False)).with_for_update()):
        _withdraw(session, old, actor=actor, now=now)
    return _place(session, org_id, role=role, note="", actor=actor, now=now)


def has_manager(session: Session, org_id: str, /) -> bool:
    """Whether somebody who may sign in can change this giver's team."""
    mine = select(Account.id).where(col(Account.org_id) == org_id, col(Account.active).is_(True))
    return session.exec(mine.where(col(Account.role).in_(MANAGERS)).limit(1)).first() is not None


def _place(
    session: Session, org_id: str, /, *, role: Role, note: str, actor: Actor, now: datetime
) -> tuple[Invitation, str]:
    code = "-".join("".join(secrets.choice(LETTERS) for _ in range(EACH)) for _ in range(GROUPS))
    invitation = Invitation(
        id=new_id(),
        org_id=org_id,
        role=role,
        note=note,
        code_hash=_hash(code),
        created_by=actor.id,
        created_at=now,
        expires_at=now + INVITED_FOR,
    )
    session.add(invitation)
    flush(session)
    _record(session, "team:invite", invitation.id, role, actor=actor, now=now)
    return invitation, code


def withdraw_invitation(session: Session, invitation_id: str, /, *, actor: Actor, now: datetime) -> None:
    """The code works no more."""
    invitation = session.get(Invitation, invitation_id)
    if invitation is None:
        raise NotFound("invitation")
    require(actor, "team:change", org_id=invitation.org_id)
    if invitation.account_id is not None or invitation.withdrawn:
        raise WrongState("invitation_over")
    _withdraw(session, invitation, actor=actor, now=now)


def _withdraw(session: Session, invitation: Invitation, /, *, actor: Actor, now: datetime) -> None:
    invitation.withdrawn = True
    session.add(invitation)
    flush(session)
    _record(session, "team:uninvite", invitation.id, invitation.role, actor=actor, now=now)


def join(session: Session, code: str, /, *, login: str, display_name: str, password: str, now: datetime) -> Account:
    """Somebody with a living code takes the place: a new account, and the code is used up. A wrong, used, old or
    withdrawn code all look the same."""
    wanted = select(Invitation).where(Invitation.code_hash == _hash(code)).with_for_update()
    invitation = session.exec(wanted).one_or_none()
    if invitation is None or invitation.account_id or invitation.withdrawn or now >= invitation.expires_at:
        raise BadInput("invitation_unknown", field="code")
    if not password:
        raise BadInput("password_short", field="password", least=12)
    if session.exec(select(Account.id).where(Account.login == login)).first() is not None:
        raise Conflict("login_taken", field="login")
    account = create_account(
        session,
        login,
        display_name=display_name,
        role=invitation.role,
        password=password,
        org_id=invitation.org_id,
        now=now,
    )
    invitation.account_id, invitation.used_at = account.id, now
    session.add(invitation)
    flush(session)
    return account


def change_role(session: Session, account_id: str, /, *, role: Role, actor: Actor, now: datetime) -> Account:
    """Give a colleague another role; the last manager keeps its own, and who sees households gives up doing so only
    with an empty desk. Periods in which it has a stand-in, or is one, end with the old role."""
    account = colleague(session, account_id, actor=actor)
    if role not in roles_in(session, actor):
        raise BadInput("role_not_here", field="role")
    if role not in MANAGERS:
        keep_one_manager(session, account)
    leaves_work = account.role in desks.AT_WORK and role not in desks.AT_WORK
    if leaves_work and desks.pieces_of(session, account, now=now):
        raise WrongState("work_on_desk")
    if role is not account.role:
        standins.close_all(session, account.id, actor=actor, now=now)
    account.role = role
    session.add(account)
    flush(session)
    _record(session, "team:role", account.id, role, actor=actor, now=now)
    return account


def colleague(session: Session, account_id: str, /, *, actor: Actor) -> Account:
    """An account of the actor's team that may sign in; any other looks like a missing one."""
    account = session.get(Account, account_id, with_for_update=True, populate_existing=True)
    require(actor, "team:change", org_id=account.org_id if account is not None else None)
    if account is None or not account.active:
        raise NotFound("account")
    return account


def keep_one_manager(session: Session, account: Account, /) -> None:
    """WrongState if this account is the last that may change its team."""
    others = (
        select(Account.id)
        .where(col(Account.org_id) == account.org_id, col(Account.active).is_(True), col(Account.id) != account.id)
        .where(col(Account.role).in_(MANAGERS))
        .with_for_update()
    )
    if account.role in MANAGERS and not session.exec(others).all():
        raise WrongState("last_manager")


def _hash(code: str) -> str:
    plain = "".join(sign for sign in code.upper() if sign.isalnum())
    return sha256(plain.encode()).hexdigest()


def _record(session: Session, act: str, ref: str, role: Role, *, actor: Actor, now: datetime) -> None:
    audit.record(session, audit.Entry(act, object_ref=ref, rule_id=role.value), actor=actor, now=now)
