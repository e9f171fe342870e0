"""A department answers its task itself: on its page with a code, or over HTTP; in whatever order its words come.

Enters: a code, or a department's words. Leaves: the task moved on as by staff, under the department's name. A word on a
task that is over, or that says what is known, changes nothing but is written down; the last word alone is enough. A
code opens one task and shows no name: whom it is about the office hands over itself. Called by the page of departments
and by `exchange`.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, select

from marketplace import audit
from marketplace.accounts import service as accounts
from marketplace.actors import Actor, Role
from marketplace.db import flush
from marketplace.errors import BadInput, WrongState
from marketplace.portraits import pushing
from marketplace.portraits.models import Push, PushState
from marketplace.sealed import vault_of

LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
USE = "push-code"
ACCEPTED, RETURNED, DONE = "accepted", "returned", "done"


@dataclass(frozen=True, slots=True)
class Word:
    """What the department says: it takes the task, returns it with a reason, or has covered so many units."""

    outcome: str
    units: int = 0
    reason: str = ""


def give_code(session: Session, push_id: str, /, *, actor: Actor, now: datetime) -> str:
    """A code with which the department opens this task; a former one opens nothing any more."""
    pushing.lock(session, push_id)
    row = pushing.get_push(session, push_id, actor=actor, rule="portrait:push")
    if row.ended_at is not None:
        raise WrongState("push_moved_on")
    code = "".join(secrets.choice(LETTERS) for _place in range(12))
    row.code_index = vault_of(session).index(USE, code)
    session.add(row)
    flush(session)
    _tell(session, "portrait:code", row, rule=row.department, actor=actor, now=now)
    return code


def find_by_code(session: Session, code: str, /, *, network: str, now: datetime) -> Push | None:
    """The task behind a code; tries are counted, and the caller commits them. Whole offices share an address and each
    answer is a try, so a hundred are free: a code of sixty bits is not guessed by them."""
    accounts.count_try(session, USE, network=network, now=now, crowd=True)
    typed = re.sub(r"[\s-]", "", code).upper()
    wanted = select(Push.id).where(Push.code_index == vault_of(session).index(USE, typed))
    found = session.exec(wanted).one_or_none()
    return pushing.lock(session, found) if found else None


def department_of(row: Push, /) -> Actor:
    """Under which name a department acts on its own task."""
    return Actor(id=f"department-{row.department}", role=Role.SERVICE)


def answer(session: Session, row: Push, word: Word, /, *, now: datetime) -> bool:
    """One word about a locked task; true if it changed something."""
    actor = department_of(row)
    known = word.outcome == ACCEPTED and row.state is PushState.ACCEPTED
    if row.ended_at is not None or known:
        _tell(session, "portrait:late_word", row, rule=word.outcome, actor=actor, now=now)
        return False
    if word.outcome == RETURNED:
        pushing.give_back(session, row.id, reason=word.reason, actor=actor, now=now)
        return True
    if word.outcome == DONE and not 0 <= word.units <= row.asked_units:
        raise BadInput("push_amount", field="covered")
    if row.state is PushState.ASKED:
        pushing.accept(session, row.id, actor=actor, now=now)
    if word.outcome == DONE:
        pushing.finish(session, row.id, covered=word.units, actor=actor, now=now)
    return True


def _tell(session: Session, action: str, row: Push, *, rule: str, actor: Actor, now: datetime) -> None:
    entry = audit.Entry(action, object_ref=row.id, subject=row.household_id, rule_id=rule)
    audit.record(session, entry, actor=actor, now=now)
