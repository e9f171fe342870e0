"""What proves a yes goes when its time is over, while the person lives: the body is emptied, the row and its hash stay.

Enters: the clock and how many days things are kept after they are over. Leaves: no document of a consent, no text that
was read out and no letter older than that, and no proof of a delivery after the day until which its consent let its
giver keep anything; one act for each in the log, so that a body taken away by anybody else is found. Called by the
nightly eraser.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import exists, literal
from sqlmodel import Session, col, select

from marketplace import audit
from marketplace.actors import SYSTEM
from marketplace.answers.models import OfferCode
from marketplace.appeals.models import Appeal, AppealState
from marketplace.consent.ask import LIVING
from marketplace.consent.models import Consent, ConsentEvidence, ConsentHead, Purpose
from marketplace.db import flush
from marketplace.decisions.models import RUNNING, FollowUp, Match
from marketplace.proofs.models import Proof
from marketplace.readback.models import ReadBack

AT_ONCE = 500
EMPTY = "paper:empty"


def empty_due(session: Session, /, *, keep_days: int, now: datetime, most: int = AT_ONCE) -> int:
    """Empty what is due, the oldest first; return how many rows."""
    before = now - timedelta(days=keep_days)
    done = _documents(session, before, now=now, most=most) + _texts(session, before, now=now, most=most)
    return done + _proofs(session, now=now, most=most)


def _documents(session: Session, before: datetime, *, now: datetime, most: int) -> int:
    """The clock of a document begins where the consent's period ends, also where it was withdrawn before."""
    over = select(ConsentEvidence, ConsentHead.household_id).join(
        ConsentHead, col(ConsentHead.chain_id) == col(ConsentEvidence.chain_id)
    )
    due = over.where(
        col(ConsentEvidence.body).is_not(None),
        col(ConsentHead.valid_to) <= before,
    )
    found = session.exec(due.order_by(col(ConsentEvidence.recorded_at), col(ConsentEvidence.id)).limit(most)).all()
    for row, home in found:
        row.body = None
        _emptied(session, row, household_id=home, now=now)
    return len(found)


def _texts(session: Session, before: datetime, *, now: datetime, most: int) -> int:
    done = 0
    readings = select(ReadBack).where(col(ReadBack.script).is_not(None), col(ReadBack.read_at) <= before)
    for reading in session.exec(readings.order_by(col(ReadBack.read_at), col(ReadBack.id)).limit(most)).all():
        reading.script = None
        _emptied(session, reading, household_id=reading.household_id, now=now)
        done += 1
    letters = select(OfferCode).where(col(OfferCode.script).is_not(None), col(OfferCode.ends_at) <= before)
    for letter in session.exec(letters.order_by(col(OfferCode.ends_at), col(OfferCode.id)).limit(most)).all():
        letter.script = None
        _emptied(session, letter, household_id=letter.household_id, now=now)
        done += 1
    return done


def _proofs(session: Session, *, now: datetime, most: int) -> int:
    """Photos, names and slips of deliveries. What somebody still argues about, and what the household lets be shown in
    public, stays until that has ended."""
    to_delete = exists().where(
        col(ConsentHead.chain_id) == col(Match.consent_chain_id),
        col(Consent.chain_id) == col(ConsentHead.chain_id),
        col(Consent.version) == col(ConsentHead.version),
        col(Consent.erase_at) <= now,
    )
    complaint = exists().where(
        col(FollowUp.match_id) == col(Match.id), col(FollowUp.complaint).is_(True), col(FollowUp.settled_at).is_(None)
    )
    appeal = exists().where(
        col(Appeal.object_ref) == literal("match:") + col(Match.id), col(Appeal.state) == AppealState.OPEN
    )
    shown = exists().where(
        col(ConsentHead.match_id) == col(Match.id),
        col(ConsentHead.purpose) == Purpose.PUBLICITY,
        col(ConsentHead.state).in_(LIVING),
        col(ConsentHead.valid_to) > now,
    )
    over = select(Proof, Match.household_id).join(Match, col(Match.id) == col(Proof.match_id))
    due = over.where(
        col(Proof.body).is_not(None), col(Match.state).not_in(RUNNING), to_delete, ~complaint, ~appeal, ~shown
    )
    found = session.exec(due.order_by(col(Proof.recorded_at), col(Proof.id)).limit(most)).all()
    for row, home in found:
        row.body = None
        _emptied(session, row, household_id=home, now=now)
    return len(found)


def _emptied(
    session: Session, row: ConsentEvidence | ReadBack | OfferCode | Proof, *, household_id: str, now: datetime
) -> None:
    session.add(row)
    flush(session)
    entry = audit.Entry(EMPTY, object_ref=row.id, subject=household_id, rule_id=str(type(row).__tablename__))
    audit.record(session, entry, actor=SYSTEM, now=now)
