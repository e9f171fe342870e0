"""The blueprint that the pages of this room hang on, and the sentences of the room's errors."""

from __future__ import annotations

from typing import Any

from flask import Blueprint

from marketplace.web import _l

bp = Blueprint("boards", __name__, url_prefix="/boards")
SENTENCES: dict[str, Any] = {
    "paper_percent": _l("Write a whole number of per cent from 1 to 100."),
    "paper_amount": _l("Write how much a head and month it would be."),
    "paper_rule": _l("Choose a rule that was tried on past months."),
    "paper_no_run": _l("No run has ended yet: there is no plan to solve again."),
    "not_in_run": _l("This giver had nothing in the last run."),
}
TITLES: dict[str, Any] = {
    "register": _l("Households in the register"),
    "new": _l("New in 30 days"),
    "left": _l("Left in 30 days"),
    "changed": _l("New alerts in 30 days"),
    "red": _l("With a red alert"),
    "orange": _l("With an orange alert"),
    "yellow": _l("With a yellow alert"),
    "blue": _l("With a blue alert"),
    "late": _l("Answer is late"),
    "put_off": _l("Put off"),
    "visited": _l("Visited in 90 days"),
    "unseen": _l("Not visited in 90 days"),
    "overdue": _l("Overdue for a visit by their class"),
}
"""Each measure of `counting`, in words."""
AGE_TITLES: tuple[Any, ...] = (_l("up to 1 day"), _l("up to 3 days"), _l("up to 10 days"), _l("older"))
"""The ages of open alerts, the youngest first."""
ANSWER_TITLES: dict[str, Any] = {"answered": _l("answered in 90 days"), "in_time": _l("always in time in 90 days")}
"""What the numbers of answers say."""
