"""The rules as the house begins with them, and short words for aid given and asked; amounts in whole units."""

from __future__ import annotations

from datetime import date
from typing import Any

from marketplace.ledger.book import rule_of
from marketplace.reference.duplicate_rules import list_duplicate_rules
from matching.overlap_rules import Asked, Bill, Given, Rule

RULES: dict[str, Rule] = {row.code: rule_of(row) for row in list_duplicate_rules()}
TODAY = date(2026, 11, 25)
ILLNESS, RICE = "MEDICAL.MAJOR", "LIVING.FOOD_PACK"


def had(category: str, units: int, on: str = "2026-11-01", **over: Any) -> Given:
    """Aid that household h has, from giver A unless said."""
    return Given("h", category, units, date.fromisoformat(on), **{"giver": "A", **over})


def ask(category: str, units: int, **over: Any) -> Asked:
    """Aid that giver B wants to give household h today."""
    return Asked("h", category, units, TODAY, **{"giver": "B", "open_units": units, **over})


def bill(cost: int, **over: Any) -> Bill:
    """A documented cost of need n."""
    return Bill(cost, needs=frozenset({"n"}), **over)
