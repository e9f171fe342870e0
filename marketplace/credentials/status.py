"""Whether a credential is still good: its place in a status list, and the list as it is at this moment.

Enters: a list's number. Leaves: the signed list. Nothing is written when a household withdraws: the list asks the
consents when it is made, so that a withdrawal shows in the very next list and nobody can forget to flip a bit.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import func
from sqlmodel import Session, col, select

from marketplace.config import Settings
from marketplace.consent.models import Consent, ConsentHead, ConsentState
from marketplace.credentials import tokens
from marketplace.credentials.models import IssuedCredential
from marketplace.credentials.status_list import REVOKED, SIZE, SUSPENDED, VALID, pack
from marketplace.errors import NotFound
from marketplace.signing import CITY, issuer_key, issuer_of

FULL = SIZE // 2
"""A list is left when half of its places are taken, so that a random place is found at once."""
LIFE_S, TTL_S = 900, 300
SAME = ("purpose", "recipient_org_id", "person_id", "data_fields", "mode", "valid_to")
"""What two versions of a consent must share for a credential of the older one to stay good (a pause that ended)."""


def address(settings: Settings, number: int) -> str:
    """Where the list of this number is fetched; it names nobody."""
    return f"{settings.base_url}/trust/status/{number}"


def free_place(session: Session) -> tuple[int, int]:
    """(list, place): random, so that neighbours in a list have nothing in common."""
    number = session.scalar(select(func.max(col(IssuedCredential.list_no)))) or 1
    taken = set(
        session.scalars(select(col(IssuedCredential.status_idx)).where(col(IssuedCredential.list_no) == number))
    )
    if len(taken) >= FULL:
        number, taken = number + 1, set()
    while True:
        place = secrets.randbelow(SIZE)
        if place not in taken:
            return number, place


def state_of(session: Session, credential: IssuedCredential, /, *, now: datetime) -> int:
    """Valid, revoked or suspended, at this moment."""
    head = session.get(ConsentHead, credential.consent_chain_id)
    return REVOKED if head is None else _state(session, credential, head, now)


def _state(session: Session, credential: IssuedCredential, head: ConsentHead, now: datetime) -> int:
    if credential.revoked_at is not None or credential.expires_at <= now or head.valid_to <= now:
        return REVOKED
    if head.state not in (ConsentState.ACTIVE, ConsentState.PAUSED) or not _same_terms(session, credential, head):
        return REVOKED
    if head.state is ConsentState.PAUSED or credential.suspended_at is not None or credential.held_at is not None:
        return SUSPENDED
    return VALID


def _same_terms(session: Session, credential: IssuedCredential, head: ConsentHead) -> bool:
    if head.version == credential.consent_version:
        return True
    then = session.get(Consent, (head.chain_id, credential.consent_version))
    today = session.get(Consent, (head.chain_id, head.version))
    return then is not None and today is not None and all(getattr(then, n) == getattr(today, n) for n in SAME)


def states(session: Session, number: int, /, *, now: datetime) -> Iterator[tuple[int, int]]:
    """(place, state) of every credential of a list that is not simply valid."""
    asked = (
        select(IssuedCredential, ConsentHead)
        .join(ConsentHead, col(ConsentHead.chain_id) == col(IssuedCredential.consent_chain_id))
        .where(col(IssuedCredential.list_no) == number)
    )
    for credential, head in session.exec(asked):
        state = _state(session, credential, head, now)
        if state != VALID:
            yield credential.status_idx, state


def newest_list(session: Session) -> int:
    """The number of the newest list; 0 while nothing was issued."""
    return session.scalar(select(func.max(col(IssuedCredential.list_no)))) or 0


def list_token(session: Session, settings: Settings, number: int, /, *, now: datetime) -> str:
    """The signed list, good for a quarter of an hour. Raises NotFound for a list in which nothing was ever placed."""
    if not 1 <= number <= newest_list(session):
        raise NotFound("status_list")
    at = int(now.timestamp())
    payload = {
        "iss": issuer_of(settings, CITY),
        "sub": address(settings, number),
        "iat": at,
        "exp": at + LIFE_S,
        "ttl": TTL_S,
        "status_list": {"bits": 2, "lst": tokens.base64url(pack(dict(states(session, number, now=now))))},
    }
    return tokens.sign(payload, typ=tokens.STATUS_LIST, key=issuer_key(settings, CITY))
