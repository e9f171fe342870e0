"""What this room keeps of a household, for the eraser: the plan's lines, which follow their need.

Enters: nothing. Leaves: `HELD`, this room's part of the answer whether anything is open (see `marketplace.held`).
"""

from __future__ import annotations

from sqlmodel import col

from marketplace.held import Held, row_of
from marketplace.needs.models import Need
from marketplace.proposals.models import (
    Displacement,
    DisplacementState,
    LineState,
    NeedQuote,
    Override,
    OverrideState,
    ProposedLine,
    RunPrice,
    UnservedReason,
)

HELD = (
    Held(
        ProposedLine,
        col(ProposedLine.household_id),
        follows=lambda now: col(ProposedLine.state) == LineState.PROPOSED,
    ),
    Held(
        Displacement,
        col(Need.household_id),
        joins=(row_of(Need, Displacement.need_id),),
        follows=lambda now: col(Displacement.state) == DisplacementState.PENDING,
    ),
    Held(
        Override,
        col(Need.household_id),
        joins=(row_of(Need, Override.need_id),),
        follows=lambda now: col(Override.state) == OverrideState.STANDING,
    ),
    *(Held(table) for table in (NeedQuote, RunPrice, UnservedReason)),
)
