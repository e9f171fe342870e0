"""The blueprint that the pages of this room hang on, and what they share."""

from __future__ import annotations

from typing import Any

from flask import Blueprint

from marketplace.claims import waiting
from marketplace.claims.cases import PAYOUT_BACK
from marketplace.claims.models import CaseKind, InsuranceCase
from marketplace.web import _l
from marketplace.web.codes import word

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
    "payout_before_case": _l("The case had not begun on this day. Check the year."),
    "payout_same": _l("That is what stands here already."),
    "payout_missing": _l("Write what was paid: kind of cost, sum and day."),
    "payout_and_none": _l("Nothing was paid, you say: leave kind of cost, sum and day empty."),
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


OF_THE_HOUSE: dict[str, Any] = {
    waiting.NO_ANSWER: _l("no answer came in time"),
    PAYOUT_BACK: _l("the payout never came, or is back with the insurer"),
}


def why(case: InsuranceCase) -> str:
    """The reason that a case carries, in words; empty where there is none."""
    code = case.reason_code
    if not code or code in OF_THE_HOUSE:
        return str(OF_THE_HOUSE[code]) if code else ""
    return word(code, "enrol_refusal" if case.kind is CaseKind.ENROL else "claim_refusal")


def tone(state: str) -> str:
    """The kind of tag for a step."""
    return TONES.get(state, "info")
