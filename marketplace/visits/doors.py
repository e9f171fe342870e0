"""The blueprint that the pages of this room hang on, and its sentences for what went wrong."""

from __future__ import annotations

from typing import Any

from flask import Blueprint

from marketplace.web import _l

bp = Blueprint("visits", __name__, url_prefix="/home-visits")
SENTENCES: dict[str, Any] = {
    "visit_over": _l("This visit is written down already, or is not needed any more."),
    "visit_not_written": _l("First somebody writes down what was found."),
    "outcome_missing": _l("Say what came of it."),
    "choose_first": _l("Two people wrote different things. Choose first which of them counts."),
    "enough_photos": _l("A visit has at most six photos."),
    "goes_already": _l("This colleague goes there already."),
    "at_the_end": _l("It cannot move further in this direction."),
    "parcel_differs": _l("This was sent before with other words. Open the visit again."),
}
