"""The limit of a service follows its visits: what is agreed for later is not late, and what falls away gives no time.

Enters: a match on its way of which a visit was agreed, served or ended without being served. Leaves: its `deliver` with
the limit that it had from its beginning, or the end of the working day after the last agreed visit, whichever is later
(the latter alone, where a visit was agreed when the delivery was late already);
and, hung in where the sweep of late deliveries asks, whether a visit is still to come. Called by `booking`, `service`
and `outcomes`.
"""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session, col, func, or_, select

from marketplace.appointments.models import Appointment, AppointmentState
from marketplace.calendar import after_working_days
from marketplace.clocks import service as clocks
from marketplace.clocks.models import Clock
from marketplace.decisions import idle, moves
from marketplace.decisions.models import Match
from marketplace.needs.models import Need

DELIVER, LATE, AGREED = "deliver", "late_delivery", "visit_agreed"
PLAN_ANEW = 5
"""So many working days a giver has at least to propose another time when it was the household that could not."""


def agreed(session: Session, match: Match, /, *, now: datetime) -> None:
    """A visit was agreed: a delivery that staff were asked about as late is under way again."""
    if any(clock.step == LATE for clock in clocks.running_of(session, match.id)):
        moves.wait(session, match, outcome=AGREED, now=now)
    follow(session, match, now=now)


def fell_away(session: Session, match: Match, /, *, by_home: bool, now: datetime) -> None:
    """A visit will not be served: the time that an agreed one gave goes with it, to the next working day at the
    earliest, or, where the household could not (`by_home`), a few days later."""
    follow(session, match, least=PLAN_ANEW if by_home else 1, now=now)


def follow(session: Session, match: Match, /, *, least: int = 0, now: datetime) -> None:
    """Put the limit where the visits that are agreed put it, and at least so many working days ahead."""
    clock = next((one for one in clocks.running_of(session, match.id) if one.step == DELIVER), None)
    if clock is None:
        return
    district, last = match.district_code, _last_agreed(session, match.id)
    urgent = session.get_one(Need, match.need_id).urgency >= moves.URGENT
    begun = clocks.limit_from(clock.started_at, DELIVER, district=district, urgent=urgent)
    due = [] if _was_late(session, clock) else [begun]
    due += [after_working_days(last, 1, district=district)] if last else []
    due += [after_working_days(now, least, district=district)] if least else []
    if due and max(due) != clock.due_at:
        clocks.move_on_by([(clock, max(due))])


def _was_late(session: Session, clock: Clock) -> bool:
    """Whether it began because a visit of a late delivery was agreed: it has no more time than its visits."""
    before = select(Clock.id).where(col(Clock.object_ref) == clock.object_ref, col(Clock.step) == LATE)
    before = before.where(col(Clock.outcome) == AGREED, col(Clock.ended_at) == clock.started_at)
    return session.exec(before.limit(1)).first() is not None


def _last_agreed(session: Session, match_id: str) -> datetime | None:
    latest = select(func.max(Appointment.ends_at)).where(col(Appointment.match_id) == match_id)
    return session.exec(latest.where(col(Appointment.state) == AppointmentState.AGREED)).one()


def to_come(session: Session, match_id: str, now: datetime, /) -> bool:
    """Whether a visit is agreed that is not over, or proposed and waits for the household."""
    waits = (col(Appointment.state) == AppointmentState.PROPOSED) & (col(Appointment.starts_at) > now)
    comes = (col(Appointment.state) == AppointmentState.AGREED) & (col(Appointment.ends_at) > now)
    found = select(Appointment.id).where(col(Appointment.match_id) == match_id, or_(waits, comes))
    return session.exec(found.limit(1)).first() is not None


idle.TO_COME["visits"] = to_come
