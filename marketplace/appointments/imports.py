"""Volunteers coming in by file: checked, shown with exact counts, confirmed by a manager, stored once.

Enters: the bytes of a giver's file. Leaves: an `ImportBatch` whose counts say what confirming will do, then the
volunteers. The registration number tells rows apart: the same file again changes nothing. Who is known needs no ID
number: the register that leaves as a table has none, and comes back changed. Called by the upload's pages.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlmodel import Session, col, select

from marketplace import audit
from marketplace.actors import Actor
from marketplace.appointments import volunteers
from marketplace.appointments.insured import counts_on
from marketplace.appointments.models import Volunteer, VolunteerState
from marketplace.appointments.table import facts_of, volunteer_schema
from marketplace.appointments.volunteers import VolunteerFacts
from marketplace.calendar import local_day
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
from marketplace.sealed import number_index, vault_of


@dataclass(slots=True)
class Plan:
    """Rows by what becomes of them."""

    new: list[VolunteerFacts] = field(default_factory=list)
    changed: list[tuple[Volunteer, VolunteerFacts]] = field(default_factory=list)
    same: int = 0
    faults: list[Fault] = field(default_factory=list)

    @property
    def counts(self) -> dict[str, int]:
        """The exact counts that a person confirms."""
        return {"new": len(self.new), "changed": len(self.changed), "same": self.same}


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
    require(actor, "volunteer:import", org_id=actor.org_id)
    org_id = volunteers.allowed(session, actor)
    checked = check_table(data, volunteer_schema(today=local_day(now)), mapping=mapping)
    found = plan(session, checked.rows, org_id=org_id)
    return keep_found(
        session,
        checked,
        found,
        kind=ImportKind.VOLUNTEERS,
        file_name=file_name,
        data=data,
        source=org_id,
        actor=actor,
        now=now,
    )


def plan(session: Session, rows: Sequence[CheckedRow], /, *, org_id: str) -> Plan:
    """Compare the rows with the organisation's register; O(rows + register)."""
    vault, found = vault_of(session), Plan()
    known = session.exec(select(Volunteer).where(col(Volunteer.org_id) == org_id)).all() if rows else []
    by_number = {volunteer.registration_no: volunteer for volunteer in known}
    holder = {volunteer.id_number_index: volunteer.registration_no for volunteer in known}
    for row in rows:
        facts = facts_of(row.values)
        volunteer = by_number.get(facts.registration_no)
        if volunteer is None and not facts.id_number:
            found.faults.append(_fault(row, "id_number", "", "empty"))
            continue
        index = (
            number_index(vault, facts.id_number) if facts.id_number or volunteer is None else volunteer.id_number_index
        )
        other = holder.setdefault(index, facts.registration_no)
        if volunteer is not None and volunteer.id_number_index != index:
            found.faults.append(_fault(row, "registration_no", facts.registration_no, "volunteer_is_another"))
        elif other != facts.registration_no:
            found.faults.append(_fault(row, "registration_no", facts.registration_no, "volunteer_known", other=other))
        elif volunteer is None:
            found.new.append(facts)
        elif volunteer.content_hash == volunteers.content_hash(session, facts, index=index):
            found.same += 1
        elif volunteer.state is VolunteerState.ENDED:
            found.faults.append(_fault(row, "registration_no", facts.registration_no, "volunteer_has_ended"))
        elif day := counts_on(session, volunteer, insured_from=facts.insured_from, insured_to=facts.insured_to):
            shown = facts.registration_no
            found.faults.append(_fault(row, "insured_to", shown, "insurance_counted_on", day=day.isoformat()))
        else:
            found.changed.append((volunteer, facts))
    return found


def _fault(row: CheckedRow, column: str, shown: str, code: str, /, **params: str) -> Fault:
    return Fault(row.number, column, shown, code, params, Stage.ROWS)


def confirm_import(session: Session, batch_id: str, /, *, actor: Actor, now: datetime) -> Mapping[str, int]:
    """Store the checked rows, if what would be done is still what was shown; else Conflict, and nothing is stored."""
    require(actor, "volunteer:import", org_id=actor.org_id)
    org_id = volunteers.allowed(session, actor)
    batch = get_batch(session, batch_id, kind=ImportKind.VOLUNTEERS, actor=actor)
    found = plan(session, rows_of(session, batch), org_id=org_id)
    refuse_changes(batch, found)
    new = [volunteers.new_row(session, facts, org_id=org_id, actor=actor, now=now) for facts in found.new]
    for volunteer, facts in found.changed:
        volunteers.fill(session, volunteer, facts, now=now)
    entries = [audit.Entry("volunteer:register", object_ref=one.id, rule_id=batch.id) for one in new]
    entries += [audit.Entry("volunteer:change", object_ref=one.id, rule_id=batch.id) for one, _facts in found.changed]
    audit.record_many(session, entries, actor=actor, now=now)
    close_batch(session, batch, state=ImportState.CONFIRMED, actor=actor, now=now)
    return found.counts
