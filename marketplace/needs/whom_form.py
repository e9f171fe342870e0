"""Choosing whom of a household a need is for, on the forms that type one in and verify it.

Enters: a household. Leaves: its people as choices, by masked name, relation and year of birth, and what was chosen as
the service wants it. Called by the needs' views.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlmodel import Session

from marketplace.households import naming
from marketplace.households.models import Person
from marketplace.households.service import list_people
from marketplace.web import _, _l

ALL = "all"
LABEL = _l("Whom is it for?")
Choices = Sequence[tuple[str, str]]


def people_choices(session: Session, household_id: str, /) -> Choices:
    """All of the household, or one of its people; nothing to choose where it is one person."""
    people = list_people(session, household_id)
    named = [(person.id, naming.told(session, person)) for person in people]
    return [(ALL, _("All of the household")), *named] if len(people) > 1 else []


def chosen(value: str | None, /) -> str | None:
    """The person, empty for all of the household, None where nothing was asked."""
    return "" if value == ALL else value or None


def told(session: Session, person_id: str, /) -> str:
    """Whom a need is for, for a page of staff; empty for all of the household."""
    return naming.told(session, session.get(Person, person_id) if person_id else None)
