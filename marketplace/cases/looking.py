"""Staff look at what an application is decided on: the photos that were handed in.

Enters: an item and an officer of its district who is not close to the household. Leaves: a picture, opened after an
audit row that the household finds under "who saw what"; and whether a photo fits, said by somebody who looked at it and
did not hand it in. A bill counts only then. Called by `views_looks`, and by `needs` which counts bills.
"""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session, col, select

from marketplace import audit
from marketplace.actors import Actor
from marketplace.cases import steps
from marketplace.cases.models import Case, CaseItem, CasePaper, PaperKind
from marketplace.cases.models_papers import PaperCheck
from marketplace.cases.papers import COLUMN, papers_case_ids, was_opened
from marketplace.db import flush
from marketplace.errors import NotAllowed, NotFound, WrongState
from marketplace.households import kin
from marketplace.policy import require
from marketplace.sealed import vault_of

UPLOADS = (PaperKind.ID_PHOTO, PaperKind.BILL)
LOOK = "case:upload_look"


def list_uploads(session: Session, case: Case, /) -> list[tuple[CasePaper, PaperCheck | None]]:
    """The photos that lie with an application, the newest first, and what was found; the pictures stay sealed."""
    wanted = select(CasePaper, PaperCheck).outerjoin(PaperCheck, col(PaperCheck.paper_id) == col(CasePaper.id))
    wanted = wanted.where(col(CasePaper.case_id).in_(papers_case_ids(session, case)), col(CasePaper.kind).in_(UPLOADS))
    return list(session.exec(wanted.order_by(col(CasePaper.recorded_at).desc(), col(CasePaper.id))))


def count_fitting(session: Session, case: Case, /) -> int:
    """How many bills somebody has looked at and found to fit."""
    found = list_uploads(session, case)
    return sum(paper.kind is PaperKind.BILL and check is not None and check.fits for paper, check in found)


def look(session: Session, item_id: str, paper_id: str, /, *, actor: Actor, now: datetime) -> tuple[CasePaper, str]:
    """The photo as base64 for who may decide on it; empty after erasure. The look is written down first."""
    item, paper = _upload(session, item_id, paper_id, actor=actor)
    entry = audit.Entry(LOOK, object_ref=paper.id, subject=item.household_id, rule_id=paper.kind.value)
    audit.record(session, entry, actor=actor, now=now)
    return paper, vault_of(session).open_if_kept(session, paper.person_id, column=COLUMN, sealed=paper.body)


def judge(session: Session, item_id: str, paper_id: str, /, *, fits: bool, actor: Actor, now: datetime) -> PaperCheck:
    """It fits, or it does not: said by who looked at it; never by who handed it in."""
    item, paper = _upload(session, item_id, paper_id, actor=actor)
    require(actor, "case:handle", district=item.district_code)
    if paper.recorded_by in actor.people:
        raise NotAllowed("second_person_needed")
    if not was_opened(session, LOOK, paper.id, actor=actor):
        raise WrongState("paper_not_opened")
    row = session.get(PaperCheck, paper.id)
    if row is None:
        row = PaperCheck(paper_id=paper.id, fits=fits, checked_by=actor.id, checked_at=now)
    row.fits, row.checked_by, row.checked_at = fits, actor.id, now
    session.add(row)
    flush(session)
    decided, kind = "fits" if fits else "does_not_fit", paper.kind.value
    entry = audit.Entry(
        "case:paper_check", object_ref=paper.id, subject=item.household_id, rule_id=kind, decision=decided
    )
    audit.record(session, entry, actor=actor, now=now)
    return row


def _upload(session: Session, item_id: str, paper_id: str, *, actor: Actor) -> tuple[CaseItem, CasePaper]:
    """An item and a photo of its application; one of another application looks missing."""
    item = steps.get_item(session, item_id)
    require(actor, "case:look", district=item.district_code)
    case, paper = session.get_one(Case, item.case_id), session.get(CasePaper, paper_id)
    if paper is None or paper.kind not in UPLOADS or paper.case_id not in papers_case_ids(session, case):
        raise NotFound("paper")
    kin.refuse_close(session, item.household_id, actor=actor)
    return item, paper
