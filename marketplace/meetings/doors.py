"""The blueprint that this room's view modules hang their pages on, and what they share: the clock, words for errors."""

from __future__ import annotations

from typing import Any

from flask import Blueprint
from flask_babel import gettext as _

from marketplace.errors import DomainError
from marketplace.meetings.words import SENTENCES
from marketplace.web.fields import Form

bp = Blueprint("meetings", __name__, url_prefix="/meetings")


def say(form: Form, error: DomainError, *, fallback: str) -> None:
    """Put an error beside its field, or beside `fallback` where it belongs to none."""
    name = str(error.facts.get("field", fallback))
    field: Any = form[name if name in form else fallback]
    field.errors = [SENTENCES.get(error.code, _("This cannot be done now: something has changed. Look at it again."))]
