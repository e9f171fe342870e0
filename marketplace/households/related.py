"""Which households a giver may not help, because one of their people is related to it.

Enters: the keyed indexes of ID numbers on both sides, unread, also of a record whose number somebody else bore first
and which therefore has only a trace of it. Leaves: pairs of ids; whoever is related to an
organisation is related to all that count as one giver with it. Called by the allocator's problem,
by quotes and, once more, by approval; the reason that people see is neutral and names nobody.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import bindparam
from sqlmodel import Session, col, select, union

from marketplace.db import remembered
from marketplace.households.comparing import NUMBER
from marketplace.households.models import Person, Trace
from marketplace.organisations.givers import Givers, givers_of
from marketplace.organisations.models import RelatedPerson


def _ways() -> tuple[Any, Any]:
    """By the number that a person has, and by one that it has besides."""
    pairs = select(Person.household_id, RelatedPerson.org_id)
    known = pairs.join(RelatedPerson, col(RelatedPerson.id_number_index) == col(Person.id_number_index))
    second = pairs.join(Trace, (col(Trace.person_id) == col(Person.id)) & (col(Trace.use) == NUMBER))
    return known, second.join(RelatedPerson, col(RelatedPerson.id_number_index) == col(Trace.value))


_OF_ALL = union(*_ways())
_OF_ONE = union(*(way.where(col(Person.household_id) == bindparam("home")) for way in _ways()))
"""Built once: every approval asks it."""


def related_pairs(session: Session, /, *, household_id: str = "") -> set[tuple[str, str]]:
    """(household, organisation) of every pair that must not be matched; of one household only, if named."""
    rows = session.execute(_OF_ONE, {"home": household_id}) if household_id else session.execute(_OF_ALL)
    found = {(home, org_id) for home, org_id in rows}
    givers = givers_of(session) if found else Givers()
    return {(home, org_id) for home, told_by in found for org_id in givers.of(told_by)}


def is_related(session: Session, household_id: str, /, *, org_id: str) -> bool:
    """Whether somebody of this household is related to this giver."""
    pairs = remembered(session, ("related", household_id), lambda: related_pairs(session, household_id=household_id))
    return (household_id, org_id) in pairs
