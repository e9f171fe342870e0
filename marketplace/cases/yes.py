"""What a yes to an item needs, asked at the moment of the decision.

Enters: an item, the step at which it is decided, and what whoever decides has written. Leaves: nothing, or the sentence
that says what is missing; nothing of the item is changed here. Called by `outcome`.
"""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session

from marketplace.actors import Actor
from marketplace.calendar import local_day
from marketplace.cases import ahead, aided, elsewhere, once
from marketplace.cases.amounts import fast_aid_cap, says
from marketplace.cases.evaluate import classes_in
from marketplace.cases.models import Case, CaseItem, CaseStep
from marketplace.cases.service import facts_of
from marketplace.errors import BadInput
from marketplace.liveness.dead import is_told_dead
from marketplace.policy import may

ON_PAPER = "department_answer"


def check(
    session: Session, item: CaseItem, step: CaseStep, /, *, amount_fen: int, found: str, note: str, now: datetime
) -> None:
    """Nothing of the same kind that runs, a living person, an amount, with its reason where no table gives one, a
    class."""
    if step.code != ON_PAPER and once.granted_besides(session, item, on=local_day(now)) is not None:
        raise BadInput("granted_already", field="verdict")
    if is_told_dead(session, session.get_one(Case, item.case_id).subject_id):
        raise BadInput("told_dead", field="verdict")
    if not amount_fen and ahead.before_payment(item, step):
        raise BadInput("amount_missing", field="amount_fen")
    if step.code == "fast_aid":
        _within_cap(session, item, amount_fen, now=now)
    if not note.strip() and _no_table(session, item, now=now):
        raise BadInput("amount_reason_missing", field="note")
    classes = classes_in(item.code)
    if classes and found not in classes:
        raise BadInput("class_missing", field="found")


def is_aided(session: Session, item: CaseItem, /, *, now: datetime) -> bool:
    """Whether the same person had temporary aid for the same cause this year, here or as the ledger knows."""
    return aided.aided_already(session, item, now=now) or elsewhere.list_aided(session, item, now=now) != []


def allow_again(note: str, /, *, actor: Actor) -> None:
    """The county may allow more than once a year, and says why."""
    if not may(actor, "case:decide").allow:
        raise BadInput("county_decides", field="verdict")
    if not note.strip():
        raise BadInput("aided_this_year", field="note")


def _no_table(session: Session, item: CaseItem, *, now: datetime) -> bool:
    on = local_day(now)
    return says(item, facts_of(session, session.get_one(Case, item.case_id), on=on), on=on).silent


def _within_cap(session: Session, item: CaseItem, amount_fen: int, *, now: datetime) -> None:
    case = session.get_one(Case, item.case_id)
    on = local_day(now)
    cap = fast_aid_cap(facts_of(session, case, on=on), district=item.district_code, on=on)
    if not 0 < amount_fen <= cap:
        raise BadInput("above_cap", field="amount", cap_fen=cap)
