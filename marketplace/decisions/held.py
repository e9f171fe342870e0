"""What this room keeps of a household, for the eraser: matches and what was said after them.

Enters: nothing. Leaves: `HELD`, this room's part of the answer whether anything is open (see `marketplace.held`).
"""

from __future__ import annotations

from sqlmodel import col

from marketplace.decisions.models import (
    RUNNING,
    FollowUp,
    GiverResult,
    HouseholdCall,
    LineDecision,
    Match,
)
from marketplace.held import Held, row_of

HELD = (
    Held(
        Match,
        col(Match.household_id),
        at=(Match.created_at, Match.updated_at),
        waits=lambda now: col(Match.state).in_(RUNNING),
        follows=True,
    ),
    Held(
        FollowUp,
        col(Match.household_id),
        at=(FollowUp.created_at, FollowUp.settled_at),
        waits=lambda now: col(FollowUp.complaint).is_(True) & col(FollowUp.settled_at).is_(None),
        joins=(row_of(Match, FollowUp.match_id),),
    ),
    Held(
        GiverResult, col(Match.household_id), at=(GiverResult.created_at,), joins=(row_of(Match, GiverResult.match_id),)
    ),
    Held(
        HouseholdCall,
        col(Match.household_id),
        at=(HouseholdCall.called_at,),
        joins=(row_of(Match, HouseholdCall.match_id),),
    ),
    Held(LineDecision),
)
