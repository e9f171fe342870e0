"""The blueprint that the pages of this room hang on, and what they share."""

from __future__ import annotations

from datetime import UTC, datetime

from flask import Blueprint
from flask_babel import lazy_gettext as _l

bp = Blueprint("decisions", __name__)
SENTENCES = {
    "match_moved_on": _l("This has moved on in the meantime. Look at its present state before you go on."),
    "line_decided": _l("Somebody has decided this line already."),
    "same_person_twice": _l("The second approval must come from another person than the first and the verifier."),
    "no_auto_match": _l("The household's consent to be matched is not in force, so nothing can be done here."),
    "organisation_excluded": _l("The household does not want to be matched with this organisation."),
    "nothing_chosen": _l("Nothing was chosen. Tick at least one line."),
    "not_accepted_yet": _l("The household has not accepted yet. Nothing about it can be shown before."),
    "consent_not_living": _l("This consent is no longer in force."),
    "tick_missing": _l("Tick both boxes to accept, or decline: refusing loses nothing."),
}


def utc_now() -> datetime:
    """The clock of this room's pages."""
    return datetime.now(UTC)
