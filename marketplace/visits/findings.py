"""What was found at the door beside what departments tell, indicator by indicator.

Enters: a household. Leaves: for each indicator what departments' newest facts say, and for each the newest answer of a
finished visit with its day: it agrees, it differs, it is unknown. Called by the form and by whoever draws a household.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sqlmodel import Session, col, select

from marketplace.calendar import local_day
from marketplace.reference.facts import FactKind, fact_kinds
from marketplace.reference.indicators import Indicator, indicators
from marketplace.signals.declaring import told_of_kinds
from marketplace.visits.models import EntryState, HomeVisit, VisitEntry, VisitState


@dataclass(frozen=True, slots=True)
class Line:
    """One indicator; `amount` and `on` are empty where no department tells of it."""

    indicator: Indicator
    kind: FactKind | None
    amount: int | None
    on: date | None


def lines(session: Session, household_id: str, /) -> list[Line]:
    """Every indicator with what departments tell of it."""
    told = told_of_kinds(session, household_id, [kind for one in indicators().values() for kind in one.kinds[:1]])
    found = []
    for one in indicators().values():
        kind = next(iter(one.kinds), "")
        amount, on = told.get(kind, (None, None))
        found.append(Line(one, fact_kinds().get(kind), amount, on))
    return found


def answers(session: Session, household_id: str, /) -> dict[str, tuple[str, date]]:
    """Indicator ► the newest answer of a finished visit, and its day."""
    asked = (
        select(VisitEntry.field, VisitEntry.value, HomeVisit.done_at)
        .join(HomeVisit, col(HomeVisit.id) == col(VisitEntry.visit_id))
        .where(
            HomeVisit.household_id == household_id,
            HomeVisit.state == VisitState.DONE,
            VisitEntry.state == EntryState.STANDING,
            col(VisitEntry.field).in_(list(indicators())),
            VisitEntry.value != "",
        )
        .order_by(col(HomeVisit.done_at), col(VisitEntry.no))
    )
    return {field: (value, local_day(done)) for field, value, done in session.exec(asked) if done is not None}
