"""Signing in and out: passwords for staff and givers, server-side sessions for all.

Enters: a login and password, or who showed a code of its phone (`codes`). Leaves: an opaque token for the cookie, of
which only a hash is stored; and for every later request the `Actor` behind it. Answers to a wrong login and a wrong
password are the same, and cost the same time.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError
from sqlalchemy import bindparam, delete
from sqlmodel import Session, col, select

from marketplace import audit
from marketplace.accounts import limits
from marketplace.accounts.guessable import require_good
from marketplace.accounts.models import Account, AccountSession, StandIn
from marketplace.actors import PUBLIC, SEATS, SYSTEM, Actor, Role
from marketplace.db import flush, new_id
from marketplace.errors import NotAllowed

IDLE = timedelta(minutes=30)
STALE = timedelta(minutes=1)
"""The last use of a session is written down once in so long, so that reading pages stay cheap."""
LONGEST = timedelta(hours=8)
LONGEST_HOUSEHOLD = timedelta(hours=24)
FRESH = timedelta(minutes=5)
"""How long a shown second factor opens what needs one: approving, revealing, exporting, work on keys."""
HASHING: dict[str, Any] = {"time_cost": 1, "memory_cost": 46 * 1024, "parallelism": 1}
"""As OWASP advises for Argon2id with one lane; docs/security.md tells it."""
HASHER = PasswordHasher(**HASHING)
_NOBODY = HASHER.hash("nobody has this password")


def create_account(
    session: Session,
    login: str,
    /,
    *,
    display_name: str,
    role: Role,
    password: str = "",
    org_id: str | None = None,
    districts: Iterable[str] = (),
    streets: Iterable[str] = (),
    actor: Actor = SYSTEM,
    now: datetime,
) -> Account:
    """A new account. Without a password it can only be entered by the demonstration's links."""
    if password:
        require_good(password, login, field="password")
    account = Account(
        id=new_id(),
        login=login,
        display_name=display_name,
        role=role,
        org_id=org_id,
        districts=sorted(set(districts)),
        streets=sorted(set(streets)),
        password_hash=HASHER.hash(password) if password else "",
        created_at=now,
    )
    session.add(account)
    flush(session)
    audit.record(session, audit.Entry("account:create", object_ref=account.id, rule_id=role), actor=actor, now=now)
    return account


def sign_in(session: Session, login: str, password: str, /, *, network: str, now: datetime) -> str:
    """Check a password and open a session; return its token.

    Raises NotAllowed("too_many_tries") after ten tries in a quarter of an hour for one login or one network, and
    NotAllowed("sign_in_failed") for a wrong login and a wrong password alike.
    """
    tried = f"login:{hash_of(login)}"  # whatever was typed: it may be somebody's name
    limits.count(session, tried, now=now)
    limits.count_network(session, "network", network, now=now)
    account = session.exec(select(Account).where(Account.login == login)).one_or_none()
    try:
        HASHER.verify(account.password_hash if account and account.password_hash else _NOBODY, password)
    except (VerifyMismatchError, InvalidHashError) as error:
        raise NotAllowed("sign_in_failed") from error
    if account is None or not account.active or not account.password_hash:
        raise NotAllowed("sign_in_failed")
    limits.clear(session, tried)
    return open_for_account(session, account, method="password", pending=asks_for_proof(session), now=now)


def asks_for_proof(session: Session, /) -> bool:
    """Whether accounts must show a second factor here: everywhere but in a demonstration."""
    settings = session.info.get("settings")
    return settings is None or not settings.demo


def open_for_account(
    session: Session,
    account: Account,
    /,
    *,
    method: str = "demo",
    pending: bool = False,
    proved_at: datetime | None = None,
    now: datetime,
) -> str:
    """A session for an account whose holder is known; while it is `pending` only a second factor opens it. `proved_at`
    is when one was shown, where that was not now."""
    entry = audit.Entry("account:sign_in", object_ref=account.id, rule_id=account.role.value)
    audit.record(session, entry, actor=_account_actor(account), now=now)
    shown_at = None if pending else proved_at or now
    held = {"account_id": account.id, "method": method, "pending": pending, "proved_at": shown_at}
    return _open(session, now=now, longest=LONGEST, **held)


def open_for_person(
    session: Session, person_id: str, household_id: str, /, *, method: str = "code", now: datetime
) -> str:
    """A session for one person of a household whose phone was proved, now or when its WeChat was tied to it."""
    actor = Actor(id=person_id, role=Role.HOUSEHOLD, household_id=household_id)
    audit.record(session, audit.Entry("account:sign_in", subject=household_id), actor=actor, now=now)
    held = {"person_id": person_id, "household_id": household_id, "method": method}
    return _open(session, now=now, longest=LONGEST_HOUSEHOLD, **held)


def open_for_helper(
    session: Session,
    power_id: str,
    household_id: str,
    /,
    *,
    until: datetime,
    reads_only: bool,
    matters: Sequence[str] = (),
    now: datetime,
) -> str:
    """A session of a helper for one household, at most until its power ends. Its acts carry the power's own id."""
    actor = Actor(id=power_id, role=Role.HELPER, household_id=household_id)
    audit.record(session, audit.Entry("account:sign_in", subject=household_id), actor=actor, now=now)
    held = {"helper_id": power_id, "household_id": household_id, "reads_only": reads_only, "method": "helper"}
    held["matters"] = sorted(matters)
    return _open(session, now=now, longest=min(until - now, LONGEST_HOUSEHOLD), **held)


def end_helper(session: Session, power_id: str, /) -> None:
    """Every session under this power is worth nothing from now on."""
    session.execute(delete(AccountSession).where(col(AccountSession.helper_id) == power_id))


def end_of_person(session: Session, person_id: str, /) -> None:
    """Every session of this person is worth nothing from now on."""
    session.execute(delete(AccountSession).where(col(AccountSession.person_id) == person_id))


def end_of_method(session: Session, person_id: str, method: str, /) -> None:
    """Every session that a person began in this way is worth nothing from now on."""
    mine = (col(AccountSession.person_id) == person_id, col(AccountSession.method) == method)
    session.execute(delete(AccountSession).where(*mine))


def _open(session: Session, *, now: datetime, longest: timedelta, **holder: Any) -> str:
    token = secrets.token_urlsafe(32)
    session.execute(delete(AccountSession).where(col(AccountSession.expires_at) < now))
    session.add(AccountSession(id_hash=hash_of(token), created_at=now, seen_at=now, expires_at=now + longest, **holder))
    flush(session)
    return token


_HELD = (
    select(AccountSession, Account)
    .outerjoin(Account, col(Account.id) == col(AccountSession.account_id))
    .where(col(AccountSession.id_hash) == bindparam("id_hash"))
)
"""Built once: every request asks it."""


def held_by(session: Session, token: str, /) -> tuple[AccountSession | None, Account | None]:
    """What this token opened and whose account it is, in one question; who asks for these rows next has them."""
    found = session.exec(_HELD, params={"id_hash": hash_of(token)}).first()
    return (found[0], found[1]) if found is not None else (None, None)


def actor_of(session: Session, token: str, /, *, now: datetime, request_id: str = "") -> Actor:
    """Who holds this token now; PUBLIC if nobody does, if it ran out, lay idle too long, or its account was closed."""
    held = session.get(AccountSession, hash_of(token))
    if held is None or held.pending or now >= held.expires_at:
        return PUBLIC
    if held.household_id is not None and held.person_id is not None:
        return Actor(id=held.person_id, role=Role.HOUSEHOLD, household_id=held.household_id, request_id=request_id)
    if held.household_id is not None and held.helper_id is not None and now - held.seen_at <= IDLE:
        facts: dict[str, Any] = {
            "household_id": held.household_id,
            "reads_only": held.reads_only,
            "matters": frozenset(held.matters),
            "request_id": request_id,
        }
        return Actor(id=held.helper_id, role=Role.HELPER, **facts)
    account = session.get(Account, held.account_id) if held.account_id else None
    if account is None or not account.active or now - held.seen_at > IDLE:
        return PUBLIC
    head = _head_of(session, held, now=now) if held.stand_in_id else None
    if head is not None:
        return replace(_account_actor(head, request_id=request_id), id=account.id, on_behalf_of=head.id)
    return _account_actor(account, request_id=request_id)


def _head_of(session: Session, held: AccountSession, *, now: datetime) -> Account | None:
    """For whom this session acts; nobody once the period is over, the head's account is closed, or the roles of the two
    are such that the seat could not be passed on."""
    row = session.get(StandIn, held.stand_in_id)
    if row is None or row.deputy_id != held.account_id or not row.starts_at <= now < row.ends_at:
        return None
    head, deputy = session.get(Account, row.head_id), session.get(Account, row.deputy_id)
    if head is None or deputy is None or not head.active:
        return None
    return head if deputy.role in SEATS.get(head.role, {head.role}) else None


def touch(session: Session, token: str, /, *, now: datetime) -> None:
    """Note that the session is in use; at most once a minute, so that reading pages stay cheap."""
    held = session.get(AccountSession, hash_of(token))
    if held is not None and now - held.seen_at > STALE:
        held.seen_at = now
        session.add(held)


def sign_out(session: Session, token: str, /) -> None:
    """End this session; the token is worth nothing from now on."""
    session.execute(delete(AccountSession).where(col(AccountSession.id_hash) == hash_of(token)))


def count_try(session: Session, what: str, /, *, network: str, now: datetime, crowd: bool = False) -> None:
    """Count one try of a public form from a network; NotAllowed("too_many_tries") after ten in a quarter of an hour, or
    after a hundred where no secret is tried, or one too long to guess, and a whole waiting room shares an address."""
    most = limits.MOST_OF_NETWORK if crowd else limits.MOST_TRIES
    limits.count_network(session, what, network, most=most, now=now)


def _account_actor(account: Account, *, request_id: str = "") -> Actor:
    return Actor(
        id=account.id,
        role=account.role,
        org_id=account.org_id,
        districts=frozenset(account.districts),
        request_id=request_id,
    )


def hash_of(token: str) -> str:
    return sha256(token.encode()).hexdigest()


def names_of(session: Session, ids: set[str], /) -> dict[str, str]:
    """Account ► the name under which colleagues know it."""
    rows = session.exec(select(Account.id, Account.display_name).where(col(Account.id).in_(ids)))
    return dict(rows.all())
