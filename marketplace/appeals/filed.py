"""What this room has in a household's file: appeals and complaints, without their words. That somebody demanded a
favour is not among them: who opens a file may be the one it is about. Enters: a household. Leaves: entries."""

from __future__ import annotations

from sqlmodel import Session, col, select

from marketplace.appeals.models import Appeal, AppealKind
from marketplace.calendar import local_day
from marketplace.households.filed import PARTS, Entry, Part

SHOWN = (AppealKind.APPEAL, AppealKind.COMPLAINT)


def _entries(session: Session, household_id: str) -> list[Entry]:
    found = select(Appeal).where(col(Appeal.household_id) == household_id, col(Appeal.kind).in_(SHOWN))
    return [
        Entry(
            local_day(row.raised_at),
            (row.kind.value, "appeal_kind"),
            (row.state.value, "appeal_state"),
            view="appeals.one",
            ref=row.id,
        )
        for row in session.exec(found)
    ]


PARTS["complaint"] = Part(_entries, key="appeal_id")
