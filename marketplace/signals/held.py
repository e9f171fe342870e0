"""What this room keeps of a household, for the eraser: alerts, tasks and facts of the watch.

Enters: nothing. Leaves: `HELD`, this room's part of the answer whether anything is open (see `marketplace.held`).
"""

from __future__ import annotations

from sqlalchemy import true
from sqlmodel import col

from marketplace.held import Held, row_of
from marketplace.signals.models import Alert, AlertState, Declared, Delivery, Fact, WatchTask
from marketplace.signals.models_homes import AlertHome, KeptScore

HELD = (
    Held(
        Alert,
        col(Alert.household_id),
        at=(Alert.raised_at, Alert.closed_at),
        waits=lambda now: col(Alert.state) != AlertState.CLOSED,
        follows=True,
    ),
    Held(
        WatchTask,
        col(WatchTask.household_id),
        at=(WatchTask.asked_at, WatchTask.done_at),
        waits=lambda now: col(WatchTask.done_at).is_(None),
        follows=True,
    ),
    Held(Declared, col(Declared.household_id), at=(Declared.declared_at,)),
    Held(
        Fact,
        col(Fact.household_id),
        at=(Delivery.received_at,),
        joins=(row_of(Delivery, Fact.delivery_id),),
    ),
    Held(AlertHome, col(AlertHome.household_id), follows=lambda now: true()),
    Held(KeptScore),
)
