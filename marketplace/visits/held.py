"""What this room keeps of a household, for the eraser: visits, notes and photos.

Enters: nothing. Leaves: `HELD`, this room's part of the answer whether anything is open (see `marketplace.held`).
"""

from __future__ import annotations

from sqlmodel import col

from marketplace.held import Held, row_of
from marketplace.visits.models import (
    WAITING,
    EntryState,
    HomeVisit,
    HomeWorker,
    VisitEntry,
    VisitPhoto,
    VisitSync,
)

HELD = (
    Held(
        HomeVisit,
        col(HomeVisit.household_id),
        at=(HomeVisit.asked_at, HomeVisit.done_at),
        waits=lambda now: col(HomeVisit.state).in_(WAITING),
        follows=True,
    ),
    Held(
        VisitEntry,
        col(HomeVisit.household_id),
        at=(VisitEntry.received_at,),
        waits=lambda now: col(VisitEntry.state) == EntryState.BESIDE,
        joins=(row_of(HomeVisit, VisitEntry.visit_id),),
    ),
    Held(
        VisitPhoto,
        col(HomeVisit.household_id),
        at=(VisitPhoto.recorded_at,),
        joins=(row_of(HomeVisit, VisitPhoto.visit_id),),
    ),
    Held(
        VisitSync,
        col(HomeVisit.household_id),
        at=(VisitSync.received_at,),
        joins=(row_of(HomeVisit, VisitSync.visit_id),),
    ),
    Held(HomeWorker),
)
