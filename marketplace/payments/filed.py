"""What this room has in a household's file: its payments. Enters: a household. Leaves: entries; no account."""

from __future__ import annotations

from sqlmodel import Session, col, select

from marketplace.calendar import local_day
from marketplace.decisions.models import Match
from marketplace.households.filed import PARTS, Entry, Part
from marketplace.needs.models import Need
from marketplace.payments.models import LineState, PaymentLine


def _entries(session: Session, household_id: str) -> list[Entry]:
    lines = select(PaymentLine, Need.category).join(Match, col(Match.id) == col(PaymentLine.match_id))
    lines = lines.join(Need, col(Need.id) == col(Match.need_id))
    found = session.exec(lines.where(col(PaymentLine.household_id) == household_id))
    return [
        Entry(
            local_day(line.changed_at),
            (category, "need"),
            (line.state.value, "payment_state"),
            reason=(line.reason_code, "payment_failure") if line.state is LineState.FAILED else None,
            fen=line.amount_fen,
            view="payments.account",
            ref=line.payee_id,
        )
        for line, category in found
    ]


PARTS["payment"] = Part(_entries, key="payee_id")
