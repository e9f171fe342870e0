"""What somebody without an own screen says about its application: remind, take it back, appeal, leave the register.

Enters: a case, one of the four acts, how it was read and heard. Leaves: the same as if the person had pressed, with the
reading beside it; each of the four takes nothing from the person and counts at once, a part is asked again. Called by
the page of staff.
"""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session

from marketplace.actors import Actor
from marketplace.appeals import service
from marketplace.appeals.decided import ITEM
from marketplace.appeals.models import AppealKind
from marketplace.cases import outcome, steps
from marketplace.cases import service as cases
from marketplace.cases.models import CaseItem, CaseState, ItemState
from marketplace.errors import BadInput
from marketplace.households.models import Person
from marketplace.readback import service as readback
from marketplace.readback.service import Heard

ASKS = "reading:case"
URGE, APPEAL, TAKE_BACK, LEAVE = "urge", "appeal", "take_back", "leave_register"
DECIDED = (ItemState.GRANTED, ItemState.REFUSED)


def possible(session: Session, case_id: str, /, *, actor: Actor) -> list[tuple[str, str]]:
    """Act and what it is about (an item, a spell or the case), as things stand now."""
    case = cases.get_case(session, case_id, actor=actor, asks=ASKS)
    items = cases.list_items(session, case.id)
    waits = {one.item_id for one in steps.list_steps(session, case.id) if not one.ended_at and not one.stopped_at}
    found = [(URGE, item.id) for item in items if item.id in waits]
    found += [(APPEAL, item.id) for item in items if item.state in DECIDED]
    if case.state in (CaseState.DRAFT, CaseState.OPEN):
        found.append((TAKE_BACK, case.id))
    return found + [(LEAVE, spell.id) for spell in outcome.list_entries(session, case.household_id)]


def say(
    session: Session,
    case_id: str,
    act: str,
    object_id: str,
    heard: Heard,
    /,
    *,
    words: str,
    actor: Actor,
    now: datetime,
) -> None:
    """Do it, and keep how it was said."""
    case = cases.get_case(session, case_id, actor=actor, asks=ASKS)
    if (act, object_id) not in possible(session, case_id, actor=actor):
        raise BadInput("bad_input", field="what")
    person = session.get_one(Person, case.signer_id)
    readback.keep(session, person, heard, act=act, ref=f"said:{case.id}", actor=actor, now=now)
    if act == URGE:
        steps.urge(session, object_id, asks=ASKS, actor=actor, now=now)
    elif act == APPEAL:
        kind = AppealKind.APPEAL
        service.raise_about(session, object_id, kind, about=ITEM, words=words, asks=ASKS, actor=actor, now=now)
    elif act == TAKE_BACK:
        cases.withdraw(session, object_id, asks=ASKS, actor=actor, now=now)
    else:
        outcome.leave_register(session, object_id, asks=ASKS, actor=actor, now=now)


def item_of(session: Session, object_id: str, /) -> str:
    """The code of the item that an act is about; empty for the case and the register."""
    item = session.get(CaseItem, object_id)
    return item.code if item is not None else ""
