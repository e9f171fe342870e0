"""The minimum living standard and the rural income per head, by the day from which they hold.

Enters: a day. Leaves: `Standards` in whole fen. A figure that was not found for a time is None, and no rule may compare
with it. Called by the rules of `signals`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from marketplace.reference.tables import UnknownCode, rows


@dataclass(frozen=True, slots=True)
class Standards:
    """Fen a month per head (urban, rural), and the disposable income of a rural head in a year."""

    dibao_urban_fen: int
    dibao_rural_fen: int
    income_rural_year_fen: int | None


def standards_on(on: date, /) -> Standards:
    """The figures that hold on a day.

    >>> standards_on(date(2025, 8, 1)).dibao_urban_fen
    77000
    """
    held = [row for row in rows("living_standards") if date.fromisoformat(row["valid_from"]) <= on]
    if not held:
        raise UnknownCode("living_standards", on.isoformat())
    row = held[-1]
    income = row["income_rural_year_fen"]
    return Standards(int(row["dibao_urban_fen"]), int(row["dibao_rural_fen"]), int(income) if income else None)
