"""What a household without a page says about its applications: take back, remind, object, leave the register.

Enters: a reading by a worker of the district, on the telephone, at home or at the counter. Leaves: the same as if the
household had pressed the button, with the reading beside it. An application ends only when somebody else has asked
again; everything else takes nothing from the household and counts at once. Called by the pages of this room.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from marketplace.actors import Actor
from marketplace.answers.service import TAKE_BACK
from marketplace.appeals import service
from marketplace.appeals.decided import ITEM
from marketplace.appeals.models import AppealKind
from marketplace.cases import register, steps
from marketplace.cases.models import Case, CaseItem, CaseState, ItemState
from marketplace.cases.service import first_of, list_cases, list_items
from marketplace.errors import NotFound, WrongState
from marketplace.households.models import Household, Person
from marketplace.policy import require
from marketplace.readback import service as readback
from marketplace.readback.models import ReadBack, SecondCall
from marketplace.readback.service import Heard

ASKS = "reading:keep"
URGE, LEAVE = "urge", "leave_register"
RAISED = {"appeal": AppealKind.APPEAL, "complaint": AppealKind.COMPLAINT}
ACTS = (TAKE_BACK, URGE, *RAISED, LEAVE)


@dataclass(frozen=True, slots=True)
class Possible:
    """One thing that can be said now: the act, the case, item or entry it is about, and what to call that."""

    act: str
    object_id: str
    number: str = ""
    code: str = ""


def possible(session: Session, household_id: str, /, *, actor: Actor) -> list[Possible]:
    """Everything that this household can say about its applications now."""
    home = session.get(Household, household_id)
    require(actor, ASKS, district=home.district_code if home is not None else None)
    found = [Possible(LEAVE, entry.id) for entry in register.list_entries(session, household_id)]
    for case in list_cases(session, household_id):
        if case.state is CaseState.OPEN and not _waits(session, case.id):
            found.append(Possible(TAKE_BACK, case.id, case.number))
        held = {one.item_id for one in steps.list_steps(session, case.id) if not one.ended_at and not one.stopped_at}
        for item in list_items(session, case.id):
            found += [Possible(act, item.id, case.number, item.code) for act in _acts(item, held=item.id in held)]
    return found


def _waits(session: Session, case_id: str) -> bool:
    """Whether taking it back waits for its second call already."""
    rows = readback.of_object(session, f"case:{case_id}")
    return any(row.act == TAKE_BACK and row.second is SecondCall.DUE for row in rows)


def _acts(item: CaseItem, *, held: bool) -> list[str]:
    """Whoever holds it is reminded, of its payment too; what was decided is objected to."""
    decided = item.state in (ItemState.GRANTED, ItemState.REFUSED)
    return [*([URGE] if held else []), *(RAISED if decided else [])]


def keep(
    session: Session,
    household_id: str,
    act: str,
    object_id: str,
    heard: Heard,
    /,
    *,
    words: str = "",
    actor: Actor,
    now: datetime,
) -> ReadBack:
    """A worker heard it and wrote it down."""
    if not any((one.act, one.object_id) == (act, object_id) for one in possible(session, household_id, actor=actor)):
        raise WrongState("said_over")
    person = speaker(session, household_id, act, object_id)
    kind = {TAKE_BACK: "case", LEAVE: "entry"}.get(act, ITEM)
    ref = f"{kind}:{object_id}"
    row = readback.keep(session, person, heard, act=act, ref=ref, always=act == TAKE_BACK, actor=actor, now=now)
    if act == URGE:
        steps.urge(session, object_id, asks=ASKS, actor=actor, now=now)
    elif act == LEAVE:
        register.leave(session, object_id, asks=ASKS, actor=actor, now=now)
    elif act in RAISED:
        service.raise_about(session, object_id, RAISED[act], about=ITEM, words=words, actor=actor, now=now)
    return row


def speaker(session: Session, household_id: str, act: str, object_id: str, /) -> Person:
    """Who has to say it: who signed the application; for the register, whom messages reach."""
    person = first_of(session, household_id)
    if act != LEAVE:
        item = None if act == TAKE_BACK else session.get_one(CaseItem, object_id)
        case = session.get_one(Case, item.case_id if item is not None else object_id)
        person = session.get_one(Person, case.signer_id)
    if person is None:
        raise NotFound("person")
    return person
