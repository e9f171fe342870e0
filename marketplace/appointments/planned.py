"""Visits planned by spreadsheet: checked like each one on the page, shown with exact counts, stored once.

Enters: the bytes of a giver's table. Leaves: an `ImportBatch` whose counts say what confirming will do, then times that
are proposed to the households, each household told once, visits that are called off, moved or served by somebody else,
and what became of those that were made. Service, day and beginning tell rows apart: a visit that is there already
changes nothing, and it is changed only by a row that gives its number. Rows may take what the file itself sets free.
Called by the desk.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlmodel import Session

from marketplace.actors import Actor
from marketplace.appointments import booking, planned_said, service
from marketplace.appointments.fitness import check_visit
from marketplace.appointments.models import Volunteer
from marketplace.appointments.planned_changes import (
    ASKS,
    FREES,
    LEAVES,
    SAID,
    Act,
    Judged,
    judge,
    refuse_mixed_choices,
)
from marketplace.appointments.planned_known import Known, known_of
from marketplace.appointments.planned_table import planned_of, planned_schema
from marketplace.appointments.times import check_time
from marketplace.decisions.at_once import hold_matches
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
from marketplace.policy import require

COLUMN = {
    "days": "day",
    **{name: name for name in ("begins", "ends", "volunteers", "choice", "visit", "call_off")},
    **{name: name for name in ("outcome", "minutes", "content")},
}
"""A field of the page's form ► our column."""
CODES = {
    "more_than_matched": "visit_over_match",
    "match_held": "visit_match_held",
    "match_moved_on": "visit_match_over",
}
"""What the table says in other words than the page, because another table has the same word."""
COUNTED = {
    "new": Act.NEW,
    "moved": Act.MOVE,
    "exchanged": Act.EXCHANGE,
    "called_off": Act.CALL_OFF,
    "served": Act.DONE,
    "not_come": Act.MISSED,
    "away": Act.AWAY,
    "same": Act.SAME,
}
"""The name of a count ► the rows that it counts."""
MOVED = "moved"
"""Why a visit is called off whose new time is proposed by the same row."""


@dataclass(slots=True)
class Found:
    """Rows by what becomes of them."""

    by_act: dict[Act, list[Judged]] = field(default_factory=lambda: {act: [] for act in Act})
    people: dict[str, Volunteer] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)

    def of(self, *acts: Act) -> list[Judged]:
        """The rows that do one of these."""
        return [row for act in acts for row in self.by_act[act]]

    @property
    def counts(self) -> dict[str, int]:
        """The exact counts that a person confirms."""
        homes = {row.service.match.household_id for row in self.of(*ASKS)}
        sizes = {name: len(self.by_act[act]) for name, act in COUNTED.items()}
        return {"new": sizes["new"], "homes": len(homes), **sizes}

    @property
    def plans(self) -> dict[str, list[service.Plan]]:
        """Match ► what is proposed to its household: alternatives are one plan."""
        windows: dict[tuple[str, str], list[Judged]] = {}
        for row in self.of(*ASKS):
            windows.setdefault((row.service.match.id, row.one.choice or f"row {row.number}"), []).append(row)
        plans: dict[str, list[service.Plan]] = {}
        for (match_id, _mark), rows in sorted(windows.items()):
            one, times = rows[0].one, tuple(row.one.window for row in rows)
            ids = tuple(self.people[number].id for number in one.numbers)
            plans.setdefault(match_id, []).append(service.Plan(times, ids, one.place, choose_one=len(times) > 1))
        return plans


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
    """Judge each row by the page's own checks, by what the file sets free, and by the rows before it."""
    told = [planned_of(row.values) for row in rows]
    known = known_of(session, told, org_id=org_id)
    found, judged, by_number = Found(people=known.people), list[Judged](), {row.number: row for row in rows}
    for row, facts in zip(rows, told, strict=True):
        try:
            judged.append(judge(row.number, facts, known, now=now))
        except (BadInput, WrongState) as error:
            found.faults.append(_fault(row, error))
    wrong = {**refuse_mixed_choices(judged), **_twice(judged)}
    known.leaving |= {one.there.visit.id for one in judged if one.there is not None and one.act in FREES}
    for done in judged:
        try:
            _place(session, done, known, wrong=wrong, now=now)
        except (BadInput, WrongState) as error:
            found.faults.append(_fault(by_number[done.number], error))
        else:
            found.by_act[done.act].append(done)
    found.faults.sort(key=lambda fault: fault.row)
    return found


def _fault(row: CheckedRow, error: BadInput | WrongState, /) -> Fault:
    about = "outcome" if row.values.get("outcome") else "service"
    column = COLUMN.get(str(error.facts.get("field", "")), about)
    params = {name: value for name, value in error.facts.items() if isinstance(value, str | int)}
    shown = str(row.values.get(column) or "")[:40]
    return Fault(row.number, column, shown, CODES.get(error.code, error.code), params, Stage.ROWS)


def _twice(judged: Sequence[Judged]) -> dict[int, BadInput]:
    """Row ► that a row before it names the same visit."""
    first: dict[str, int] = {}
    wrong: dict[int, BadInput] = {}
    for row in judged:
        if row.there is not None and first.setdefault(row.there.visit.id, row.number) != row.number:
            wrong[row.number] = BadInput("visit_number_twice", field="visit", first=first[row.there.visit.id])
    return wrong


def _place(session: Session, row: Judged, known: Known, *, wrong: Mapping[int, BadInput], now: datetime) -> None:
    if row.number in wrong:
        raise wrong[row.number]
    if row.act in SAID:
        planned_said.check(session, row, now=now)
    elif row.act is Act.EXCHANGE:
        _exchange(session, row, known)
    elif row.act in ASKS:
        _propose(session, row, known, now=now)


def _exchange(session: Session, row: Judged, known: Known) -> None:
    """One person goes instead of another: asked for the same as on the page."""
    booking.require_sayable(row.service.match)
    people, window = known.people_of(row.one.numbers), row.one.window
    check_visit(row.service.kind, window, people, place=row.one.place)
    before = row.there.numbers if row.there is not None else ()
    coming = [person for person in people if person.registration_no not in before]
    booking.require_free(session, window, coming, leaving=known.leaving)
    known.promise(window, coming)


def _propose(session: Session, row: Judged, known: Known, *, now: datetime) -> None:
    booking.require_plannable(session, row.service.match, now=now)
    one, match = row.one, row.service.match
    people = known.people_of(one.numbers)
    check_time(session, match, row.service.kind, one.window, people, place=one.place, now=now, leaving=known.leaving)
    known.take(session, row.service, one, people)


def confirm_import(session: Session, batch_id: str, /, *, actor: Actor, now: datetime) -> Mapping[str, int]:
    """Do what was checked, if that still is what was shown; else Conflict, and nothing is stored."""
    require(actor, "appointment:plan", org_id=actor.org_id)
    batch = get_batch(session, batch_id, kind=ImportKind.VISITS, actor=actor)
    found = plan(session, rows_of(session, batch), org_id=actor.org_id or "", now=now)
    refuse_changes(batch, found)
    try:
        _store(session, found, actor=actor, now=now)
    except (BadInput, WrongState) as error:
        raise Conflict("import_changed") from error
    close_batch(session, batch, state=ImportState.CONFIRMED, actor=actor, now=now)
    return found.counts


def _store(session: Session, found: Found, *, actor: Actor, now: datetime) -> None:
    """What became of visits and what is called off first, for the other rows may take people, time and units of it;
    every match is locked before, with all that its delivery touches."""
    hold_matches(session, {row.service.match.id for row in found.of(*(act for act in Act if act is not Act.SAME))})
    planned_said.store(session, found.of(*SAID), actor=actor, now=now)
    for row in found.of(*LEAVES):
        if row.there is not None:
            reason = row.one.call_off or MOVED
            service.cancel(session, row.there.visit.id, reason_code=reason, actor=actor, now=now)
    for row in found.of(Act.EXCHANGE):
        if row.there is not None:
            booked = {one.registration_no: one.id for one in booking.people_of(session, row.there.visit.id)}
            (out,) = (person_id for number, person_id in booked.items() if number not in row.one.numbers)
            (coming,) = (found.people[number].id for number in row.one.numbers if number not in booked)
            service.substitute(session, row.there.visit.id, out, coming, actor=actor, now=now)
    for match_id, plans in found.plans.items():
        service.propose_all(session, match_id, plans, actor=actor, now=now)
