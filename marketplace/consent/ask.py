"""Asking about consent: which one is the newest, is it alive, whom does it let see. Nothing is changed here.

Enters: a household, a purpose and a recipient. Leaves: a head, a version, or ConsentMissing with the reason.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import bindparam
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from marketplace.consent.models import Consent, ConsentHead, ConsentState, Purpose
from marketplace.errors import ConsentMissing, NotFound

REFUSED_PAUSE = timedelta(days=90)
"""A refused request is not made again for this long."""
HOLDING = (ConsentState.ACTIVE, ConsentState.PAUSED)
"""What a household said yes to itself, or what a call-back confirmed; it may rest."""
LIVING = (ConsentState.PENDING_CHECK, *HOLDING)
_HEAD = select(ConsentHead).where(col(ConsentHead.chain_id) == bindparam("chain")).with_for_update()
_HEAD = _HEAD.execution_options(populate_existing=True)
"""Built once: every look and every change asks it."""


def find_head(
    session: Session, household_id: str, /, *, purpose: str, org_id: str = "", match_id: str = ""
) -> ConsentHead | None:
    """The living chain of this household, purpose, recipient and match (there is one at most), else one that waits for
    its call-back, else the newest."""
    state = col(ConsentHead.state)
    first = (state.in_(HOLDING).desc(), state.in_(LIVING).desc(), col(ConsentHead.valid_from).desc())
    statement = _of(household_id, purpose=purpose, org_id=org_id, match_id=match_id)
    return session.exec(statement.order_by(*first, col(ConsentHead.chain_id))).first()


def kept_out(session: Session, household_id: str, /) -> set[str]:
    """Organisations that a living yes to being matched leaves out; also where it rests, or waits for its call-back."""
    heads = living_heads(session, household_id, purpose=Purpose.AUTO_MATCH)
    return {org_id for head in heads for org_id in newest(session, head).excluded_org_ids}


def living_heads(
    session: Session, household_id: str, /, *, purpose: str, org_id: str = "", match_id: str = ""
) -> list[ConsentHead]:
    """The one that holds, and the one that waits for its call-back, as far as there are any."""
    statement = _of(household_id, purpose=purpose, org_id=org_id, match_id=match_id)
    living = statement.where(col(ConsentHead.state).in_(LIVING))
    return list(session.exec(living.order_by(col(ConsentHead.chain_id))))


def _of(household_id: str, *, purpose: str, org_id: str, match_id: str) -> SelectOfScalar[ConsentHead]:
    return (
        select(ConsentHead)
        .where(col(ConsentHead.household_id) == household_id, col(ConsentHead.purpose) == Purpose(purpose))
        .where(col(ConsentHead.recipient_org_id) == org_id, col(ConsentHead.match_id) == match_id)
    )


def lock_head(session: Session, chain_id: str) -> ConsentHead:
    """The head, locked until the transaction ends, read anew."""
    head = session.exec(_HEAD, params={"chain": chain_id}).one_or_none()
    if head is None:
        raise NotFound("consent")
    return head


def newest(session: Session, head: ConsentHead) -> Consent:
    """The newest version of a chain."""
    consent = session.get(Consent, (head.chain_id, head.version))
    if consent is None:
        raise NotFound("consent")
    return consent


def is_alive(head: ConsentHead | None, now: datetime) -> bool:
    """Whether this consent permits anything at this moment; expiry is computed here, not waited for."""
    return head is not None and head.state is ConsentState.ACTIVE and head.valid_from <= now < head.valid_to


def was_refused_lately(
    session: Session, household_id: str, /, *, purpose: str, now: datetime, org_id: str | None = None
) -> bool:
    """Whether the household said no to this purpose (and recipient) within 90 days and has not said yes since; what was
    found to be never said counts for neither."""
    rows = select(Consent.state).where(
        col(Consent.household_id) == household_id,
        col(Consent.purpose) == Purpose(purpose),
        col(Consent.state).in_((ConsentState.REFUSED, ConsentState.ACTIVE)),
        col(Consent.state_at) > now - REFUSED_PAUSE,
        col(Consent.chain_id).not_in(select(ConsentHead.chain_id).where(col(ConsentHead.state) == ConsentState.VOID)),
    )
    if org_id is not None:
        rows = rows.where(col(Consent.recipient_org_id) == org_id)
    last = session.exec(rows.order_by(col(Consent.state_at).desc(), col(Consent.audit_seq).desc()).limit(1)).first()
    return last is ConsentState.REFUSED


def living_auto_match(session: Session, household_id: str, /, *, org_id: str, now: datetime) -> Consent:
    """The living AUTO_MATCH consent that does not exclude this organisation, locked; else ConsentMissing."""
    head = find_head(session, household_id, purpose=Purpose.AUTO_MATCH)
    if head is not None:
        head = lock_head(session, head.chain_id)
    if head is None or not is_alive(head, now):
        raise ConsentMissing("no_auto_match")
    consent = newest(session, head)
    if org_id in consent.excluded_org_ids:
        raise ConsentMissing("organisation_excluded")
    return consent


def all_auto_match(session: Session, *, now: datetime) -> dict[str, tuple[str, int, frozenset[str]]]:
    """Household ► (chain, version, excluded organisations) of every living AUTO_MATCH consent; one query."""
    statement = (
        select(Consent.household_id, Consent.chain_id, Consent.version, Consent.excluded_org_ids)
        .join(
            ConsentHead,
            (col(ConsentHead.chain_id) == col(Consent.chain_id)) & (col(ConsentHead.version) == col(Consent.version)),
        )
        .where(col(ConsentHead.purpose) == Purpose.AUTO_MATCH, col(ConsentHead.state) == ConsentState.ACTIVE)
        .where(col(ConsentHead.valid_from) <= now, col(ConsentHead.valid_to) > now)
    )
    return {row[0]: (row[1], row[2], frozenset(row[3])) for row in session.exec(statement)}


def auto_match_of(session: Session, household_id: str, /, *, now: datetime) -> tuple[str, int, frozenset[str]] | None:
    """What `all_auto_match` holds of one household; it has few consents, so they are read and sifted here."""
    heads = session.exec(select(ConsentHead).where(col(ConsentHead.household_id) == household_id)).all()
    for head in heads:
        if head.purpose is Purpose.AUTO_MATCH and is_alive(head, now):
            return head.chain_id, head.version, frozenset(newest(session, head).excluded_org_ids)
    return None


def list_of_household(session: Session, household_id: str, /) -> list[Consent]:
    """The newest version of every chain of the household, newest first."""
    statement = (
        select(Consent)
        .join(
            ConsentHead,
            (col(ConsentHead.chain_id) == col(Consent.chain_id)) & (col(ConsentHead.version) == col(Consent.version)),
        )
        .where(col(Consent.household_id) == household_id)
        .order_by(col(Consent.state_at).desc(), col(Consent.chain_id))
    )
    return list(session.exec(statement))
