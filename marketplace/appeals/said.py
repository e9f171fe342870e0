"""What a household without a page says about its applications and offers: take back, remind, object, leave the list.

Enters: a reading by a worker of the district, on the telephone, at home or at the counter. Leaves: the same as if the
household had pressed the button, with the reading beside it. An application, or one thing of it, ends only when
somebody else has asked again, and a yes to writing down what stays uncovered counts only then; everything else takes
nothing from the household and counts at once. Called by the pages of this room.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from marketplace.actors import Actor
from marketplace.answers.service import HAND_ON, TAKE_BACK, TAKE_ITEM, WAITS
from marketplace.appeals import service
from marketplace.appeals.decided import ITEM, MATCH
from marketplace.appeals.models import Appeal, AppealKind, AppealState
from marketplace.calendar import local_day
from marketplace.cases import handing_on, register, steps
from marketplace.cases.models import ENDED, Case, CaseItem, CaseState, ItemState
from marketplace.cases.papers import signer_of
from marketplace.cases.service import first_of, list_cases, list_items
from marketplace.decisions.models import Match
from marketplace.errors import NotFound, WrongState
from marketplace.households.models import Household, Person
from marketplace.needs.models import Need
from marketplace.policy import require
from marketplace.readback import service as readback
from marketplace.readback.models import ReadBack, SecondCall
from marketplace.readback.service import Heard

ASKS = "reading:keep"
URGE, LEAVE, KEEP_BACK, UNSAY = "urge", "leave_register", "hand_on_no", "appeal_back"
NEWEST = 20
"""So many matches are listed to be objected to."""
RAISED = {"appeal": AppealKind.APPEAL, "complaint": AppealKind.COMPLAINT}


@dataclass(frozen=True, slots=True)
class Possible:
    """One thing that can be said now: the act, the case, item, entry, match or appeal it is about, and what to call
    that: a code of a table of words."""

    act: str
    object_id: str
    number: str = ""
    code: str = ""
    table: str = "aid_item"
    kind: str = ITEM


def possible(session: Session, household_id: str, /, *, actor: Actor, now: datetime) -> list[Possible]:
    """Everything that this household can say about its applications, its offers and its appeals now."""
    home = session.get(Household, household_id)
    require(actor, ASKS, district=home.district_code if home is not None else None)
    entries = register.list_entries(session, household_id, on=local_day(now))
    found = [Possible(LEAVE, entry.id, kind="entry") for entry in entries]
    for case in list_cases(session, household_id):
        found += [Possible(act, case.id, case.number, kind="case") for act in _of_case(session, case)]
        held = {one.item_id for one in steps.list_steps(session, case.id) if not one.ended_at and not one.stopped_at}
        items = list_items(session, case.id)
        for item in items:
            acts = [*_acts(item, held=item.id in held), *_one_back(session, case, item, of=len(items))]
            found += [Possible(act, item.id, case.number, item.code) for act in acts]
    return [*found, *_of_matches(session, household_id), *_raised(session, household_id)]


def _of_matches(session: Session, household_id: str) -> list[Possible]:
    """The newest matches are objected to, or how one was treated with them."""
    asked = select(Match, Need.category).join(Need, col(Need.id) == col(Match.need_id))
    asked = asked.where(Match.household_id == household_id)
    rows = session.exec(asked.order_by(col(Match.created_at).desc(), col(Match.id)).limit(NEWEST)).all()
    return [
        Possible(act, match.id, match.id[:8].upper(), category, "need", MATCH)
        for match, category in rows
        for act in RAISED
    ]


def _raised(session: Session, household_id: str) -> list[Possible]:
    """What was raised and waits for its answer is taken back."""
    waiting = [row for row in service.of_household(session, household_id) if row.state is AppealState.OPEN]
    return [Possible(UNSAY, row.id, "", row.kind.value, "appeal_kind", "appeal") for row in waiting]


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
    one = next((one for one in sayable if (one.act, one.object_id) == (act, object_id)), None)
    if one is None:
        raise WrongState("said_over")
    person = speaker(session, household_id, one, now=now)
    if act == UNSAY:  # before the first act (adr/0066)
        session.get(Appeal, object_id, with_for_update=True, populate_existing=True)
    ref = f"{one.kind}:{object_id}"
    row = readback.keep(session, person, heard, act=act, ref=ref, always=act in WAITS, actor=actor, now=now)
    _do(session, one, person, words=words, actor=actor, now=now)
    return row


def _do(session: Session, one: Possible, person: Person, *, words: str, actor: Actor, now: datetime) -> None:
    """What counts at once; the rest waits for the second call."""
    act, object_id = one.act, one.object_id
    if act == URGE:
        steps.urge(session, object_id, asks=ASKS, actor=actor, now=now)
    elif act == KEEP_BACK:
        handing_on.say(session, object_id, yes=False, asks=ASKS, actor=actor, now=now)
    elif act == LEAVE:
        register.leave(session, object_id, asks=ASKS, actor=actor, now=now)
    elif act == UNSAY:
        service.take_back(session, object_id, asks=ASKS, actor=actor, now=now)
    elif act in RAISED:
        told: dict[str, Any] = {"about": one.kind, "speaker": person.id, "words": words}
        service.raise_about(session, object_id, RAISED[act], **told, actor=actor, now=now)


def speaker(session: Session, household_id: str, one: Possible, /, *, now: datetime) -> Person:
    """Who has to say it: who signed the application and speaks in it still; for the register and an offer, whom
    messages reach; a complaint is taken back by whoever made it."""
    kind, object_id = one.kind, one.object_id
    if kind == "appeal":
        row = session.get_one(Appeal, object_id)
        if row.complainant:
            return session.get_one(Person, row.complainant)
        kind, _colon, object_id = row.object_ref.partition(":")
    person = first_of(session, household_id)
    if kind in (ITEM, "case"):
        item = session.get_one(CaseItem, object_id) if kind == ITEM else None
        case = session.get_one(Case, item.case_id if item is not None else object_id)
        person = session.get(Person, signer_of(session, case, now=now))
        if person is None:
            raise WrongState("guardian_not_verified")
    if person is None:
        raise NotFound("person")
    return person


def list_raised(session: Session, household_id: str, /, *, actor: Actor) -> list[Appeal]:
    """What the household has raised, the newest first, for a worker who tells it how that went."""
    home = session.get(Household, household_id)
    require(actor, ASKS, district=home.district_code if home is not None else None)
    return service.of_household(session, household_id)


def whose(session: Session, row: Appeal, /) -> Person | None:
    """To whom alone the answer to a complaint is read; None: to any grown-up of the household."""
    return session.get(Person, row.complainant) if row.complainant else None


def read_answer(session: Session, household_id: str, appeal_id: str, /, *, actor: Actor, now: datetime) -> Appeal:
    """One of them, to read its answer aloud; the look is written down. Not answered yet: NotFound."""
    rows = list_raised(session, household_id, actor=actor)
    row = next((one for one in rows if one.id == appeal_id and one.answered_at is not None), None)
    if row is None:
        raise NotFound("appeal")
    service.look(session, row, actor=actor, now=now)
    return row
