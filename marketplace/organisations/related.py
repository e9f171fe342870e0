"""The people whom a giver may not help: its managers, donors, trustees and staff (Charity Law, articles 40, 46, 59).

Enters: ID numbers, typed or by file, with the giver's own reference for each. Leaves: rows that hold the reference, the
relation and a keyed index of the number; no number and no name is kept, not even in the checked file. Which households
are meant is asked by `households.related`; nobody at the giver learns whether a person on the list has a need.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime

from sqlmodel import Session, col, select

from marketplace import audit
from marketplace.actors import Actor
from marketplace.calendar import local_day
from marketplace.db import flush
from marketplace.errors import BadInput, Conflict, NotFound
from marketplace.intake import (
    NO_MAPPING,
    Checked,
    CheckedRow,
    Column,
    FileMapping,
    ImportBatch,
    ImportKind,
    ImportState,
    Schema,
    cells,
    check_table,
    close_batch,
    counts_of,
    get_batch,
    keep_batch,
    rows_of,
)
from marketplace.organisations.models import RelatedPerson, Relation
from marketplace.organisations.service import require_active
from marketplace.policy import require
from marketplace.reference.identity_number import BadIdNumber, check_id_number
from marketplace.reference.words import list_codes
from marketplace.sealed import Vault, number_index, vault_of


def related_schema(*, today: date) -> Schema:
    """The table of related people as of a day."""
    columns = (
        Column("reference", "名单编号", "Reference", cells.text(32, nameless=True), needed=True, filled=True),
        Column(
            "relation",
            "关系",
            "Relation",
            cells.one_of(cells.meanings_of("relation_to_giver")),
            needed=True,
            filled=True,
            choices=list_codes("relation_to_giver"),
        ),
        Column("id_number", "身份证号", "ID number", cells.id_number(today), needed=True, filled=True, secret=True),
    )
    return Schema(columns=columns, key=("reference",))


@dataclass(slots=True)
class Plan:
    """Rows by what becomes of them; the number of a row is its index already."""

    new: list[CheckedRow] = field(default_factory=list)
    changed: list[tuple[RelatedPerson, CheckedRow]] = field(default_factory=list)
    same: int = 0

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
    """The dry run for the actor's organisation. The numbers are turned into indexes before anything is kept."""
    org_id = _allowed(session, actor)
    checked = check_table(data, related_schema(today=local_day(now)), mapping=mapping)
    vault = vault_of(session)
    checked = replace(checked, rows=[_unnumbered(row, vault) for row in checked.rows])
    batch = keep_batch(
        session,
        checked,
        kind=ImportKind.RELATED,
        file_name=file_name,
        data=data,
        source=org_id,
        counts=_plan(session, checked.rows, org_id=org_id).counts,
        actor=actor,
        now=now,
    )
    return batch, checked


def _unnumbered(row: CheckedRow, vault: Vault) -> CheckedRow:
    index = number_index(vault, row.values["id_number"])
    return replace(row, values={**row.values, "id_number": index})


def confirm_import(session: Session, batch_id: str, /, *, actor: Actor, now: datetime) -> Mapping[str, int]:
    """Keep the checked rows, if what would be done is still what was shown; else Conflict."""
    org_id = _allowed(session, actor)
    batch = get_batch(session, batch_id, kind=ImportKind.RELATED, actor=actor)
    found = _plan(session, rows_of(session, batch), org_id=org_id)
    if found.counts != counts_of(batch):
        raise Conflict("import_changed")
    for row in found.new:
        _add(session, org_id, _values(row), actor=actor, now=now)
    for known, row in found.changed:
        _reference, known.relation, known.id_number_index = _values(row)
        session.add(known)
    flush(session)
    _record(session, "related:keep", org_id, people=len(found.new) + len(found.changed), actor=actor, now=now)
    close_batch(session, batch, state=ImportState.CONFIRMED, actor=actor, now=now)
    return found.counts


def add_related(
    session: Session, /, *, reference: str, relation: Relation, id_number: str, actor: Actor, now: datetime
) -> RelatedPerson:
    """Put one person on the list of the actor's organisation."""
    org_id = _allowed(session, actor)
    try:
        number = check_id_number(id_number, today=local_day(now)).text
    except BadIdNumber as error:
        raise BadInput(f"id_{error.code}", field="id_number") from error
    if any(row.reference == reference for row in _rows(session, org_id)):
        raise Conflict("reference_taken", field="reference")
    index = number_index(vault_of(session), number)
    person = _add(session, org_id, (reference, relation, index), actor=actor, now=now)
    flush(session)
    _record(session, "related:add", org_id, people=1, actor=actor, now=now)
    return person


def remove_related(session: Session, related_id: str, /, *, actor: Actor, now: datetime) -> None:
    """Take one person off the list of the actor's organisation."""
    found = session.get(RelatedPerson, related_id)
    if found is None:
        raise NotFound("related_person")
    require(actor, "related:keep", org_id=found.org_id)
    session.delete(found)
    flush(session)
    _record(session, "related:remove", found.org_id, people=1, actor=actor, now=now)


def list_related(session: Session, /, *, actor: Actor) -> list[RelatedPerson]:
    """The list of the actor's organisation by reference."""
    require(actor, "related:keep", org_id=actor.org_id)
    return sorted(_rows(session, actor.org_id or ""), key=lambda row: (row.reference, row.id))


def _allowed(session: Session, actor: Actor) -> str:
    org_id = actor.org_id or ""
    require(actor, "related:keep", org_id=org_id)
    return require_active(session, org_id).id


def _rows(session: Session, org_id: str) -> Sequence[RelatedPerson]:
    return session.exec(select(RelatedPerson).where(col(RelatedPerson.org_id) == org_id)).all()


def _plan(session: Session, rows: Sequence[CheckedRow], *, org_id: str) -> Plan:
    known = {row.reference: row for row in _rows(session, org_id)}
    found = Plan()
    for row in rows:
        reference, relation, index = _values(row)
        old = known.get(reference)
        if old is None:
            found.new.append(row)
        elif (old.relation, old.id_number_index) == (relation, index):
            found.same += 1
        else:
            found.changed.append((old, row))
    return found


def _values(row: CheckedRow) -> tuple[str, Relation, str]:
    return row.values["reference"], Relation(row.values["relation"]), row.values["id_number"]


def _add(
    session: Session, org_id: str, values: tuple[str, Relation, str], *, actor: Actor, now: datetime
) -> RelatedPerson:
    reference, relation, index = values
    person = RelatedPerson(
        id=vault_of(session).ref("related", org_id, reference),
        org_id=org_id,
        reference=reference,
        relation=relation,
        id_number_index=index,
        added_by=actor.id,
        added_at=now,
    )
    session.add(person)
    return person


def _record(session: Session, act: str, org_id: str, *, people: int, actor: Actor, now: datetime) -> None:
    audit.record(session, audit.Entry(act, object_ref=org_id, body={"people": people}), actor=actor, now=now)
