"""Start a clock when a step begins to wait, end it when somebody acts, remind the holder in between.

Enters: a step's code, the object that waits, its holder. Leaves: clock rows; reminders are reported to the caller,
who knows whom to write to. What happens to a late step is decided by its own room: `late` lists them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple

from sqlalchemy import bindparam, insert, update
from sqlmodel import Session, col, select

from marketplace.calendar import HERE, after_working_days, local_day
from marketplace.clocks.models import Clock
from marketplace.clocks.steps import STEPS, Side
from marketplace.db import chunks, flush, new_id

AT_THE_LIMIT = 100
"""The share, in per cent, of a reminder that is due at the limit itself."""


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
    end(session, object_ref, step=step, outcome="restarted", now=now)
    clock = _clock(step, object_ref, holder=holder, now=now, urgent=urgent)
    session.add(clock)
    flush(session)
    return clock


def start_between(
    session: Session, step: str, object_ref: str, /, *, holder: Holder, started: datetime, due: datetime, now: datetime
) -> Clock:
    """Begin to wait with a limit that the caller's own rules gave. After a pause `started` is moved on by the pause, so
    that each share of the time is a share of the time that ran."""
    clock = start(session, step, object_ref, holder=holder, now=now)
    clock.started_at, clock.due_at = started, due
    clock.reminders = sum(_reminder(started, due, share) <= now for share in STEPS[step].remind_at)
    clock.remind_at = _next_reminder(step, started=started, due=due, sent=clock.reminders)
    session.add(clock)
    flush(session)
    return clock


def move_on(
    session: Session,
    object_ref: str,
    /,
    *,
    outcome: str,
    step: str = "",
    holder: Holder | None = None,
    now: datetime,
    urgent: bool = False,
) -> Clock | None:
    """End whatever runs for an object and, if a `step` is named, begin to wait for it: so one clock runs, or none."""
    for clock in _running(session, object_ref):
        _stop(session, clock, outcome=outcome, now=now)
    flush(session)
    if not step:
        return None
    clock = _clock(step, object_ref, holder=holder or Holder(), now=now, urgent=urgent)
    session.add(clock)
    flush(session)
    return clock


def start_many(
    session: Session, step: str, holders: Mapping[str, Holder], /, *, ending: Sequence[str], outcome: str, now: datetime
) -> None:
    """Begin to wait for many objects at once, in two statements; the running clocks named by `ending` end first. The
    caller has asked which run: whoever lets two of a step run for one object meets the index that forbids it."""
    for some in chunks(ending, 500):
        stopped = {"ended_at": now, "outcome": outcome, "remind_at": None}
        session.execute(update(Clock).where(col(Clock.id).in_(some)).values(**stopped))
    alike: dict[str, dict[str, object]] = {}
    for place in {one.district_code for one in holders.values()}:
        pattern = _clock(step, "", holder=Holder(district_code=place), now=now, urgent=False)
        names = ("step", "side", "started_at", "due_at", "remind_at")
        alike[place] = {name: getattr(pattern, name) for name in names}
    rows = [
        {
            "id": new_id(),
            "object_ref": ref,
            "org_id": one.org_id,
            "household_id": one.household_id,
            "account_id": one.account_id,
            "district_code": one.district_code,
            **alike[one.district_code],
        }
        for ref, one in holders.items()
    ]
    if rows:
        session.execute(insert(Clock), rows)


def running_steps(session: Session, object_refs: Sequence[str], /) -> dict[str, tuple[str, str]]:
    """Object ► the step and the id of the clock that runs for it, for sweeps over many objects."""
    found: dict[str, tuple[str, str]] = {}
    for some in chunks(object_refs, 500):
        asked = select(Clock.object_ref, Clock.step, Clock.id).where(
            col(Clock.object_ref).in_(some), col(Clock.ended_at).is_(None)
        )
        found.update({ref: (step, clock) for ref, step, clock in session.exec(asked.order_by(col(Clock.started_at)))})
    return found


def _clock(step: str, object_ref: str, *, holder: Holder, now: datetime, urgent: bool) -> Clock:
    due = limit_from(now, step, district=holder.district_code, urgent=urgent)
    return Clock(
        id=new_id(),
        step=step,
        object_ref=object_ref,
        side=STEPS[step].side,
        org_id=holder.org_id,
        household_id=holder.household_id,
        account_id=holder.account_id,
        district_code=holder.district_code,
        started_at=now,
        due_at=due,
        remind_at=_next_reminder(step, started=now, due=due, sent=0),
    )


def limit_from(started: datetime, step: str, /, *, district: str = "", urgent: bool = False) -> datetime:
    """The limit of a step that began at this moment."""
    rule = STEPS[step]
    if rule.hours:
        return started + timedelta(hours=rule.hours)
    days = rule.urgent_days if urgent and rule.urgent_days else rule.days
    return after_working_days(started, days, district=district)


def end(session: Session, object_ref: str, /, *, outcome: str, now: datetime, step: str | None = None) -> int:
    """Stop waiting: end the running clocks of an object (of one step, if named); return how many there were."""
    clocks = [clock for clock in _running(session, object_ref) if step in (None, clock.step)]
    for clock in clocks:
        _stop(session, clock, outcome=outcome, now=now)
    flush(session)
    return len(clocks)


_RUNNING = (
    select(Clock)
    .where(col(Clock.object_ref) == bindparam("object_ref"), col(Clock.ended_at).is_(None))
    .order_by(col(Clock.started_at), col(Clock.id))
)
"""Built once: every step of anything asks it."""


def _running(session: Session, object_ref: str) -> Sequence[Clock]:
    return session.exec(_RUNNING, params={"object_ref": object_ref}).all()


def _stop(session: Session, clock: Clock, *, outcome: str, now: datetime) -> None:
    clock.ended_at, clock.outcome, clock.remind_at = now, outcome, None
    session.add(clock)


def due_reminders(session: Session, /, *, now: datetime, most: int = 100) -> list[Clock]:
    """Running clocks whose next reminder is due; each is marked as reminded, so that the caller must write it now.

    Reminders that were missed while nobody swept are sent as one. A holder outside the house whose reminder before
    the limit comes only after it gets one working day more (one hour, where hours count), for it was the house that
    slept; the reminder at the limit itself gives no time.
    """
    statement = select(Clock).where(col(Clock.ended_at).is_(None), col(Clock.remind_at) <= now)
    statement = statement.order_by(col(Clock.remind_at), col(Clock.id)).limit(most).with_for_update(skip_locked=True)
    clocks = session.exec(statement).all()
    for clock in clocks:
        rule, begun, due = STEPS[clock.step], clock.started_at, clock.due_at
        missed = clock.reminders < sum(share < AT_THE_LIMIT for share in rule.remind_at)
        clock.reminders = sum(_reminder(begun, due, share) <= now for share in rule.remind_at)
        clock.remind_at = _next_reminder(clock.step, started=begun, due=due, sent=clock.reminders)
        if due <= now and missed and rule.side is not Side.STAFF:
            day = after_working_days(now, 1, district=clock.district_code)
            clock.due_at = now + timedelta(hours=1) if rule.hours else day
        session.add(clock)
    flush(session)
    return list(clocks)


def ask_tomorrow(session: Session, clock: Clock, /, *, now: datetime) -> None:
    """A reminder that found nobody to read it counts for nothing: the next is due in a day at the latest."""
    next_day = now + timedelta(days=1)
    clock.reminders, clock.remind_at = 0, min(clock.remind_at or next_day, next_day)
    session.add(clock)
    flush(session)


def are_due(session: Session, /, *, now: datetime) -> bool:
    """Whether any reminder is due: asked before a writing transaction is opened."""
    statement = select(Clock.id).where(col(Clock.ended_at).is_(None), col(Clock.remind_at) <= now)
    return session.exec(statement.limit(1)).first() is not None


class Running(NamedTuple):
    """As much of a running clock as a sweep over many needs."""

    id: str
    object_ref: str
    side: Side


def running_in(session: Session, district_code: str, /) -> list[Running]:
    """The clocks that run in a district."""
    asked = select(Clock.id, Clock.object_ref, Clock.side).where(col(Clock.ended_at).is_(None))
    found = session.exec(asked.where(Clock.district_code == district_code))
    return [Running(clock, ref, Side(side)) for clock, ref, side in found]


def move_to(
    session: Session, clock_ids: Collection[str], district_code: str, /, *, stay: Collection[str], now: datetime
) -> None:
    """These clocks are another district's now; the limits stay. Where staff are waited for and the holder is not among
    those who `stay`, nobody holds it until the reminder, which is due at once, names somebody there."""
    for clock in session.exec(select(Clock).where(col(Clock.id).in_(clock_ids))).all():
        clock.district_code = district_code
        if clock.side is Side.STAFF and clock.account_id not in stay:
            clock.account_id, clock.remind_at = None, now
        session.add(clock)
    flush(session)


def late(session: Session, step: str, /, *, now: datetime, most: int = 100) -> list[Clock]:
    """Running clocks of a step whose limit has passed, the latest first."""
    statement = select(Clock).where(col(Clock.step) == step, col(Clock.ended_at).is_(None), col(Clock.due_at) <= now)
    return list(session.exec(statement.order_by(col(Clock.due_at), col(Clock.id)).limit(most)))


_LATE_STEPS = select(Clock.step).where(col(Clock.ended_at).is_(None), col(Clock.due_at) <= bindparam("now")).distinct()
"""Built once: every sweep asks it, and mostly nothing is late."""


def late_steps(session: Session, /, *, now: datetime) -> set[str]:
    """The steps of which at least one running clock is late."""
    return set(session.exec(_LATE_STEPS, params={"now": now}))


def running_of(session: Session, object_ref: str, /) -> list[Clock]:
    """What an object waits for now."""
    return list(_running(session, object_ref))


def running_by_object(session: Session, object_refs: Iterable[str], /) -> dict[str, Clock]:
    """Object ► the clock that runs for it (the newest, should there be several), for one page of a list."""
    statement = select(Clock).where(col(Clock.object_ref).in_(set(object_refs)), col(Clock.ended_at).is_(None))
    return {clock.object_ref: clock for clock in session.exec(statement.order_by(col(Clock.started_at)))}


def set_last_day(session: Session, clock: Clock, day: date, /) -> None:
    """Give a clock a last day of its own, as people agreed it; reminders follow."""
    clock.due_at = datetime.combine(day + timedelta(days=1), time(0), HERE).astimezone(UTC)
    clock.remind_at = _next_reminder(clock.step, started=clock.started_at, due=clock.due_at, sent=clock.reminders)
    session.add(clock)
    flush(session)


def move_on_by(clocks: Iterable[tuple[Clock, datetime]], /) -> None:
    """Later ends for clocks that run, each with its own; reminders follow, those that were sent stay sent."""
    for clock, due in clocks:
        clock.due_at = due
        clock.remind_at = _next_reminder(clock.step, started=clock.started_at, due=due, sent=clock.reminders)


def last_day(clock: Clock, /) -> date:
    """The last day on which the step is in time; the limit itself is the midnight after it."""
    return local_day(clock.due_at - timedelta(seconds=1))


def _reminder(started: datetime, due: datetime, share: int) -> datetime:
    return started + (due - started) * share / 100


def _next_reminder(step: str, *, started: datetime, due: datetime, sent: int) -> datetime | None:
    shares = STEPS[step].remind_at
    return _reminder(started, due, shares[sent]) if sent < len(shares) else None
