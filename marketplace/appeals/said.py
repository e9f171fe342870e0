"""What a household without a page says about its applications: take back, remind, object, leave the register.

Enters: a reading by a worker of the district, on the telephone, at home or at the counter. Leaves: the same as if the
household had pressed the button, with the reading beside it. An application, or one thing of it, ends only when
somebody else has asked again, and a yes to writing down what stays uncovered counts only then; everything else takes
nothing from the household and counts at once. Called by the pages of this room.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from marketplace.actors import Actor
from marketplace.answers.service import HAND_ON, TAKE_BACK, TAKE_ITEM, WAITS
from marketplace.appeals import service
from marketplace.appeals.decided import ITEM
from marketplace.appeals.models import AppealKind
from marketplace.calendar import local_day
from marketplace.cases import handing_on, register, steps
from marketplace.cases.models import ENDED, Case, CaseItem, CaseState, ItemState
from marketplace.cases.papers import signer_of
from marketplace.cases.service import first_of, list_cases, list_items
from marketplace.errors import NotFound, WrongState
from marketplace.households.models import Household, Person
from marketplace.policy import require
from marketplace.readback import service as readback
from marketplace.readback.models import ReadBack, SecondCall
from marketplace.readback.service import Heard

ASKS = "reading:keep"
URGE, LEAVE, KEEP_BACK = "urge", "leave_register", "hand_on_no"
RAISED = {"appeal": AppealKind.APPEAL, "complaint": AppealKind.COMPLAINT}
OF_CASE = (TAKE_BACK, HAND_ON, KEEP_BACK)


@dataclass(frozen=True, slots=True)
class Possible:
    """One thing that can be said now: the act, the case, item or entry it is about, and what to call that."""

    act: str
    object_id: str
    number: str = ""
    code: str = ""


def possible(session: Session, household_id: str, /, *, actor: Actor, now: datetime) -> list[Possible]:
    """Everything that this household can say about its applications now."""
    home = session.get(Household, household_id)
    require(actor, ASKS, district=home.district_code if home is not None else None)
    found = [Possible(LEAVE, entry.id) for entry in register.list_entries(session, household_id, on=local_day(now))]
    for case in list_cases(session, household_id):
        found += [Possible(act, case.id, case.number) for act in _of_case(session, case)]
        held = {one.item_id for one in steps.list_steps(session, case.id) if not one.ended_at and not one.stopped_at}
        items = list_items(session, case.id)
        for item in items:
            acts = [*_acts(item, held=item.id in held), *_one_back(session, case, item, of=len(items))]
            found += [Possible(act, item.id, case.number, item.code) for act in acts]
    return found


def _of_case(session: Session, case: Case) -> list[str]:
    """What runs is taken back; what stays uncovered is written down or not, as the family wants it now. What waits for
    its second call is not said again."""
    rows = readback.of_object(session, f"case:{case.id}")
    due = {row.act for row in rows if row.second is SecondCall.DUE}
    acts = [TAKE_BACK] if case.state is CaseState.OPEN else []
    if handing_on.is_sayable(session, case.id):
        acts.append(KEEP_BACK if case.hand_on else HAND_ON)
    return [act for act in acts if act not in due or act == KEEP_BACK]


def _acts(item: CaseItem, *, held: bool) -> list[str]:
    """Whoever holds it is reminded, of its payment too; what was decided is objected to."""
    decided = item.state in (ItemState.GRANTED, ItemState.REFUSED)
    return [*([URGE] if held else []), *(RAISED if decided else [])]


def _one_back(session: Session, case: Case, item: CaseItem, *, of: int) -> list[str]:
    """One thing of several that run is taken back alone; what waits for its second call is not said again."""
    if case.state is not CaseState.OPEN or item.state in ENDED or of < 2:
        return []
    rows = readback.of_object(session, f"{ITEM}:{item.id}")
    due = any(row.act == TAKE_ITEM and row.second is SecondCall.DUE for row in rows)
    return [] if due else [TAKE_ITEM]


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
    sayable = possible(session, household_id, actor=actor, now=now)
    if not any((one.act, one.object_id) == (act, object_id) for one in sayable):
        raise WrongState("said_over")
    person = speaker(session, household_id, act, object_id, now=now)
    kind = "case" if act in OF_CASE else "entry" if act == LEAVE else ITEM
    ref = f"{kind}:{object_id}"
    row = readback.keep(session, person, heard, act=act, ref=ref, always=act in WAITS, actor=actor, now=now)
    if act == URGE:
        steps.urge(session, object_id, asks=ASKS, actor=actor, now=now)
    elif act == KEEP_BACK:
        handing_on.say(session, object_id, yes=False, asks=ASKS, actor=actor, now=now)
    elif act == LEAVE:
        register.leave(session, object_id, asks=ASKS, actor=actor, now=now)
    elif act in RAISED:
        service.raise_about(session, object_id, RAISED[act], about=ITEM, words=words, actor=actor, now=now)
    return row


def speaker(session: Session, household_id: str, act: str, object_id: str, /, *, now: datetime) -> Person:
    """Who has to say it: who signed the application and speaks in it still; for the register, whom messages reach."""
    person = first_of(session, household_id)
    if act != LEAVE:
        item = None if act in OF_CASE else session.get_one(CaseItem, object_id)
        case = session.get_one(Case, item.case_id if item is not None else object_id)
        person = session.get(Person, signer_of(session, case, now=now))
        if person is None:
            raise WrongState("guardian_not_verified")
    if person is None:
        raise NotFound("person")
    return person
