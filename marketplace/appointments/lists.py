"""Appointments as their pages show them: the giver's week, one match's board, the household's visits, the city's.

Enters: an organisation, a household or a member of staff. Leaves: frozen rows. A household learns who comes, by given
name and registration number, only once it has agreed; staff and calendar files learn no name at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import func
from sqlmodel import Session, col, select

from marketplace.actors import Actor
from marketplace.appointments import booking, volunteers
from marketplace.appointments.models import OPEN, Appointment, AppointmentState, Booking, Volunteer
from marketplace.appointments.outcomes import SERVED
from marketplace.calendar import HERE, local_day, utc_now
from marketplace.decisions.models import Match, MatchState
from marketplace.errors import NotFound
from marketplace.needs.models import Need
from marketplace.offers.models import Offer
from marketplace.organisations.models import Organisation
from marketplace.policy import require
from marketplace.reference.services import ServiceKind, find_service, list_services
from marketplace.reference.words import list_codes

TONE = {
    AppointmentState.PROPOSED: "wait",
    AppointmentState.AGREED: "info",
    AppointmentState.DONE: "done",
    AppointmentState.NO_SHOW_VOLUNTEER: "late",
    AppointmentState.NO_SHOW_HOUSEHOLD: "late",
}
KNOWS_WHO = (AppointmentState.AGREED, *SERVED, AppointmentState.NO_SHOW_VOLUNTEER)
"""From the household's yes on it may know who comes."""
FEW = 200
"""So many rows are on one page, or in a list of what is to be done that says how many there are."""


@dataclass(frozen=True, slots=True)
class Visit:
    """One appointment with what its rows and pages show; `who` are (name, registration number) pairs, maybe none."""

    appointment: Appointment
    unit: str
    giver: str
    who: tuple[tuple[str, str], ...]

    @property
    def tone(self) -> str:
        """The kind of tag for its state."""
        return TONE.get(self.appointment.state, "plain")

    @property
    def told_by(self) -> str:
        """The table of words that its reason comes from."""
        tables = ("visit_cancel", "visit_void", "visit_end")
        return next((name for name in tables if self.appointment.reason_code in list_codes(name)), "visit_end")

    @property
    def day(self) -> date:
        """The local day on which it begins."""
        return local_day(self.appointment.starts_at)

    @property
    def hours(self) -> str:
        """From when to when, in local time."""
        first, last = self.appointment.starts_at.astimezone(HERE), self.appointment.ends_at.astimezone(HERE)
        return f"{first:%H:%M}–{last:%H:%M}"


@dataclass(frozen=True, slots=True)
class Board:
    """One match of a service: how much was served, how much is planned, what is left to plan."""

    match: Match
    need: Need
    offer: Offer
    kind: ServiceKind
    served: int
    claimed: int
    consented: bool
    called: bool

    @property
    def planned(self) -> int:
        """Units that are proposed or agreed."""
        return self.claimed - self.served

    @property
    def left(self) -> int:
        """Units for which there is no time yet."""
        return max(self.match.units - self.claimed, 0)

    @property
    def running(self) -> bool:
        """Whether anything may still be planned."""
        return self.match.state is MatchState.IN_DELIVERY and not self.match.held_for


def get_appointment(session: Session, appointment_id: str, /, *, actor: Actor) -> Appointment:
    """The appointment, if the actor may see it; a foreign one looks like a missing one."""
    found = session.get(Appointment, appointment_id)
    if found is None:
        raise NotFound("appointment")
    require(
        actor,
        "appointment:view",
        household_id=found.household_id,
        org_id=found.org_id,
        district=found.district_code,
    )
    return found


def visits_of(session: Session, found: Sequence[Appointment], /, *, names: str = "") -> list[Visit]:
    """Their rows in the same order. `names`: "full" for the giver's own pages, "given" for the household, else none."""
    if not found:
        return []
    needs = select(Match.id, Need.unit).join(Need, col(Need.id) == col(Match.need_id))
    units = dict(session.execute(needs.where(col(Match.id).in_({one.match_id for one in found}))).all())
    orgs = select(Organisation.id, Organisation.name).where(col(Organisation.id).in_({one.org_id for one in found}))
    givers = dict(session.execute(orgs).all())
    who = _people(session, [one.id for one in found]) if names else {}
    return [
        Visit(one, units[one.match_id], givers[one.org_id], _shown(session, one, who.get(one.id, ()), names=names))
        for one in found
    ]


def _people(session: Session, ids: Sequence[str]) -> dict[str, list[Volunteer]]:
    asked: Any = select(Booking.appointment_id, Volunteer).join(
        Volunteer, col(Volunteer.id) == col(Booking.volunteer_id)
    )
    found: dict[str, list[Volunteer]] = {}
    for appointment_id, volunteer in session.execute(
        asked.where(col(Booking.appointment_id).in_(ids)).order_by(col(Volunteer.registration_no))
    ):
        found.setdefault(appointment_id, []).append(volunteer)
    return found


def _shown(
    session: Session, one: Appointment, people: Sequence[Volunteer], *, names: str
) -> tuple[tuple[str, str], ...]:
    if names == "given" and one.state not in KNOWS_WHO:
        return ()
    full = [(volunteers.plain(session, person, "name"), person.registration_no) for person in people]
    return tuple((volunteers.given_name(name) if names == "given" else name, number) for name, number in full)


def week_start(day: date, /) -> date:
    """The Monday of a day's week."""
    return day - timedelta(days=day.weekday())


def count_of(session: Session, wanted: Any) -> int:
    return session.exec(select(func.count()).select_from(wanted.subquery())).one()


def _in_week(org_id: str, monday: date) -> Any:
    start = datetime.combine(monday, time(0), HERE).astimezone(UTC)
    return select(Appointment).where(
        col(Appointment.org_id) == org_id,
        col(Appointment.state) != AppointmentState.CANCELLED,
        col(Appointment.starts_at) >= start,
        col(Appointment.starts_at) < start + timedelta(days=7),
    )


def count_week(session: Session, org_id: str, monday: date, /) -> int:
    """How many visits the week has."""
    return count_of(session, _in_week(org_id, monday))


def week_of_giver(
    session: Session, org_id: str, monday: date, /, *, offset: int = 0, limit: int = FEW
) -> dict[date, list[Visit]]:
    """Seven days in order, each with its visits of this page; called-off ones are left out."""
    wanted = _in_week(org_id, monday).order_by(col(Appointment.starts_at), col(Appointment.id))
    rows = session.exec(wanted.offset(offset).limit(limit)).all()
    days: dict[date, list[Visit]] = {monday + timedelta(days=n): [] for n in range(7)}
    for visit in visits_of(session, rows, names="full"):
        days[visit.day].append(visit)
    return days


def to_record(session: Session, org_id: str, /, *, now: datetime) -> tuple[list[Visit], int]:
    """Agreed visits whose time is over and of which nobody has said what happened, the oldest first, and how many there
    are: what is recorded leaves the list and the next come up."""
    wanted = select(Appointment).where(
        col(Appointment.org_id) == org_id,
        col(Appointment.state) == AppointmentState.AGREED,
        col(Appointment.ends_at) <= now,
    )
    rows = session.exec(wanted.order_by(col(Appointment.starts_at), col(Appointment.id)).limit(FEW)).all()
    return visits_of(session, rows, names="full"), count_of(session, wanted)


def boards_of_giver(session: Session, org_id: str, /, *, offset: int = 0, limit: int = 25) -> list[Board]:
    """The organisation's services on their way, the longest waiting first."""
    wanted = _running(org_id).order_by(col(Match.updated_at), col(Match.id)).offset(offset).limit(limit)
    return [_board(session, *row) for row in session.execute(wanted)]


def count_boards(session: Session, org_id: str, /) -> int:
    """How many there are."""
    return count_of(session, _running(org_id))


def _running(org_id: str) -> Any:
    codes = [kind.code for kind in list_services()]
    return _rows().where(
        col(Match.org_id) == org_id, col(Match.state) == MatchState.IN_DELIVERY, col(Need.category).in_(codes)
    )


def _rows() -> Any:
    return (
        select(Match, Need, Offer)
        .join(Need, col(Need.id) == col(Match.need_id))
        .join(Offer, col(Offer.id) == col(Match.offer_id))
    )


def board_of(session: Session, match_id: str, /, *, actor: Actor) -> Board:
    """One match of a service, for its giver or for staff of the district."""
    row = session.execute(_rows().where(col(Match.id) == match_id)).first()
    if row is None or find_service(row[1].category) is None:
        raise NotFound("match")
    match = row[0]
    require(
        actor, "appointment:view", household_id=match.household_id, org_id=match.org_id, district=match.district_code
    )
    return _board(session, *row)


def _board(session: Session, match: Match, need: Need, offer: Offer) -> Board:
    kind = find_service(need.category)
    if kind is None:
        raise NotFound("match")
    served = booking.claimed_units(session, match.id, states=SERVED)
    now, claimed = utc_now(), booking.claimed_units(session, match.id)
    consented = booking.has_consent(session, match, now=now)
    called = not booking.waits_for_call(session, match, now=now)
    return Board(match, need, offer, kind, served, claimed, consented, called)


def count_of_match(session: Session, match_id: str, /) -> int:
    """How many appointments a match has."""
    return count_of(session, select(Appointment).where(col(Appointment.match_id) == match_id))


def visits_of_match(
    session: Session, match_id: str, /, *, names: str = "", offset: int = 0, limit: int = FEW
) -> list[Visit]:
    """One page of the appointments of a match, the latest first."""
    wanted = select(Appointment).where(col(Appointment.match_id) == match_id)
    wanted = wanted.order_by(col(Appointment.starts_at).desc(), col(Appointment.id))
    return visits_of(session, session.exec(wanted.offset(offset).limit(limit)).all(), names=names)


def _at_home(household_id: str) -> Any:
    return select(Appointment).where(
        col(Appointment.household_id) == household_id, col(Appointment.reason_code) != "other_chosen"
    )


def count_of_household(session: Session, household_id: str, /) -> int:
    """How many visits a household's own list has."""
    return count_of(session, _at_home(household_id))


def visits_of_household(session: Session, household_id: str, /, *, offset: int = 0, limit: int = FEW) -> list[Visit]:
    """One page of a household's visits: what waits for its choice, then what comes, then what was; each by time."""
    wanted = _at_home(household_id).order_by(col(Appointment.starts_at).desc(), col(Appointment.id))
    rows = session.exec(wanted.offset(offset).limit(limit)).all()
    open_ones = sorted(
        (one for one in rows if one.state in OPEN), key=lambda one: (one.state is OPEN[1], one.starts_at)
    )
    return visits_of(session, [*open_ones, *(one for one in rows if one.state not in OPEN)], names="given")
