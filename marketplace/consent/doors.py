"""The consent room's door: one blueprint for all its view modules, and the sentences of its error codes."""

from __future__ import annotations

from flask import Blueprint
from flask_babel import lazy_gettext as _l

bp = Blueprint("consent", __name__)
SENTENCES = {
    "helper_cannot_check": _l("Who helped with a consent cannot check it. Ask a colleague to call back."),
    "consent_not_pending": _l("This consent does not wait for a check."),
    "field_above_ceiling": _l("More was asked than this purpose allows."),
    "consent_not_living": _l("This consent is no longer in force."),
    "consent_too_long": _l("A consent lasts at most a year."),
    "narrow_wider": _l("Nothing can be added in this way: leave fewer details, or an earlier last day."),
    "not_a_guardian": _l("A guardian is an adult of the same household; the child has not turned fourteen."),
}
