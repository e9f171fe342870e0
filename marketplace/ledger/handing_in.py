"""Aid that a giver reports by interface, file or page: taken in, and what cannot be placed kept for a person.

Enters: a giver's records or checked rows. Leaves: ledger rows under the giver's own name and payer, and an `AidReport`
for each reference. What the giver is told depends on nothing but its own words: how many records were taken in, and
which of them cannot be read. Whether a household or a need is known here, and what others gave, is never said. Called
by the partners' interface, the pages and the worker.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from adapters.ports import Cell
from marketplace import audit
from marketplace.actors import GIVERS, SYSTEM, Actor
from marketplace.calendar import local_day
from marketplace.clocks import service as clocks
from marketplace.db import Database, chunks, flush, new_id
from marketplace.errors import BadInput, NotAllowed, NotFound, WrongState
from marketplace.intake import CheckedRow, Fault, check_records
from marketplace.ledger import strangers
from marketplace.ledger.models import LedgerEntry
from marketplace.ledger.models_reports import AidReport, ReportDoor, ReportState
from marketplace.ledger.planning import AS_HISTORY, as_told, index_of
from marketplace.ledger.reporting import Reported, take_rows
from marketplace.ledger.table import own_aid_schema
from marketplace.organisations.models import Organisation, OrganisationKind
from marketplace.organisations.programmes import programmes
from marketplace.policy import require
from marketplace.sealed import vault_of

BY_GIVER = "api-"
MOST = 500
"""So many records are taken in one call."""
KEPT = timedelta(days=90)
"""So long a report that fits nobody waits, sealed; then its personal data goes."""
TRY_AGAIN = timedelta(days=1)
_ASKED, _BLOB = 500, "aid-report"
NOBODY = "nobody_here"
"""Why a report waits: no household here fits it. Other causes are the faults of `planning`."""


@dataclass(frozen=True, slots=True)
class HandedIn:
    """All that a giver is told: how many records were taken in, and what is wrong with the others."""

    taken: int
    faults: tuple[Fault, ...] = ()


def hand_in(
    session: Session, records: Sequence[Mapping[str, Cell]], /, *, door: ReportDoor, actor: Actor, now: datetime
) -> HandedIn:
    """`report_given`, and what of it the giver may be told."""
    done = report_given(session, records, door=door, actor=actor, now=now)
    return HandedIn(len(records) - len({fault.row for fault in done.faults}), done.faults)


def report_given(
    session: Session,
    records: Sequence[Mapping[str, Cell]],
    /,
    *,
    actor: Actor,
    now: datetime,
    door: ReportDoor = ReportDoor.API,
) -> Reported:
    """Take in what a giver says it gave, under its own name; the same reference again brings the row up to date."""
    _giver(session, actor)
    if len(records) > MOST:
        raise BadInput("too_many_rows", field="records")
    checked, faults = check_records(enumerate(records, start=1), own_aid_schema(today=local_day(now)))
    near = list(programmes(session, actor.org_id).faults(checked.rows))
    asked = {fault.row for fault in near}
    sound = [row for row in checked.rows if row.number not in asked]
    done = report_rows(session, sound, door=door, actor=actor, now=now)
    return replace(done, faults=(*faults, *near))


def report_rows(
    session: Session, rows: Sequence[CheckedRow], /, *, door: ReportDoor, actor: Actor, now: datetime
) -> Reported:
    """The same for rows that were checked already."""
    giver = _giver(session, actor)
    done = _take(session, rows, giver=giver, door=door, actor=actor, now=now)
    body = {"new": done.new, "changed": done.changed, "strangers": done.strangers}
    audit.record(session, audit.Entry("aid:report", object_ref=giver.id, body=body), actor=actor, now=now)
    return done


def _giver(session: Session, actor: Actor) -> Organisation:
    require(actor, "aid:report", org_id=actor.org_id)
    if actor.role not in GIVERS or actor.org_id is None:
        raise NotAllowed("not_allowed", action="aid:report")
    return session.get_one(Organisation, actor.org_id)


def payer_of(giver: Organisation, /) -> str:
    """A giver pays as what it is, and never in the name of another payer."""
    return "COMMERCIAL_SUPPLEMENT" if giver.kind is OrganisationKind.INSURER else "CHARITY"


def source_of(giver: Organisation, /) -> str:
    """The source under which everything that a giver reports stands, through whatever door."""
    return f"{BY_GIVER}{giver.id}"[:32]


def _take(
    session: Session,
    rows: Sequence[CheckedRow],
    *,
    giver: Organisation,
    door: ReportDoor | None,
    actor: Actor,
    now: datetime,
) -> Reported:
    own = {"giver": giver.name, "payer": payer_of(giver)}
    named = [CheckedRow(row.number, {**row.values, **own}) for row in rows]
    source = source_of(giver)
    done = take_rows(session, named, source=source, rule_id="giver", actor=actor, now=now)
    contrary = {one.row.number: one for one in done.contrary}
    placed = _placed(session, named, source=source)
    reports = _reports(session, named, giver=giver, door=door, actor=actor, now=now)
    for row in named:
        why, report = contrary.get(row.number), reports[str(row.values["source_id"])]
        cause = why.cause if why else ("" if row.number in placed else NOBODY)
        _settle(session, report, row, cause=cause, now=now)
        strangers.look(session, report, ref_of(report), why, now=now)
    flush(session)
    return done


def _placed(session: Session, rows: Sequence[CheckedRow], *, source: str) -> set[int]:
    """The numbers of the rows that the ledger now holds just as they were told."""
    vault = vault_of(session)
    by_index = {index: row for row in rows for index in index_of(vault, row, source=source)}
    held: dict[int, int] = {}
    for some in chunks(sorted(by_index), _ASKED):
        for entry in session.exec(select(LedgerEntry).where(col(LedgerEntry.source_index).in_(some))):
            row = by_index[entry.source_index]
            if _alike(entry, row):
                held[row.number] = held.get(row.number, 0) + entry.units
    return {row.number for row in rows if held.get(row.number) == int(str(row.values["units"]))}


def _alike(entry: LedgerEntry, row: CheckedRow) -> bool:
    """A gift that another row tells of stands in the ledger as well; that is not the giver's to know."""
    told = (row.values["category"], row.values["given_on"], row.values.get("state") or "delivered")
    return (entry.category, entry.given_on.isoformat(), as_told(entry).value) == told


def _reports(
    session: Session,
    rows: Sequence[CheckedRow],
    *,
    giver: Organisation,
    door: ReportDoor | None,
    actor: Actor,
    now: datetime,
) -> dict[str, AidReport]:
    """Reference ► the giver's report, made where it is new."""
    found: dict[str, AidReport] = {}
    for some in chunks(sorted(str(row.values["source_id"]) for row in rows), _ASKED):
        known = select(AidReport).where(col(AidReport.org_id) == giver.id, col(AidReport.reference).in_(some))
        found |= {report.reference: report for report in session.exec(known)}
    for row in rows:
        reference, values = str(row.values["source_id"]), row.values
        report = found.get(reference)
        if report is None:
            report = found[reference] = AidReport(
                id=new_id(),
                org_id=giver.id,
                reference=reference,
                category=str(values["category"]),
                units=int(str(values["units"])),
                given_on=date.fromisoformat(str(values["given_on"])),
                door=door or ReportDoor.API,
                state=ReportState.LOOK,
                reported_by=actor.id,
                created_at=now,
                updated_at=now,
                tried_at=now,
            )
        elif door is not None:
            report.door, report.reported_by, report.updated_at = door, actor.id, now
    return found


def _settle(session: Session, report: AidReport, row: CheckedRow, *, cause: str, now: datetime) -> None:
    report.category, report.units = str(row.values["category"]), int(str(row.values["units"]))
    report.given_on = date.fromisoformat(str(row.values["given_on"]))
    report.cause, report.tried_at = cause, now
    report.state = ReportState.LOOK if cause else ReportState.PLACED
    body = json.dumps(dict(row.values), ensure_ascii=False).encode()
    report.payload = vault_of(session).seal_blob(_BLOB, body) if cause else None
    session.add(report)


def ref_of(report: AidReport, /) -> str:
    """Under which name the clock of a report runs that contradicts a need."""
    return f"aid-report:{report.id}"


def get_waiting(session: Session, report_id: str, /, *, actor: Actor) -> AidReport:
    """A report that waits for a person: of the household's district, where one is known."""
    require(actor, "aid:place")
    report = session.get(AidReport, report_id, with_for_update=True, populate_existing=True)
    if report is None or (report.district_code and not actor.serves(report.district_code)):
        raise NotFound("aid_report")
    if report.state is not ReportState.LOOK:
        raise WrongState("report_decided")
    return report


def set_aside(session: Session, report_id: str, /, *, actor: Actor, now: datetime) -> AidReport:
    """A person has looked and it cannot be placed: its personal data goes, the giver's own list keeps the line."""
    report = get_waiting(session, report_id, actor=actor)
    _aside(session, report, actor=actor, now=now)
    return report


def _aside(session: Session, report: AidReport, *, actor: Actor, now: datetime) -> None:
    report.state, report.payload, report.decided_by, report.updated_at = ReportState.ASIDE, None, actor.id, now
    report.district_code = ""
    session.add(report)
    flush(session)
    clocks.end(session, ref_of(report), step=strangers.STEP, outcome="aside", now=now)
    entry = audit.Entry("aid:aside", object_ref=report.id, rule_id=report.cause)
    audit.record(session, entry, actor=actor, now=now)


def count(session: Session, report_id: str, /, *, actor: Actor, now: datetime) -> AidReport:
    """A person found that the aid is the household's, whatever need it names: it counts as its past aid."""
    report = get_waiting(session, report_id, actor=actor)
    if report.cause == NOBODY:
        raise WrongState("report_fits_nobody")
    cause, report.decided_by = report.cause, actor.id
    _again(session, [report], actor=actor, now=now, more={AS_HISTORY: "yes"})
    if report.state is not ReportState.PLACED:
        raise WrongState("report_fits_nobody")
    entry = audit.Entry("aid:counted", object_ref=report.id, rule_id=cause)
    audit.record(session, entry, actor=actor, now=now)
    return report


def place_again(session: Session, report_id: str, /, *, actor: Actor, now: datetime) -> AidReport:
    """Try once more to place a report, because the household or the need has come in since."""
    report = get_waiting(session, report_id, actor=actor)
    _again(session, [report], actor=actor, now=now)
    return report


def _again(
    session: Session,
    reports: Iterable[AidReport],
    *,
    actor: Actor,
    now: datetime,
    more: Mapping[str, str] | None = None,
) -> None:
    by_giver: dict[str, list[AidReport]] = {}
    for report in reports:
        by_giver.setdefault(report.org_id, []).append(report)
    vault = vault_of(session)
    for org_id, some in sorted(by_giver.items()):
        rows = [
            CheckedRow(number, {**json.loads(vault.open_blob(_BLOB, report.payload or b"")), **(more or {})})
            for number, report in enumerate(some, start=1)
        ]
        giver = session.get_one(Organisation, org_id)
        _take(session, rows, giver=giver, door=None, actor=actor, now=now)


def sweep(database: Database, /, *, clock: Callable[[], datetime]) -> int:
    """The worker's sweep: once a day try each waiting report again; set aside what has fitted nobody for too long. What
    contradicts a need waits until a person decides it."""
    now = clock()
    with database.reading() as session:
        if session.exec(_due(now).limit(1)).first() is None:
            return 0
    with database.transaction() as session:
        due = list(session.exec(_due(now).limit(MOST).with_for_update(skip_locked=True)))
        old = [report for report in due if report.created_at <= now - KEPT and report.cause == NOBODY]
        for report in old:
            _aside(session, report, actor=SYSTEM, now=now)
        _again(session, [report for report in due if report not in old], actor=SYSTEM, now=now)
        return len(due)


def _due(now: datetime) -> SelectOfScalar[AidReport]:
    wanted = select(AidReport).where(col(AidReport.state) == ReportState.LOOK)
    return wanted.where(col(AidReport.tried_at) <= now - TRY_AGAIN).order_by(col(AidReport.tried_at), col(AidReport.id))
