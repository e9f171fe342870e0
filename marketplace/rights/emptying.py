"""What proves a yes goes when its time is over, while the person lives: the body is emptied, the row and its hash stay.

Enters: the clock and how many days things are kept after they are over. Leaves: no document of a consent, no text that
was read out and no letter older than that; one act for each in the log, so that a body taken away by anybody else is
found. Called by the nightly eraser.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from marketplace import audit
from marketplace.actors import SYSTEM
from marketplace.answers.models import OfferCode
from marketplace.consent.models import ConsentEvidence, ConsentHead
from marketplace.db import flush
from marketplace.readback.models import ReadBack

AT_ONCE = 500
EMPTY = "paper:empty"


def empty_due(session: Session, /, *, keep_days: int, now: datetime, most: int = AT_ONCE) -> int:
    """Empty what is due, the oldest first; return how many rows."""
    before = now - timedelta(days=keep_days)
    return _documents(session, before, now=now, most=most) + _texts(session, before, now=now, most=most)


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


def _emptied(
    session: Session, row: ConsentEvidence | ReadBack | OfferCode, *, household_id: str, now: datetime
) -> None:
    session.add(row)
    flush(session)
    entry = audit.Entry(EMPTY, object_ref=row.id, subject=household_id, rule_id=type(row).__tablename__)
    audit.record(session, entry, actor=SYSTEM, now=now)
