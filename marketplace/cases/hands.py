"""Whose hands an item went through: who took the application down, and who decided; another person goes on.

Enters: an item and an actor, for a stand-in with the one it acts for. Leaves: nothing, or NotAllowed. Called by
`outcome` before a decision, by `steps` before a payment, and by the staff page.
"""

from __future__ import annotations

from sqlmodel import Session, col, select

from marketplace.actors import STAFF, Actor, hands
from marketplace.cases.ended import hands_of
from marketplace.cases.models import Case, CaseItem, CaseStep
from marketplace.cases.papers import readings_of
from marketplace.cases.rules import FAST
from marketplace.errors import NotAllowed


def took_down(session: Session, item: CaseItem, /) -> set[str]:
    """Of the staff: who opened the application, who read it aloud and took the signature, and whom a stand-in did so
    for."""
    case = session.get_one(Case, item.case_id)
    opened = hands(case.opened_by, case.opened_for) if case.opened_role in STAFF else frozenset[str]()
    return set(opened.union(*(row.readers for row in readings_of(session, case.id))))


def was_in_it(session: Session, item: CaseItem, step_code: str, /, *, actor: Actor) -> bool:
    """Whether this step of the item wants somebody else: fast aid is not decided by who took it down, and no money is
    paid by who granted it, nor fast aid's by who took it down."""
    theirs = _granted_by(session, item) if step_code == "payment" else set()
    if item.path == FAST:
        theirs |= took_down(session, item)
    return bool(actor.people & theirs)


def _granted_by(session: Session, item: CaseItem) -> set[str]:
    """Who granted it last, also while it is decided anew, and whom a stand-in did it for."""
    asked = select(CaseStep.id).where(CaseStep.item_id == item.id, CaseStep.outcome == "granted")
    last = session.exec(asked.order_by(col(CaseStep.ended_at).desc()).limit(1)).first()
    return hands_of(session, CaseStep.id == last) if last is not None else {item.decided_by, item.decided_for} - {""}


def refuse(session: Session, item: CaseItem, step_code: str, /, *, actor: Actor) -> None:
    """NotAllowed("second_person_needed") where it does."""
    if was_in_it(session, item, step_code, actor=actor):
        raise NotAllowed("second_person_needed")
