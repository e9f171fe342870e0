"""The blueprint that the pages of this room hang on, and what they share."""

from __future__ import annotations

from typing import Any

from flask import Blueprint

from marketplace.web import _l

bp = Blueprint("claims", __name__, url_prefix="/insurance")
SENTENCES: dict[str, Any] = {
    "case_moved_on": _l("This case has moved on in the meantime. Look at its present step before you go on."),
    "overlap_settled": _l("Somebody has settled this already."),
    "nothing_left": _l("Nothing would be left of this match. End it instead."),
    "policy_form": _l("Write letters, digits and dashes only, at most 40."),
    "not_in_list": _l("Choose from the list"),
    "papers_none": _l("Tick at least one paper, or pay or refuse."),
    "payout_bounds": _l("A payout lies between 0.01 and 1,000,000 yuan."),
    "date_in_future": _l("This day lies in the future."),
}
TONES = {
    "enrolled": "done",
    "paid": "done",
    "refused": "plain",
    "not_enrolled": "plain",
    "no_cover": "plain",
    "ended": "plain",
    "papers": "wait",
}


def tone(state: str) -> str:
    """The kind of tag for a step."""
    return TONES.get(state, "info")
