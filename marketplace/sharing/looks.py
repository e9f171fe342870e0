"""Who saw what of a household, when, why and on what ground, ready for its own page.

Enters: a household. Leaves: frozen looks, the newest first: disclosures under a consent, and those in an emergency.
Called by the portal. Staff's looks at sealed fields are in the audit chain and shown there.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from marketplace.organisations.models import Organisation
from marketplace.sharing.service import disclosures_of


@dataclass(frozen=True, slots=True)
class Look:
    """One look: `machine` says that no person, but a system of the organisation asked."""

    at: datetime
    organisation: str
    purpose: str
    fields: tuple[str, ...]
    consent: str
    emergency: bool
    machine: bool


def looks_of(session: Session, household_id: str, /) -> list[Look]:
    """Every look at this household, the newest first."""
    rows = disclosures_of(session, household_id)
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
        )
        for row in rows
    ]
