"""A resource as a partner's machine posts it, turned into the terms that the offers room checks.

Enters: a JSON object that has the shape `shapes.OFFER`. Leaves: `Terms`; `valid_to` is the last day, as in every
table and form. Called by `sharing.api`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from marketplace.calendar import after_last
from marketplace.offers.models import Acceptance
from marketplace.offers.terms import Terms

DAYS = ("valid_from", "valid_to")


def terms_from(said: Mapping[str, Any], /) -> Terms:
    """The terms; what was not said keeps its default."""
    values = {name: value for name, value in said.items() if name not in ("reference", "other_project")}
    for name in DAYS:
        if name in values:
            values[name] = date.fromisoformat(values[name])
    if "valid_to" in values:
        values["valid_to"] = after_last(values["valid_to"])
    if "districts" in values:
        values["districts"] = tuple(values["districts"])
    if "acceptance" in values:
        values["acceptance"] = Acceptance(values["acceptance"])
    return Terms(**values)
