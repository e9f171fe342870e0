"""A person in words for pages of staff: masked name, relation and year of birth, so that two of a home are told apart.

Enters: a person of a household. Leaves: one line. Called by the views of the rooms above.
"""

from __future__ import annotations

from sqlmodel import Session

from marketplace.households.models import Person
from marketplace.households.service import masked_name
from marketplace.web.codes import word


def told(session: Session, person: Person | None, /) -> str:
    """The person; empty where there is none."""
    if person is None:
        return ""
    born = f", {person.birth_year}" if person.birth_year else ""
    return f"{masked_name(session, person)} ({word(person.relation, 'relation')}{born})"
