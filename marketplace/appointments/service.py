"""Planning: the giver proposes times, the household takes one or asks for another, either may call it off.

Enters: a match of a service that is on its way, windows, the people who would come. Leaves: appointments, half hours
held for the volunteers, a clock for the household's answer, letters. Nobody is booked twice, nobody uninsured is sent
to risky work, and no more units are planned than the match holds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from marketplace import audit, notices
from marketplace.actors import Actor
from marketplace.appointments import booking, limits, silent
from marketplace.appointments.booking import ANSWER
from marketplace.appointments.fitness import Window, check_visit
from marketplace.appointments.models import OPEN, Appointment, AppointmentState, Booking, Place, Volunteer
from marketplace.appointments.times import check_time, check_windows
from marketplace.clocks import service as clocks
from marketplace.clocks.service import Holder
from marketplace.db import new_id
from marketplace.decisions.models import Match
from marketplace.decisions.moves import URGENT
from marketplace.errors import BadInput, NotFound, WrongState
from marketplace.needs.models import Need
from marketplace.policy import require
from marketplace.reference.services import ServiceKind, find_service
from marketplace.reference.words import list_codes


@dataclass(frozen=True, slots=True)
class Plan:
    """Times that a giver proposes in one go: one visit each, or alternatives of which the household takes one."""

    windows: tuple[Window, ...]
    volunteer_ids: tuple[str, ...]
    place: Place
    choose_one: bool = False


def service_of(session: Session, match: Match, /) -> ServiceKind:
    """The kind of service of a match; WrongState for goods and money, which nobody has to keep an appointment for."""
    kind = find_service(session.get_one(Need, match.need_id).category)
    if kind is None:
        raise WrongState("not_a_service")
    return kind


def propose(session: Session, match_id: str, plan: Plan, /, *, actor: Actor, now: datetime) -> list[Appointment]:
    """Propose times for a match on its way; the household is told once, whatever the number of times.
    A giver whose agreement rests or has ended still serves what it owes: only new matches are closed to it."""
    return propose_all(session, match_id, [plan], actor=actor, now=now)


def propose_all(
    session: Session, match_id: str, plans: Sequence[Plan], /, *, actor: Actor, now: datetime
) -> list[Appointment]:
    """The same for several plans, one after the other, in one word to the household."""
    match = booking.lock_match(session, match_id)
    require(actor, "appointment:plan", org_id=match.org_id)
    booking.require_plannable(session, match, now=now)
    kind = service_of(session, match)
    made = [one for plan in plans for one in _propose(session, match, kind, plan, actor=actor, now=now)]
    holder = Holder(household_id=match.household_id, district_code=match.district_code)
    urgent = session.get_one(Need, match.need_id).urgency >= URGENT
    for choice_id in dict.fromkeys(appointment.choice_id for appointment in made):
        clocks.start(session, ANSWER, choice_id, holder=holder, now=now, urgent=urgent)
    notices.post(session, "visit_proposed", key=f"{made[0].id}:visit", household_id=match.household_id, now=now)
    return made


def _propose(
    session: Session, match: Match, kind: ServiceKind, plan: Plan, *, actor: Actor, now: datetime
) -> list[Appointment]:
    check_windows(plan.windows, kind, now=now)
    _check_room(session, match, plan, kind)
    people = _people(session, match.org_id, plan.volunteer_ids)
    for window in plan.windows:
        check_time(session, match, kind, window, people, place=plan.place, now=now)
    shared, made = new_id(), []
    for window in sorted(plan.windows, key=lambda window: window.starts_at):
        choice_id = shared if plan.choose_one else new_id()
        appointment = _new(match, window, kind, plan, choice_id=choice_id, actor=actor, now=now)
        session.add(appointment)
        booking.step(session, appointment, to=AppointmentState.PROPOSED, actor=actor, now=now)
        booking.hold(session, appointment, people)
        made.append(appointment)
    return made


def _new(
    match: Match, window: Window, kind: ServiceKind, plan: Plan, *, choice_id: str, actor: Actor, now: datetime
) -> Appointment:
    return Appointment(
        id=new_id(),
        match_id=match.id,
        org_id=match.org_id,
        household_id=match.household_id,
        district_code=match.district_code,
        category=kind.code,
        choice_id=choice_id,
        starts_at=window.starts_at,
        ends_at=window.ends_at,
        place=plan.place,
        units=kind.units(window.minutes),
        state=AppointmentState.PROPOSED,
        created_by=actor.id,
        created_at=now,
        updated_at=now,
    )


def _check_room(session: Session, match: Match, plan: Plan, kind: ServiceKind) -> None:
    units = [kind.units(window.minutes) for window in plan.windows]
    asked = max(units) if plan.choose_one else sum(units)
    left = match.units - booking.claimed_units(session, match.id)
    if asked > left:
        raise BadInput("more_than_matched", field="days", left=max(left, 0))


def _people(session: Session, org_id: str, ids: Sequence[str]) -> list[Volunteer]:
    wanted = select(Volunteer).where(col(Volunteer.id).in_(set(ids)), col(Volunteer.org_id) == org_id)
    found = list(session.exec(wanted.order_by(col(Volunteer.id))))
    if len(found) != len(set(ids)):
        raise NotFound("volunteer")
    return found


def agree(session: Session, appointment_id: str, /, *, actor: Actor, now: datetime) -> Appointment:
    """The household takes a time, or a worker for it; its alternatives are called off. Fitness is asked again."""
    states = (AppointmentState.PROPOSED,)
    appointment, match = booking.lock(session, appointment_id, "appointment:answer", actor=actor, states=states)
    booking.require_plannable(session, match, now=now)
    if appointment.starts_at <= now:
        raise WrongState("time_has_passed")
    people = booking.people_of(session, appointment.id)
    window = Window(appointment.starts_at, appointment.ends_at)
    try:
        check_visit(service_of(session, match), window, people, place=appointment.place)
    except BadInput as error:
        raise WrongState("time_no_longer_possible", cause=error.code) from error
    for other in _choice(session, appointment):
        booking.close(session, other, to=AppointmentState.CANCELLED, reason="other_chosen", actor=actor, now=now)
    clocks.end(session, appointment.choice_id, step=ANSWER, outcome="agreed", now=now)
    silent.end_call(session, match.id, outcome="agreed", now=now)
    appointment.answered_at = now
    booking.step(session, appointment, to=AppointmentState.AGREED, actor=actor, now=now)
    limits.agreed(session, match, now=now)
    notices.post(session, "visit_agreed", key=f"{appointment.id}:agreed", org_id=match.org_id, now=now)
    return appointment


def _choice(session: Session, appointment: Appointment) -> list[Appointment]:
    """The other open times of the same choice."""
    wanted = select(Appointment).where(
        col(Appointment.choice_id) == appointment.choice_id,
        col(Appointment.id) != appointment.id,
        col(Appointment.state).in_(OPEN),
    )
    return list(session.exec(wanted.order_by(col(Appointment.id)).with_for_update()))


def ask_other_time(session: Session, appointment_id: str, /, *, wish: str, actor: Actor, now: datetime) -> Appointment:
    """The household cannot at this time: the whole choice is called off, its wish is told to the giver. A time that was
    agreed can be moved in the same way until it begins."""
    if wish not in list_codes("visit_wish"):
        raise BadInput("reason_missing", field="wish")
    appointment, match = booking.lock(session, appointment_id, "appointment:answer", actor=actor, states=OPEN)
    if appointment.starts_at <= now:
        raise WrongState("time_has_passed")
    for one in (appointment, *_choice(session, appointment)):
        one.wish, one.answered_at = wish, now
        booking.close(session, one, to=AppointmentState.CANCELLED, reason=booking.OTHER_TIME, actor=actor, now=now)
    silent.end_call(session, match.id, outcome="other_time", now=now)
    notices.post(session, "visit_changed", key=f"{appointment.id}:other_time", org_id=match.org_id, now=now)
    return appointment


def cancel(session: Session, appointment_id: str, /, *, reason_code: str, actor: Actor, now: datetime) -> Appointment:
    """The giver calls one time off, with a reason; the household is told. Of an agreed visit that has begun the giver
    says what became of it instead."""
    if reason_code not in list_codes("visit_cancel"):
        raise BadInput("reason_missing", field="reason_code")
    appointment, _match = booking.lock(session, appointment_id, "appointment:plan", actor=actor, states=OPEN)
    if booking.has_begun(appointment, now=now):
        raise WrongState("visit_to_record")
    call_off(session, appointment, reason=reason_code, actor=actor, now=now)
    return appointment


def call_off(session: Session, appointment: Appointment, /, *, reason: str, actor: Actor, now: datetime) -> None:
    """Cancel an open appointment and tell the household."""
    booking.close(session, appointment, to=AppointmentState.CANCELLED, reason=reason, actor=actor, now=now)
    key = f"{appointment.id}:cancelled"
    notices.post(session, "visit_changed", key=key, household_id=appointment.household_id, now=now)


def substitute(
    session: Session, appointment_id: str, out_id: str, instead_id: str, /, *, actor: Actor, now: datetime
) -> Appointment:
    """Somebody else goes: of an open visit, until it is recorded, one who is booked is exchanged for another who is
    asked for the same as at the plan. A household that knew who comes is told."""
    appointment, match = booking.lock(session, appointment_id, "appointment:plan", actor=actor, states=OPEN)
    booking.require_sayable(match)
    booked = booking.people_of(session, appointment.id)
    out = next((one for one in booked if one.id == out_id), None)
    if out is None:
        raise BadInput("not_booked", field="out")
    (coming,) = _people(session, match.org_id, (instead_id,))
    if coming in booked:
        raise BadInput("booked_already", field="instead", who=coming.registration_no)
    window = Window(appointment.starts_at, appointment.ends_at)
    people = [*(one for one in booked if one is not out), coming]
    try:
        check_visit(service_of(session, match), window, people, place=appointment.place)
        booking.require_free(session, window, [coming])
    except BadInput as error:
        raise BadInput(error.code, **{**error.facts, "field": "instead"}) from error
    booking.exchange(session, appointment, out, coming)
    _tell_exchange(session, appointment, out, coming, actor=actor, now=now)
    return appointment


def _tell_exchange(
    session: Session, appointment: Appointment, out: Volunteer, coming: Volunteer, *, actor: Actor, now: datetime
) -> None:
    act, body = "appointment:substitute", {"out": out.id, "in": coming.id}
    entry = audit.Entry(act, object_ref=appointment.id, subject=appointment.household_id, body=body)
    audit.record(session, entry, actor=actor, now=now)
    if appointment.state is AppointmentState.AGREED and appointment.starts_at > now:
        key = f"{appointment.id}:who:{now.isoformat()}"
        notices.post(session, "visit_changed", key=key, household_id=appointment.household_id, now=now)


def free_volunteer(session: Session, volunteer_id: str, /, *, actor: Actor, now: datetime) -> int:
    """Call off what a volunteer who has stopped was still promised for; return how many visits that were. An agreed
    visit that has begun stays to be recorded: the hours are the volunteer's own."""
    wanted = (
        select(Appointment.id)
        .join(Booking, col(Booking.appointment_id) == col(Appointment.id))
        .where(col(Booking.volunteer_id) == volunteer_id, col(Appointment.state).in_(OPEN))
    )
    freed = 0
    for appointment_id in session.exec(wanted.order_by(col(Appointment.id))).all():
        try:
            appointment, _match = booking.lock(session, appointment_id, "appointment:plan", actor=actor, states=OPEN)
        except WrongState:
            continue
        if not booking.has_begun(appointment, now=now):
            call_off(session, appointment, reason="volunteer_stopped", actor=actor, now=now)
            freed += 1
    return freed
