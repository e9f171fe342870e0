"""What is here of the services, visits and people that a table of planned visits names, and what its rows take.

Enters: the facts of the rows. Leaves: a `Known`, read in a few queries whatever the number of rows; each row that is
judged takes units, half hours and the household's time from the rows after it. Called by `planned`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlmodel import Session, col, select

from marketplace.appointments import booking
from marketplace.appointments.fitness import Window
from marketplace.appointments.models import Appointment, AppointmentState, ServiceRecord, Volunteer
from marketplace.appointments.planned_table import Planned, numbers_of, open_choices
from marketplace.appointments.times import MOST_AT_ONCE
from marketplace.db import chunks
from marketplace.decisions.models import Match
from marketplace.errors import BadInput
from marketplace.needs.models import Need
from marketplace.reference.services import ServiceKind, find_service, list_services

SHORT = 8
"""So many characters of a service's number stand on the pages; they are enough where they name one."""
_ASKED = 500


@dataclass(frozen=True, slots=True)
class Service:
    """One match of a service, as this file fills it."""

    match: Match
    kind: ServiceKind


@dataclass(frozen=True, slots=True)
class Standing:
    """One visit as it is, with who is booked, and who came if it was served, by the register's numbers;
    `one_of_several` while other times of its choice are open."""

    visit: Appointment
    numbers: tuple[str, ...]
    came: tuple[str, ...]
    one_of_several: bool


@dataclass(slots=True)
class Known:
    """What is here of the services that a file names, and what the rows before have taken of it."""

    services: dict[str, Service | None]
    """Number, whole or short ► service; None where a short one names several."""
    people: dict[str, Volunteer]
    numbered: dict[str, Standing]
    """A visit's number ► the visit, also one that was called off."""
    standing: dict[tuple[str, datetime], Standing]
    """Service and beginning ► the visit that is not called off."""
    leaving: set[str] = field(default_factory=set)
    """The visits that the file calls off or moves, or says that nobody made: their people, time and units are free for
    its rows."""
    left: dict[str, int] = field(default_factory=dict)
    choices: dict[tuple[str, str], list[Planned]] = field(default_factory=dict)
    """Service and mark ► the alternatives so far: only the longest takes units."""
    homes: dict[str, list[Window]] = field(default_factory=dict)
    busy: set[tuple[str, int]] = field(default_factory=set)

    def people_of(self, numbers: Sequence[str], /) -> list[Volunteer]:
        """The volunteers with these numbers."""
        if unknown := next((number for number in numbers if number not in self.people), ""):
            raise BadInput("visit_volunteer_unknown", field="volunteers", who=unknown)
        return [self.people[number] for number in numbers]

    def take(self, session: Session, named: Service, one: Planned, people: Sequence[Volunteer], /) -> None:
        """Keep what a proposed time takes; BadInput if a row before has taken it."""
        match, window, units = named.match, one.window, named.kind.units(one.window.minutes)
        if match.id not in self.left:
            self.left[match.id] = match.units - booking.claimed_units(session, match.id, leaving=self.leaving)
        beside = self.choices.setdefault((match.id, one.choice), []) if one.choice else []
        _refuse_other_kind(one, beside)
        more = max(units - max((named.kind.units(other.window.minutes) for other in beside), default=0), 0)
        if more > self.left[match.id]:
            raise BadInput("more_than_matched", field="days", left=max(self.left[match.id], 0))
        at_home = self.homes.setdefault(match.household_id, [])
        if any(other.starts_at < window.ends_at and window.starts_at < other.ends_at for other in at_home):
            raise BadInput("household_busy", field="days")
        self.promise(window, people)
        self.left[match.id] -= more
        at_home.append(window)
        beside.append(one)

    def promise(self, window: Window, people: Iterable[Volunteer], /) -> None:
        """Keep the half hours of these people; BadInput if a row before has taken one."""
        slots = {(person.id_number_index, slot): person for person in people for slot in booking.slots_of(window)}
        for taken in self.busy & set(slots):
            raise BadInput("volunteer_busy", field="volunteers", who=slots[taken].registration_no)
        self.busy |= set(slots)


def _refuse_other_kind(one: Planned, beside: Sequence[Planned]) -> None:
    """Alternatives are of one plan, as on the page: the same people and place, and not too many."""
    if len(beside) == MOST_AT_ONCE:
        raise BadInput("visit_choice_too_long", field="choice", most=MOST_AT_ONCE)
    if beside and (beside[0].place, beside[0].numbers) != (one.place, one.numbers):
        raise BadInput("visit_choice_differs", field="choice")


def known_of(session: Session, told: Sequence[Planned], /, *, org_id: str) -> Known:
    """What the rows name of this giver's; nothing is read for a file without rows."""
    if not told:
        return Known({}, {}, {}, {})
    numbered, standing = _visits(session, told, org_id=org_id)
    return Known(_services(session, org_id), _people(session, told, org_id=org_id), numbered, standing)


def _services(session: Session, org_id: str) -> dict[str, Service | None]:
    kinds = [kind.code for kind in list_services()]
    asked = select(Match, Need.category).join(Need, col(Need.id) == col(Match.need_id))
    services: dict[str, Service | None] = {}
    for match, category in session.exec(asked.where(col(Match.org_id) == org_id, col(Need.category).in_(kinds))):
        kind = find_service(category)
        if kind is not None:
            short = match.id[:SHORT]
            services[match.id] = Service(match, kind)
            services[short] = None if short in services else services[match.id]
    return services


def _people(session: Session, told: Sequence[Planned], *, org_id: str) -> dict[str, Volunteer]:
    people: dict[str, Volunteer] = {}
    for some in chunks(sorted({number for one in told for number in one.numbers}), _ASKED):
        mine = select(Volunteer).where(col(Volunteer.org_id) == org_id, col(Volunteer.registration_no).in_(some))
        people |= {person.registration_no: person for person in session.exec(mine)}
    return people


def _visits(
    session: Session, told: Sequence[Planned], *, org_id: str
) -> tuple[dict[str, Standing], dict[tuple[str, datetime], Standing]]:
    """The visits that the file numbers, and those in its time that are not called off."""
    mine = select(Appointment).where(col(Appointment.org_id) == org_id)
    found: dict[str, Appointment] = {}
    for some in chunks(sorted({one.visit for one in told if one.visit}), _ASKED):
        found |= {one.id: one for one in session.exec(mine.where(col(Appointment.id).in_(some)))}
    in_time = mine.where(
        col(Appointment.state) != AppointmentState.CANCELLED,
        col(Appointment.starts_at) >= min(one.window.starts_at for one in told),
        col(Appointment.starts_at) <= max(one.window.starts_at for one in told),
    )
    found |= {one.id: one for one in session.exec(in_time)}
    booked, several = numbers_of(session, sorted(found)), open_choices(session, org_id)
    came = numbers_of(
        session, [one.id for one in found.values() if one.state is AppointmentState.DONE], of=ServiceRecord
    )
    all_ = {
        one.id: Standing(one, booked.get(one.id, ()), came.get(one.id, ()), one.choice_id in several)
        for one in found.values()
    }
    standing = {
        (one.visit.match_id, one.visit.starts_at): one
        for one in all_.values()
        if one.visit.state is not AppointmentState.CANCELLED
    }
    return all_, standing
