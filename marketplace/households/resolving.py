"""Which household a person of some source belongs to: by ID number and name, else by the source's own reference.

Enters: households as sources tell them. Leaves: ids, known or new, and the keyed index of a name. Nothing is opened and
nothing is written. Called by `register`, and by the plan of an import before anything is stored.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from sqlalchemy import select
from sqlmodel import Session, col

from marketplace.db import chunks
from marketplace.households.models import Person
from marketplace.sealed import Vault, number_index, vault_of
from matching.identity_text import fold

if TYPE_CHECKING:
    from marketplace.households.register import HouseholdFacts

_ASKED = 500


def resolve_many(session: Session, facts: Sequence[HouseholdFacts]) -> dict[tuple[str, str], str]:
    """The id that each household has or will have: by its head's number and name, else by its source, else a new one.
    Names are compared by their keyed index; a name that is not told contradicts nothing."""
    vault = vault_of(session)
    heads = {item.key: item.people[0] for item in facts if item.people}
    numbers = {key: number_index(vault, head.id_number) for key, head in heads.items() if head.id_number}
    known = holders(session, set(numbers.values()))
    found: dict[tuple[str, str], str] = {}
    for item in facts:
        own, number = vault.ref("household", *item.key), numbers.get(item.key)
        if number is None:
            found[item.key] = own
            continue
        name = name_index(vault, heads[item.key].name) or ""
        held, called = known.setdefault(number, (own, name))
        found[item.key] = own if name and called and name != called else held
    return found


def name_index(vault: Vault, name: str) -> str | None:
    """The keyed index of a name in one form: width, case, old characters and blanks make no difference."""
    folded = "".join(fold(name).split())
    return vault.index("person-name", folded) if folded else None


def holders(session: Session, indexes: Iterable[str]) -> dict[str, tuple[str, str]]:
    """ID number index ► household and index of the name of whoever carries it."""
    found: dict[str, tuple[str, str]] = {}
    for some in chunks(sorted(indexes), _ASKED):
        asked = select(col(Person.id_number_index), col(Person.household_id), col(Person.name_index)).where(
            col(Person.id_number_index).in_(some)
        )
        found.update({str(index): (str(home), name or "") for index, home, name in session.execute(asked)})
    return found
