"""The consent room's door: one blueprint for all its view modules, the sentences of its error codes,
and whom their pages offer to leave out."""

from __future__ import annotations

from flask import Blueprint
from flask_babel import lazy_gettext as _l
from sqlmodel import Session, col, select

from marketplace.organisations.models import Organisation, OrganisationState

bp = Blueprint("consent", __name__)
SENTENCES = {
    "helper_cannot_check": _l(
        "Who helped with a consent or brought its document cannot check it. Ask a colleague to call back."
    ),
    "evidence_missing": _l("No document is kept for this consent yet. Who helped adds it first."),
    "document_not_opened": _l("Open the document first, then say what the call-back found."),
    "signature_kind": _l("This signature does not go with the way in which the yes was said."),
    "not_a_picture": _l("This is not a photo that can be read. Take it as JPEG, PNG or WEBP."),
    "bad_drawing": _l("The drawing does not look like a name. Please sign again."),
    "consent_not_pending": _l("This consent does not wait for a check."),
    "field_above_ceiling": _l("More was asked than this purpose allows."),
    "consent_living": _l("You have said yes to this. Withdraw it under “My consents”."),
    "consent_not_living": _l("This consent is no longer in force."),
    "consent_too_long": _l("A consent lasts at most a year."),
    "matched_by_all": _l(
        "Being matched takes the whole card without your name. Leave organisations out, pause, or withdraw."
    ),
    "narrow_wider": _l("Nothing can be added in this way: leave fewer details, or an earlier last day."),
    "reason_missing": _l("Say why."),
    "guardian_end_asked": _l("The end was asked for already. A colleague has to agree."),
    "guardian_end_not_asked": _l("Nobody asks for the end of this link any more."),
    "guardian_ended": _l("This link has ended."),
    "same_person_twice": _l("A second person has to agree: somebody who did not ask."),
    "not_a_guardian": _l("A guardian is an adult of the same household; the child has not turned fourteen."),
}


def givers(session: Session) -> list[tuple[str, str]]:
    """Whom a household can leave out: each organisation that gives now, by its name."""
    statement = select(Organisation.id, Organisation.name).where(col(Organisation.state) == OrganisationState.ACTIVE)
    return [(org_id, name) for org_id, name in session.exec(statement.order_by(col(Organisation.name)))]
