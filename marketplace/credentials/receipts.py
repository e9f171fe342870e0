"""Consent receipts: for every version of a consent a signed statement that the household keeps.

Enters: consents whose act stands under a witnessed checkpoint. Leaves: a JWS with the record (field codes, never a
value), the event, the row of the audit chain and its proof. The worker gives them, within a minute of the act; the
household's page shows them, and `shanqiao-verify receipt` checks them without the house.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from hashlib import sha256

from sqlmodel import Session, col, select

from marketplace import audit
from marketplace.actors import SYSTEM
from marketplace.consent.models import Consent, ConsentState
from marketplace.consent.record import record_of
from marketplace.credentials import tokens
from marketplace.credentials.models import ConsentReceipt
from marketplace.db import Database, flush
from marketplace.errors import NotFound
from marketplace.households.models import Household
from marketplace.signing import issuer_key, issuer_of
from marketplace.trail.service import newest_checkpoint, proof_of_row, settings_of, subtree_of
from marketplace.trail.tree import Subtree
from shanqiao_verify import record_hash

BATCH = 50
EVENTS = {
    ConsentState.PENDING_CHECK: "taken_with_help",
    ConsentState.PAUSED: "paused",
    ConsentState.REVOKED: "revoked",
    ConsentState.REFUSED: "refused",
    ConsentState.EXPIRED: "expired",
    ConsentState.SUPERSEDED: "superseded",
    ConsentState.REJECTED: "rejected",
    ConsentState.VOID: "voided",
}


def event_of(consent: Consent, before: Consent | None) -> str:
    """What happened, in one word: the new state, and for a living consent what became of the one before."""
    if consent.state is not ConsentState.ACTIVE:
        return EVENTS.get(consent.state, consent.state.value)[:16]
    if before is None or before.state not in (ConsentState.ACTIVE, ConsentState.PAUSED):
        return "granted"
    if before.state is ConsentState.PAUSED:
        return "resumed"
    if set(consent.data_fields) < set(before.data_fields) or set(consent.excluded_org_ids) > set(
        before.excluded_org_ids
    ):
        return "narrowed"
    return "renewed" if consent.valid_to > before.valid_to else "changed"


def give(session: Session, consent: Consent, /, *, now: datetime, below: Subtree | None = None) -> ConsentReceipt:
    """Write the receipt of one version. Raises WrongState while no checkpoint covers its act."""
    household = session.get(Household, consent.household_id)
    if household is None:
        raise NotFound("household")
    settings = settings_of(session)
    before = session.get(Consent, (consent.chain_id, consent.version - 1)) if consent.version > 1 else None
    event, record = event_of(consent, before), record_of(consent)
    payload = {
        "iss": issuer_of(settings, household.district_code),
        "iat": int(now.timestamp()),
        "event": event,
        "record": record,
        "record_sha256": record_hash(record),
        "proof": proof_of_row(session, consent.audit_seq, below=below),
    }
    jws = tokens.sign(payload, typ=tokens.RECEIPT, key=issuer_key(settings, household.district_code))
    receipt = ConsentReceipt(
        chain_id=consent.chain_id,
        version=consent.version,
        household_id=consent.household_id,
        event=event,
        made_at=now,
        sha256=sha256(jws.encode()).hexdigest(),
        jws=jws,
    )
    session.add(receipt)
    flush(session)
    return receipt


def due(session: Session, *, limit: int = BATCH, household_id: str = "") -> list[Consent]:
    """Versions of consents that have no receipt yet and whose act a checkpoint covers, newest first."""
    checkpoint = newest_checkpoint(session)
    if checkpoint is None:
        return []
    asked = (
        select(Consent)
        .outerjoin(
            ConsentReceipt,
            (col(ConsentReceipt.chain_id) == col(Consent.chain_id))
            & (col(ConsentReceipt.version) == col(Consent.version)),
        )
        .where(col(ConsentReceipt.chain_id).is_(None), col(Consent.audit_seq) <= checkpoint.size)
        .order_by(col(Consent.audit_seq).desc())
        .limit(limit)
    )
    if household_id:
        asked = asked.where(col(Consent.household_id) == household_id)
    return list(session.exec(asked))


def give_due(session: Session, *, now: datetime, limit: int = BATCH, household_id: str = "") -> int:
    """Give the receipts that are due; return how many. One act of the chain tells of all of them."""
    waiting = due(session, limit=limit, household_id=household_id)
    below = lru_cache(maxsize=4096)(subtree_of(session))
    for consent in waiting:
        give(session, consent, now=now, below=below)
    if waiting:
        entry = audit.Entry("receipt:give", rule_id="checkpoint_covers", body={"receipts": len(waiting)})
        audit.record(session, entry, actor=SYSTEM, now=now)
    return len(waiting)


class Desk:
    """Gives receipts between the jobs: a batch at a time, and nothing until there is a newer checkpoint."""

    def __init__(self, database: Database, *, clock: Callable[[], datetime]) -> None:
        self._database, self._clock = database, clock
        self._done, self._pause = 0, datetime.min.replace(tzinfo=UTC)

    def __call__(self) -> None:
        """One batch, if one is due."""
        now = self._clock()
        if now < self._pause:
            return
        self._pause = now + timedelta(seconds=2)
        with self._database.reading() as session:
            checkpoint = newest_checkpoint(session)
            size = checkpoint.size if checkpoint else 0
            if size == self._done or not due(session, limit=1):
                self._done = size
                return
        with self._database.transaction() as session:
            give_due(session, now=now)


def list_of_household(session: Session, household_id: str, /) -> list[ConsentReceipt]:
    """Every receipt of the household, newest first."""
    asked = select(ConsentReceipt).where(col(ConsentReceipt.household_id) == household_id)
    order = (col(ConsentReceipt.made_at).desc(), col(ConsentReceipt.chain_id), col(ConsentReceipt.version).desc())
    return list(session.exec(asked.order_by(*order)))


def find_by_hash(session: Session, digest: str, /) -> ConsentReceipt | None:
    """The receipt with this fingerprint: who has it has the receipt, or its QR code."""
    return session.exec(select(ConsentReceipt).where(col(ConsentReceipt.sha256) == digest)).first()
