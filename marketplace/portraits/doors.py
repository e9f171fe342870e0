"""The blueprint that the pages of this room hang on, and the sentences of the room's errors."""

from __future__ import annotations

from typing import Any

from flask import Blueprint

from marketplace.web import _l

bp = Blueprint("portraits", __name__, url_prefix="/portraits")
SENTENCES: dict[str, Any] = {
    "push_amount": _l("Write an amount that can be right for this kind of need."),
    "push_moved_on": _l("Somebody has written down an answer already."),
}
STATES = {"asked": "wait", "accepted": "info", "returned": "late", "done": "done"}
"""The tint of a task's state."""
