"""Verdicts about pairs that do not go together: A is B, B is C, and yet A is not C.

Enters: a pair and the verdict that somebody wants to give. Leaves: the pairs whose verdicts stand against it; whoever
decides takes one of them back first. Called by `suspicions`, with the households of both locked, and by the page of a
pair.
"""

from __future__ import annotations

from collections.abc import Collection

from sqlmodel import Session, col, or_, select

from marketplace.db import chunks
from marketplace.households.models import Person, Suspicion, SuspicionState

_ASKED = 400


def against(session: Session, pair: Suspicion, verdict: SuspicionState, /) -> list[Suspicion]:
    """The decided pairs that say the contrary of a verdict about this one, in a fixed order."""
    left, ties = _one_person(session, pair.one_id, but=pair.id)
    if verdict is SuspicionState.DIFFERENT:
        return ties if pair.two_id in left else []
    right, _ties = _one_person(session, pair.two_id, but=pair.id)
    told = _touching(session, left, SuspicionState.DIFFERENT, but=pair.id) if verdict is SuspicionState.SAME else []
    return [one for one in told if {one.one_id, one.two_id} & left and {one.one_id, one.two_id} & right]


def homes_of(session: Session, pair: Suspicion, /) -> set[str]:
    """The households of all records that count as one of the two."""
    people = {person for side in (pair.one_id, pair.two_id) for person in _one_person(session, side, but=pair.id)[0]}
    return set(session.exec(select(Person.household_id).where(col(Person.id).in_(people))))


def _one_person(session: Session, person_id: str, *, but: str) -> tuple[set[str], list[Suspicion]]:
    """All records that verdicts make one with this one, and these verdicts; `but` is left out."""
    known, ahead, ties = {person_id}, {person_id}, dict[str, Suspicion]()
    while ahead:
        ties |= {one.id: one for one in _touching(session, ahead, SuspicionState.SAME, but=but)}
        ahead = {person for one in ties.values() for person in (one.one_id, one.two_id)} - known
        known |= ahead
    return known, [ties[key] for key in sorted(ties)]


def _touching(session: Session, people: Collection[str], state: SuspicionState, *, but: str) -> list[Suspicion]:
    found: list[Suspicion] = []
    for some in chunks(sorted(people), _ASKED):
        asked = select(Suspicion).where(col(Suspicion.state) == state, col(Suspicion.id) != but)
        asked = asked.where(or_(col(Suspicion.one_id).in_(some), col(Suspicion.two_id).in_(some)))
        found += session.exec(asked.order_by(col(Suspicion.id)))
    return found
