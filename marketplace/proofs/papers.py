"""Numbers of donation receipts and invoices: stored, never issued (R1.24).

Enters: a number that the giver's own system or the finance authority issued. Leaves: a `Paper`, once for each giver and
kind of paper; the same number again is refused with the row it already stands in. One that was mistyped or voided is
struck with a reason, and its number can be kept anew. Called by the givers' pages.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from sqlmodel import Session, col, func, select

from marketplace import audit
from marketplace.actors import Actor
from marketplace.calendar import local_day
from marketplace.db import flush, new_id
from marketplace.errors import BadInput, Conflict, NotFound
from marketplace.offers.models import Offer
from marketplace.policy import require
from marketplace.proofs.models import Paper, PaperKind
from marketplace.reference.words import list_codes

LONGEST = 32


@dataclass(frozen=True, slots=True)
class PaperFacts:
    """What the giver types in from the paper."""

    kind: PaperKind
    number: str
    amount_fen: int
    issued_on: date
    offer_id: str | None = None


def tidy(number: str, /) -> str:
    """A number as it is compared: capitals, no spaces.

    >>> tidy(" cq 2026-0001 ")
    'CQ2026-0001'
    """
    return "".join(number.split()).upper()


def sound_number(number: str, /) -> str:
    """The number as it is kept; BadInput `paper_number` for what no paper carries."""
    kept = tidy(number)
    if not 4 <= len(kept) <= LONGEST or not kept.replace("-", "").isalnum():
        raise BadInput("paper_number", field="number")
    return kept


def store(session: Session, facts: PaperFacts, /, *, actor: Actor, now: datetime) -> Paper:
    """Keep one number. Conflict `paper_known` with the day and amount it was stored with, if it is there already."""
    require(actor, "paper:store", org_id=actor.org_id)
    number = sound_number(facts.number)
    if facts.issued_on > local_day(now):
        raise BadInput("date_in_future", field="issued_on")
    offer = session.get(Offer, facts.offer_id) if facts.offer_id else None
    if facts.offer_id and (offer is None or offer.org_id != actor.org_id):
        raise NotFound("offer")
    known = find(session, actor.org_id or "", kind=facts.kind, number=number)
    if known is not None:
        raise Conflict("paper_known", day=known.issued_on.isoformat(), fen=known.amount_fen)
    paper = Paper(
        id=new_id(),
        org_id=actor.org_id or "",
        offer_id=facts.offer_id or None,
        kind=facts.kind,
        number=number,
        amount_fen=facts.amount_fen,
        issued_on=facts.issued_on,
        recorded_by=actor.id,
        recorded_at=now,
    )
    session.add(paper)
    flush(session)
    entry = audit.Entry("paper:store", object_ref=paper.id, decision=paper.kind.value, body={"fen": paper.amount_fen})
    audit.record(session, entry, actor=actor, now=now)
    return paper


def get_standing(session: Session, paper_id: str, /, *, actor: Actor, lock: bool = False) -> Paper:
    """The giver's paper, unless it is struck; another giver's looks like a missing one."""
    paper = session.get(Paper, paper_id, with_for_update=True if lock else None, populate_existing=lock)
    if paper is None or paper.struck_at is not None:
        raise NotFound("paper")
    require(actor, "paper:store", org_id=paper.org_id)
    return paper


def strike(session: Session, paper_id: str, /, *, reason_code: str, actor: Actor, now: datetime) -> Paper:
    """It was mistyped, or voided where it was issued: it counts nowhere any more, and its number is free. What a
    published report says of it stands until a new version is counted."""
    paper = get_standing(session, paper_id, actor=actor, lock=True)
    if reason_code not in list_codes("paper_strike"):
        raise BadInput("not_in_list", field="reason_code")
    paper.struck_reason, paper.struck_by, paper.struck_at = reason_code, actor.id, now
    session.add(paper)
    flush(session)
    entry = audit.Entry("paper:strike", object_ref=paper.id, rule_id=reason_code, body={"fen": paper.amount_fen})
    audit.record(session, entry, actor=actor, now=now)
    return paper


def find(session: Session, org_id: str, /, *, kind: PaperKind, number: str) -> Paper | None:
    """The giver's paper of this kind and number."""
    statement = select(Paper).where(col(Paper.org_id) == org_id, col(Paper.kind) == kind)
    statement = statement.where(col(Paper.struck_at).is_(None))
    return session.exec(statement.where(col(Paper.number) == tidy(number))).first()


def list_papers(session: Session, /, *, actor: Actor, offset: int = 0, size: int = 25) -> tuple[list[Paper], int]:
    """The giver's papers, the newest first, and how many there are."""
    require(actor, "paper:list", org_id=actor.org_id)
    wanted = select(Paper).where(col(Paper.org_id) == actor.org_id)
    total = session.exec(select(func.count()).select_from(wanted.subquery())).one()
    ordered = wanted.order_by(col(Paper.issued_on).desc(), col(Paper.number), col(Paper.id))
    return list(session.exec(ordered.offset(offset).limit(size))), total
