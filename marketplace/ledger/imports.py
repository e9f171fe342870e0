"""Past aid coming in by file: checked, shown with exact counts, confirmed by a person, stored once.

Enters: the bytes of a file, the name of its source, and the day from which that source tells everything. Leaves: an
`ImportBatch`, then ledger rows and the source's row in `aid_source`, from which each run tells what its duplicate
check sees; rows of people who are not here yet wait sealed (`strangers`). The same file again changes nothing. Called
by views and commands.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import insert
from sqlmodel import Session, col, func, select

from marketplace import audit
from marketplace.actors import Actor
from marketplace.calendar import local_day
from marketplace.db import chunks, flush, new_id
from marketplace.errors import BadInput
from marketplace.intake import (
    NO_MAPPING,
    Checked,
    CheckedRow,
    FileMapping,
    ImportBatch,
    ImportKind,
    ImportState,
    check_table,
    close_batch,
    counts_of,
    get_batch,
    keep_found,
    refuse_changes,
    rows_of,
    source_name,
)
from marketplace.ledger import repeats, strangers
from marketplace.ledger.late import look_again
from marketplace.ledger.models import AidSource, LedgerEntry
from marketplace.ledger.planning import Plan, Planned, plan
from marketplace.ledger.service import PLATFORM
from marketplace.ledger.table import aid_schema
from marketplace.organisations import reported_names
from marketplace.organisations.models import Organisation
from marketplace.organisations.programmes import programmes
from marketplace.policy import require
from matching.overlap_rules import CHARITY

SINCE = "since"
"""The batch's count that is a day: from when the source tells everything, as the whole number YYYYMMDD."""
CONFIRMED_AGAIN = timedelta(days=1)
"""A promise that is told many times a day is written down once: our own value."""


def check_file(
    session: Session,
    data: bytes,
    /,
    *,
    file_name: str,
    source: str,
    seen_from: date,
    actor: Actor,
    now: datetime,
    mapping: FileMapping = NO_MAPPING,
) -> tuple[ImportBatch, Checked]:
    """The dry run: nothing is stored but the sealed batch and what it would do."""
    require(actor, "aid:import")
    if source_name(source) == PLATFORM:
        raise BadInput("bad_source", field="source")
    if seen_from > local_day(now):
        raise BadInput("date_in_future", field="seen_from")
    checked = check_table(data, aid_schema(today=local_day(now)), mapping=mapping)
    found = _planned(session, checked.rows, source=source)
    return keep_found(
        session,
        checked,
        found,
        kind=ImportKind.AID,
        file_name=file_name,
        data=data,
        source=source,
        actor=actor,
        now=now,
        more={SINCE: int(f"{seen_from:%Y%m%d}")},
    )


def _planned(session: Session, rows: Sequence[CheckedRow], *, source: str) -> Plan:
    """What the rows would do, and a question where a programme's name is near to a known one."""
    found = plan(session, rows, source=source)
    found.faults += programmes(session).faults(rows)
    return found


def confirm_import(session: Session, batch_id: str, /, *, actor: Actor, now: datetime) -> Mapping[str, int]:
    """Store the checked rows, if what would be done is still what was shown; else Conflict, and nothing is stored."""
    require(actor, "aid:import")
    batch = get_batch(session, batch_id, kind=ImportKind.AID, actor=actor)
    rows = rows_of(session, batch)
    found = _planned(session, rows, source=batch.source)
    since = counts_of(batch)[SINCE]
    refuse_changes(batch, found, more={SINCE: since})
    seen_from = datetime.strptime(str(since), "%Y%m%d").date()  # noqa: DTZ007 (a day has no zone)
    written = store(session, found, source=batch.source, rule_id=batch.id, actor=actor, now=now)
    see(session, batch.source, seen_from=seen_from, actor=actor, now=now)
    unknown = {row.number for row in found.unknown}
    placed = [str(row.values["source_id"]) for row in rows if row.number not in unknown]
    strangers.forget(session, placed, source=batch.source, now=now)
    strangers.keep(session, found.unknown, source=batch.source, now=now)
    look_again(session, written, actor=actor, now=now)
    repeats.raise_tasks(session, written, actor=actor, now=now)
    close_batch(session, batch, state=ImportState.CONFIRMED, actor=actor, now=now)
    session.expire_all()
    return found.counts


def store(session: Session, found: Plan, /, *, source: str, rule_id: str, actor: Actor, now: datetime) -> list[str]:
    """Write what a plan found: new aid and changed aid; returns the ids of the ledger rows. Also for reports by
    interface and feeds."""
    written = _store(session, found.new, source=source, rule_id=rule_id, actor=actor, now=now)
    for item in found.changed:
        written += _change(session, item, source=source, rule_id=rule_id, actor=actor, now=now)
    _confirm(session, found.again, rule_id=rule_id, actor=actor, now=now)
    told = [item.words for item in (*found.new, *found.changed)]
    ours = _organisations(session) if told else {}
    names = {words["giver"] for words in told if words["payer"] == CHARITY} - ours.keys()
    reported_names.ask_about(session, names, now=now)
    return written


def _confirm(session: Session, promises: Sequence[LedgerEntry], *, rule_id: str, actor: Actor, now: datetime) -> None:
    """A promise that is told again stands from now on for its whole time (`ledger.promised`)."""
    old = [row for row in promises if row.updated_at <= now - CONFIRMED_AGAIN]
    for row in old:
        row.updated_at = now
        session.add(row)
    flush(session)
    rows = [{"id": row.id, "household_id": row.household_id, "units": row.units} for row in old]
    _record(session, rows, "aid:confirm", rule_id=rule_id, actor=actor, now=now)


def _store(
    session: Session, items: Sequence[Planned], *, source: str, rule_id: str, actor: Actor, now: datetime
) -> list[str]:
    orgs, written = _organisations(session), []
    for some in chunks(items, 2000):
        rows = [
            {"id": new_id(), "source_index": index, "need_id": need_id, "units": units, "created_at": now}
            | {"part_of": item.main_of(index)}
            | _shared(item, source, orgs, now=now)
            for item in some
            for index, need_id, units in item.parts
        ]
        session.execute(insert(LedgerEntry), rows)
        _record(session, rows, "aid:load", rule_id=rule_id, actor=actor, now=now)
        written += [str(row["id"]) for row in rows]
    return written


def _shared(item: Planned, source: str, orgs: Mapping[str, str], *, now: datetime) -> dict[str, Any]:
    """The columns that all ledger rows of one file row have alike."""
    return item.words | {
        "source": source,
        "org_id": orgs.get(item.words["giver"]),
        "period": item.need.period if item.need else "",
        "given_on": date.fromisoformat(item.row.values["given_on"]),
        "state": item.state,
        "repeats_id": item.repeats or None,
        "told": item.told.value if item.repeats else "",
        "updated_at": now,
    }


def _organisations(session: Session) -> dict[str, str]:
    """Name and credit code ► organisation, so that a giver known here is named by its row."""
    rows = session.exec(select(Organisation.id, Organisation.name, Organisation.credit_code, Organisation.part))
    return {word: org_id for org_id, name, code, part in rows for word in ((name,) if part else (name, code))}


def _change(session: Session, item: Planned, *, source: str, rule_id: str, actor: Actor, now: datetime) -> list[str]:
    """Bring the rows of one aid to what its giver says now; a part that is no longer there goes, the chain keeps it."""
    orgs, parts = _organisations(session), {index: (need_id, units) for index, need_id, units in item.parts}
    shared = _shared(item, source, orgs, now=now)
    held, written = {entry.source_index: entry for entry in item.held}, []
    for gone in held.keys() - parts.keys():
        session.delete(held[gone])
    flush(session)
    for index, (need_id, units) in parts.items():
        entry = held.get(index) or LedgerEntry(id=new_id(), source_index=index, units=units, created_at=now, **shared)
        own = {"need_id": need_id, "units": units, "part_of": item.main_of(index)}
        for name, value in (shared | own).items():
            setattr(entry, name, value)
        session.add(entry)
        flush(session)
        row = {"id": entry.id, "household_id": entry.household_id, "units": entry.units}
        _record(session, [row], "aid:update", rule_id=rule_id, actor=actor, now=now)
        written.append(entry.id)
    return written


def _record(
    session: Session, rows: Sequence[Mapping[str, Any]], action: str, *, rule_id: str, actor: Actor, now: datetime
) -> None:
    entries = (
        audit.Entry(
            action,
            object_ref=row["id"],
            subject=row["household_id"],
            rule_id=rule_id,
            body={"units": row["units"]},
        )
        for row in rows
    )
    audit.record_many(session, entries, actor=actor, now=now)


def see(session: Session, source: str, *, seen_from: date, actor: Actor, now: datetime) -> None:
    """From this day on the duplicate check sees the source; an earlier day that was told before stays."""
    number = session.exec(select(func.count()).where(col(LedgerEntry.source) == source)).one()
    known = session.get(AidSource, source)
    if known is None:
        session.add(AidSource(source=source, seen_from=seen_from, loaded_at=now, rows=number))
    else:
        known.seen_from, known.loaded_at, known.rows = min(known.seen_from, seen_from), now, number
        session.add(known)
    flush(session)
    audit.record(session, audit.Entry("aid:source", object_ref=source, body={"rows": number}), actor=actor, now=now)
