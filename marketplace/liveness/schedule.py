"""The look at the days: who is asked now, and who did not answer in time.

Enters: the clock. Leaves: checks opened some days before the day; one that nobody answered becomes a visit of the
street's staff. Called by the worker, and by the staff's home for its count.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import func
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from marketplace.actors import SYSTEM, Actor
from marketplace.calendar import local_day
from marketplace.clocks import service as clocks
from marketplace.clocks.models import Clock
from marketplace.db import Database
from marketplace.liveness import service
from marketplace.liveness.dead import LIVES
from marketplace.liveness.models import WAITING, CheckCause, CheckState, SurvivalCheck, SurvivalDuty
from marketplace.reference.survival import survival_rule

BATCH = 100
LONGEST_ASK = 60
"""No rule asks earlier than so many days before; the sweep looks no further."""


def sweep(database: Database, /, *, clock: Callable[[], datetime]) -> int:
    """Open what is due to be asked, send somebody where nobody answered; returns how many of both."""
    now = clock()
    return _ask_due(database, now=now) + _visit_late(database, now=now)


def _ask_due(database: Database, *, now: datetime) -> int:
    with database.reading() as session:
        if not _due(session, now=now):
            return 0
    with database.transaction() as session:
        due = _due(session, now=now)
        for person_id, next_on in due:
            last = max(next_on, local_day(now) + timedelta(days=service.LEAST_DAYS))
            service.open_check(session, person_id, CheckCause.SCHEDULE, due_on=last, actor=SYSTEM, now=now)
        return len(due)


def _due(session: Session, *, now: datetime) -> list[tuple[str, date]]:
    """Person and earliest day of those whose rule says to ask now and whom nobody has asked yet."""
    today = local_day(now)
    waiting = select(SurvivalCheck.person_id).where(col(SurvivalCheck.state).in_(WAITING))
    wanted = select(SurvivalDuty).where(
        col(SurvivalDuty.ended_at).is_(None),
        col(SurvivalDuty.next_on) <= today + timedelta(days=LONGEST_ASK),
        col(SurvivalDuty.person_id).not_in(waiting),
        col(SurvivalDuty.person_id).not_in(told_dead()),
    )
    found: dict[str, date] = {}
    for duty in session.exec(wanted.order_by(col(SurvivalDuty.next_on), col(SurvivalDuty.id)).limit(10 * BATCH)):
        if duty.next_on - timedelta(days=survival_rule(duty.kind, today).ask_days) <= today:
            found.setdefault(duty.person_id, duty.next_on)
    return list(found.items())[:BATCH]


def told_dead() -> Any:
    """Whom staff were told to have died, and nobody has seen since: nobody writes to the family again."""
    later = aliased(SurvivalCheck)
    seen = select(later.id).where(
        later.person_id == col(SurvivalCheck.person_id),
        col(later.state).in_(LIVES),
        later.done_at > col(SurvivalCheck.done_at),
    )
    return select(SurvivalCheck.person_id).where(SurvivalCheck.state == CheckState.DIED, ~seen.exists())


def _visit_late(database: Database, *, now: datetime) -> int:
    with database.reading() as session:
        ids = [late.object_ref for late in clocks.late(session, service.STEP, now=now, most=BATCH)]
    for check_id in ids:
        with database.transaction() as session:
            service.send_somebody(session, check_id, now=now)
    return len(ids)


def count_late(session: Session, /, *, actor: Actor) -> int:
    """Visits to make within the actor's districts."""
    wanted = select(func.count()).select_from(Clock)
    wanted = wanted.where(col(Clock.step) == service.VISIT, col(Clock.ended_at).is_(None))
    if actor.districts:
        wanted = wanted.where(col(Clock.district_code).in_(sorted(actor.districts)))
    return session.exec(wanted).one()
