"""What one household may be given at once in a night, without the ordinary approval.

Enters: a household and a night, which runs from noon to noon in China. Leaves: the cap (`urgent_cap_fen`) and what is
used of it, by the household with all that count as the same. Called by `urgent`, `night` and their pages.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlmodel import Session, col, func, select

from marketplace.calendar import local_day
from marketplace.config import Settings
from marketplace.households.same import same_as
from marketplace.meetings.models import UrgentApproval

HALF_DAY = timedelta(hours=12)


@dataclass(frozen=True, slots=True)
class Room:
    """What a household may still get this night: the cap and what it has had."""

    cap_fen: int
    used_fen: int

    @property
    def left_fen(self) -> int:
        return max(0, self.cap_fen - self.used_fen)


def night_of(now: datetime, /) -> date:
    """The day on whose noon the night began."""
    return local_day(now - HALF_DAY)


def room_for(session: Session, household_id: str, /, *, night: date) -> Room:
    """The cap of a night and what is used of it; no more than the limit above which two approvers are needed anyway."""
    settings: Settings = session.info["settings"]
    used = select(func.coalesce(func.sum(col(UrgentApproval.value_fen)), 0)).where(
        col(UrgentApproval.household_id).in_(same_as(session, [household_id]).of(household_id)),
        UrgentApproval.night_on == night,
        UrgentApproval.passed_on == "",
    )
    return Room(min(settings.urgent_cap_fen, settings.second_approver_fen), int(session.exec(used).one()))
