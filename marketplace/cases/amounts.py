"""How much: the tables of amounts, executed on whole fen.

Enters: a family's numbers, a class, a day. Leaves: fen. Each table stands as dated data with its source; a percentage
is of what lies above the row's floor, which makes the two rows of class D meet. Called by `outcome` and the pages.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from marketplace.cases.evaluate import Facts, month_standard
from marketplace.cases.models import CaseItem
from marketplace.cases.rules import FAST, event_aid, illness_bands, standard

TEMPORARY = "LINSHI"

CLASS_OF = {"TEKUN": "A", "DIBAO": "B", "DIBIAN": "C", "GANGXING": "C"}
"""A family's label ► its class in the illness table; without one, a small income alone is class C."""


def illness_aid(own_cost_fen: int, kind: str, /, *, district: str, on: date) -> int:
    """Temporary aid for illness (R2.42), as the district chose it within the city's frame, else as the city says.

    >>> here = {"district": "500231", "on": date(2026, 11, 23)}
    >>> [illness_aid(cost, kind, **here) for cost, kind in ((50_000_00, "D"), (60_000_00, "D"), (1_000_00, "A"))]
    [300000, 500000, 63000]
    """
    bands = illness_bands(kind, district=district, on=on)
    reached = [row for row in bands if own_cost_fen > int(row["from_fen"])]
    if not reached:
        return 0
    row = max(reached, key=lambda one: int(one["from_fen"]))
    above = own_cost_fen - int(row["from_fen"])
    return min(int(row["base_fen"]) + above * int(row["percent"]) // 100, int(row["cap_fen"]))


def illness_class(facts: Facts, /, *, district: str, on: date) -> str:
    """The class of a family in the illness table: by its label, else C up to twice the standard, else D (R2.42)."""
    line = month_standard(facts.urban, district=district, on=on) * facts.size
    small = 100 * facts.income_fen <= line * standard("ILLNESS_C_PERCENT", district=district, on=on)
    return CLASS_OF.get(facts.label, "C" if small else "D")


def dibao_month(facts: Facts, /, *, district: str, on: date) -> int:
    """The month's difference to the standard, for all members (R2.19)."""
    return max(0, month_standard(facts.urban, district=district, on=on) * facts.size - facts.income_fen)


def fast_aid_cap(facts: Facts, /, *, district: str, on: date) -> int:
    """At most one month's standard for a case (R2.36)."""
    return month_standard(facts.urban, district=district, on=on)


def proposed(code: str, facts: Facts, /, *, path: str, district: str, on: date) -> int:
    """What the tables give for an item; 0 where the district or another department sets it."""
    if code == "DIBAO":
        return dibao_month(facts, district=district, on=on)
    if code == "TEKUN":
        return standard("TEKUN_MONTH", district=district, on=on)
    if code == TEMPORARY and path == FAST:
        return fast_aid_cap(facts, district=district, on=on)
    if code == TEMPORARY:
        return max(by_event(facts, district=district, on=on).values(), default=0)
    return 0


def by_event(facts: Facts, /, *, district: str, on: date) -> dict[str, int]:
    """Temporary aid by what happened (R2.42, R2.43), each event for which a table gives something; of several the one
    that gives most is meant, not their sum (D16).

    >>> here = {"district": "500103", "on": date(2026, 11, 23)}
    >>> by_event(Facts(label="TEKUN", wants=("accident",)), **here)
    {'accident': 2772000}
    >>> by_event(Facts(income_fen=900_000, wants=("accident",)), **here)
    {}
    """
    here: dict[str, Any] = {"district": district, "on": on}
    kind = illness_class(facts, **here)
    found = {"illness": illness_aid(facts.medical_fen, kind, **here)}
    if "accident" in facts.wants:
        found["accident"] = for_event("accident", kind, **here)
    if "schooling" in facts.wants and "freshman" in facts.ticks:
        found["freshman"] = for_event("freshman", kind, **here)
    return {event: fen for event, fen in found.items() if fen}


def for_event(event: str, kind: str, /, *, district: str, on: date) -> int:
    """Months of the city's standard, or a floor; 0 where the sources give no figure for this class."""
    row = event_aid(event, kind, district=district, on=on)
    months = int(row.get("months") or 0)
    return max(months * standard("DIBAO_MONTH_URBAN", district=district, on=on), int(row.get("floor_fen") or 0))


@dataclass(frozen=True, slots=True)
class Says:
    """What the tables say of an item, for whoever decides: the amount, by which event, what a long treatment at home
    would give, and whether it is temporary aid for which no table gives anything."""

    fen: int = 0
    events: Mapping[str, int] = field(default_factory=dict)
    at_home: int = 0
    silent: bool = False


def says(item: CaseItem, facts: Facts, /, *, on: date) -> Says:
    """The tables of this item's district and day on what the household told."""
    here: dict[str, Any] = {"district": item.district_code, "on": on}
    fen = proposed(item.code, facts, path=item.path, **here)
    if item.code != TEMPORARY or item.path == FAST:
        return Says(fen)
    ill = "illness" in facts.wants
    at_home = for_event("home_treatment", illness_class(facts, **here), **here) if ill else 0
    return Says(fen, by_event(facts, **here), at_home, silent=not fen and not at_home)
