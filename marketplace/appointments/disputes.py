"""A recorded visit that did not take place: the household says so within its time, staff afterwards with a reason.

Enters: a visit that its giver has recorded, and who says that nobody came. Leaves: its service records void, kept with
the reason; its units open again: to be planned anew while the match runs, else back from the ledger, so that need,
offer, reports and certificates follow. Called by `outcomes`, the pages, and `decisions` when nothing of a match came.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from marketplace import notices
from marketplace.actors import Actor, Role
from marketplace.appointments import booking
from marketplace.appointments.missing import count_missing
from marketplace.appointments.models import Appointment, AppointmentState, ServiceRecord, Volunteer
from marketplace.decisions import moves
from marketplace.decisions.models import Match, MatchState
from marketplace.decisions.paid_late import OVER
from marketplace.errors import BadInput, WrongState
from marketplace.reference.words import list_codes

TIME = timedelta(days=14)
"""So long after a visit was recorded its household may say that nobody came; afterwards staff may, with a reason."""
GIVEN = (MatchState.DELIVERED, MatchState.CONFIRMED)
OWN = (MatchState.IN_DELIVERY, MatchState.HELD, *GIVEN)
"""Until its match is closed a household may say so itself."""
BY_STAFF = (*OWN, MatchState.CLOSED, *OVER)
"""Staff may afterwards too, also what was recorded after the end and counts for nobody but its volunteers."""
DISPUTED = "disputed"
NOBODY_CAME = (DISPUTED, "nobody_came")
"""For these its volunteers count as not come: a visit recorded twice, or of another home, is not their doing."""
HOMES = (Role.HOUSEHOLD, Role.HELPER, Role.WORKER)
"""Who speaks for the household: itself, its helper, a worker to whom it said so."""


def until(appointment: Appointment, /) -> datetime | None:
    """The household's last moment; None where nothing is recorded."""
    recorded = appointment.closed_at if appointment.state is AppointmentState.DONE else None
    return recorded + TIME if recorded else None


def may_dispute(appointment: Appointment, match: Match, /, *, now: datetime) -> bool:
    """Whether the household may still say that nobody came. While it is asked whether all arrived, it may say so of
    every visit that it could dispute when it was first asked: who is silent, and reached late, loses nothing."""
    last = until(appointment)
    if last is None or match.state not in OWN or match.held_for:
        return False
    asked = match.delivered_at if match.state is MatchState.DELIVERED else None
    return (asked or now) <= last


def may_strike(appointment: Appointment, match: Match, /) -> bool:
    """Whether staff may."""
    return appointment.state is AppointmentState.DONE and match.state in BY_STAFF


def dispute(session: Session, appointment: Appointment, match: Match, /, *, actor: Actor, now: datetime) -> None:
    """The household, or who speaks for it, says that a recorded visit did not take place. Both rows are locked."""
    if match.state not in OWN:
        raise WrongState("match_moved_on", state=match.state.value)
    if match.held_for:
        raise WrongState("match_held", cause=match.held_for)
    if not may_dispute(appointment, match, now=now):
        raise WrongState("too_late_to_dispute")
    _undo(session, appointment, match, reason=DISPUTED, actor=actor, now=now)
    notices.post(session, "visit_changed", key=f"{appointment.id}:missed", org_id=match.org_id, now=now)


def strike(session: Session, appointment_id: str, /, *, reason: str, actor: Actor, now: datetime) -> Appointment:
    """Staff have found that a recorded visit did not take place, whenever that is; household and giver are told."""
    if reason not in list_codes("visit_void"):
        raise BadInput("reason_missing", field="reason_code")
    states = (AppointmentState.DONE,)
    appointment, match = booking.lock(session, appointment_id, "appointment:void", actor=actor, states=states)
    if not may_strike(appointment, match):
        raise WrongState("match_moved_on", state=match.state.value)
    _undo(session, appointment, match, reason=reason, actor=actor, now=now)
    key = f"{appointment.id}:struck"
    notices.post(session, "visit_changed", key=key, org_id=match.org_id, now=now)
    notices.post(session, "visit_changed", key=f"{key}:home", household_id=match.household_id, now=now)
    return appointment


def void_all(session: Session, match: Match, actor: Actor, now: datetime, /) -> int:
    """The household says that nothing came: each visit is void for which it still has time. Returns the units of those
    that stand; the match itself is the caller's."""
    wanted = select(Appointment).where(
        col(Appointment.match_id) == match.id, col(Appointment.state) == AppointmentState.DONE
    )
    standing = 0
    for appointment in session.exec(wanted.order_by(col(Appointment.id)).with_for_update()).all():
        if may_dispute(appointment, match, now=now):
            _void(session, appointment, reason=DISPUTED, actor=actor, now=now)
        else:
            standing += appointment.units
    return standing


def _undo(
    session: Session, appointment: Appointment, match: Match, *, reason: str, actor: Actor, now: datetime
) -> None:
    _void(session, appointment, reason=reason, actor=actor, now=now)
    if match.state in moves.BEGUN or match.state in OVER:
        return
    standing = booking.claimed_units(session, match.id, states=(AppointmentState.DONE,))
    if less := max(match.units - standing, 0):
        moves.take_back(session, match, units=less, rule=reason, actor=actor, now=now)


def _void(session: Session, appointment: Appointment, *, reason: str, actor: Actor, now: datetime) -> None:
    appointment.minutes, appointment.content, appointment.rating = None, "", None
    records = session.exec(select(ServiceRecord).where(col(ServiceRecord.appointment_id) == appointment.id)).all()
    for record in records:
        record.void, record.void_reason = True, reason
        session.add(record)
    missed = AppointmentState.NO_SHOW_VOLUNTEER
    booking.close(session, appointment, to=missed, reason=reason, actor=actor, now=now)
    if reason in NOBODY_CAME:
        count_missing(session, [session.get_one(Volunteer, record.volunteer_id) for record in records], now=now)
