"""Aid that reached households of a registry's needs and that the registry was not told yet.

What enters: a session and a source. What leaves: `AidGiven` values without anything personal. Handed to the needs'
`report_back` by the commands, because the ledger stands above the needs.
"""

from __future__ import annotations

from sqlalchemy import select
from sqlmodel import Session, col

from adapters.ports import AidGiven
from marketplace.ledger.models import AidState, LedgerEntry
from marketplace.needs.models import Need, RegistryReport


def aid_to_tell(session: Session, source: str, most: int) -> list[AidGiven]:
    """Delivered aid for needs of the source, oldest first; what the registry itself reported is left out."""
    asked = (
        select(LedgerEntry, col(Need.source_id))
        .join(Need, col(Need.id) == col(LedgerEntry.need_id))
        .outerjoin(RegistryReport, col(RegistryReport.object_ref) == col(LedgerEntry.id))
        .where(
            col(Need.source) == source,
            col(LedgerEntry.source) != source,
            col(LedgerEntry.state) == AidState.DELIVERED,
            col(RegistryReport.object_ref).is_(None),
        )
        .order_by(col(LedgerEntry.updated_at), col(LedgerEntry.id))
        .limit(most)
    )
    return [_told(entry, need_source_id) for entry, need_source_id in session.execute(asked)]


def _told(entry: LedgerEntry, need_source_id: str) -> AidGiven:
    return AidGiven(
        source_id=entry.id,
        need_source_id=need_source_id,
        category=entry.category,
        units=entry.units,
        given_on=entry.given_on,
        giver=entry.giver,
        idempotency_key=f"{entry.id}:delivered",
    )
