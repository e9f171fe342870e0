"""Who lived in another household before: the aid that a person had there is still that person's.

Enters: households, the traces by the number's keyed index that `members` leaves where a stay ends, verdicts. Leaves:
for those who live in a household now the rows they had before. No household is joined with another by it: rules that
count for a person ask it. Whoever has no number on record begins anew until somebody calls the two records the same.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from marketplace.db import chunks
from marketplace.households.models import Person, Suspicion, SuspicionState, Trace

FORMER = "former"
"""The use of such a trace."""
_ASKED = 500


def former_of(session: Session, household_ids: Collection[str] | None = None, /) -> dict[str, tuple[str, str]]:
    """Former row ► the person's row of today and its household; of these households, or of all."""
    asked = (_by_number(), *_by_verdict())
    if household_ids is None:
        return {old: (now, home) for rows in asked for old, now, home in session.exec(rows)}
    found: dict[str, tuple[str, str]] = {}
    for some in chunks(sorted(household_ids), _ASKED):
        for rows in asked:
            told = session.exec(rows.where(col(Person.household_id).in_(some)))
            found |= {old: (now, home) for old, now, home in told}
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
