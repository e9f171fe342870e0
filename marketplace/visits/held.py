"""What this room keeps of a household, for the eraser: visits, notes and photos.

Enters: nothing. Leaves: `HELD`, this room's part of the answer whether anything is open (see `marketplace.held`).
"""

from __future__ import annotations

from typing import Any

from sqlmodel import col

from marketplace.held import Held
from marketplace.visits.models import (
    WAITING,
    EntryState,
    HomeVisit,
    HomeWorker,
    VisitEntry,
    VisitPhoto,
    VisitSync,
)


def _of(column: Any, /) -> tuple[type[HomeVisit], Any]:
    """The join to the visit of this row."""
    return HomeVisit, col(HomeVisit.id) == column


HELD = (
    Held(
        HomeVisit,
        col(HomeVisit.household_id),
        at=(HomeVisit.asked_at, HomeVisit.done_at),
        waits=lambda now: col(HomeVisit.state).in_(WAITING),
    ),
    Held(
        VisitEntry,
        col(HomeVisit.household_id),
        at=(VisitEntry.received_at,),
        waits=lambda now: col(VisitEntry.state) == EntryState.BESIDE,
        joins=(_of(VisitEntry.visit_id),),
    ),
    Held(VisitPhoto, col(HomeVisit.household_id), at=(VisitPhoto.recorded_at,), joins=(_of(VisitPhoto.visit_id),)),
    Held(VisitSync, col(HomeVisit.household_id), at=(VisitSync.received_at,), joins=(_of(VisitSync.visit_id),)),
    Held(HomeWorker),
)
