"""What every act on an appointment shares: the lock on its match, who is booked, the half hours held, the audit row.

Enters: ids and states. Leaves: locked rows and a booking that the database itself guards: two bookings of one person in
the same half hour collide on the key of `Hold`, whichever process came first. Called by `service` and `outcomes`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime

from sqlalchemy import delete
from sqlmodel import Session, col, func, select

from marketplace import audit
from marketplace.actors import Actor
from marketplace.appointments import limits
from marketplace.appointments.fitness import Window
from marketplace.appointments.models import CLAIMS, Appointment, AppointmentState, Booking, Hold, Volunteer
from marketplace.clocks import service as clocks
from marketplace.consent.ask import is_alive
from marketplace.consent.models import ConsentHead, ConsentState
from marketplace.db import flush
from marketplace.decisions.models import Match, MatchState
from marketplace.errors import BadInput, NotFound, WrongState
from marketplace.policy import require

HALF_HOUR = 1800
ANSWER = "visit_answer"
"""The step that waits for the household's choice."""
OTHER_TIME = "other_time"
"""Why a time is called off at which the household cannot."""
NOT_ANSWERED = "not_answered"
"""Why a time is called off that came without its answer."""


def lock_match(session: Session, match_id: str, /) -> Match:
    """The match, locked: acts on its appointments come one after the other."""
    match = session.get(Match, match_id, with_for_update=True, populate_existing=True)
    if match is None:
        raise NotFound("match")
    return match


def lock(
    session: Session, appointment_id: str, action: str, /, *, actor: Actor, states: Iterable[AppointmentState]
) -> tuple[Appointment, Match]:
    """The appointment as it is now, its match locked first; its state must be one of `states`."""
    seen = session.get(Appointment, appointment_id)
    if seen is None:
        raise NotFound("appointment")
    require(actor, action, household_id=seen.household_id, org_id=seen.org_id, district=seen.district_code)
    match = lock_match(session, seen.match_id)
    appointment = session.get_one(Appointment, appointment_id, with_for_update=True, populate_existing=True)
    if appointment.state not in states:
        raise WrongState("appointment_moved_on", state=appointment.state.value)
    return appointment, match


def require_running(match: Match, /) -> None:
    """Visits are planned and served only while the help is on its way and nobody has to look at it first."""
    if match.state is not MatchState.IN_DELIVERY:
        raise WrongState("match_moved_on", state=match.state.value)
    if match.held_for:
        raise WrongState("match_held", cause=match.held_for)


def has_consent(session: Session, match: Match, /, *, now: datetime) -> bool:
    """Whether the household lets this giver come at this moment: its consent neither rests nor has run out."""
    chain_id = match.consent_chain_id
    return chain_id is not None and is_alive(session.get(ConsentHead, chain_id, populate_existing=True), now)


def waits_for_call(session: Session, match: Match, /, *, now: datetime) -> bool:
    """Whether the yes was taken with help and permits nothing yet: before its call-back, and on the day after."""
    head = session.get(ConsentHead, match.consent_chain_id) if match.consent_chain_id else None
    if head is None or head.state is ConsentState.PENDING_CHECK:
        return head is not None
    return head.state is ConsentState.ACTIVE and now < head.valid_from


def require_plannable(session: Session, match: Match, /, *, now: datetime) -> None:
    """No further visit is planned or agreed without a consent that holds; what was served may still be said."""
    require_running(match)
    if not has_consent(session, match, now=now):
        waits = waits_for_call(session, match, now=now)
        raise WrongState("visits_wait_for_call" if waits else "visits_without_consent")


def has_begun(appointment: Appointment, /, *, now: datetime) -> bool:
    """Whether an agreed visit may be taking place or have taken place: nobody calls it off any more, and somebody says
    what became of it, also when its match or a volunteer's service has ended meanwhile."""
    return appointment.state is AppointmentState.AGREED and appointment.starts_at <= now


def require_sayable(match: Match, /) -> None:
    """What became of a visit is said while the help is on its way, or after its end; not while somebody has to look
    at it first."""
    if match.held_for or match.state is MatchState.HELD:
        raise WrongState("match_held", cause=match.held_for or match.reason_code)


def slots_of(window: Window, /) -> range:
    """The half hours of a window."""
    return range(int(window.starts_at.timestamp()) // HALF_HOUR, -(-int(window.ends_at.timestamp()) // HALF_HOUR))


def require_free(
    session: Session, window: Window, people: Sequence[Volunteer], /, *, leaving: Collection[str] = ()
) -> None:
    """Refuse, by the number of the register, a person who is promised elsewhere in one of these half hours, by a visit
    that is not about to be called off."""
    slots = slots_of(window)
    for person in people:
        taken = select(Hold.appointment_id).where(
            col(Hold.person_index) == person.id_number_index, col(Hold.slot) >= slots.start, col(Hold.slot) < slots.stop
        )
        if any(one not in leaving for one in session.exec(taken)):
            raise BadInput("volunteer_busy", field="volunteers", who=person.registration_no)


def hold(session: Session, appointment: Appointment, people: Sequence[Volunteer], /) -> None:
    """Book these people. What two processes do in the same moment, the key of the table refuses."""
    slots = slots_of(Window(appointment.starts_at, appointment.ends_at))
    for person in people:
        session.add(Booking(appointment_id=appointment.id, volunteer_id=person.id))
        session.add_all(
            Hold(person_index=person.id_number_index, slot=slot, appointment_id=appointment.id) for slot in slots
        )
    flush(session)


def exchange(session: Session, appointment: Appointment, out: Volunteer, coming: Volunteer, /) -> None:
    """One who was booked goes, another takes the place and the half hours."""
    session.delete(session.get_one(Booking, (appointment.id, out.id)))
    session.execute(
        delete(Hold).where(col(Hold.appointment_id) == appointment.id, col(Hold.person_index) == out.id_number_index)
    )
    hold(session, appointment, [coming])


def next_begin(session: Session, appointment: Appointment, came: Sequence[Volunteer], /) -> datetime | None:
    """When the next visit begins, after this one's planned end, of anybody who came to it; None: nobody has one that is
    served or promised."""
    people = [person.id_number_index for person in came]
    after = slots_of(Window(appointment.starts_at, appointment.ends_at)).stop
    first = select(func.min(Hold.slot)).where(col(Hold.person_index).in_(people), col(Hold.slot) >= after)
    slot = session.exec(first).one()
    return None if slot is None else datetime.fromtimestamp(slot * HALF_HOUR, UTC)


def release(session: Session, appointment_ids: Sequence[str], /) -> None:
    """Give the held half hours back; who was booked stays on record."""
    session.execute(delete(Hold).where(col(Hold.appointment_id).in_(appointment_ids)))


def people_of(session: Session, appointment_id: str, /) -> list[Volunteer]:
    """Who is booked."""
    wanted = select(Volunteer).join(Booking, col(Booking.volunteer_id) == col(Volunteer.id))
    return list(
        session.exec(
            wanted.where(col(Booking.appointment_id) == appointment_id).order_by(col(Volunteer.registration_no))
        )
    )


def claimed_units(
    session: Session,
    match_id: str,
    /,
    *,
    states: Sequence[AppointmentState] = CLAIMS,
    leaving: Collection[str] = (),
) -> int:
    """Units that are served, agreed or proposed; of alternatives only the largest counts. What is about to be
    called off counts no more."""
    wanted = select(Appointment.id, Appointment.choice_id, Appointment.units)
    wanted = wanted.where(col(Appointment.match_id) == match_id, col(Appointment.state).in_(states))
    largest: dict[str, int] = {}
    for one, choice_id, units in session.exec(wanted):
        if one not in leaving:
            largest[choice_id] = max(units, largest.get(choice_id, 0))
    return sum(largest.values())


def close(
    session: Session,
    appointment: Appointment,
    /,
    *,
    to: AppointmentState,
    reason: str = "",
    actor: Actor,
    now: datetime,
) -> None:
    """End an appointment in this state; what was only promised is free again. The household's clock runs on while
    another time of the same choice waits for its answer; what an agreed one gave its match of time goes with it, and
    where it was the household that could not or said nothing, the giver has days to plan anew."""
    was_agreed = appointment.state is AppointmentState.AGREED
    appointment.reason_code, appointment.closed_at = reason, now
    if to is not AppointmentState.DONE:
        release(session, [appointment.id])
    step(session, appointment, to=to, actor=actor, now=now)
    if not _asked(session, appointment.choice_id):
        clocks.end(session, appointment.choice_id, step=ANSWER, outcome=to.value, now=now)
    by_home = to is AppointmentState.NO_SHOW_HOUSEHOLD or reason in (OTHER_TIME, NOT_ANSWERED)
    if by_home or (was_agreed and to is not AppointmentState.DONE):
        limits.fell_away(session, session.get_one(Match, appointment.match_id), by_home=by_home, now=now)


def _asked(session: Session, choice_id: str) -> bool:
    waiting = select(Appointment.id).where(
        col(Appointment.choice_id) == choice_id, col(Appointment.state) == AppointmentState.PROPOSED
    )
    return session.exec(waiting.limit(1)).first() is not None


def step(session: Session, appointment: Appointment, /, *, to: AppointmentState, actor: Actor, now: datetime) -> None:
    """Write the new state and its audit row."""
    appointment.state, appointment.updated_at = to, now
    session.add(appointment)
    entry = audit.Entry(
        f"appointment:{to.value}",
        object_ref=appointment.id,
        subject=appointment.household_id,
        rule_id=appointment.reason_code,
        body={"match": appointment.match_id, "units": appointment.units},
    )
    audit.record(session, entry, actor=actor, now=now)
    flush(session)
