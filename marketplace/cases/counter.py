"""An application that staff take down: at the counter, on a visit at home, by telephone, or from a posted slip.

Enters: a person without an own screen, a worker who reads everything aloud, and how the person signed. Leaves: the same
case as if the person had sent it, with the reading beside it. A child's is signed by a verified guardian who is there.
Called by the pages of the counter and, after a second call that was denied, by `answers`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from marketplace.actors import Actor, Role
from marketplace.cases import papers, quick, service, withdrawing
from marketplace.cases.models import Case, CaseItem, CaseState, ItemState
from marketplace.db import new_id
from marketplace.errors import BadInput
from marketplace.households.register import HouseholdFacts, PersonFacts, register_many
from marketplace.households.service import find_person_by_id_number, get_household
from marketplace.intake.places import is_town
from marketplace.policy import require
from marketplace.readback.service import Heard
from marketplace.reference.identity_number import BadIdNumber, check_id_number

ACT = papers.READING
SOURCE = "counter"


@dataclass(frozen=True, slots=True)
class Newcomer:
    """Somebody whom the register does not know, as the card says it; a telephone may be missing."""

    name: str = field(repr=False)
    id_number: str = field(repr=False)
    district_code: str
    street_code: str = ""
    phone: str = field(default="", repr=False)


def enter_newcomer(session: Session, who: Newcomer, /, *, actor: Actor, now: datetime) -> str:
    """The household of this person: the one where its number is known, else a new one."""
    require(actor, "case:apply", district=who.district_code)
    try:
        check_id_number(who.id_number)
    except BadIdNumber as error:
        raise BadInput("bad_id_number", field="id_number") from error
    known = find_person_by_id_number(session, who.id_number)
    if known is not None:
        require(actor, "case:apply", district=get_household(session, known.household_id).district_code)
        return known.household_id
    person = PersonFacts(name=who.name, phone=who.phone, id_number=who.id_number)
    home = HouseholdFacts(
        SOURCE, new_id(), who.district_code, who.street_code, size=1, urban=is_town(who.street_code), people=(person,)
    )
    return register_many(session, [home], actor=actor, now=now)[home.key]


def list_begun(session: Session, /, *, actor: Actor, most: int = 50) -> list[Case]:
    """What staff of the actor's districts began and did not send, the newest first."""
    require(actor, "reading:keep", district=next(iter(sorted(actor.districts)), ""))
    wanted = select(Case).where(Case.state == CaseState.DRAFT, Case.opened_role == Role.WORKER)
    if actor.districts:
        wanted = wanted.where(col(Case.district_code).in_(sorted(actor.districts)))
    return list(session.exec(wanted.order_by(col(Case.created_at).desc(), col(Case.id)).limit(most)))


def take_down(
    session: Session,
    case: Case,
    answers: Mapping[str, Any],
    /,
    *,
    id_number: str = "",
    actor: Actor,
    now: datetime,
) -> Case:
    """All answers at once, as the person says them; the number as it stands on the card."""
    if id_number:
        service.correct_number(session, case, id_number, actor=actor, now=now)
    return service.save(session, case, answers, actor=actor, now=now)


def read_and_send(
    session: Session,
    case: Case,
    heard: Heard,
    /,
    *,
    name: str,
    all_classes: bool,
    hand_on: bool,
    actor: Actor,
    now: datetime,
) -> list[CaseItem]:
    """Everything was read back and the person signed: keep the reading, sign, send in. An alert that it began with is
    answered by it."""
    switches: Any = {"all_classes": all_classes, "hand_on": hand_on}
    service.sign(session, case, name, heard=heard, **switches, actor=actor, now=now)
    alarmed, case.channel = case.channel == quick.CHANNEL, heard.channel
    items = service.submit(session, case, actor=actor, now=now)
    if alarmed:
        quick.answer_alert(session, case.household_id, actor=actor, now=now)
    return items


def has_counted(session: Session, case_id: str, /) -> bool:
    """Whether something came of it already that no word takes back: it is decided, or some of it is granted or paid."""
    case = session.get_one(Case, case_id)
    granted = any(item.state is ItemState.GRANTED or item.amount_fen for item in service.list_items(session, case.id))
    return granted or case.state not in (CaseState.DRAFT, CaseState.OPEN)


def take_back(session: Session, case_id: str, /, *, actor: Actor, now: datetime) -> Case:
    """The second call heard that the person did not ask for this: it ends as if taken back."""
    case = service.get_case(session, case_id, actor=actor)
    case.hand_on = False
    return withdrawing.end_open(session, case, actor=actor, now=now)
