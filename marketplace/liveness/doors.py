"""The blueprint that the pages of this room hang on, the provider's door, and the sentences of the room's errors."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, current_app
from flask_babel import lazy_gettext as _l

from adapters.face import FaceDoor

bp = Blueprint("liveness", __name__, url_prefix="/survival")
SENTENCES: dict[str, Any] = {
    "check_over": _l("This question has been answered in the meantime. There is nothing more to do."),
    "own_check_only": _l("Each grown-up answers for itself, on its own telephone or with a helper."),
    "seen_by_staff_only": _l("Staff see the person themselves here: choose a call, a visit or the counter."),
    "no_own_phone": _l("We have no telephone of this person. Choose a call, a visit or the counter."),
    "face_consent_missing": _l("First say yes to the face check, or choose another way."),
    "face_not_for_children": _l("There is no face check for children. Choose another way."),
    "face_not_begun": _l("Begin the face check first."),
    "duty_ended": _l("This has ended already."),
}


def face_door() -> FaceDoor | None:
    """The provider of face checks; None where none is connected: the other ways are always there."""
    found: FaceDoor | None = current_app.extensions.get("face")
    return found
