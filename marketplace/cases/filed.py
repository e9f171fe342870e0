"""What this room has in a household's file: items asked of the government. Enters: a household. Leaves: entries."""

from __future__ import annotations

from sqlmodel import Session, col, select

from marketplace.calendar import local_day
from marketplace.cases.models import Case, CaseItem
from marketplace.households.filed import PARTS, Entry, Part


def _entries(session: Session, household_id: str) -> list[Entry]:
    items = select(CaseItem, Case).join(Case, col(Case.id) == col(CaseItem.case_id))
    found = session.exec(items.where(col(CaseItem.household_id) == household_id))
    return [
        Entry(
            local_day(item.decided_at or case.submitted_at or case.created_at),
            (item.code, "aid_item"),
            (item.state.value, "item_state"),
            fen=item.amount_fen or None,
            view="cases.item",
            ref=item.id,
        )
        for item, case in found
    ]


PARTS["application"] = Part(_entries, key="item_id")
