"""Whose hands an item went through: who took the application down, and who decided; another person goes on.

Enters: an item and an actor, for a stand-in with the one it acts for. Leaves: nothing, or NotAllowed. Called by
`outcome` before a decision, by `steps` before a payment, and by the staff page.
"""

from __future__ import annotations

from sqlmodel import Session

from marketplace.actors import STAFF, Actor
from marketplace.cases.models import Case, CaseItem
from marketplace.cases.papers import readings_of
from marketplace.errors import NotAllowed

FAST = "LINSHI_FAST"
"""The path on which the street office is alone: nobody outside looks before the money goes."""


def took_down(session: Session, item: CaseItem, /) -> set[str]:
    """Of the staff: who opened the application, and who read it aloud and took the signature."""
    case = session.get_one(Case, item.case_id)
    opened = {case.opened_by} if case.opened_role in STAFF else set()
    return opened | {row.read_by for row in readings_of(session, case.id)}


def was_in_it(session: Session, item: CaseItem, step_code: str, /, *, actor: Actor) -> bool:
    """Whether this step of the item wants somebody else: fast aid is not decided by who took it down, and no money is
    paid by who decided, nor fast aid's by who took it down."""
    hands: set[str] = {item.decided_by} if step_code == "payment" else set()
    if item.path == FAST:
        hands |= took_down(session, item)
    return bool(actor.people & hands)


def refuse(session: Session, item: CaseItem, step_code: str, /, *, actor: Actor) -> None:
    """NotAllowed("second_person_needed") where it does."""
    if was_in_it(session, item, step_code, actor=actor):
        raise NotAllowed("second_person_needed")
