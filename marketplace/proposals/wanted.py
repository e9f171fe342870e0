"""A need in the allocator's words, for a run, for a quote between two runs, and for who asks whether a pin can be met.

Enters: a need and its household's living yes to being matched. Leaves: a `matching.model.Need`; no name, address or
other personal field is read. Called by `problem`, `boards` and `pins`.
"""

from __future__ import annotations

from typing import Any

from marketplace.consent.ask import Willing
from marketplace.needs.models import Need as NeedRow
from matching.model import Need

ANYONE = frozenset({"*"})
NEED_COLUMNS: dict[str, Any] = {
    "need_id": NeedRow.id,
    "household_id": NeedRow.household_id,
    "district": NeedRow.district_code,
    "category": NeedRow.category,
    "unit": NeedRow.unit,
    "gap": NeedRow.gap_units,
    "urgency": NeedRow.urgency,
    "valid_from": NeedRow.valid_from,
    "valid_to": NeedRow.valid_to,
    "one_provider": NeedRow.one_provider,
    "all_or_nothing": NeedRow.all_or_nothing,
}
"""What the allocator reads of a need, by its own words."""


def consented(consent: Willing | None, organisations: frozenset[str]) -> frozenset[str]:
    """The organisations that may give to a household with this word; nobody without one."""
    if consent is None:
        return frozenset()
    return organisations - consent[2] if consent[2] else ANYONE


def one_need(need: NeedRow, consent: Willing | None, /, *, organisations: frozenset[str]) -> Need:
    """One need as a run would see it."""
    plain: dict[str, Any] = {name: getattr(need, column.key) for name, column in NEED_COLUMNS.items()}
    return Need(**plain, consented=consented(consent, organisations), tags=frozenset(need.tags))
