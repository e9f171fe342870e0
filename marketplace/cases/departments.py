"""Items to the other departments and their results back: pushed once, heard in whatever order they come.

Enters: doors by department. Leaves: items marked as pushed, or as told to be wanted no longer; results settled like a
person's decision, under the name of the department. A word older than what was heard, said twice, about an item that is
over, about an earlier push of it, or of less than before an appeal, changes nothing but is written down. No transaction
is open while a department is asked. Called by the worker through `wiring`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import date, datetime

from sqlalchemy import text
from sqlmodel import Session, col, select

from adapters.items import Department, ItemOut, ItemResult
from adapters.ports import OutsideError, WillNeverWork
from marketplace import hearing
from marketplace.actors import SYSTEM, Actor, Role
from marketplace.calendar import local_day
from marketplace.cases import lateness, once, outcome, steps
from marketplace.cases.models import TO_TAKE_BACK, Case, CaseItem, CaseStep, DepartmentFeed, ItemState
from marketplace.cases.service import facts_of
from marketplace.db import Database, flush
from marketplace.reference.words import list_codes
from marketplace.sealed import vault_of

log = logging.getLogger("shanqiao.departments")
BATCH = 100
SLOW = "department_slow"
OTHERS = ("NDRC", "HRSS", "HUD", "UM", "HSA", "ARA")
"""Every owner of an item but civil affairs itself."""


def sweep(database: Database, doors: Mapping[str, Department], /, *, clock: Callable[[], datetime]) -> int:
    """Push what is new, then hear every department; how much was done."""
    done = 0
    for department, door in sorted(doors.items()):
        for act in (push_due, recall_due, hear):
            try:
                done += act(database, department, door, now=clock())
            except OutsideError as error:
                log.warning("department %s: %s", department, error.code)
            except Exception as error:  # noqa: BLE001  one department must not hold up the others
                log.error("department %s: %s", department, type(error).__name__)
    return done


def push_due(database: Database, department: str, door: Department, /, *, now: datetime) -> int:
    """Hand over the items that stand at the department's step and were not pushed yet. One that the door will never
    take is passed by, with a row in the chain: staff type that department's letter in."""
    with database.reading() as session:
        asked = (
            select(CaseItem)
            .join(CaseStep, col(CaseStep.item_id) == col(CaseItem.id))
            .where(
                CaseItem.department == department,
                CaseItem.state == ItemState.RUNNING,
                col(CaseItem.pushed_at).is_(None),
                CaseStep.code == "department_answer",
                col(CaseStep.ended_at).is_(None),
            )
        )
        waiting = session.exec(asked.order_by(col(CaseItem.id)).limit(BATCH))
        due = [_outgoing(session, item, on=local_day(now)) for item in waiting]
    for item in due:
        act = "case:push"
        try:
            door.push(item)
        except WillNeverWork as error:
            log.warning("item %s was not taken by %s: %s", item.ref, department, error.code)
            act = "case:push_refused"
        with database.transaction() as session:
            found = steps.get_item(session, _id_of(item.ref), lock=True)
            if key_of(found) == item.ref:
                found.pushed_at = now
            session.add(found)
            flush(session)
            steps.record(session, found, act, rule=department, actor=SYSTEM, now=now)
    return len(due)


def key_of(item: CaseItem, /) -> str:
    """Under which a department knows an item: a key of its own for each time that it was taken up."""
    return f"{item.id}.{item.turn}" if item.turn else item.id


def _id_of(key: str) -> str:
    return key.partition(".")[0]


def recall_due(database: Database, department: str, door: Department, /, *, now: datetime) -> int:
    """Tell the department which of its items were taken back, fell, or are over; one that it will never take back is
    passed by, with a row in the chain."""
    with database.reading() as session:
        asked = select(CaseItem).where(CaseItem.department == department).where(text(TO_TAKE_BACK))
        waiting = session.exec(asked.order_by(col(CaseItem.id)).limit(BATCH))
        due = [(key_of(item), item.over_on) for item in waiting]
    for ref, over_on in due:
        act = "case:take_back"
        try:
            door.take_back(ref, "withdrawn" if over_on is None else "over")
        except WillNeverWork as error:
            log.warning("item %s was not taken back by %s: %s", ref, department, error.code)
            act = "case:take_back_refused"
        with database.transaction() as session:
            found = steps.get_item(session, _id_of(ref), lock=True)
            found.recalled_at = now
            session.add(found)
            flush(session)
            steps.record(session, found, act, rule=department, actor=SYSTEM, now=now)
    return len(due)


def _outgoing(session: Session, item: CaseItem, *, on: date) -> ItemOut:
    """What the department needs and no more: the numbers, the class that the family has by now, and the results that
    this item waited for, and which earlier push it takes the place of; the person is a keyed mark that only both sides
    can make."""
    case = session.get_one(Case, item.case_id)
    facts = facts_of(session, case, on=on)
    told: dict[str, int | str] = {
        "size": facts.size,
        "income_fen": facts.income_fen,
        "medical_fen": facts.medical_fen,
        "label": facts.label,
    }
    before = {code: found for code, found in once.counting(session, case).items() if code in item.after}
    told |= {f"result_{code.lower()}": once.result_of(found).value for code, found in before.items()}
    if item.turn:
        told["replaces"] = key_of(item.model_copy(update={"turn": item.turn - 1}))
    subject = vault_of(session).index(f"department-{item.department}", item.household_id)
    return ItemOut(key_of(item), item.code, subject, told)


def hear(database: Database, department: str, door: Department, /, *, now: datetime) -> int:
    """Read the results since the last time."""
    return hearing.hear(database, DepartmentFeed, department, pull=door.results, take=take, log=log, now=now)


def take(session: Session, department: str, result: ItemResult, /, *, now: datetime) -> bool:
    """One word of a department about one of its items; true if it changed something."""
    actor = Actor(id=f"department-{department}", role=Role.SERVICE)
    item = session.get(CaseItem, _id_of(result.ref), with_for_update=True, populate_existing=True)
    if item is None or item.department != department:
        log.warning("a result of %s is about no item of ours", department)
        return False
    old = result.ref != key_of(item) or result.seq <= item.heard_seq
    yes, said = result.outcome == "granted", result.outcome != "received"
    less = said and outcome.is_less(session, item, granted=yes, amount_fen=result.amount_fen)
    if old or less or item.state not in (ItemState.RUNNING, ItemState.STOPPED):
        steps.record(session, item, "case:late_word", rule=result.outcome, actor=actor, now=now)
        return False
    item.heard_seq = result.seq
    session.add(item)
    if result.outcome == "received":
        flush(session)
        return False
    step = steps.running_step(session, item.id)
    if step.code != "department_answer":
        steps.record(session, item, "case:late_word", rule=result.outcome, actor=actor, now=now)
        return False
    if step.stopped_at is not None:
        step = steps.run_on(session, item.id, actor=SYSTEM, now=now)
    known = result.reason in list_codes("case_reason")
    words = [one for one in ("" if known else result.reason, result.words) if one]
    outcome.settle(
        session,
        item,
        step,
        granted=result.outcome == "granted",
        amount_fen=result.amount_fen,
        reason=result.reason if known else "department_said_no",
        note=" ".join(words),
        letter=result.letter,
        late_cause=SLOW if lateness.is_late(session, item, now=now) else "",
        actor=actor,
        now=now,
    )
    return True
