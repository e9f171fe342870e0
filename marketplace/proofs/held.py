"""What this room keeps of a household, for the eraser: proofs of delivery.

Enters: nothing. Leaves: `HELD`, this room's part of the answer whether anything is open (see `marketplace.held`).
"""

from __future__ import annotations

from sqlmodel import col

from marketplace.decisions.models import Match
from marketplace.held import Held, row_of
from marketplace.proofs.models import Proof, ReportPhoto

HELD = (
    Held(
        Proof,
        col(Match.household_id),
        at=(Proof.recorded_at,),
        joins=(row_of(Match, Proof.match_id),),
    ),
    Held(ReportPhoto),
)
