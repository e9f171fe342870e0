"""Why: a reason for every need that is not fully covered, and for every pair that was chosen.

What enters: a compiled problem, the lines of a plan and its prices. What leaves: `Reason` rows of ids and numbers;
`sentences` turns one into words, `who_would_lose` follows an extra unit to whoever would pay for it. Called by
`matching.solve`, `python -m matching explain` and the marketplace. docs/reasons.md shows every code.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter

from matching.child import beside
from matching.compiled import Compiled
from matching.displace import who_would_lose
from matching.plan import Line, Price, Reason
from matching.standing import standing
from matching.why_chosen import chosen
from matching.why_refused import covered, refused
from matching.why_short import short
from matching.wording import sentences

__all__ = ["CODES", "reasons", "sentences", "who_would_lose"]

CODES = (
    "chosen",
    "covered",
    "no_resource",
    "no_consent",
    "cool_off",
    "banned",
    "provider_chosen",
    "exclusive",
    "cap",
    "lot_or_minimum",
    "earmark",
    "stock",
    "priced_out",
    "tie_break",
    "within_gap",
)
"""All codes a reason may have."""


def reasons(
    compiled: Compiled, lines: Sequence[Line], prices: Sequence[Price], *, workers: int = 1
) -> tuple[Reason, ...]:
    """Reasons for every line and for every need with a gap that this run does not fill. O(E · L).

    Sorted by need and resource; of one pair, the limits that hold it back now stand before those it would meet later.
    """
    stands = standing(compiled, lines)
    worth = {row.id: row.price for row in prices if row.tier == 1 and row.kind == "resource"}
    with beside(lambda: [*covered(compiled), *refused(compiled)], workers=workers) as alone:
        rows = [*chosen(compiled, stands, prices), *short(compiled, stands, worth), *alone()]
    return tuple(sorted(rows, key=attrgetter("need_id", "resource_id")))
