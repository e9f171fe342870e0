"""A sheet that was filled in as a table comes back: each decision is carried out as the page of its row does it.

Enters: the bytes of the table that went out, with decisions in some rows. Leaves: a checked batch that says exactly
what confirming would do, and, confirmed, the same pins, bans, duties and closed needs as the page makes. A table is all
or nothing: a row that was decided meanwhile, or that the page would refuse, is named with its cause, because the check
carries everything out in a savepoint and takes it back. The same table again changes nothing. Called by its desk.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlmodel import Session, col, select

from marketplace import policy
from marketplace.actors import Actor
from marketplace.clocks.models import Clock
from marketplace.db import chunks
from marketplace.decisions.unclaimed import STEP as UNCLAIMED
from marketplace.errors import DomainError
from marketplace.intake import (
    NO_MAPPING,
    BadCell,
    Checked,
    CheckedRow,
    Fault,
    FileMapping,
    ImportBatch,
    ImportKind,
    ImportState,
    Stage,
    cells,
    check_table,
    close_batch,
    get_batch,
    keep_found,
    refuse_changes,
    rows_of,
)
from marketplace.meetings import service
from marketplace.meetings.models import Meeting, MeetingRow, MeetingState, Verdict
from marketplace.meetings.service import Decision
from marketplace.meetings.sheet_table import NOT_DECIDED, USES, Filled, Names, filled, named_by, sheet_schema
from marketplace.needs.models import Need
from marketplace.policy import require

MOST = 500
"""So many decisions in one table: they are carried out in one transaction."""
COLUMNS = {"offer": "resource", "units": "units", "officer": "officer", "due_on": "due_on", "reason": "reason"}
"""The field at which the page tells a refusal ► the column here."""
TOLD = (
    "due_past",
    "need_changed",
    "need_committed",
    "officer_unknown",
    "override_stands",
    "pin_hopeless",
    "pin_not_whole",
    "pin_refused",
    "row_decided",
    "verifier_overrides",
)
"""Refusals that have a sentence of their own for a row."""
_ASKED = 500


@dataclass(frozen=True, slots=True)
class Planned:
    """One row of the file that would be carried out."""

    row: CheckedRow
    meeting_id: str
    number: int
    need_id: str
    decision: Decision


@dataclass(slots=True)
class Plan:
    """Rows by what becomes of them."""

    new: list[Planned] = field(default_factory=list)
    same: int = 0
    undecided: int = 0
    faults: list[Fault] = field(default_factory=list)

    @property
    def counts(self) -> dict[str, int]:
        """The exact counts that a person confirms."""
        done = [item.decision.verdict for item in self.new]
        told = {verdict.value: done.count(verdict) for verdict in Verdict}
        return {"new": len(self.new), **told, "same": self.same, "undecided": self.undecided}


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
    """The dry run: nothing is stored but the sealed batch and what it would do."""
    require(actor, "meeting:import")
    checked = check_table(data, sheet_schema(), mapping=mapping)
    found = plan(session, checked.rows, actor=actor, now=now)
    return keep_found(
        session,
        checked,
        found,
        kind=ImportKind.MEETINGS,
        file_name=file_name,
        data=data,
        source="meeting",
        actor=actor,
        now=now,
    )


def confirm_import(session: Session, batch_id: str, /, *, actor: Actor, now: datetime) -> Mapping[str, int]:
    """Carry every decision out, if that is still what was shown; else Conflict, and nothing is stored."""
    require(actor, "meeting:import")
    batch = get_batch(session, batch_id, kind=ImportKind.MEETINGS, actor=actor)
    found = plan(session, rows_of(session, batch), actor=actor, now=now)
    refuse_changes(batch, found)
    for item in found.new:
        service.decide(session, item.meeting_id, item.number, item.decision, actor=actor, now=now)
    close_batch(session, batch, state=ImportState.CONFIRMED, actor=actor, now=now)
    return found.counts


def plan(session: Session, rows: Sequence[CheckedRow], /, *, actor: Actor, now: datetime) -> Plan:
    """Compare the rows with the sheets, then try everything; what is wrong with the rows is told first."""
    told = [row for row in rows if row.values.get("decision", NOT_DECIDED) != NOT_DECIDED]
    found, known = Plan(undecided=len(rows) - len(told)), _Known(session, told, actor=actor)
    for row in told:
        try:
            item = known.planned(row)
        except BadCell as error:
            found.faults.append(_fault(row, str(error.params.get("column", "decision")), error.code, error.params))
            continue
        if item is None:
            found.same += 1
        elif len(found.new) == MOST:
            found.faults.append(_fault(row, "decision", "too_many_decisions", {"limit": MOST}))
            break
        else:
            found.new.append(item)
    found.new.sort(key=lambda item: (item.meeting_id, item.number))
    if not found.faults:
        found.faults = _tried(session, found.new, actor=actor, now=now)
    return found


def _fault(row: CheckedRow, column: str, code: str, params: Mapping[str, str | int]) -> Fault:
    return Fault(row.number, column, row.fault(column, code).shown, code, dict(params), Stage.ROWS)


class _Known:
    """The sheets that the file names, as far as the actor may decide on them, with their rows and names."""

    def __init__(self, session: Session, rows: Sequence[CheckedRow], /, *, actor: Actor) -> None:
        self._names = Names(session)
        self._sheets: dict[str, Meeting] = {}
        self._rows: dict[tuple[str, int], MeetingRow] = {}
        self._says: dict[tuple[str, int], Filled] = {}
        for sheet in sorted({row.values["sheet"] for row in rows}):
            meeting = session.get(Meeting, sheet)
            if meeting and policy.decide(actor, "meeting:decide", district=meeting.district_code).allow:
                self._sheets[sheet] = meeting
                self._read(session, sheet, {row.values["row"] for row in rows if row.values["sheet"] == sheet})

    def _read(self, session: Session, sheet: str, numbers: set[int]) -> None:
        for some in chunks(sorted(numbers), _ASKED):
            asked = select(MeetingRow).where(col(MeetingRow.meeting_id) == sheet, col(MeetingRow.number).in_(some))
            read = session.exec(asked.execution_options(populate_existing=True)).all()
            self._rows |= {(sheet, row.number): row for row in read}
            says = filled(session, read, self._names)
            self._says |= {(sheet, number): one for number, one in says.items()}

    def planned(self, row: CheckedRow, /) -> Planned | None:
        """What the row decides; None where it is decided so already. BadCell names the column that does not fit."""
        sheet, number = row.values["sheet"], row.values["row"]
        if sheet not in self._sheets:
            raise BadCell("unknown_sheet", column="sheet")
        found = self._rows.get((sheet, number))
        if found is None:
            raise BadCell("unknown_row", column="row")
        if row.values.get("need", found.need_id) != found.need_id:
            raise BadCell("row_of_another_need", column="need")
        if found.verdict:
            if self._says_the_same(row.values, found):
                return None
            raise BadCell("row_decided", column="decision")
        if self._sheets[sheet].state is not MeetingState.OPEN:
            raise BadCell("sheet_frozen", column="sheet")
        return Planned(row, sheet, number, found.need_id, self._decision(row.values, found))

    def _says_the_same(self, values: Mapping[str, Any], found: MeetingRow) -> bool:
        """The same decision; a cell that was left empty says nothing against it."""
        if values["decision"] != found.verdict:
            return False
        has = self._says[found.meeting_id, found.number]
        told: dict[str, Any] = {name: values.get(name) for name in USES[found.verdict]}
        if told.get("units") is not None:
            told["units"] = _units(told["units"], found.unit)
        return all(value is None or value == _plain(getattr(has, name)) for name, value in told.items())

    def _decision(self, values: Mapping[str, Any], found: MeetingRow) -> Decision:
        """The decision as the page hands it in; what it does not use stays out."""
        used = {name: values[name] for name in USES[values["decision"]] if values.get(name) is not None}
        resources, officers = self._names.resources(found.category), self._names.officers(found.district_code)
        return Decision(
            Verdict(values["decision"]),
            used["reason"],
            offer_id=_named("resource", used, resources),
            units=_units(used["units"], found.unit) if "units" in used else 0,
            officer_id=_named("officer", used, officers),
            due_on=date.fromisoformat(used["due_on"]) if "due_on" in used else None,
        )


def _named(column: str, used: Mapping[str, Any], known: Mapping[str, str]) -> str:
    with _told_at(column):
        return named_by(used[column], known, unknown=f"{column}_unknown") if column in used else ""


def _units(amount: str, unit: str) -> int:
    with _told_at("units"):
        return cells.units(amount, None, wanted=unit)


@contextmanager
def _told_at(column: str) -> Iterator[None]:
    """A bad cell that is read here is told of with its column."""
    try:
        yield
    except BadCell as error:
        params: dict[str, Any] = {**error.params, "column": column}
        raise BadCell(error.code, **params) from error


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value


def _tried(session: Session, items: Sequence[Planned], *, actor: Actor, now: datetime) -> list[Fault]:
    """Carry everything out and take it back: what the page would refuse, of each row with its cause."""
    _lock(session, items)
    faults, whole = [], session.begin_nested()
    for item in items:
        one = session.begin_nested()
        try:
            service.decide(session, item.meeting_id, item.number, item.decision, actor=actor, now=now)
            one.commit()
        except DomainError as error:
            one.rollback()
            column = COLUMNS.get(str(error.facts.get("field", "")), "decision")
            code = error.code if error.code in TOLD else "decision_refused"
            faults.append(_fault(item.row, column, code, {}))
    whole.rollback()
    session.expire_all()
    return faults


def _lock(session: Session, items: Sequence[Planned]) -> None:
    """Take sheets, rows, needs and their clocks in one order before the log, so that nobody waits in a ring."""
    sheets = sorted({item.meeting_id for item in items})
    numbers, needs = sorted({item.number for item in items}), sorted({item.need_id for item in items})
    running = select(Clock.id).where(Clock.step == UNCLAIMED, col(Clock.ended_at).is_(None)).order_by(col(Clock.id))
    for asked in (
        select(Meeting.id).where(col(Meeting.id).in_(sheets)).order_by(col(Meeting.id)),
        select(MeetingRow.number)
        .where(col(MeetingRow.meeting_id).in_(sheets), col(MeetingRow.number).in_(numbers))
        .order_by(col(MeetingRow.meeting_id), col(MeetingRow.number)),
        select(Need.id).where(col(Need.id).in_(needs)).order_by(col(Need.id)),
        running.where(col(Clock.object_ref).in_(needs)),
    ):
        session.exec(asked.with_for_update()).all()
