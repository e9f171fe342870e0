"""What this room keeps of a household, for the eraser: the plan's lines, which follow their need.

Enters: nothing. Leaves: `HELD`, this room's part of the answer whether anything is open (see `marketplace.held`).
"""

from __future__ import annotations

from marketplace.held import Held
from marketplace.proposals.models import (
    Displacement,
    NeedQuote,
    Override,
    ProposedLine,
    RunPrice,
    UnservedReason,
)

HELD = (*(Held(table) for table in (Displacement, NeedQuote, Override, ProposedLine, RunPrice, UnservedReason)),)
