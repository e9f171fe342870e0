"""Visits planned by spreadsheet: checked like each one on the page, shown with exact counts, proposed once.

Enters: the bytes of a giver's table. Leaves: an `ImportBatch` whose counts say what confirming will do, then times that
are proposed to the households, each household told once. Service, day and beginning tell rows apart: a visit that is
there already changes nothing, and one that is planned otherwise is a fault of its row, for a table moves no visit that
a household knows of. Called by the desk.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlmodel import Session, col, select

from marketplace.actors import Actor
from marketplace.appointments import booking, service
from marketplace.appointments.fitness import Window
from marketplace.appointments.models import Appointment, AppointmentState, Volunteer
from marketplace.appointments.planned_table import Planned, numbers_of, planned_of, planned_schema
from marketplace.appointments.times import check_time
from marketplace.db import chunks
from marketplace.decisions.models import Match
from marketplace.errors import BadInput, Conflict, WrongState
from marketplace.intake import (
    NO_MAPPING,
    Checked,
    CheckedRow,
    Fault,
    FileMapping,
    ImportBatch,
    ImportKind,
    ImportState,
    Stage,
    check_table,
    close_batch,
    get_batch,
    keep_found,
    refuse_changes,
    rows_of,
)
from marketplace.needs.models import Need
from marketplace.policy import require
from marketplace.reference.services import ServiceKind, find_service, list_services

SHORT = 8
"""So many characters of a service's number stand on the pages; they are enough where they name one."""
COLUMN = {"days": "day", "begins": "begins", "ends": "ends", "volunteers": "volunteers"}
"""A field of the page's form ► our column."""
CODES = {
    "more_than_matched": "visit_over_match",
    "match_held": "visit_match_held",
    "match_moved_on": "visit_match_over",
}
"""What the table says in other words than the page, because another table has the same word."""
_ASKED = 500


@dataclass(frozen=True, slots=True)
class Service:
    """One match of a service, as this file fills it."""

    match: Match
    kind: ServiceKind


@dataclass(slots=True)
class Known:
    """What is here of the services that a file names, and what the rows before have taken of it."""

    services: dict[str, Service | None]
    """Number, whole or short ► service; None where a short one names several."""
    people: dict[str, Volunteer]
    standing: dict[tuple[str, datetime], tuple[Appointment, list[str]]]
    left: dict[str, int] = field(default_factory=dict)
    homes: dict[str, list[Window]] = field(default_factory=dict)
    busy: set[tuple[str, int]] = field(default_factory=set)

    def take(self, match: Match, window: Window, people: Sequence[Volunteer], *, units: int) -> None:
        """Keep what a row takes; BadInput if a row before has taken it."""
        if units > self.left[match.id]:
            raise BadInput("more_than_matched", field="days", left=max(self.left[match.id], 0))
        at_home = self.homes.setdefault(match.household_id, [])
        if any(one.starts_at < window.ends_at and window.starts_at < one.ends_at for one in at_home):
            raise BadInput("household_busy", field="days")
        slots = {(person.id_number_index, slot): person for person in people for slot in booking.slots_of(window)}
        for taken in self.busy & set(slots):
            raise BadInput("volunteer_busy", field="volunteers", who=slots[taken].registration_no)
        self.left[match.id] -= units
        at_home.append(window)
        self.busy |= set(slots)


@dataclass(slots=True)
class Found:
    """Rows by what becomes of them."""

    new: list[tuple[Match, service.Plan]] = field(default_factory=list)
    same: int = 0
    faults: list[Fault] = field(default_factory=list)

    @property
    def counts(self) -> dict[str, int]:
        """The exact counts that a person confirms."""
        homes = {match.household_id for match, _plan in self.new}
        return {"new": len(self.new), "homes": len(homes), "same": self.same}


def check_file(
    session: Session,
    data: bytes,
    /,
    *,
    file_name: str,
    actor: Actor,
    now: datetime,
    mapping: FileMapping = NO_MAPPING,
) -> tuple[ImportBatch, Checked]:
    """The dry run for the actor's organisation: nothing is stored but the sealed batch and what it would do."""
    require(actor, "appointment:plan", org_id=actor.org_id)
    checked = check_table(data, planned_schema(), mapping=mapping)
    found = plan(session, checked.rows, org_id=actor.org_id or "", now=now)
    return keep_found(
        session,
        checked,
        found,
        kind=ImportKind.VISITS,
        file_name=file_name,
        data=data,
        source=actor.org_id or "",
        actor=actor,
        now=now,
    )


def plan(session: Session, rows: Sequence[CheckedRow], /, *, org_id: str, now: datetime) -> Found:
    """Judge each row by the page's own checks and by the rows before it."""
    found = Found()
    told = [planned_of(row.values) for row in rows]
    known = _known(session, told, org_id=org_id)
    for row, one in zip(rows, told, strict=True):
        try:
            _place(session, one, known, found, now=now)
        except (BadInput, WrongState) as error:
            column = COLUMN.get(str(error.facts.get("field", "")), "service")
            params = {name: value for name, value in error.facts.items() if isinstance(value, str | int)}
            code = CODES.get(error.code, error.code)
            shown = str(row.values.get(column) or "")[:40]
            found.faults.append(Fault(row.number, column, shown, code, params, Stage.ROWS))
    return found


def _known(session: Session, told: Sequence[Planned], *, org_id: str) -> Known:
    kinds = [kind.code for kind in list_services()]
    asked = select(Match, Need.category).join(Need, col(Need.id) == col(Match.need_id))
    asked = asked.where(col(Match.org_id) == org_id, col(Need.category).in_(kinds))
    services: dict[str, Service | None] = {}
    for match, category in session.exec(asked) if told else ():
        kind = find_service(category)
        if kind is not None:
            short = match.id[:SHORT]
            services[match.id] = Service(match, kind)
            services[short] = None if short in services else services[match.id]
    numbers = sorted({number for one in told for number in one.numbers})
    people: dict[str, Volunteer] = {}
    for some in chunks(numbers, _ASKED):
        mine = select(Volunteer).where(col(Volunteer.org_id) == org_id, col(Volunteer.registration_no).in_(some))
        people |= {person.registration_no: person for person in session.exec(mine)}
    return Known(services, people, _standing(session, told, org_id=org_id))


def _standing(
    session: Session, told: Sequence[Planned], *, org_id: str
) -> dict[tuple[str, datetime], tuple[Appointment, list[str]]]:
    """Visits of the giver in the time of the file that are not called off, with who is booked."""
    if not told:
        return {}
    wanted = select(Appointment).where(
        col(Appointment.org_id) == org_id,
        col(Appointment.state) != AppointmentState.CANCELLED,
        col(Appointment.starts_at) >= min(one.window.starts_at for one in told),
        col(Appointment.starts_at) <= max(one.window.starts_at for one in told),
    )
    found = session.exec(wanted).all()
    who = numbers_of(session, [one.id for one in found])
    return {(one.match_id, one.starts_at): (one, sorted(who.get(one.id, ()))) for one in found}


def _place(session: Session, one: Planned, known: Known, found: Found, *, now: datetime) -> None:
    named = known.services.get(one.service)
    if named is None:
        raise BadInput("visit_service_unknown", field="service")
    standing = known.standing.get((named.match.id, one.window.starts_at))
    if standing is not None:
        there, numbers = standing
        if (there.ends_at, there.place, numbers) != (one.window.ends_at, one.place, list(one.numbers)):
            raise BadInput("visit_planned_otherwise", field="begins")
        found.same += 1
        return
    if unknown := next((number for number in one.numbers if number not in known.people), ""):
        raise BadInput("visit_volunteer_unknown", field="volunteers", who=unknown)
    booking.require_running(named.match)
    people = [known.people[number] for number in one.numbers]
    check_time(session, named.match, named.kind, one.window, people, place=one.place, now=now)
    if named.match.id not in known.left:
        known.left[named.match.id] = named.match.units - booking.claimed_units(session, named.match.id)
    known.take(named.match, one.window, people, units=named.kind.units(one.window.minutes))
    ids = tuple(person.id for person in people)
    found.new.append((named.match, service.Plan((one.window,), ids, one.place)))


def confirm_import(session: Session, batch_id: str, /, *, actor: Actor, now: datetime) -> Mapping[str, int]:
    """Propose the checked times, if that still does what was shown; else Conflict, and nothing is stored."""
    require(actor, "appointment:plan", org_id=actor.org_id)
    batch = get_batch(session, batch_id, kind=ImportKind.VISITS, actor=actor)
    found = plan(session, rows_of(session, batch), org_id=actor.org_id or "", now=now)
    refuse_changes(batch, found)
    by_match: dict[str, list[service.Plan]] = {}
    for match, one in sorted(found.new, key=lambda pair: pair[0].id):
        by_match.setdefault(match.id, []).append(one)
    try:
        for match_id, plans in by_match.items():
            service.propose_all(session, match_id, plans, actor=actor, now=now)
    except (BadInput, WrongState) as error:
        raise Conflict("import_changed") from error
    close_batch(session, batch, state=ImportState.CONFIRMED, actor=actor, now=now)
    return found.counts
