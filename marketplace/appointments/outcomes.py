"""What became of an agreed visit: served, or somebody did not come; and the end of the match that follows.

Enters: an appointment whose time has begun, and who says what happened. Leaves: service records of the volunteers,
units that add up, a delivered match once all are served, counted no-shows with their tasks and, after the term, a
partial delivery. What began before its match ended is said afterwards too.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlmodel import Session, col, func, select

from marketplace import audit, notices
from marketplace.actors import Actor
from marketplace.appointments import booking, disputes, limits, sayable, silent
from marketplace.appointments.disputes import HOMES
from marketplace.appointments.missing import TWICE, count_missing
from marketplace.appointments.models import (
    OPEN,
    Appointment,
    AppointmentState,
    ServiceRecord,
    Volunteer,
)
from marketplace.appointments.service import call_off
from marketplace.appointments.silent import CALL
from marketplace.clocks import service as clocks
from marketplace.clocks.service import Holder
from marketplace.db import flush, new_id
from marketplace.decisions import moves, pieces, served_late
from marketplace.decisions import service as decisions
from marketplace.decisions.models import Match, MatchState
from marketplace.errors import BadInput, WrongState
from marketplace.policy import require
from marketplace.reference.words import list_codes

SERVED = (AppointmentState.DONE,)


def record_done(
    session: Session,
    appointment_id: str,
    /,
    *,
    minutes: int,
    content: str,
    came: Collection[str] | None = None,
    actor: Actor,
    now: datetime,
) -> Appointment:
    """The giver records a visit that took place, with who of those booked `came` (None: all of them): only they have
    served, the others count as not come. Begun hours do not count, and not more than was planned. With the last
    unit the match is delivered and the household is asked to confirm; until then the limit of the delivery begins anew
    with each visit, for a service that is being served is not late, nor before the next visit that is agreed. A visit
    that began before its match ended is recorded too, and counts as far as need and offer have not been used since."""
    agreed = (AppointmentState.AGREED,)
    appointment, match = booking.lock(session, appointment_id, "appointment:plan", actor=actor, states=agreed)
    told = sayable.served(session, appointment, match, minutes=minutes, content=content, came=came, now=now)
    appointment.units, appointment.minutes, appointment.content = told.units, minutes, content
    booking.close(session, appointment, to=AppointmentState.DONE, actor=actor, now=now)
    _write_records(session, appointment, told.present, now=now)
    if told.absent:
        count_missing(session, told.absent, now=now)
    if match.state is not MatchState.IN_DELIVERY:
        served_late.count(session, match, units=told.units, actor=actor, now=now)
    elif booking.claimed_units(session, match.id, states=SERVED) == match.units:
        decisions.deliver(session, match.id, by_visits=True, actor=actor, now=now)
    else:
        moves.wait(session, match, outcome="served_part", now=now)
        limits.follow(session, match, now=now)
    return appointment


def _write_records(session: Session, appointment: Appointment, present: Sequence[Volunteer], *, now: datetime) -> None:
    for volunteer in present:
        session.add(
            ServiceRecord(
                id=new_id(),
                org_id=appointment.org_id,
                volunteer_id=volunteer.id,
                appointment_id=appointment.id,
                category=appointment.category,
                content=appointment.content,
                started_at=appointment.starts_at,
                minutes=appointment.minutes or 0,
                created_at=now,
            )
        )
    flush(session)


def volunteer_missed(
    session: Session, appointment_id: str, /, *, missing: Sequence[str] = (), actor: Actor, now: datetime
) -> Appointment:
    """Somebody of the giver did not come (none named: nobody came). Said by the giver, or by the household, which may
    also dispute a visit that the giver has recorded, within its time (`disputes`)."""
    by_household = actor.role in HOMES
    states = (AppointmentState.AGREED, AppointmentState.DONE) if by_household else (AppointmentState.AGREED,)
    action = "appointment:answer" if by_household else "appointment:plan"
    appointment, match = booking.lock(session, appointment_id, action, actor=actor, states=states)
    if appointment.state is AppointmentState.DONE:
        disputes.dispute(session, appointment, match, actor=actor, now=now)
        return appointment
    sayable.require_begun(appointment, match, now=now)
    booking.close(session, appointment, to=AppointmentState.NO_SHOW_VOLUNTEER, actor=actor, now=now)
    booked = booking.people_of(session, appointment.id)
    count_missing(session, [one for one in booked if one.id in missing] or booked, now=now)
    key = f"{appointment.id}:missed"
    if by_household:
        notices.post(session, "visit_changed", key=key, org_id=match.org_id, now=now)
    else:
        notices.post(session, "visit_changed", key=key, household_id=match.household_id, now=now)
    return appointment


def household_missed(session: Session, appointment_id: str, /, *, actor: Actor, now: datetime) -> Appointment:
    """The volunteers came and nobody was there. Nothing is lost by it; after the second time a worker calls."""
    agreed = (AppointmentState.AGREED,)
    appointment, match = booking.lock(session, appointment_id, "appointment:plan", actor=actor, states=agreed)
    sayable.require_begun(appointment, match, now=now)
    booking.close(session, appointment, to=AppointmentState.NO_SHOW_HOUSEHOLD, actor=actor, now=now)
    notices.post(session, "visit_changed", key=f"{appointment.id}:missed", household_id=match.household_id, now=now)
    if match.state is MatchState.IN_DELIVERY and household_no_shows(session, match.id) >= TWICE:
        holder = Holder(district_code=match.district_code)
        clocks.start(session, CALL, call_ref(match.id), holder=holder, now=now)
    return appointment


def call_ref(match_id: str, /) -> str:
    """Under which the call waits: apart from the match, whose own clock keeps running."""
    return f"visits:{match_id}"


def household_no_shows(session: Session, match_id: str, /) -> int:
    """How often nobody was there."""
    wanted = select(func.count()).select_from(Appointment).where(col(Appointment.match_id) == match_id)
    return session.exec(wanted.where(col(Appointment.state) == AppointmentState.NO_SHOW_HOUSEHOLD)).one()


def called(session: Session, match_id: str, /, *, outcome: str, actor: Actor, now: datetime) -> None:
    """A worker has rung the household: nobody was there at two visits, or it said nothing on a time."""
    if outcome not in list_codes("visit_call"):
        raise BadInput("reason_missing", field="outcome")
    match = booking.lock_match(session, match_id)
    require(actor, "appointment:call", district=match.district_code)
    missed = clocks.end(session, call_ref(match.id), step=CALL, outcome=outcome, now=now)
    if not silent.end_call(session, match.id, outcome=outcome, now=now) and not missed:
        raise WrongState("no_call_waits")
    entry = audit.Entry("appointment:call", object_ref=match.id, subject=match.household_id, rule_id=outcome)
    audit.record(session, entry, actor=actor, now=now)
    notices.post(session, "visit_changed", key=f"{match.id}:called:{now.isoformat()}", org_id=match.org_id, now=now)


def rate(session: Session, appointment_id: str, /, *, rating: int, actor: Actor, now: datetime) -> Appointment:
    """The household says how good the visit was, 1 to 5; its last word counts."""
    appointment, _match = booking.lock(session, appointment_id, "appointment:rate", actor=actor, states=SERVED)
    if not 1 <= rating <= 5:
        raise BadInput("rating_missing", field="rating")
    appointment.rating, appointment.updated_at = rating, now
    session.add(appointment)
    for record in session.exec(select(ServiceRecord).where(col(ServiceRecord.appointment_id) == appointment.id)):
        record.rating = rating
        session.add(record)
    entry = audit.Entry(
        "appointment:rate", object_ref=appointment.id, subject=appointment.household_id, body={"rating": rating}
    )
    audit.record(session, entry, actor=actor, now=now)
    flush(session)
    return appointment


def finish(session: Session, match_id: str, /, *, actor: Actor, now: datetime) -> Match:
    """The term ends before all was served: what was served is delivered, the rest is free and the need open again."""
    match = booking.lock_match(session, match_id)
    require(actor, "appointment:plan", org_id=match.org_id)
    booking.require_running(match)
    pieces.refuse_unrecorded(session, match, now=now)
    served = _given(session, match)
    if not served:
        raise WrongState("nothing_served_yet")
    _call_off_open(session, match.id, reason="finished", actor=actor, now=now)
    return decisions.deliver(session, match.id, units=served, by_visits=True, actor=actor, now=now)


def _given(session: Session, match: Match) -> int:
    """What a match has given in visits; every end of it counts that (see `decisions.pieces`)."""
    return booking.claimed_units(session, match.id, states=SERVED)


def _unrecorded(session: Session, match: Match, now: datetime) -> bool:
    passed = select(Appointment.id).where(
        col(Appointment.match_id) == match.id,
        col(Appointment.state) == AppointmentState.AGREED,
        col(Appointment.ends_at) <= now,
    )
    return session.exec(passed.limit(1)).first() is not None


def _overtaken(session: Session, match: Match, actor: Actor, now: datetime) -> None:
    _call_off_open(session, match.id, reason="match_ended", actor=actor, now=now)
    silent.end_call(session, match.id, outcome="match_ended", now=now)


def _minutes(session: Session, match: Match) -> int | None:
    """What the giver's people have served of it, each of them counted; None where nothing is on record."""
    served = select(func.sum(col(ServiceRecord.minutes))).join(
        Appointment, col(Appointment.id) == col(ServiceRecord.appointment_id)
    )
    served = served.where(col(Appointment.match_id) == match.id, col(ServiceRecord.void).is_(False))
    total = session.exec(served).one()
    return None if total is None else int(total)


pieces.ROOMS["visits"] = pieces.Pieces(_given, _unrecorded, _overtaken, disputes.void_all, _minutes)


def _call_off_open(session: Session, match_id: str, *, reason: str, actor: Actor, now: datetime) -> None:
    wanted = select(Appointment).where(col(Appointment.match_id) == match_id, col(Appointment.state).in_(OPEN))
    for appointment in session.exec(wanted.order_by(col(Appointment.id)).with_for_update()).all():
        if not booking.has_begun(appointment, now=now):
            call_off(session, appointment, reason=reason, actor=actor, now=now)
