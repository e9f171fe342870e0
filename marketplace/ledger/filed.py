"""What this room has in a household's file beside the aid: documented costs. Enters: a household. Leaves: entries."""

from __future__ import annotations

from sqlmodel import Session, col, select

from marketplace.calendar import local_day
from marketplace.households.filed import PARTS, Entry, Part
from marketplace.ledger.models import CostBill
from marketplace.needs.models import Need


def _entries(session: Session, household_id: str) -> list[Entry]:
    bills = select(CostBill, Need).join(Need, col(Need.id) == col(CostBill.need_id))
    found = session.exec(bills.where(col(CostBill.household_id) == household_id))
    return [
        Entry(
            local_day(bill.created_at),
            (need.category, "need"),
            (need.state.value, "need_state"),
            fen=bill.cost_fen,
            view="ledger.bill",
            ref=need.id,
        )
        for bill, need in found
    ]


PARTS["cost"] = Part(_entries, key="need_id")
