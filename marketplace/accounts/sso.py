"""Staff who come from the identity provider: which account they hold, and whether they showed a second factor there.

Enters: an `Identity` that the door has checked. Leaves: a session's token. A subject is linked to an account by an
administrator's command, never by a name or a mail address that the provider could change. Called by `views_sso`.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete
from sqlmodel import Session, col, select

from adapters.ports import Identity
from marketplace import audit
from marketplace.accounts.models import Account, AccountSession, StaffIdentity
from marketplace.accounts.service import asks_for_proof, open_for_account
from marketplace.actors import SYSTEM, Actor
from marketplace.db import flush
from marketplace.errors import BadInput, NotAllowed

SECOND = frozenset({"mfa", "otp", "sc"})
"""Methods of RFC 8176 that are a second factor; a password or a text message is not."""
HELD = frozenset({"hwk", "swk", "pop"})
"""Something that the person has: the second factor only beside something it knows or is."""
FIRST = frozenset({"pwd", "pin", "fpt", "face", "iris", "vbm"})


def link(
    session: Session, login: str, /, *, issuer: str, subject: str, actor: Actor = SYSTEM, now: datetime
) -> StaffIdentity:
    """From now on this subject of this provider is this account."""
    account = session.exec(select(Account).where(Account.login == login)).one_or_none()
    if account is None or not account.active:
        raise BadInput("login_unknown", field="login")
    if session.get(StaffIdentity, (issuer, subject)) is not None:
        raise BadInput("subject_linked", field="subject")
    row = StaffIdentity(issuer=issuer, subject=subject, account_id=account.id, created_at=now)
    session.add(row)
    flush(session)
    audit.record(session, audit.Entry("account:link", object_ref=account.id), actor=actor, now=now)
    return row


def unlink(session: Session, subject: str, /, *, issuer: str, actor: Actor = SYSTEM, now: datetime) -> None:
    """This subject of this provider is nobody here any more, and whoever came in by the provider is out."""
    row = session.get(StaffIdentity, (issuer, subject))
    if row is None:
        raise BadInput("subject_unknown", field="subject")
    theirs = (col(AccountSession.account_id) == row.account_id, col(AccountSession.method) == "sso")
    session.execute(delete(AccountSession).where(*theirs))
    session.delete(row)
    flush(session)
    audit.record(session, audit.Entry("account:unlink", object_ref=row.account_id), actor=actor, now=now)


def arrive(session: Session, identity: Identity, /, *, now: datetime) -> str:
    """A session for the account behind a checked identity; without a second factor there, or where the provider does
    not say when it was shown, one is asked for here. It is as fresh as the provider says.

    Raises NotAllowed("identity_unknown") for a subject that nobody linked and for a closed account alike.
    """
    row = session.get(StaffIdentity, (identity.issuer, identity.subject))
    account = session.get(Account, row.account_id) if row is not None else None
    if account is None or not account.active:
        raise NotAllowed("identity_unknown")
    methods = identity.methods
    two = methods & SECOND or (methods & HELD and methods & FIRST)
    pending = asks_for_proof(session) and not (two and identity.proved_at)
    proved_at = min(identity.proved_at, now) if identity.proved_at is not None else None
    return open_for_account(session, account, method="sso", pending=pending, proved_at=proved_at, now=now)
