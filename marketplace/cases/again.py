"""A refusal that turned out to be wrong: the deciding step begins once more, for somebody who did not decide.

Enters: an item against whose refusal an appeal was right. Leaves: the item running at its last step with a new limit,
its case open again, and what fell with the refusal waiting for it. What a department of its own decided is not begun
here. Called by `appeals`.
"""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session, col, select

from marketplace.actors import Actor
from marketplace.cases import days, steps
from marketplace.cases.models import Case, CaseItem, CaseState, CaseStep, ItemState
from marketplace.cases.rules import StepRule
from marketplace.db import flush

OURS = ("confirm", "fast_aid")


def decide_again(session: Session, item_id: str, /, *, actor: Actor, now: datetime) -> bool:
    """Whether the item waits for a new decision now; what was granted, or is another department's, stays as it is."""
    item = steps.get_item(session, item_id, lock=True)
    last = last_decision(session, item.id)
    if item.state is not ItemState.REFUSED or last is None:
        return False
    item.state, item.reason, item.note = ItemState.RUNNING, "", ""
    item.decided_at, item.decided_by, item.month, item.days_taken = None, "", "", 0
    item.due_at = days.due_after(now, last.limit_days, unit=last.unit)
    rule = StepRule(last.no, last.code, last.holder, last.limit_days, last.unit)
    steps.start_step(session, item, rule, no=last.no, now=now)
    _open(session, item)
    _wait_again(session, item)
    steps.record(session, item, "case:again", rule=last.code, actor=actor, now=now)
    return True


def _open(session: Session, item: CaseItem) -> None:
    case = session.get_one(Case, item.case_id)
    if case.state is CaseState.CLOSED:
        case.state, case.decision, case.decided_at = CaseState.OPEN, None, None
        session.add(case)


def _wait_again(session: Session, item: CaseItem) -> None:
    """What fell with the refusal waits for the new decision."""
    fallen = select(CaseItem).where(CaseItem.case_id == item.case_id, CaseItem.state == ItemState.NOT_NEEDED)
    for other in session.exec(fallen):
        if item.code in other.after:
            other.state, other.note = ItemState.WAITING, ""
            session.add(other)
    flush(session)


def last_decision(session: Session, item_id: str, /) -> CaseStep | None:
    """The step by which people decided this item last."""
    wanted = select(CaseStep).where(CaseStep.item_id == item_id, col(CaseStep.code).in_(OURS))
    wanted = wanted.where(col(CaseStep.ended_at).is_not(None))
    return session.exec(wanted.order_by(col(CaseStep.ended_at).desc(), col(CaseStep.id))).first()
