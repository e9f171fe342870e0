"""The public notice of an aid decision: who is to be aided and with how much, seven days, and nothing more (R2.10–13).

Enters: items at their notice step. Leaves: masked names of adults, with their street; a child's case is decided without
one. While a notice only hangs out no clock of staff runs. Anybody may object: then one does, and an answer follows, for
whoever objected (by a code), for whoever decides, and in a letter to the household; after it the notice stands three
days more. When its days are over the worker lets the item go on. Called by the public page, by staff pages and by
`supervision.sweep`.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, exists, func, select

from marketplace import audit, notices
from marketplace.accounts import service as accounts
from marketplace.actors import PUBLIC, SYSTEM, Actor
from marketplace.calendar import local_day
from marketplace.cases import days, steps
from marketplace.cases.models import Case, CaseItem, CaseStep, ItemState, Objection, Unit
from marketplace.cases.papers import was_opened
from marketplace.cases.rules import path_of
from marketplace.cases.steps import NOTICES as NOTICES
from marketplace.clocks import service as clocks
from marketplace.clocks.service import Holder
from marketplace.db import Database, flush, new_id
from marketplace.errors import BadInput, NotFound, WrongState
from marketplace.households import kin
from marketplace.households.models import Person
from marketplace.households.service import masked_name
from marketplace.policy import require
from marketplace.sealed import vault_of

ADULT = 18
LONGEST = 400
LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
COLUMN = "aid_objection.text"
READ = "case:objection_look"


@dataclass(frozen=True, slots=True)
class Shown:
    """One line of the notice."""

    item_id: str
    name: str
    office: str
    code: str
    amount_fen: int
    until: datetime


def list_notices(session: Session, district: str, /, *, now: datetime, offset: int = 0, most: int = 200) -> list[Shown]:
    """What hangs out in a district today; children never do, and whose age is not known counts as a child."""
    asked = _hanging(select(CaseItem, CaseStep, Person), district, now=now)
    rows = session.exec(asked.order_by(col(CaseStep.due_at), col(CaseItem.id)).offset(offset).limit(most))
    return [_shown(session, *row) for row in rows]


def count_notices(session: Session, district: str, /, *, now: datetime) -> int:
    """How many hang out there."""
    return int(session.execute(_hanging(select(func.count()).select_from(CaseItem), district, now=now)).scalar_one())


def find_notice(session: Session, district: str, item_id: str, /, *, now: datetime) -> Shown:
    """One line of it, on whatever page it stands; NotFound where it does not hang out there."""
    asked = _hanging(select(CaseItem, CaseStep, Person), district, now=now).where(CaseItem.id == item_id)
    row = session.exec(asked).one_or_none()
    if row is None:
        raise NotFound("notice")
    return _shown(session, *row)


def _hanging(asked: Any, district: str, *, now: datetime) -> Any:
    return (
        asked.join(CaseStep, col(CaseStep.item_id) == col(CaseItem.id))
        .join(Case, col(Case.id) == col(CaseItem.case_id))
        .join(Person, col(Person.id) == col(Case.subject_id))
        .where(CaseItem.district_code == district, CaseItem.state == ItemState.RUNNING, running(), ~_child(now))
    )


def _shown(session: Session, item: CaseItem, step: CaseStep, person: Person) -> Shown:
    return Shown(item.id, masked_name(session, person), item.office, item.code, item.notice_fen, step.due_at)


def running() -> Any:
    """The condition that a step is a notice that hangs out."""
    return col(CaseStep.code).in_(NOTICES) & col(CaseStep.ended_at).is_(None)


def is_child(person: Person, /, *, now: datetime) -> bool:
    """Under eighteen by the year, or of unknown age."""
    return person.birth_year is None or local_day(now).year - person.birth_year <= ADULT


def _child(now: datetime) -> Any:
    """The same in SQL."""
    return col(Person.birth_year).is_(None) | (col(Person.birth_year) >= local_day(now).year - ADULT)


def object_to(session: Session, item_id: str, text: str, /, *, actor: Actor, now: datetime) -> Objection:
    """Somebody objects. The words are sealed under the key of the person they are about; who is signed in is kept
    nowhere, for the page asks for no name."""
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
    _wait_for_answer(session, item, now=now)
    entry = audit.Entry("case:object", object_ref=item.id, subject=item.household_id, rule_id=step.code)
    audit.record(session, entry, actor=PUBLIC, now=now)
    return row


def _wait_for_answer(session: Session, item: CaseItem, *, now: datetime) -> None:
    """Somebody of staff has to answer: the clock of the first objection runs, later ones do not begin it anew."""
    ref = steps.clock_ref(item.id)
    if not clocks.running_of(session, ref):
        clocks.start(session, "case_step", ref, holder=Holder(district_code=item.district_code), now=now)


def give_code(session: Session, row: Objection, /) -> str:
    """A code with which whoever objected finds the answer; it is shown once."""
    code = "".join(secrets.choice(LETTERS) for _place in range(12))
    row.code_index = vault_of(session).index("objection-code", code)
    session.add(row)
    flush(session)
    return code


def find_by_code(session: Session, code: str, /, *, network: str, now: datetime) -> Objection | None:
    """The objection behind a code; tries are counted, and the caller commits them."""
    accounts.count_try(session, "objection-code", network=network, now=now)
    typed = re.sub(r"[\s-]", "", code).upper()
    wanted = select(Objection).where(Objection.code_index == vault_of(session).index("objection-code", typed))
    return session.exec(wanted).one_or_none()


def list_answered(session: Session, item_ids: Sequence[str], /) -> list[Objection]:
    """What was found about objections to these items, the oldest first."""
    asked = select(Objection).where(col(Objection.item_id).in_(item_ids), col(Objection.answered_at).is_not(None))
    return list(session.exec(asked.order_by(col(Objection.raised_at), col(Objection.id))))


def get_objection(session: Session, objection_id: str, /) -> Objection:
    """The objection, or NotFound; the caller asks for its item."""
    row = session.get(Objection, objection_id)
    if row is None:
        raise NotFound("objection")
    return row


def read_objection(session: Session, objection_id: str, /, *, actor: Actor, now: datetime) -> tuple[Objection, str]:
    """What somebody wrote, for who answers it; the look is written down first, and the household sees it."""
    row = get_objection(session, objection_id)
    item = steps.get_item(session, row.item_id)
    require(actor, "case:handle", district=item.district_code)
    kin.refuse_close(session, item.household_id, actor=actor)
    entry = audit.Entry(READ, object_ref=row.id, subject=item.household_id)
    audit.record(session, entry, actor=actor, now=now)
    subject = session.get_one(Case, item.case_id).subject_id
    return row, vault_of(session).open_if_kept(session, subject, column=COLUMN, sealed=row.text)


def answer(
    session: Session, objection_id: str, finding: str, /, *, upheld: bool, actor: Actor, now: datetime
) -> Objection:
    """Read and looked into by who answers: the notice hangs out three days more, and the longer total holds."""
    row = session.get(Objection, objection_id, with_for_update=True)
    if row is None:
        raise NotFound("objection")
    item = steps.get_item(session, row.item_id, lock=True)
    require(actor, "case:handle", district=item.district_code)
    if row.answered_at is not None:
        raise WrongState("objection_answered")
    kin.refuse_close(session, item.household_id, actor=actor)
    if not was_opened(session, READ, row.id, actor=actor):
        raise WrongState("objection_not_read")
    if not finding.strip():
        raise BadInput("bad_line", field="finding")
    row.finding, row.upheld, row.answered_by, row.answered_at = finding.strip()[:400], upheld, actor.id, now
    session.add(row)
    decided = "upheld" if upheld else "not_upheld"
    if item.state is not ItemState.RUNNING:  # taken back meanwhile: whoever objected reads what came of it
        steps.record(session, item, "case:answer_objection", rule="over", decision=decided, actor=actor, now=now)
        return row
    step = steps.running_step(session, item.id)
    steps.end_step(session, item, step, outcome="objection", actor=actor, now=now)
    _extend(item)
    steps.start_step(session, item, steps.RE_NOTICE, no=step.no, now=now)
    if open_objections(session, item.id):
        _wait_for_answer(session, item, now=now)
    key = f"objection:{row.id}"
    notices.post(session, "case_objected", key=key, household_id=item.household_id, now=now)
    steps.record(session, item, "case:answer_objection", rule=step.code, decision=decided, actor=actor, now=now)
    return row


def _extend(item: CaseItem) -> None:
    """A special case has the longer total, from its beginning (R2.15)."""
    if item.special or item.started_at is None or item.due_at is None:
        return
    path = path_of(item.code, district=item.district_code, on=local_day(item.started_at))
    more = path.extended - path.total
    last = item.due_at - days.DAY
    item.special, item.due_at = True, days.due_with(last, more, unit=Unit.WORKING, district=item.district_code)


def open_objections(session: Session, item_id: str, /) -> list[Objection]:
    """Objections that nobody has answered."""
    asked = select(Objection).where(Objection.item_id == item_id, col(Objection.answered_at).is_(None))
    return list(session.exec(asked.order_by(col(Objection.raised_at), col(Objection.id))))


def over(database: Database, /, *, now: datetime, most: int = 100) -> int:
    """Notices whose days are over and to which nobody objects: the next step begins. A child's case goes on at once."""
    waits = exists().where(col(Objection.item_id) == col(CaseStep.item_id), col(Objection.answered_at).is_(None))
    asked = select(CaseStep.item_id).join(Case, col(Case.id) == col(CaseStep.case_id))
    asked = asked.join(Person, col(Person.id) == col(Case.subject_id))
    asked = asked.where(running(), ~waits, (col(CaseStep.due_at) <= now) | _child(now))
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
