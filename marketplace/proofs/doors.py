"""The blueprint that the pages of this room hang on, its sentences, and what its pages share."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response
from flask_babel import lazy_gettext as _l

from marketplace.actors import GIVERS, Role
from marketplace.errors import DomainError
from marketplace.guards import current_actor
from marketplace.proofs.models import PaperKind, ProofKind

bp = Blueprint("proofs", __name__, url_prefix="/proofs")
KINDS = {
    ProofKind.BATCH: _l("ticked in a list"),
    ProofKind.SCAN: _l("code scanned or typed"),
    ProofKind.PHOTO: _l("photo"),
    ProofKind.TYPED: _l("name typed by the receiver"),
    ProofKind.DRAWN: _l("name drawn by the receiver"),
    ProofKind.SLIP: _l("number of a paper slip"),
}
PAPERS = {
    PaperKind.DONATION_RECEIPT: _l("Donation receipt"),
    PaperKind.INVOICE: _l("Invoice"),
}
SENTENCES: dict[str, Any] = {
    "no_such_code": _l("No delivery of yours has this code. Compare it with the slip, or scan it again."),
    "code_used": _l("This code was used already: its delivery is recorded."),
    "nothing_ticked": _l("Tick at least one line, and at most 200."),
    "not_a_picture": _l("This is not a photo that can be read. Take it as JPEG, PNG or WEBP."),
    "bad_drawing": _l("This drawing cannot be read as a name. Draw it again, or type the name instead."),
    "bad_line": _l("Write one short line."),
    "enough_proofs": _l("There are eight proofs of this delivery already; that is enough."),
    "nothing_allowed": _l("Nothing is ticked. Tick what may be public, or go back: that is a no."),
    "no_publicity": _l("The household does not allow its photo to be made public, or has withdrawn that."),
    "only_photos": _l("Only a photo can be marked."),
    "no_offers": _l("Tick at least one resource."),
    "end_reported": _l("A report is filed already, and this last day would contradict it."),
    "final_filed": _l("The final report is filed: the project stays as it is."),
    "ends_before": _l("The last day comes after the first."),
    "emergency_ref": _l("Say who announced the emergency, and the number of the paper."),
    "emergency_from": _l("An emergency begins on a day of the project, and not in the future."),
    "emergency_filed": _l("A five-day report is filed already: the first day of the emergency stays."),
    "offer_in_project": _l("One of these resources stands in another project already."),
    "period_runs": _l("This period has not ended: its report can be filed from the day after it."),
    "nothing_changed": _l("Nothing has changed since this was filed, so there is no new version."),
    "reason_missing": _l("Choose the reason why you look."),
    "no_proof": _l("Give at least one proof: a photo, a name, a drawing or a slip number."),
    "paper_number": _l("Write the number of the paper: 4 to 32 letters, digits and dashes."),
    "date_in_future": _l("This day lies in the future."),
    "ticked_paying": _l(
        "A payment of one of the ticked lines is with the bank. Wait for its answer, or stop it; nothing was recorded."
    ),
    "ticked_held": _l("One of the ticked lines is held by civil affairs. It is marked below; nothing was recorded."),
    "more_than_matched": _l("More than was matched cannot be delivered here."),
}


def layout() -> str:
    """The frame for the one who looks."""
    role = current_actor().role
    if role in (Role.HOUSEHOLD, Role.HELPER):
        return "household"
    return "charity" if role in GIVERS else "staff"


def say(form: Any, error: DomainError) -> None:
    """Put an error beside its field, or beside the form's first."""
    name = str(error.facts.get("field", ""))
    target = form[name] if name in form else next(iter(form))
    target.errors = [SENTENCES.get(error.code, error.code)]


def attachment(data: bytes, *, name: str, kind: str) -> Response:
    """A file to keep."""
    response = Response(data, content_type=kind)
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.headers["Cache-Control"] = "no-store"
    return response
