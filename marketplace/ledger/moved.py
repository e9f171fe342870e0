"""What people had in another household before they came to live here.

Enters: households, or none for all. Leaves: live ledger rows that name a person who lives elsewhere now, each with that
person's row of today and its household. Rules that count for a person hear of them, no others (`Given.moved`). Called
by approval, explanations, late reports and the problem of a run.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from sqlmodel import Session, col, select

from marketplace.db import chunks
from marketplace.households.former import former_of
from marketplace.households.same import Same
from marketplace.ledger.models import LIVE, LedgerEntry

_ASKED = 500


def moved_aid(
    session: Session, household_ids: Collection[str] | None = None, /
) -> Iterator[tuple[LedgerEntry, str, str]]:
    """Each such row, whose it is, and where that person lives now."""
    former = former_of(session, household_ids)
    for some in chunks(sorted(former), _ASKED):
        rows = select(LedgerEntry).where(col(LedgerEntry.person_id).in_(some), col(LedgerEntry.state).in_(LIVE))
        for row in session.exec(rows.order_by(col(LedgerEntry.id))):
            yield row, *former[row.person_id]


def moved_by_home(
    session: Session, same: Same, household_ids: Collection[str] | None = None, /
) -> dict[str, list[tuple[LedgerEntry, str]]]:
    """One name for a household ► what its people had in another one before, and who."""
    found: dict[str, list[tuple[LedgerEntry, str]]] = {}
    for row, who, lives in moved_aid(session, household_ids):
        if same.one(row.household_id) != same.one(lives):
            found.setdefault(same.one(lives), []).append((row, who))
    return found
