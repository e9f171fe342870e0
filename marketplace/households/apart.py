"""Who of a household is known to be somebody else than a person, for rules that count for a person.

Enters: households that count as one. Leaves: `People`: one name for all records of a person, and those beside whom the
person stands in one record of a household. Two people of two records that nobody called the same may be one, so neither
is known to be somebody else; nor is anybody where no person is named. Who left and came back is one person. And people
by their ID number. Called by the rules against helping twice, and where tables name whom a need or aid is for.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from sqlmodel import Session, col, select

from marketplace.db import chunks
from marketplace.households.former import former_of
from marketplace.households.models import Person
from marketplace.households.same import Same, same_as
from marketplace.sealed import number_index, vault_of

_ASKED = 500


class People:
    """The people of some households, by (person, household); `today` has the row of today of a former one."""

    def __init__(
        self,
        lives: Iterable[tuple[str, str]] = (),
        same: Same | None = None,
        today: Mapping[str, str] | None = None,
    ) -> None:
        self._same, self._today = same or Same(), today or {}
        self._homes: dict[str, set[str]] = {}
        self._people: dict[str, set[str]] = {}
        for person, home in lives:
            self._homes.setdefault(self.one(person), set()).add(home)
            self._people.setdefault(home, set()).add(self.one(person))

    def one(self, person_id: str, /) -> str:
        """One name for all records of the person."""
        return self._same.person(self._today.get(person_id, person_id))

    def others(self, person_id: str, /) -> frozenset[str]:
        """Those who are certainly not this person."""
        homes = self._homes.get(self.one(person_id), set())
        return frozenset().union(*(self._people[home] for home in homes)) - {self.one(person_id)}


def people_of(session: Session, household_ids: Collection[str], /, *, same: Same | None = None) -> People:
    """The people of these households; `same` where the verdicts are read already."""
    lives: list[tuple[str, str]] = []
    moves = False
    for some in chunks(sorted(household_ids), _ASKED):
        asked = select(Person.id, Person.household_id, col(Person.left_on)).where(col(Person.household_id).in_(some))
        for person, home, left_on in session.exec(asked):
            lives.append((person, home))
            moves = moves or left_on is not None
    former = former_of(session, household_ids) if moves else {}
    today = {old: now for old, (now, _home) in former.items()}
    return People(lives, same or same_as(session, household_ids), today)


def people_by_number(session: Session, numbers: Iterable[str], /) -> dict[str, tuple[str, str]]:
    """ID number ► the person and its household, where the person is here."""
    vault = vault_of(session)
    wanted = {number_index(vault, number): number for number in numbers if number}
    found: dict[str, tuple[str, str]] = {}
    for some in chunks(sorted(wanted), _ASKED):
        asked = select(Person.id_number_index, Person.id, Person.household_id)
        for index, person, home in session.exec(asked.where(col(Person.id_number_index).in_(some))):
            found[wanted[str(index)]] = person, home
    return found
