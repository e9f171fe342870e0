"""The code app as a second factor: six digits that change every half minute, each accepted once.

Enters: an account and digits. Leaves: yes or no. The secret is sealed under the platform's key; the newest accepted
step is kept, since a code that was seen over a shoulder must not work again. Called by `proving` and the security page.
"""

from __future__ import annotations

import hmac
from datetime import datetime

import pyotp
from sqlmodel import Session

from marketplace.accounts.models import Account, TotpSecret
from marketplace.db import flush
from marketplace.sealed import vault_of

STEP = 30
AROUND = (-1, 0, 1)
"""Steps of a clock that is a little off."""


def begin(session: Session, account: Account, /) -> str:
    """A new secret that counts once it is confirmed; the address that a code app reads."""
    secret = pyotp.random_base32()
    row = session.get(TotpSecret, account.id) or TotpSecret(account_id=account.id, sealed=b"")
    row.sealed, row.last_step, row.confirmed_at = _seal(session, account.id, secret), 0, None
    session.add(row)
    flush(session)
    address: str = pyotp.TOTP(secret).provisioning_uri(name=account.login, issuer_name="Shanqiao")
    return address


def confirm(session: Session, account_id: str, digits: str, /, *, now: datetime) -> bool:
    """The first right code makes the secret count."""
    row = session.get(TotpSecret, account_id)
    if row is None or row.confirmed_at is not None or not _accept(session, row, digits, now=now):
        return False
    row.confirmed_at = now
    session.add(row)
    return True


def fits(session: Session, account_id: str, digits: str, /, *, now: datetime) -> bool:
    """Whether these digits belong to a step that was not used yet."""
    row = session.get(TotpSecret, account_id)
    return row is not None and row.confirmed_at is not None and _accept(session, row, digits, now=now)


def _accept(session: Session, row: TotpSecret, digits: str, *, now: datetime) -> bool:
    secret = vault_of(session).open_blob(f"totp|{row.account_id}", row.sealed).decode()
    clock, current = pyotp.TOTP(secret, interval=STEP), int(now.timestamp()) // STEP
    for step in (current + off for off in AROUND):
        if step > row.last_step and hmac.compare_digest(clock.generate_otp(step), digits):
            row.last_step = step
            session.add(row)
            flush(session)
            return True
    return False


def _seal(session: Session, account_id: str, secret: str) -> bytes:
    return vault_of(session).seal_blob(f"totp|{account_id}", secret.encode())
