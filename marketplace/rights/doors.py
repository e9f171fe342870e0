"""The blueprint of this room, and what its two sides share: whose right it is, and faults beside their fields."""

from __future__ import annotations

from typing import Any

from flask import Blueprint
from sqlmodel import Session

from marketplace.consent.capacity import signer_of
from marketplace.errors import DomainError, NotFound
from marketplace.guards import current_actor
from marketplace.households.models import Person
from marketplace.rights.words import FAULTS
from marketplace.web import Form, _

bp = Blueprint("rights", __name__)


def asking_person(session: Session, household_id: str, /) -> Person:
    """The one who is signed in; a helper acts for whom it helps."""
    person = signer_of(session, household_id, actor=current_actor())
    if person is None:
        raise NotFound("person")
    return person


def say(form: Form, error: DomainError, /, *, fallback: str) -> None:
    """Put an error beside its field, or beside `fallback` where it belongs to none."""
    name = str(error.facts.get("field", fallback))
    field: Any = form[name if name in form else fallback]
    field.errors = [FAULTS.get(error.code, _("Write this down"))]
