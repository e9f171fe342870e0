"""The public notice of an aid decision: who is to be aided and with how much, seven days, and nothing more (R2.10–13).

Enters: items at their notice step. Leaves: masked names of adults, by street; a child's case is decided without one.
Anybody may object; an answer follows, then the notice stands three days more. When its days are over the worker lets
the item go on. Called by the public page, by staff pages and by `supervision.sweep`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, func, or_, select

from marketplace import audit, notices
from marketplace.actors import SYSTEM, Actor
from marketplace.calendar import local_day
from marketplace.cases import days, steps
from marketplace.cases.models import Case, CaseItem, CaseStep, ItemState, Objection, Unit
from marketplace.cases.rules import path_of
from marketplace.db import Database, flush, new_id
from marketplace.errors import BadInput, NotFound, WrongState
from marketplace.households import kin
from marketplace.households.models import Person
from marketplace.households.service import masked_name
from marketplace.policy import require
from marketplace.sealed import vault_of

NOTICES = ("public_notice", "re_notice")
ADULT = 18
LONGEST = 400
COLUMN = "aid_objection.text"


@dataclass(frozen=True, slots=True)
class Shown:
    """One line of the notice."""

    item_id: str
    name: str
    code: str
    until: datetime


def count_notices(session: Session, district: str, /, *, now: datetime) -> int:
    """How many hang out in a district."""
    return int(session.exec(_hanging(select(func.count()).select_from(CaseItem), district, now=now)).one())


def list_notices(
    session: Session, district: str, /, *, item_id: str = "", offset: int = 0, most: int = 100, now: datetime
) -> list[Shown]:
    """What hangs out in a district today, a page of it or one item; children never do, and whose age is not known
    counts as a child."""
    asked = _hanging(select(CaseItem, CaseStep, Person), district, now=now)
    if item_id:
        asked = asked.where(CaseItem.id == item_id)
    asked = asked.order_by(col(CaseStep.due_at), col(CaseItem.id)).offset(offset).limit(most)
    return [
        Shown(item.id, masked_name(session, person), item.code, step.due_at)
        for item, step, person in session.exec(asked)
    ]


def _hanging(asked: Any, district: str, *, now: datetime) -> Any:
    joined = asked.join(CaseStep, col(CaseStep.item_id) == col(CaseItem.id))
    joined = joined.join(Case, col(Case.id) == col(CaseItem.case_id)).join(
        Person, col(Person.id) == col(Case.subject_id)
    )
    wanted = (CaseItem.district_code == district, CaseItem.state == ItemState.RUNNING, running())
    return joined.where(*wanted, ~_childs(now))


def _childs(now: datetime) -> Any:
    """`is_child` as a condition."""
    last = local_day(now).year - ADULT
    return func.coalesce(col(Person.birth_year), last) >= last


def running() -> Any:
    """The condition that a step is a notice that hangs out."""
    return col(CaseStep.code).in_(NOTICES) & col(CaseStep.ended_at).is_(None)


def is_child(person: Person, /, *, now: datetime) -> bool:
    """Under eighteen by the year, or of unknown age."""
    return person.birth_year is None or local_day(now).year - person.birth_year <= ADULT


def object_to(session: Session, item_id: str, text: str, /, *, actor: Actor, now: datetime) -> Objection:
    """Somebody objects, by name or without. The words are sealed under the key of the person they are about."""
    item = steps.get_item(session, item_id, lock=True)
    require(actor, "case:object")
    step = steps.running_step(session, item.id)
    if step.code not in NOTICES or now >= step.due_at or item.state is not ItemState.RUNNING:
        raise WrongState("notice_over")
    plain = text.strip()
    if not plain or len(plain) > LONGEST:
        raise BadInput("bad_line", field="text")
    subject = session.get_one(Case, item.case_id).subject_id
    sealed = vault_of(session).seal(session, subject, column=COLUMN, text=plain)
    row = Objection(id=new_id(), item_id=item.id, text=sealed, raised_at=now)
    session.add(row)
    flush(session)
    entry = audit.Entry("case:object", object_ref=item.id, subject=item.household_id, rule_id=step.code)
    audit.record(session, entry, actor=actor, now=now)
    return row


def get_objection(session: Session, objection_id: str, /) -> Objection:
    """The objection, or NotFound; the caller asks for its item."""
    row = session.get(Objection, objection_id)
    if row is None:
        raise NotFound("objection")
    return row


def answer(
    session: Session, objection_id: str, finding: str, /, *, upheld: bool, actor: Actor, now: datetime
) -> Objection:
    """Looked at again and answered: the notice hangs out three days more, and the longer total holds."""
    row = session.get(Objection, objection_id, with_for_update=True)
    if row is None:
        raise NotFound("objection")
    item = steps.get_item(session, row.item_id, lock=True)
    require(actor, "case:handle", district=item.district_code)
    if row.answered_at is not None:
        raise WrongState("objection_answered")
    kin.refuse_close(session, item.household_id, actor=actor)
    if not finding.strip():
        raise BadInput("bad_line", field="finding")
    row.finding, row.upheld, row.answered_by, row.answered_at = finding.strip()[:400], upheld, actor.id, now
    session.add(row)
    step = steps.running_step(session, item.id)
    steps.end_step(session, item, step, outcome="objection", actor=actor, now=now)
    _extend(item)
    steps.start_step(session, item, steps.RE_NOTICE, no=step.no, now=now)
    decided = "upheld" if upheld else "not_upheld"
    notices.post(session, "case_objection", key=f"objection:{row.id}", household_id=item.household_id, now=now)
    steps.record(session, item, "case:answer_objection", rule=step.code, decision=decided, actor=actor, now=now)
    return row


def _extend(item: CaseItem) -> None:
    """A special case has the longer total, from its beginning (R2.15)."""
    if item.special or item.started_at is None or item.due_at is None:
        return
    path = path_of(item.code, district=item.district_code, on=local_day(item.started_at))
    more = path.extended - path.total
    item.special, item.due_at = True, days.due_with(item.due_at - days.DAY, more, unit=Unit.WORKING)


def open_objections(session: Session, item_id: str, /) -> list[Objection]:
    """Objections that nobody has answered."""
    asked = select(Objection).where(Objection.item_id == item_id, col(Objection.answered_at).is_(None))
    return list(session.exec(asked.order_by(col(Objection.raised_at), col(Objection.id))))


def answered(session: Session, item_id: str, /) -> list[Objection]:
    """What was found about objections, for whoever decides."""
    asked = select(Objection).where(Objection.item_id == item_id, col(Objection.answered_at).is_not(None))
    return list(session.exec(asked.order_by(col(Objection.answered_at), col(Objection.id))))


def over(database: Database, /, *, now: datetime, most: int = 100) -> int:
    """Notices whose days are over and to which nobody objects: the next step begins. A child's case goes on at once."""
    unanswered = select(Objection.item_id).where(col(Objection.answered_at).is_(None))
    asked = select(CaseStep.item_id).join(Case, col(Case.id) == col(CaseStep.case_id))
    asked = asked.join(Person, col(Person.id) == col(Case.subject_id)).where(
        running(),
        or_(col(CaseStep.due_at) <= now, _childs(now)),
        col(CaseStep.item_id).not_in(unanswered),
        col(CaseStep.stopped_at).is_(None),
    )
    with database.reading() as session:
        due = session.exec(asked.order_by(col(CaseStep.due_at), col(CaseStep.id)).limit(most)).all()
    for item_id in due:
        with database.transaction() as session:
            _go_on(session, item_id, now=now)
    return len(due)


def _go_on(session: Session, item_id: str, *, now: datetime) -> None:
    item = steps.get_item(session, item_id, lock=True)
    step = steps.running_step(session, item.id)
    if step.code not in NOTICES:
        return
    steps.end_step(session, item, step, outcome="no_objection", actor=SYSTEM, now=now)
    steps.record(session, item, "case:step", rule=step.code, actor=SYSTEM, now=now)
    steps.next_step(session, item, step, now=now)
