"""Departments tell of a death or a detention: somebody goes and looks, as if staff had learnt of it.

Enters: the clock and what feeds told. Leaves: for each person who draws a running benefit, or asks for one, and of whom
no member of staff has seen since what it says, one check that is a visit; a check that waits already is raised. Nothing
is cut: the visit says what was true. Called by the worker, which looks at the whole register and therefore only now and
then.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import func, or_
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from marketplace.actors import SYSTEM
from marketplace.calendar import local_day
from marketplace.cases import orders
from marketplace.db import Database, one_by_one
from marketplace.liveness import service as survival
from marketplace.liveness.dead import BY_STAFF
from marketplace.liveness.models import WAITING, CheckCause, SurvivalCheck, SurvivalDuty
from marketplace.liveness.schedule import told_dead
from marketplace.signals.models import Fact
from marketplace.signals.scene import DEATH

log = logging.getLogger("shanqiao.rights")
DETAINED = "DETAINED"
BATCH = 200


@dataclass(frozen=True, slots=True)
class Told:
    """What one feed says of one person, until which day."""

    person_id: str
    cause: CheckCause
    feed: str
    day: int


def look(database: Database, /, *, now: datetime) -> int:
    """Send somebody wherever nobody has looked since; returns to how many people."""
    with database.reading() as session:
        found = list_unseen(session)
    failed = partial(log.warning, "somebody goes at the next look of %s: %s")
    return one_by_one(database, found, partial(_send, now=now), failed=lambda one, error: failed(one.feed, error))


def _send(session: Session, told: Told, /, *, now: datetime) -> bool:
    waiting = survival.find_waiting(session, told.person_id)
    if waiting is not None and waiting.cause in (told.cause, CheckCause.DEATH):
        return False
    evidence = f"{told.feed}:{date.fromordinal(told.day).isoformat()}"
    due_on = local_day(now) + timedelta(days=survival.LEAST_DAYS)
    survival.open_check(session, told.person_id, told.cause, due_on=due_on, evidence=evidence, actor=SYSTEM, now=now)
    return True


def list_unseen(session: Session, /) -> list[Told]:
    """Records of people who draw or ask for something, told later than staff last saw the person or were told there of
    its death, and for which nobody is on the way; deaths first, a person once."""
    found: dict[str, Told] = {}
    free = aliased(Fact)
    let_out = select(free.id).where(
        free.person_id == col(Fact.person_id),
        free.kind == DETAINED,
        free.amount == 0,
        free.day > col(Fact.day),
        col(free.replaced_day).is_(None),
    )
    detained = (col(Fact.kind) == DETAINED, col(Fact.amount) >= 1, ~let_out.exists())
    for cause, which in ((CheckCause.DEATH, (col(Fact.kind) == DEATH,)), (CheckCause.DETENTION, detained)):
        for told in _unseen(session, cause, *which):
            found.setdefault(told.person_id, told)
    return list(found.values())[:BATCH]


def _unseen(session: Session, cause: CheckCause, /, *which: Any) -> list[Told]:
    drawn = select(SurvivalDuty.id).where(
        col(SurvivalDuty.person_id) == col(Fact.person_id), col(SurvivalDuty.ended_at).is_(None)
    )
    looked = select(SurvivalCheck.person_id, func.max(SurvivalCheck.done_at).label("at"))
    looked = looked.where(col(SurvivalCheck.way).in_(BY_STAFF), col(SurvivalCheck.done_at).is_not(None))
    last = looked.group_by(col(SurvivalCheck.person_id)).subquery()
    sent = select(SurvivalCheck.id).where(
        col(SurvivalCheck.person_id) == col(Fact.person_id),
        col(SurvivalCheck.state).in_(WAITING),
        col(SurvivalCheck.cause).in_((cause, CheckCause.DEATH)),
    )
    wanted = select(Fact.person_id, Fact.feed, Fact.known_day, last.c.at)
    wanted = wanted.outerjoin(last, last.c.person_id == col(Fact.person_id))
    wanted = wanted.where(*which, col(Fact.replaced_day).is_(None), col(Fact.wrong_by).is_(None))
    wanted = wanted.where(or_(drawn.exists(), orders.due(col(Fact.person_id))), ~sent.exists())
    wanted = wanted.where(col(Fact.person_id).not_in(told_dead()))  # staff were told there: nobody goes again
    newest = wanted.order_by(col(Fact.known_day).desc(), col(Fact.id))
    return [
        Told(person_id, cause, feed, day)
        for person_id, feed, day, at in session.exec(newest)
        if at is None or day > local_day(at).toordinal()
    ]
