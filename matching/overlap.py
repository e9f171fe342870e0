"""Is this aid already given?

What enters: a household, a category, a period and rows of past aid from every source. What leaves: the overlap: none,
soft (reserved or proposed elsewhere) or hard (approved or delivered), with the rows that cause it. Called by the
ledger before aid is written and by decisions before aid is approved.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from matching.model import PastAid

NONE, SOFT, HARD = "none", "soft", "hard"

_WEIGHT = {"reserved": SOFT, "approved": HARD, "delivered": HARD}


@dataclass(frozen=True, slots=True)
class Overlap:
    """`degree` is none, soft or hard; `rows` are the past aid of that degree, the latest first."""

    degree: str
    rows: tuple[PastAid, ...] = ()


def overlap(
    household_id: str,
    category: str,
    *,
    starts_on: date | None,
    ends_on: date | None,
    past: Iterable[PastAid],
    need_id: str | None = None,
    proposed_elsewhere: bool = False,
) -> Overlap:
    """How aid of `category` for this household in ``[starts_on, ends_on)`` overlaps with what it has. O(rows).

    A row counts if it names the very need, or if it names no need and was given within the period; a row for
    another need of the household is no overlap, for that need was verified by itself. ``None`` leaves a side open.
    `proposed_elsewhere` says that another live proposal serves the same need: soft, without rows.

    Examples
    --------
    >>> row = PastAid("h1", "rice", 5, date(2026, 6, 3), "delivered")
    >>> overlap("h1", "rice", starts_on=date(2026, 6, 1), ends_on=date(2026, 7, 1), past=[row]).degree
    'hard'
    >>> overlap("h1", "rice", starts_on=date(2026, 7, 1), ends_on=None, past=[row]).degree
    'none'
    """

    def touches(row: PastAid) -> bool:
        if (row.household_id, row.category) != (household_id, category) or row.units == 0:
            return False
        if row.need_id is not None:
            return row.need_id == need_id
        return (starts_on is None or starts_on <= row.given_on) and (ends_on is None or row.given_on < ends_on)

    touching = sorted((row for row in past if touches(row)), key=lambda row: row.given_on, reverse=True)
    for degree in (HARD, SOFT):
        rows = tuple(row for row in touching if _WEIGHT[row.state] == degree)
        if rows:
            return Overlap(degree, rows)
    return Overlap(SOFT if proposed_elsewhere else NONE)
