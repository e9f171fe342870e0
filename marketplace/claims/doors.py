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
    "import_changed": _l("Something else came in since this file was checked. Check the file again."),
    "mapping_not_toml": _l("The mapping file is not readable TOML."),
    "mapping_table": _l("The mapping file may hold the tables columns, constants and values only."),
    "mapping_column": _l("The mapping file names a column that does not exist here."),
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
