"""What this room has in a household's file beside its matches: how each went. Enters: a household. Leaves: entries."""

from __future__ import annotations

from sqlmodel import Session, col, select

from marketplace.calendar import local_day
from marketplace.decisions.models import FollowUp, Match
from marketplace.households.filed import PARTS, Entry, Part
from marketplace.needs.models import Need


def _entries(session: Session, household_id: str) -> list[Entry]:
    told = select(FollowUp, Need.category).join(Match, col(Match.id) == col(FollowUp.match_id))
    told = told.join(Need, col(Need.id) == col(Match.need_id)).where(col(Match.household_id) == household_id)
    return [
        Entry(
            local_day(row.created_at),
            (category, "need"),
            (row.remains, "remains"),
            reason=("complaint", "appeal_kind") if row.complaint else None,
        )
        for row, category in session.exec(told)
    ]


PARTS["follow_up"] = Part(_entries)
