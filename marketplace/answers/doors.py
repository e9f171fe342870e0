"""The blueprint that the pages of this room hang on, and the sentences of the room's errors."""

from __future__ import annotations

from typing import Any

from flask import Blueprint
from flask_babel import lazy_gettext as _l

bp = Blueprint("answers", __name__, url_prefix="/answers")
SENTENCES: dict[str, Any] = {
    "second_call_over": _l("This has been asked again already."),
    "second_call_first": _l("A yes to this offer waits for its second call."),
    "text_not_opened": _l("First open the text that was read out, and read it to the person again."),
    "text_changed": _l("The offer has changed since it was read out. It does not count: read the new one aloud."),
    "slip_over": _l("This slip has been answered already, is too old, or the offer has moved on."),
    "slip_unclear": _l("This answer does not fit what was asked."),
}
