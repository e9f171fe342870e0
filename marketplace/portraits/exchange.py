"""Tasks to the departments over HTTP and their words back: pushed once, heard in whatever order they come.

Enters: doors by department. Leaves: tasks marked as pushed; words taken like those on the department's page. A word no
newer than what was heard changes nothing. A task that a door will never take is not pushed again: staff hand it over on
the department's page, and its clock runs. Departments without an open task are not asked. No transaction is open while
a department is asked. Called by the worker through `wiring`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import datetime

from sqlmodel import Session, col, select

from adapters.items import DepartmentTasks, TaskOut, TaskWord
from adapters.ports import OutsideError, WillNeverWork
from marketplace import hearing
from marketplace.actors import SYSTEM
from marketplace.db import Database
from marketplace.portraits import answering, pushing
from marketplace.portraits.models import Push, TaskFeed
from marketplace.sealed import vault_of

log = logging.getLogger("shanqiao.tasks")
BATCH = 100


def sweep(database: Database, doors: Mapping[str, DepartmentTasks], /, *, clock: Callable[[], datetime]) -> int:
    """Push what is new, then hear every department that holds an open task; how much was done."""
    if not doors:
        return 0
    with database.reading() as session:
        waiting = set(session.exec(select(Push.department).where(col(Push.ended_at).is_(None)).distinct()))
    done = 0
    for department in sorted(waiting & doors.keys()):
        try:
            done += _push_due(database, department, doors[department], now=clock())
            pull = doors[department].words
            done += hearing.hear(database, TaskFeed, department, pull=pull, take=_take, log=log, now=clock())
        except OutsideError as error:
            log.warning("tasks of %s: %s", department, error.code)
        except Exception as error:  # noqa: BLE001  one department must not hold up the others
            log.error("tasks of %s: %s", department, type(error).__name__)
    return done


def _push_due(database: Database, department: str, door: DepartmentTasks, *, now: datetime) -> int:
    with database.reading() as session:
        asked = select(Push).where(
            Push.department == department, col(Push.ended_at).is_(None), col(Push.pushed_at).is_(None)
        )
        due = [_outgoing(session, row) for row in session.exec(asked.order_by(col(Push.asked_at)).limit(BATCH))]
    for task in due:
        refused = False
        try:
            door.push(task)
        except WillNeverWork as error:
            log.warning("task %s was not taken by %s: %s", task.ref, department, error.code)
            refused = True
        with database.transaction() as session:
            row = session.get_one(Push, task.ref, with_for_update=True)
            row.pushed_at = now
            session.add(row)
            if refused:
                pushing.record(session, "portrait:push_refused", row, actor=SYSTEM, now=now)
    return len(due)


def _outgoing(session: Session, row: Push) -> TaskOut:
    """What the department needs and no more; the household is a keyed mark that only both sides can make."""
    subject = vault_of(session).index(f"department-{row.department}", row.household_id)
    return TaskOut(row.id, row.category, row.asked_units, row.indicator, subject)


def _take(session: Session, department: str, word: TaskWord, *, now: datetime) -> bool:
    row = pushing.lock(session, word.ref)
    if row is None or row.department != department:
        log.warning("a word of %s is about no task of ours", department)
        return False
    if word.seq <= row.heard_seq:
        return False
    row.heard_seq = word.seq
    session.add(row)
    return answering.answer(session, row, answering.Word(word.outcome, word.units, word.reason), now=now)
