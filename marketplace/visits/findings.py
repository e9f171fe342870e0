"""What was found at the door beside what departments tell, indicator by indicator.

Enters: a household, a finished visit. Leaves: for each indicator what departments tell of it, as the portrait reads it,
and for each the newest answer of a finished visit with its day: it agrees, it differs, it is unknown; and what only a
visit can tell, as facts of the street. Called by the form, by the end of a visit and by whoever draws a household.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from sqlmodel import Session, col, select

from marketplace.actors import Actor
from marketplace.calendar import local_day
from marketplace.households.models import Household, Person
from marketplace.reference.facts import FactKind, fact_kinds
from marketplace.reference.indicators import Indicator, indicators
from marketplace.reference.words import list_codes
from marketplace.signals.keys import STREET, found_ref
from marketplace.signals.reading import scene_of, told
from marketplace.signals.taking import record_facts
from marketplace.visits.models import EntryState, HomeVisit, VisitEntry, VisitState


@dataclass(frozen=True, slots=True)
class Line:
    """One indicator as its portrait reads it, and the kinds of fact that it is made of; `amount` and `on` are empty
    where no department tells of it, `amount` alone where one only says that something happened."""

    indicator: Indicator
    kinds: tuple[FactKind, ...]
    amount: int | None
    on: date | None


@dataclass(frozen=True, slots=True)
class Found:
    """One visit for one matter, and field ► value as it counts; notes and photos stay on the visit's own page."""

    visit: HomeVisit
    answers: list[tuple[str, str]]


def found_for(session: Session, ref: str, /) -> list[Found]:
    """The visits that this asked for, the oldest first."""
    visits = session.exec(
        select(HomeVisit).where(HomeVisit.source_ref == ref).order_by(col(HomeVisit.asked_at), col(HomeVisit.id))
    ).all()
    asked = (
        select(VisitEntry.visit_id, VisitEntry.field, VisitEntry.value)
        .where(col(VisitEntry.visit_id).in_([visit.id for visit in visits]), VisitEntry.value != "")
        .where(VisitEntry.state == EntryState.STANDING, col(VisitEntry.field).in_(list(indicators())))
        .order_by(col(VisitEntry.no))
    )
    said = session.exec(asked).all()
    return [Found(visit, [(field, value) for of, field, value in said if of == visit.id]) for visit in visits]


def lines(session: Session, household_id: str, /, *, today: date) -> list[Line]:
    """Every indicator with what departments tell of it, or with the event that asks to look where only a visit can
    tell."""
    scene = scene_of(session, session.get_one(Household, household_id), today=today)
    found = []
    for one in indicators().values():
        said, kinds = told(scene, one), tuple(fact_kinds()[kind] for kind in one.kinds)
        events = scene.of(*one.kinds) if one.found else []
        on = date.fromordinal(events[-1].day) if events else said.on
        found.append(Line(one, kinds, said.value, on))
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
            col(VisitEntry.value).in_(list_codes("visit_answer")),
        )
        .order_by(col(HomeVisit.done_at), col(VisitEntry.no))
    )
    return {field: (value, local_day(done)) for field, value, done in session.exec(asked) if done is not None}


def tell(session: Session, visit: HomeVisit, person: Person, /, *, actor: Actor, now: datetime) -> None:
    """What only a visit can tell becomes a fact of the street; what a later visit finds takes its place."""
    asked = select(VisitEntry.field, VisitEntry.value).where(
        VisitEntry.visit_id == visit.id, VisitEntry.state == EntryState.STANDING, VisitEntry.value != ""
    )
    found = {}
    for code, value in session.exec(asked):
        one = indicators().get(code)
        if one is not None and one.found:
            amount = int(value) * (100 if one.value == "fen" else 1)
            found[found_ref(visit.household_id, code)] = (code.upper(), amount)
    if found:
        record_facts(session, person, STREET, found, on=local_day(now), actor=actor, now=now)
