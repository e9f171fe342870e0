"""Who was erased here and is told of by a list again: such a person does not come back by a list (adr/0096).

Enters: households as sources tell them, or ids of stored ones. Leaves: who of them is a row without a key, and under
what reference somebody who applies alone comes in. Nothing is opened and nothing is written. Called by the plans of the
imports, before anything is stored, and by the first page of an application.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from sqlalchemy import exists, select
from sqlmodel import Session, col

from marketplace.db import chunks, new_id
from marketplace.households.models import Household, Person
from marketplace.sealed import PersonKey, vault_of

if TYPE_CHECKING:
    from marketplace.households.register import HouseholdFacts

_ASKED = 500
_KEY = exists().where(col(PersonKey.person_id) == col(Person.id))


def erased_refs(session: Session, facts: Sequence[HouseholdFacts], /) -> set[tuple[str, str]]:
    """Household and person, as the source refers to them, of those whose key was destroyed here."""
    vault = vault_of(session)
    told = {
        vault.ref("person", *item.key, one.ref): (item.source_ref, one.ref) for item in facts for one in item.people
    }
    found: set[tuple[str, str]] = set()
    for some in chunks(sorted(told), _ASKED):
        asked = select(col(Person.id)).where(col(Person.id).in_(some), ~_KEY)
        found.update(told[person_id] for person_id in session.scalars(asked))
    return found


def empty_homes(session: Session, ids: Iterable[str], /) -> set[str]:
    """Those of these households in which everybody was erased."""
    found: set[str] = set()
    for some in chunks(sorted(set(ids)), _ASKED):
        people = select(col(Person.household_id)).where(col(Person.household_id).in_(some))
        found |= set(session.scalars(people.where(~_KEY))) - set(session.scalars(people.where(_KEY)))
    return found


def newcomer_ref(session: Session, source: str, index: str, /) -> str:
    """The reference of the household of somebody whom no telephone finds here. One that came in by the same telephone
    and is found by it no more was erased, or has another number now: it is not theirs who asks today."""
    taken = session.get(Household, vault_of(session).ref("household", source, index)) is not None
    return f"{index}:{new_id()}" if taken else index
