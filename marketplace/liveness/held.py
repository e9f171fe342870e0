"""What this room keeps of a household, for the eraser: checks whether somebody lives.

Enters: nothing. Leaves: `HELD`, this room's part of the answer whether anything is open (see `marketplace.held`).
"""

from __future__ import annotations

from sqlmodel import col

from marketplace.held import Held
from marketplace.liveness.models import WAITING, FaceConsent, SurvivalCheck, SurvivalDuty

HELD = (
    Held(
        SurvivalCheck,
        col(SurvivalCheck.household_id),
        at=(SurvivalCheck.opened_at, SurvivalCheck.done_at),
        waits=lambda now: col(SurvivalCheck.state).in_(WAITING),
        follows=True,
    ),
    Held(
        SurvivalDuty,
        col(SurvivalDuty.household_id),
        at=(SurvivalDuty.begun_at, SurvivalDuty.ended_at),
        waits=lambda now: col(SurvivalDuty.ended_at).is_(None),
        follows=True,
    ),
    Held(FaceConsent, col(FaceConsent.household_id), at=(FaceConsent.given_at, FaceConsent.withdrawn_at)),
)
