"""How much: the tables of amounts, executed on whole fen.

Enters: a family's numbers, a class, a day. Leaves: fen. Each table stands as dated data with its source; a percentage
is of what lies above the row's floor, which makes the two rows of class D meet. Called by `outcome` and the pages.
"""

from __future__ import annotations

from datetime import date

from marketplace.cases.evaluate import Facts, month_standard
from marketplace.cases.rules import FAST, illness_bands, standard

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
    if code == "LINSHI" and path == FAST:
        return fast_aid_cap(facts, district=district, on=on)
    if code == "LINSHI":
        return illness_aid(facts.medical_fen, illness_class(facts, district=district, on=on), district=district, on=on)
    return 0
