"""Whether times can be proposed: how many and how long, who is sent, and that nobody is promised elsewhere then.

Enters: windows of a match on its way and the volunteers. Leaves: the first thing that does not fit, as a BadInput whose
code has a sentence with its mend. Called by `service`, and by `planned` for each row of a table.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from sqlmodel import Session, col, select

from marketplace.appointments import booking
from marketplace.appointments.fitness import Window, check_visit
from marketplace.appointments.models import OPEN, Appointment, Place, Volunteer
from marketplace.decisions.models import Match
from marketplace.errors import BadInput
from marketplace.reference.services import ServiceKind

LONGEST = timedelta(hours=10)
FARTHEST = timedelta(days=183)
MOST_AT_ONCE = 36


def check_windows(windows: Sequence[Window], kind: ServiceKind, *, now: datetime) -> None:
    """Times in reach, on the half hour, of a length that the kind allows, and none beside another."""
    if not 0 < len(windows) <= MOST_AT_ONCE:
        raise BadInput("too_many_times", field="days", most=MOST_AT_ONCE)
    for window in windows:
        if window.starts_at <= now or window.starts_at > now + FARTHEST:
            raise BadInput("time_out_of_reach", field="days")
        if window.starts_at.timestamp() % booking.HALF_HOUR or window.ends_at.timestamp() % booking.HALF_HOUR:
            raise BadInput("not_on_the_half_hour", field="begins")
        if not timedelta(0) < window.ends_at - window.starts_at <= LONGEST:
            raise BadInput("window_length", field="ends")
        if kind.by_the_hour and window.minutes % kind.minutes:
            raise BadInput("not_whole_hours", field="ends")
    ordered = sorted(windows, key=lambda window: window.starts_at)
    if any(later.starts_at < earlier.ends_at for earlier, later in pairwise(ordered)):
        raise BadInput("household_busy", field="days")


def check_time(
    session: Session,
    match: Match,
    kind: ServiceKind,
    window: Window,
    people: Sequence[Volunteer],
    /,
    *,
    place: Place,
    now: datetime,
    leaving: Collection[str] = (),
) -> None:
    """Whether one time can be proposed: its length, who is sent, and that nobody is promised elsewhere then, by a visit
    that is not about to be called off."""
    check_windows([window], kind, now=now)
    check_visit(kind, window, people, place=place)
    _check_household(session, match, window, leaving)
    booking.require_free(session, window, people, leaving=leaving)


def _check_household(session: Session, match: Match, window: Window, leaving: Collection[str]) -> None:
    """The same household is not promised two visits at one time, by whomever."""
    overlapping = select(Appointment.id).where(
        col(Appointment.household_id) == match.household_id,
        col(Appointment.state).in_(OPEN),
        col(Appointment.starts_at) < window.ends_at,
        col(Appointment.ends_at) > window.starts_at,
    )
    if any(one not in leaving for one in session.exec(overlapping)):
        raise BadInput("household_busy", field="days")
