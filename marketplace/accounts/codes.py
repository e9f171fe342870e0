"""Codes for households and helpers: six digits to a telephone, which open it once within ten minutes.

Enters: a phone's index, later what somebody typed. Leaves: a code's row, its digits for the letter, or whether these
fit. No digits are stored. Called by every way in by telephone and by survival checks.
"""

from __future__ import annotations

import hmac
from datetime import datetime, timedelta

from sqlalchemy import delete
from sqlmodel import Session, col, select

from adapters.ports import WillNeverWork
from marketplace.accounts import limits
from marketplace.accounts.models import SignInCode
from marketplace.db import flush, new_id
from marketplace.notices import TOO_LATE
from marketplace.sealed import vault_of

CODE_LIFE = timedelta(minutes=10)
CODE_TRIES = 5
LONGEST_PAUSE = timedelta(hours=1)
"""Anybody may ask for codes to somebody else's number, so that lock stays short; the one for wrong digits grows."""
REACHES = "code"


def new_code(session: Session, phone_index: str, /, *, network: str, now: datetime) -> SignInCode:
    """A code for a phone; older codes of the phone are worthless from now on."""
    limits.count(session, f"code:{phone_index}", now=now, most=CODE_TRIES, longest=LONGEST_PAUSE)
    limits.count_network(session, "network", network, now=now)
    session.execute(delete(SignInCode).where(col(SignInCode.phone_index) == phone_index))
    code = SignInCode(id=new_id(), phone_index=phone_index, expires_at=now + CODE_LIFE)
    session.add(code)
    flush(session)
    return code


def goes_to(session: Session, code: SignInCode, phone: str, /) -> None:
    """Keep the number of somebody who is nobody's here yet beside the code, for the letter alone."""
    code.reaches = vault_of(session).seal_blob(REACHES, phone.encode())
    session.add(code)


def number_of(session: Session, code_id: str, /) -> str:
    """The number that was kept so; empty where there is none."""
    code = session.get(SignInCode, code_id)
    if code is None or code.reaches is None:
        return ""
    return vault_of(session).open_blob(REACHES, code.reaches).decode()


def code_text(session: Session, code_id: str, /) -> str:
    """The six digits that belong to a code's id; only the message's sender and the check below ask for them."""
    return f"{int(vault_of(session).index('sign-in-code', code_id)[:12], 16) % 10**6:06d}"


def code_to_send(session: Session, code_id: str, /, *, now: datetime) -> str:
    """The digits for the letter; WillNeverWork("too_late") once the code is used, replaced by a newer one or too old: a
    letter that brings a dead code misleads its reader."""
    code = session.get(SignInCode, code_id)
    if code is None or code.used or now >= code.expires_at:
        raise WillNeverWork("This code is no good any more.", code=TOO_LATE)
    return code_text(session, code_id)


def code_fits(session: Session, phone_index: str, typed: str, /, *, code_id: str | None = None, now: datetime) -> bool:
    """Whether these digits are the phone's living code; each wrong try counts, a right one is used up.

    With `code_id` only the browser that asked for this very code may use it. Raises NotAllowed("too_many_tries") after
    ten wrong digits for one phone, for a time that grows.
    """
    code = session.exec(select(SignInCode).where(SignInCode.phone_index == phone_index)).one_or_none()
    if code is None or code.used or now >= code.expires_at or code.tries >= CODE_TRIES:
        return False
    if code_id is not None and code.id != code_id:
        return False
    limits.count(session, f"digits:{phone_index}", now=now)
    code.tries += 1
    right = hmac.compare_digest(code_text(session, code.id), typed)
    code.used = right
    if right:
        limits.clear(session, f"digits:{phone_index}")
        limits.clear(session, f"code:{phone_index}")
    session.add(code)
    flush(session)
    return right
