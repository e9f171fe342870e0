"""Start a clock when a step begins to wait, end it when somebody acts, remind the holder in between.

Enters: a step's code, the object that waits, its holder. Leaves: clock rows; reminders are reported to the caller,
who knows whom to write to. What happens to a late step is decided by its own room: `late` lists them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from marketplace.calendar import after_working_days
from marketplace.clocks.models import Clock
from marketplace.clocks.steps import STEPS
from marketplace.db import flush, new_id


@dataclass(frozen=True, slots=True)
class Holder:
    """Whom a step waits for: exactly the ids that its side needs."""

    org_id: str | None = None
    household_id: str | None = None
    account_id: str | None = None
    district_code: str = ""


def start(
    session: Session, step: str, object_ref: str, /, *, holder: Holder, now: datetime, urgent: bool = False
) -> Clock:
    """Begin to wait. A clock of the same step of the same object that still runs is ended as `restarted`."""
    rule = STEPS[step]
    end(session, object_ref, step=step, outcome="restarted", now=now)
    due = after_working_days(now, rule.urgent_days if urgent and rule.urgent_days else rule.days)
    clock = Clock(
        id=new_id(),
        step=step,
        object_ref=object_ref,
        side=rule.side,
        org_id=holder.org_id,
        household_id=holder.household_id,
        account_id=holder.account_id,
        district_code=holder.district_code,
        started_at=now,
        due_at=due,
        remind_at=_next_reminder(step, started=now, due=due, sent=0),
    )
    session.add(clock)
    flush(session)
    return clock


def end(session: Session, object_ref: str, /, *, outcome: str, now: datetime, step: str | None = None) -> int:
    """Stop waiting: end the running clocks of an object (of one step, if named); return how many there were."""
    running = select(Clock).where(col(Clock.object_ref) == object_ref, col(Clock.ended_at).is_(None))
    if step is not None:
        running = running.where(col(Clock.step) == step)
    clocks = session.exec(running).all()
    for clock in clocks:
        clock.ended_at, clock.outcome, clock.remind_at = now, outcome, None
        session.add(clock)
    flush(session)
    return len(clocks)


def due_reminders(session: Session, /, *, now: datetime, most: int = 100) -> list[Clock]:
    """Running clocks whose next reminder is due; each is marked as reminded, so that the caller must write it now."""
    statement = select(Clock).where(col(Clock.ended_at).is_(None), col(Clock.remind_at) <= now)
    clocks = session.exec(statement.order_by(col(Clock.remind_at), col(Clock.id)).limit(most)).all()
    for clock in clocks:
        clock.reminders += 1
        clock.remind_at = _next_reminder(clock.step, started=clock.started_at, due=clock.due_at, sent=clock.reminders)
        session.add(clock)
    flush(session)
    return list(clocks)


def late(session: Session, step: str, /, *, now: datetime, most: int = 100) -> list[Clock]:
    """Running clocks of a step whose limit has passed, the latest first."""
    statement = select(Clock).where(col(Clock.step) == step, col(Clock.ended_at).is_(None), col(Clock.due_at) <= now)
    return list(session.exec(statement.order_by(col(Clock.due_at), col(Clock.id)).limit(most)))


def running_of(session: Session, object_ref: str, /) -> list[Clock]:
    """What an object waits for now."""
    statement = select(Clock).where(col(Clock.object_ref) == object_ref, col(Clock.ended_at).is_(None))
    return list(session.exec(statement.order_by(col(Clock.started_at), col(Clock.id))))


def _next_reminder(step: str, *, started: datetime, due: datetime, sent: int) -> datetime | None:
    shares = STEPS[step].remind_at
    return started + (due - started) * shares[sent] / 100 if sent < len(shares) else None
