"""The blueprint that the pages of this room hang on, and the sentences of the room's errors."""

from __future__ import annotations

from typing import Any

from flask import Blueprint
from flask_babel import lazy_gettext as _l

bp = Blueprint("appeals", __name__, url_prefix="/appeals")
SENTENCES: dict[str, Any] = {
    "appealed_already": _l("You have asked for this already. It is being looked into."),
    "appeal_answered": _l("This has been answered or taken back in the meantime."),
    "said_over": _l("This cannot be said any more: it has moved on in the meantime."),
    "decided_it_oneself": _l("Whoever had a hand in it does not answer: another person does."),
}
TONES = {"open": "wait", "upheld": "done", "rejected": "plain", "answered": "done", "withdrawn": "plain"}
