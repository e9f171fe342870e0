"""Passkeys as a second factor: enrolled, used and removed by their holder.

Enters: an account's session and what the browser's key answered. Leaves: options for the browser, rows, yes or no. Each
challenge belongs to one session and one purpose, lives two minutes and works once; an answer must come from this site's
own address, with the user verified, and its counter must not go back. Called by `proving` and the security page.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from sqlmodel import Session, col, select
from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    options_to_json,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url, generate_challenge
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from marketplace.accounts.models import Account, Challenge, Passkey
from marketplace.db import flush

if TYPE_CHECKING:
    from marketplace.config import Settings

LIFE = timedelta(minutes=2)
REFUSED = (WebAuthnException, ValueError, KeyError, TypeError, AttributeError, IndexError, UnicodeError, OverflowError)
"""What a hostile answer can end in: all of it is one no."""
MOST = 10


def list_passkeys(session: Session, account_id: str, /) -> list[Passkey]:
    """An account's keys, the oldest first."""
    mine = select(Passkey).where(col(Passkey.account_id) == account_id)
    return list(session.exec(mine.order_by(col(Passkey.created_at), col(Passkey.id))))


def enrol_options(session: Session, account: Account, session_hash: str, /, *, now: datetime) -> str:
    """What the browser needs to make a key for this site, as JSON."""
    options = generate_registration_options(
        rp_id=_host(session),
        rp_name="Shanqiao",
        user_id=account.id.encode(),
        user_name=account.login,
        challenge=_challenge(session, session_hash, "enrol", now=now),
        exclude_credentials=_known(session, account.id),
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.PREFERRED, user_verification=UserVerificationRequirement.REQUIRED
        ),
    )
    return options_to_json(options)


def enrol(
    session: Session, account_id: str, session_hash: str, /, *, answer: str, label: str, now: datetime
) -> Passkey | None:
    """Keep the new key if everything about it is as asked; else nothing."""
    challenge = _take(session, session_hash, "enrol", now=now)
    if challenge is None or len(list_passkeys(session, account_id)) >= MOST:
        return None
    try:
        made = verify_registration_response(
            credential=_read(answer),
            expected_challenge=challenge,
            expected_rp_id=_host(session),
            expected_origin=_origin(session),
            require_user_verification=True,
        )
    except REFUSED:
        return None
    key_id = bytes_to_base64url(made.credential_id)
    if len(key_id) > 400 or session.get(Passkey, key_id) is not None:
        return None
    values: dict[str, Any] = {"public_key": made.credential_public_key, "sign_count": made.sign_count}
    key = Passkey(id=key_id, account_id=account_id, label=label[:64], created_at=now, **values)
    session.add(key)
    flush(session)
    return key


def sign_options(session: Session, account_id: str, session_hash: str, /, *, now: datetime) -> str:
    """What the browser needs to sign with one of the account's keys, as JSON."""
    options = generate_authentication_options(
        rp_id=_host(session),
        challenge=_challenge(session, session_hash, "prove", now=now),
        allow_credentials=_known(session, account_id),
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    return options_to_json(options)


def signed(session: Session, account_id: str, session_hash: str, /, *, answer: str, now: datetime) -> bool:
    """Whether one of this account's own keys signed this session's challenge just now."""
    challenge = _take(session, session_hash, "prove", now=now)
    if challenge is None:
        return False
    try:
        given = _read(answer)
        key = session.get(Passkey, str(given["id"]))
        if key is None or key.account_id != account_id:
            return False
        seen = verify_authentication_response(
            credential=given,
            expected_challenge=challenge,
            expected_rp_id=_host(session),
            expected_origin=_origin(session),
            credential_public_key=key.public_key,
            credential_current_sign_count=key.sign_count,
            require_user_verification=True,
        )
    except REFUSED:
        return False
    key.sign_count, key.used_at = seen.new_sign_count, now
    session.add(key)
    return True


def _challenge(session: Session, session_hash: str, purpose: str, *, now: datetime) -> bytes:
    row = session.get(Challenge, session_hash)
    row = row or Challenge(session_hash=session_hash, purpose=purpose, nonce=b"", expires_at=now)
    row.purpose, row.nonce, row.expires_at = purpose, generate_challenge(), now + LIFE
    session.add(row)
    flush(session)
    return row.nonce


def _take(session: Session, session_hash: str, purpose: str, *, now: datetime) -> bytes | None:
    """The session's living challenge; gone from now on, whatever becomes of the answer."""
    row = session.get(Challenge, session_hash)
    if row is None:
        return None
    nonce = row.nonce if row.purpose == purpose and now < row.expires_at else None
    session.delete(row)
    flush(session)
    return nonce


def _known(session: Session, account_id: str) -> list[PublicKeyCredentialDescriptor]:
    return [PublicKeyCredentialDescriptor(base64url_to_bytes(key.id)) for key in list_passkeys(session, account_id)]


def _read(answer: str) -> dict[str, Any]:
    if len(answer) > 20_000:
        raise ValueError("too long")
    given = json.loads(answer)
    if not isinstance(given, dict):
        raise TypeError("not an object")
    return given


def _origin(session: Session) -> str:
    settings: Settings = session.info["settings"]
    return settings.base_url


def _host(session: Session) -> str:
    return urlsplit(_origin(session)).hostname or ""
