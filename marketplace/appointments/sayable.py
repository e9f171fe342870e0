"""Whether it can be said what became of a visit: that it has begun, who came, for how long, and who was insured.

Enters: a visit, its match and what somebody says of it. Leaves: what is then on record, or the first thing that does
not fit, as a BadInput or WrongState whose code has a sentence with its mend. Nothing is written. Called by `outcomes`,
and by `planned_said` for each row of a table.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session

from marketplace.appointments import booking
from marketplace.appointments.insured import uninsured
from marketplace.appointments.models import Appointment, Volunteer
from marketplace.decisions import served_late
from marketplace.decisions.models import Match, MatchState
from marketplace.errors import BadInput, WrongState
from marketplace.reference.services import service_kind
from marketplace.reference.words import list_codes

OVERTIME = timedelta(hours=1)
"""So much longer than planned a visit may be recorded: it is the volunteer's time, and a slip of the hand is longer."""


@dataclass(frozen=True, slots=True)
class Served:
    """Who of those booked was there and who was not, and the units that count."""

    present: tuple[Volunteer, ...]
    absent: tuple[Volunteer, ...]
    units: int


def require_begun(appointment: Appointment, match: Match, /, *, now: datetime) -> None:
    """Nobody has to look at the match first, and the visit has begun."""
    booking.require_sayable(match)
    if appointment.starts_at > now:
        raise WrongState("not_begun_yet")


def served(
    session: Session,
    appointment: Appointment,
    match: Match,
    /,
    *,
    minutes: int,
    content: str,
    came: Collection[str] | None,
    now: datetime,
) -> Served:
    """What a visit that took place comes to, with who `came` (None: all who are booked)."""
    require_begun(appointment, match, now=now)
    if match.state is not MatchState.IN_DELIVERY:
        served_late.require_over(match)
    if content not in list_codes("service_content"):
        raise BadInput("content_missing", field="content")
    present, absent = _who_came(session, appointment, came)
    _check_minutes(session, appointment, minutes, present, now=now)
    units = min(appointment.units, service_kind(appointment.category).units(minutes))
    if units < 1:
        raise BadInput("minutes_too_few", field="minutes")
    if (missing := uninsured(appointment, present)) is not None:
        raise WrongState("not_insured_then", who=missing.registration_no)
    return Served(tuple(present), tuple(absent), units)


def _who_came(
    session: Session, appointment: Appointment, came: Collection[str] | None
) -> tuple[list[Volunteer], list[Volunteer]]:
    """Of those booked: who was there, and who was not."""
    booked = booking.people_of(session, appointment.id)
    present = [one for one in booked if came is None or one.id in came]
    if not present:
        raise BadInput("nobody_came", field="came")
    return present, [one for one in booked if one not in present]


def _check_minutes(
    session: Session, appointment: Appointment, minutes: int, present: Sequence[Volunteer], *, now: datetime
) -> None:
    """Not longer than it can have been: not into the future, the next visit of who came, nor far beyond the plan."""
    if not 1 <= minutes <= (now - appointment.starts_at).total_seconds() // 60:
        raise BadInput("minutes_not_possible", field="minutes")
    latest = appointment.ends_at + OVERTIME
    following = booking.next_begin(session, appointment, present)
    most = int((min(latest, following or latest) - appointment.starts_at).total_seconds()) // 60
    if minutes > most:
        raise BadInput("minutes_too_many", field="minutes", most=most)
