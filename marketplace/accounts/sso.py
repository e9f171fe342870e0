"""Staff who come from the identity provider: which account they hold, and whether they showed a second factor there.

Enters: an `Identity` that the door has checked. Leaves: a session's token. A subject is linked to an account by an
administrator's command, never by a name or a mail address that the provider could change. Called by `views_sso`.
"""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session, select

from adapters.ports import Identity
from marketplace import audit
from marketplace.accounts.models import Account, StaffIdentity
from marketplace.accounts.service import asks_for_proof, open_for_account
from marketplace.actors import SYSTEM, Actor
from marketplace.db import flush
from marketplace.errors import BadInput, NotAllowed

SECOND = frozenset({"mfa", "otp", "hwk", "swk", "sc", "pop"})
"""Methods of RFC 8176 that are a second factor; a password or a text message is not."""


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


def arrive(session: Session, identity: Identity, /, *, now: datetime) -> str:
    """A session for the account behind a checked identity; without a second factor there, one is asked for here.

    Raises NotAllowed("identity_unknown") for a subject that nobody linked and for a closed account alike.
    """
    row = session.get(StaffIdentity, (identity.issuer, identity.subject))
    account = session.get(Account, row.account_id) if row is not None else None
    if account is None or not account.active:
        raise NotAllowed("identity_unknown")
    pending = asks_for_proof(session) and not identity.methods & SECOND
    return open_for_account(session, account, method="sso", pending=pending, now=now)
