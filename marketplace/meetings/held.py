"""What this room keeps of a household, for the eraser: the sheet, duties and urgent approvals.

Enters: nothing. Leaves: `HELD`, this room's part of the answer whether anything is open (see `marketplace.held`).
"""

from __future__ import annotations

from sqlmodel import col

from marketplace.held import Held, row_of
from marketplace.meetings.models import (
    CriticalCall,
    Duty,
    Meeting,
    MeetingRow,
    MeetingState,
    ReviewState,
    UrgentApproval,
)
from marketplace.needs.models import Need

HELD = (
    Held(
        Duty,
        col(Need.household_id),
        at=(Duty.made_at, Duty.done_at),
        waits=lambda now: col(Duty.done_at).is_(None) & col(Duty.taken_back).is_(False),
        joins=(row_of(Need, Duty.need_id),),
        follows=False,
    ),
    Held(
        MeetingRow,
        col(Need.household_id),
        at=(MeetingRow.decided_at,),
        waits=lambda now: (col(Meeting.state) == MeetingState.OPEN) & col(MeetingRow.decided_at).is_(None),
        joins=(row_of(Need, MeetingRow.need_id), row_of(Meeting, MeetingRow.meeting_id)),
        follows=False,
    ),
    Held(
        UrgentApproval,
        col(UrgentApproval.household_id),
        at=(UrgentApproval.approved_at, UrgentApproval.reviewed_at),
        waits=lambda now: col(UrgentApproval.state) == ReviewState.WAITING,
        follows=False,
    ),
    Held(CriticalCall),
)
