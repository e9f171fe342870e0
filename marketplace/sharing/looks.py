"""Who saw what of a household, when, why and on what ground, ready for its own page.

Enters: a household. Leaves: frozen looks, the newest first: disclosures under a consent, those in an emergency, and the
looks of staff at what is sealed, which stand in the audit chain. Called by the portal, by the copy of everything on
record and by the household's file.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement
from sqlmodel import Session, col, func, select

from marketplace import audit
from marketplace.actors import STAFF
from marketplace.audit import AuditRow
from marketplace.consent.capacity import is_own
from marketplace.households.models import Person
from marketplace.organisations.models import Organisation
from marketplace.sharing.service import disclosures_of

STAFF_LOOKS = (
    *("household:reveal", "household:file", "suspicion:open", "payee:show", "proof:look", "right:look"),
    *("case:paper_look", "case:order_look", "appeal:look", "portrait:view", "portrait:export", "visit:look"),
    *("visit:note_look", "power:look"),
    *("consent:evidence_look", "reading:look", "export:row"),
    *("case:upload_look", "case:objection_look", "fact:look"),
)
"""The acts by which staff see what is sealed; each has its words in the table `staff_look`."""


@dataclass(frozen=True, slots=True)
class Look:
    """One look: `machine` says that no person, but a system of the organisation asked; `audit_seq` is its row in the
    log, whose proof the household may take home."""

    at: datetime
    organisation: str
    purpose: str
    fields: tuple[str, ...]
    consent: str
    emergency: bool
    machine: bool
    audit_seq: int


def looks_of(session: Session, household_id: str, /, *, heard: frozenset[str] | None = None) -> list[Look]:
    """Every look at this household, the newest first; of its people only at those who speak here."""
    rows = disclosures_of(session, household_id, heard=heard)
    wanted = select(Organisation.id, Organisation.name).where(
        col(Organisation.id).in_({row.recipient_org_id for row in rows})
    )
    names = dict(session.exec(wanted).all())
    return [
        Look(
            at=row.at,
            organisation=names.get(row.recipient_org_id, ""),
            purpose=row.purpose,
            fields=tuple(row.data_fields),
            consent=f"{row.consent_chain_id}@{row.consent_version}" if row.consent_chain_id else "",
            emergency=row.emergency_id is not None,
            machine=row.actor_id.startswith("client:"),
            audit_seq=row.audit_seq,
        )
        for row in rows
    ]


def staff_looks(
    session: Session,
    household_id: str,
    /,
    *,
    heard: frozenset[str] | None = None,
    offset: int = 0,
    most: int | None = None,
    but: Collection[str] = (),
) -> Sequence[AuditRow]:
    """The rows of the chain that say that staff saw something of this household or its people, the newest first; of its
    people only of those who speak here, and without the acts in `but`. All, unless a page of them is asked for."""
    rows = select(AuditRow).where(*_by_staff(session, household_id, heard, but))
    return session.exec(rows.order_by(col(AuditRow.seq).desc()).offset(offset).limit(most)).all()


def count_staff_looks(
    session: Session, household_id: str, /, *, heard: frozenset[str] | None = None, but: Collection[str] = ()
) -> int:
    """How many of them there are."""
    rows = select(func.count()).select_from(AuditRow).where(*_by_staff(session, household_id, heard, but))
    return session.exec(rows).one()


def _by_staff(
    session: Session, household_id: str, heard: frozenset[str] | None, but: Collection[str]
) -> tuple[ColumnElement[bool], ...]:
    people = session.exec(select(Person.id).where(Person.household_id == household_id)).all()
    own = [one for one in people if is_own(one, heard)]
    refs = [audit.subject_ref(session, one) for one in (household_id, *own)]
    return (
        col(AuditRow.subject_ref).in_(refs),
        col(AuditRow.action).in_([one for one in STAFF_LOOKS if one not in but]),
        col(AuditRow.actor_role).in_([role.value for role in STAFF]),
    )
