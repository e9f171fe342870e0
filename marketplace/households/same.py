"""Which households count as one, because people called two of their records the same person.

Enters: household ids, or none for all. Leaves: a `Same` that tells of each household all that it counts with, one
name for all of them, and how many of their people were counted twice. Nothing is moved: taken back, the verdict has no
effect from the next question on; nor has one about somebody who lives in one of the households no more, whose own aid
`former` tells of. Called by the rules against helping twice, by runs, quotes and approval.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from sqlmodel import Session, col, or_, select
from sqlmodel.sql.expression import SelectOfScalar

from marketplace.db import chunks, remembered
from marketplace.households.models import Household, Person, Suspicion, SuspicionState

_ASKED = 400
Edge = tuple[str, str, str, str]
"""Two people that are one, and the households of both."""


class Same:
    """The households that count as one; one that stands alone counts with itself."""

    def __init__(self, edges: Iterable[Edge] = ()) -> None:
        self._groups: dict[str, frozenset[str]] = {}
        self._people: dict[str, str] = {}
        self._twice: dict[frozenset[str], int] = {}
        if known := list(edges):
            self._join(known)

    def _join(self, known: list[Edge]) -> None:
        import networkx as nx  # slow to load, and most commands ask for no groups

        homes = nx.Graph([(edge[2], edge[3]) for edge in known])
        people = nx.Graph([(edge[0], edge[1]) for edge in known])
        self._groups = {home: frozenset(group) for group in nx.connected_components(homes) for home in group}
        lives = dict([(edge[0], edge[2]) for edge in known] + [(edge[1], edge[3]) for edge in known])
        self._people = {person: min(group) for group in nx.connected_components(people) for person in group}
        for group in nx.connected_components(people):
            home = self._groups[lives[min(group)]]
            self._twice[home] = self._twice.get(home, 0) + len(group) - 1

    def of(self, household_id: str, /) -> frozenset[str]:
        """All households that count with this one, itself among them."""
        return self._groups.get(household_id, frozenset({household_id}))

    def one(self, household_id: str, /) -> str:
        """One name for all of them."""
        return min(self.of(household_id))

    def person(self, person_id: str, /) -> str:
        """One name for all records of one person."""
        return self._people.get(person_id, person_id)

    def twice(self, household_id: str, /) -> int:
        """How many of their records are a second record of somebody."""
        return self._twice.get(self.of(household_id), 0)

    def several(self) -> list[frozenset[str]]:
        """Every group of more than one household."""
        return sorted((group for group in set(self._groups.values()) if len(group) > 1), key=min)


def all_same(session: Session, /) -> Same:
    """Every verdict "same person" that stands, for a run over all households."""
    return Same(_edges(session))


def same_as(session: Session, household_ids: Collection[str], /, *, fresh: bool = False) -> Same:
    """Those that touch these households, however many steps away; one short question where there are none. `fresh`
    asks again what one act has asked already."""
    key = ("same", frozenset(household_ids))
    return remembered(session, key, lambda: _touching(session, household_ids), fresh=fresh)


def _touching(session: Session, household_ids: Collection[str]) -> Same:
    known: dict[Edge, None] = {}
    ahead, asked = set(household_ids), set()
    while ahead:
        asked |= ahead
        for some in chunks(sorted(ahead), _ASKED):
            known |= dict.fromkeys(_edges(session, some))
        ahead = {home for edge in known for home in edge[2:]} - asked
    return Same(known)


def same_households(session: Session, household_ids: Collection[str], /) -> dict[str, frozenset[str]]:
    """Household ► all households that it counts with, itself among them."""
    found = same_as(session, household_ids)
    return {home: found.of(home) for home in household_ids}


def lock_homes(session: Session, household_ids: Collection[str], /) -> list[Household]:
    """The rows of these households in one order, locked: nobody else writes aid of theirs meanwhile."""
    wanted = select(Household).where(col(Household.id).in_(household_ids)).order_by(col(Household.id))
    return list(session.exec(wanted.with_for_update().execution_options(populate_existing=True)))


def _edges(session: Session, household_ids: Collection[str] | None = None) -> list[Edge]:
    if household_ids is None:
        return _read(session, None)
    theirs = select(Person.id).where(col(Person.household_id).in_(household_ids))
    return _read(session, theirs)


def _read(session: Session, people: SelectOfScalar[str] | None) -> list[Edge]:
    pairs = select(Suspicion.one_id, Suspicion.two_id).where(col(Suspicion.state) == SuspicionState.SAME)
    if people is not None:
        pairs = pairs.where(or_(col(Suspicion.one_id).in_(people), col(Suspicion.two_id).in_(people)))
    found = list(session.exec(pairs.order_by(col(Suspicion.id))))
    lives: dict[str, str] = {}
    for some in chunks(sorted({person for pair in found for person in pair}), _ASKED):
        homes = select(Person.id, Person.household_id).where(col(Person.id).in_(some), col(Person.left_on).is_(None))
        lives |= dict(session.exec(homes).all())
    return [(one, two, lives[one], lives[two]) for one, two in found if one in lives and two in lives]
