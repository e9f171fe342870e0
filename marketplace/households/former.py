"""Who lived in another household before: the aid that a person had there is still that person's.

Enters: households, the traces by the number's keyed index that `members` leaves where a stay ends, verdicts. Leaves:
for those who live in a household now the rows they had before, and who bore a number in which household. No household
is joined with another by it: rules that count for a person ask it. Whoever has no number on record begins anew until
somebody calls the two records the same.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from sqlalchemy import bindparam
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select, union_all

from marketplace.db import chunks, remembered
from marketplace.households.models import Person, Suspicion, SuspicionState, Trace
from marketplace.sealed import number_index, vault_of

FORMER = "former"
"""The use of such a trace."""
_ASKED = 500


def former_of(session: Session, household_ids: Collection[str] | None = None, /) -> dict[str, tuple[str, str]]:
    """Former row ► the person's row of today and its household; of these households, or of all."""
    if household_ids is None:
        return {old: (now, home) for rows in _ALL for old, now, home in session.exec(rows)}
    return remembered(session, ("former", frozenset(household_ids)), lambda: _of_some(session, household_ids))


def lives_now(session: Session, person_ids: Collection[str], /) -> dict[str, tuple[str, str]]:
    """Of these rows those that are former ones ► the person's row of today and its household."""
    found: dict[str, tuple[str, str]] = {}
    for some in chunks(sorted({one for one in person_ids if one}), _ASKED):
        found |= {old: (now, home) for old, now, home in session.execute(_OF_PEOPLE, {"people": some})}
    return found


def rows_by_number(session: Session, numbers: Collection[str], /) -> dict[tuple[str, str], str]:
    """ID number and household ► the row that its bearer had there before."""
    vault, found = vault_of(session), dict[tuple[str, str], str]()
    wanted = {number_index(vault, number): number for number in numbers if number}
    for some in chunks(sorted(wanted), _ASKED):
        rows = select(Trace.value, Person.household_id, Person.id).join(Person, col(Person.id) == col(Trace.person_id))
        rows = rows.where(col(Trace.use) == FORMER, col(Trace.value).in_(some)).order_by(col(Person.id))
        found |= {(wanted[value], home): person for value, home, person in session.exec(rows)}
    return found


def _of_some(session: Session, household_ids: Collection[str]) -> dict[str, tuple[str, str]]:
    found: dict[str, tuple[str, str]] = {}
    for some in chunks(sorted(household_ids), _ASKED):
        found |= {old: (now, home) for old, now, home in session.execute(_OF_SOME, {"homes": some})}
    return found


def _by_number() -> Any:
    """Whose number the trace keeps."""
    rows = select(Trace.person_id, Person.id, Person.household_id).where(col(Trace.use) == FORMER)
    return rows.join(Person, col(Person.id_number_index) == col(Trace.value)).where(Trace.person_id != Person.id)


def _by_verdict() -> Iterator[Any]:
    """Whom somebody called the same person as one who lives there no more."""
    left, sides = aliased(Person), (col(Suspicion.one_id), col(Suspicion.two_id))
    for old, new in (sides, sides[::-1]):
        rows = select(left.id, Person.id, Person.household_id).join(Suspicion, old == left.id)
        rows = rows.join(Person, col(Person.id) == new).where(col(Suspicion.state) == SuspicionState.SAME)
        yield rows.where(col(left.left_on).is_not(None), col(Person.left_on).is_(None))


_ALL = (_by_number(), *_by_verdict())
_OF_SOME = union_all(*(rows.where(col(Person.household_id).in_(bindparam("homes", expanding=True))) for rows in _ALL))
"""Built once: every approval asks it."""
_KNOWN = union_all(*_ALL).subquery()
_OF_PEOPLE = select(*_KNOWN.c).where(next(iter(_KNOWN.c)).in_(bindparam("people", expanding=True)))
