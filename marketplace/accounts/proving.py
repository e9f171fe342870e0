"""Showing again who you are: the second factor after a sign-in, and before what needs a fresh one.

Enters: a session's token and a proof. Leaves: the session under a new token, with the moment of the proof; or a no.
Keeps what an account's holder has enrolled, and ends the holder's other sessions. Called by the pages of proving and of
security.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete
from sqlmodel import Session, col, or_, select

from marketplace import audit
from marketplace.accounts import limits, passkeys, totp
from marketplace.accounts.models import Account, AccountSession, Passkey, TotpSecret
from marketplace.accounts.service import FRESH, IDLE, hash_of
from marketplace.actors import Actor
from marketplace.db import flush
from marketplace.errors import NotAllowed, NotFound


@dataclass(frozen=True, slots=True)
class Factors:
    """What an account's holder can show."""

    passkeys: tuple[Passkey, ...]
    totp: bool

    def __bool__(self) -> bool:
        return bool(self.passkeys) or self.totp


def held_by(session: Session, token: str, /, *, now: datetime) -> AccountSession:
    """The living session of an account behind this token, pending or not; NotAllowed("sign_in") without one."""
    held = session.get(AccountSession, hash_of(token))
    account = session.get(Account, held.account_id) if held is not None and held.account_id else None
    if held is None or account is None or not account.active:
        raise NotAllowed("sign_in")
    if now >= held.expires_at or now - held.seen_at > IDLE:
        raise NotAllowed("sign_in")
    return held


def factors_of(session: Session, account_id: str, /) -> Factors:
    """What the account has enrolled."""
    secret = session.get(TotpSecret, account_id)
    confirmed = secret is not None and secret.confirmed_at is not None
    return Factors(tuple(passkeys.list_passkeys(session, account_id)), confirmed)


def prove(session: Session, token: str, /, *, digits: str = "", answer: str = "", now: datetime) -> str:
    """The session's new token after a right code or a passkey's signature; the old token is worth nothing.

    Raises NotAllowed("proof_failed"), or NotAllowed("too_many_tries") after ten wrong ones, for a time that grows.
    """
    held = held_by(session, token, now=now)
    account_id = held.account_id or ""
    limits.count(session, f"proof:{account_id}", now=now)
    if answer:
        right = passkeys.signed(session, account_id, held.id_hash, answer=answer, now=now)
    else:
        right = totp.fits(session, account_id, digits, now=now)
    if not right:
        raise NotAllowed("proof_failed")
    limits.clear(session, f"proof:{account_id}")
    return rotate(session, held, now=now)


def rotate(session: Session, held: AccountSession, /, *, now: datetime) -> str:
    """The same session under a new token, proved now."""
    token, account_id = secrets.token_urlsafe(32), held.account_id or ""
    kept = held.model_dump() | {"id_hash": hash_of(token), "pending": False, "proved_at": now, "seen_at": now}
    session.delete(held)
    flush(session)
    session.add(AccountSession(**kept))
    flush(session)
    actor = _actor(session, account_id)
    audit.record(session, audit.Entry("account:prove", object_ref=account_id), actor=actor, now=now)
    return token


def is_fresh(held: AccountSession | None, /, *, now: datetime) -> bool:
    """Whether a second factor was shown so lately that it opens what needs one."""
    return held is not None and held.proved_at is not None and now - held.proved_at < FRESH


def may_change_factors(session: Session, held: AccountSession, /, *, now: datetime) -> bool:
    """A fresh proof; or, while nothing is enrolled, a sign-in of just now."""
    if is_fresh(held, now=now):
        return True
    return not factors_of(session, held.account_id or "") and now - held.created_at < FRESH


def remove_passkey(session: Session, account_id: str, passkey_id: str, /, *, now: datetime) -> None:
    """One key less; the other sessions of the account end."""
    key = session.get(Passkey, passkey_id)
    if key is None or key.account_id != account_id:
        raise NotFound("passkey")
    session.delete(key)
    flush(session)
    note(session, account_id, "account:factor_remove", rule="passkey", now=now)


def remove_totp(session: Session, account_id: str, /, *, now: datetime) -> None:
    """The code app counts no more."""
    secret = session.get(TotpSecret, account_id)
    if secret is None:
        raise NotFound("totp")
    session.delete(secret)
    flush(session)
    note(session, account_id, "account:factor_remove", rule="totp", now=now)


def note(session: Session, account_id: str, act: str, /, *, rule: str, now: datetime) -> None:
    """Write down that a factor came or went."""
    audit.record(
        session, audit.Entry(act, object_ref=account_id, rule_id=rule), actor=_actor(session, account_id), now=now
    )


def sessions_of(session: Session, actor: Actor, /, *, now: datetime) -> list[AccountSession]:
    """Where this account, this person or this helper is signed in now, the newest first."""
    mine = select(AccountSession).where(_theirs(actor), col(AccountSession.expires_at) > now)
    return list(session.exec(mine.order_by(col(AccountSession.created_at).desc(), col(AccountSession.id_hash))))


def end_sessions(session: Session, actor: Actor, /, *, only: str = "", but: str = "", now: datetime) -> int:
    """End one session of the actor's own (by the beginning of its hash), or all but the one asked from; how many."""
    gone = [
        row.id_hash
        for row in sessions_of(session, actor, now=now)
        if (row.id_hash[:16] == only if only else row.id_hash != but)
    ]
    session.execute(delete(AccountSession).where(col(AccountSession.id_hash).in_(gone)))
    entry = audit.Entry("account:end_sessions", object_ref=actor.id, rule_id=str(len(gone)))
    audit.record(session, entry, actor=actor, now=now)
    return len(gone)


def _theirs(actor: Actor):  # type: ignore[no-untyped-def]  # SQLAlchemy's condition
    whose = (AccountSession.account_id, AccountSession.person_id, AccountSession.helper_id)
    return or_(*(col(column) == actor.id for column in whose))


def _actor(session: Session, account_id: str) -> Actor:
    account = session.get_one(Account, account_id)
    return Actor(id=account.id, role=account.role, org_id=account.org_id, districts=frozenset(account.districts))
