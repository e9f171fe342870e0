"""The numbers of the boards: for each measure one SELECT of households, counted by place and opened as rows alike.

Enters: a day and a place. Leaves: counts by district or street, open alerts by colour and age, answers in time, and the
rows behind any number: a number and its rows come from the same statement, so they cannot differ. Called by the views.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, case, distinct, literal, or_
from sqlmodel import Session, col, func, select

from marketplace.actors import Actor
from marketplace.clocks.models import Clock
from marketplace.households.categories import runs_on
from marketplace.households.models import Household, Spell
from marketplace.signals.answering import STEPS, ref_of
from marketplace.signals.models import Alert, AlertState, Colour, Fact
from marketplace.signals.sweeping import RANKS
from marketplace.visits import quota

NEW_DAYS, VISIT_DAYS, ANSWER_DAYS = 30, 90, 90
AGES = (1, 3, 10)
"""Open alerts are told by age: up to so many days, and older."""
FINISHED = ("more_urgent", "restarted", "snoozed")
"""Ends of a clock that say nothing of an answer, unless its limit had passed by then: late it was."""
UNKNOWN = "-"


@dataclass(frozen=True, slots=True)
class Place:
    """The city, a district, or a street of it; `UNKNOWN` as a street: households that are told without one."""

    district: str = ""
    street: str = ""

    def within(self, actor: Actor) -> list[ColumnElement[bool]]:
        """Households of this place that the actor serves."""
        wanted: list[ColumnElement[bool]] = []
        if actor.districts:
            wanted.append(col(Household.district_code).in_(sorted(actor.districts)))
        if self.district:
            wanted.append(col(Household.district_code) == self.district)
        if self.street == UNKNOWN:
            wanted.append(col(Household.street_code) == "")
        elif self.street:
            wanted.append(col(Household.street_code) == self.street)
        return wanted


@dataclass(frozen=True, slots=True)
class Moment:
    """Now, and its day in China."""

    now: datetime
    today: date


Homes = Any
"""A SELECT of household ids."""


def _register(at: Moment) -> Homes:
    return select(Spell.household_id).where(runs_on(at.today))


def _new(at: Moment) -> Homes:
    """In the register now, and in no category then: who only moved from one into another is not new."""
    before = select(Spell.household_id).where(runs_on(at.today - timedelta(days=NEW_DAYS)))
    return _register(at).where(col(Spell.household_id).not_in(before))


def _left(at: Moment) -> Homes:
    since = at.today - timedelta(days=NEW_DAYS)
    return select(Spell.household_id).where(col(Spell.to_on) > since, col(Spell.to_on) <= at.today)


def _changed(at: Moment) -> Homes:
    return select(Alert.household_id).where(col(Alert.raised_at) > at.now - timedelta(days=NEW_DAYS), _at_home())


def _at_home() -> ColumnElement[bool]:
    return col(Alert.household_id).is_not(None)


def _open(colour: Colour) -> Callable[[Moment], Homes]:
    def homes(_at: Moment) -> Homes:
        return select(Alert.household_id).where(
            col(Alert.state) == AlertState.OPEN, col(Alert.rank) == RANKS[colour], _at_home()
        )

    return homes


def _put_off(_at: Moment) -> Homes:
    return select(Alert.household_id).where(col(Alert.state) == AlertState.SNOOZED, _at_home())


def _late(at: Moment) -> Homes:
    late = select(Clock.object_ref).where(
        col(Clock.step).in_(STEPS.values()), col(Clock.ended_at).is_(None), col(Clock.due_at) <= at.now
    )
    ref = literal(ref_of("")).concat(col(Alert.household_id))
    return select(Alert.household_id).where(col(Alert.state) == AlertState.OPEN, _at_home(), ref.in_(late))


def _visited(at: Moment) -> Homes:
    since = (at.today - timedelta(days=VISIT_DAYS)).toordinal()
    seen = select(Fact.household_id).where(
        col(Fact.kind) == "VISIT", col(Fact.replaced_day).is_(None), col(Fact.day) > since
    )
    return _register(at).where(col(Spell.household_id).in_(seen))


def _unseen(at: Moment) -> Homes:
    return _register(at).where(col(Spell.household_id).not_in(_visited(at)))


MEASURES: Mapping[str, Callable[[Moment], Homes]] = {
    "register": _register,
    "new": _new,
    "left": _left,
    "changed": _changed,
    "red": _open(Colour.RED),
    "orange": _open(Colour.ORANGE),
    "yellow": _open(Colour.YELLOW),
    "blue": _open(Colour.BLUE),
    "late": _late,
    "put_off": _put_off,
    "visited": _visited,
    "unseen": _unseen,
    "overdue": lambda at: quota.overdue(at.today),
}
"""Measure ► its households; each is a number on a board and a list behind it."""


def _aged(colour: Colour, band: int) -> Callable[[Moment], Homes]:
    def homes(at: Moment) -> Homes:
        return select(Alert.household_id).where(
            col(Alert.state) == AlertState.OPEN, col(Alert.rank) == RANKS[colour], _at_home(), _bands(at)[band]
        )

    return homes


AGED: Mapping[str, Callable[[Moment], Homes]] = {
    f"{colour.value.lower()}_{band}": _aged(colour, band) for colour in RANKS for band in range(len(AGES) + 1)
}
"""Colour and age ► the households with such an open alert."""


def _answered(colour: Colour, *, in_time: bool) -> Callable[[Moment], Homes]:
    def homes(at: Moment) -> Homes:
        home = func.substr(col(Clock.object_ref), len(ref_of("")) + 1)
        ended = select(home).where(
            col(Clock.step) == STEPS[colour],
            col(Clock.ended_at) > at.now - timedelta(days=ANSWER_DAYS),
            or_(col(Clock.outcome).not_in(FINISHED), col(Clock.ended_at) > col(Clock.due_at)),
        )
        late = ended.where(col(Clock.ended_at) > col(Clock.due_at))
        return ended.where(home.not_in(late)) if in_time else ended

    return homes


ANSWERED: Mapping[str, Callable[[Moment], Homes]] = {
    f"{name}_{colour.value.lower()}": _answered(colour, in_time=name == "in_time")
    for name in ("answered", "in_time")
    for colour in RANKS
}
"""Households whose alerts of a colour were answered in the last days, and those of them who never waited too long."""


def homes_of(measure: str, at: Moment, /) -> Homes:
    """The households of a measure, of a colour and age, or of an answer."""
    return {**MEASURES, **AGED, **ANSWERED}[measure](at)


def by_place(session: Session, measure: str, place: Place, /, *, at: Moment, actor: Actor) -> dict[str, int]:
    """District (or street, within a district) ► households."""
    column = col(Household.street_code) if place.district else col(Household.district_code)
    asked = select(column, func.count()).where(*place.within(actor), col(Household.id).in_(homes_of(measure, at)))
    return {str(code): int(number) for code, number in session.exec(asked.group_by(column))}


def rows_of(
    session: Session, measure: str, place: Place, /, *, at: Moment, actor: Actor, offset: int, limit: int
) -> tuple[Sequence[Household], int]:
    """One page of the households behind a number, and the number."""
    wanted = [*place.within(actor), col(Household.id).in_(homes_of(measure, at))]
    count = session.exec(select(func.count()).select_from(Household).where(*wanted)).one()
    order = (col(Household.district_code), col(Household.street_code), col(Household.id))
    return session.exec(select(Household).where(*wanted).order_by(*order).offset(offset).limit(limit)).all(), count


def _places(place: Place, actor: Actor) -> list[ColumnElement[bool]]:
    """The same place for a table that carries no street of its own: asked of the household."""
    inside = place.within(actor)
    return [col(Alert.household_id).in_(select(Household.id).where(*inside))] if inside else []


def _bands(at: Moment) -> list[ColumnElement[bool]]:
    older = [col(Alert.raised_at) <= at.now - timedelta(days=days) for days in AGES]
    return [~older[0], *(and_(older[n], ~older[n + 1]) for n in range(len(older) - 1)), older[-1]]


def ages(session: Session, place: Place, /, *, at: Moment, actor: Actor) -> dict[Colour, list[int]]:
    """Colour ► households with open alerts of each age, the youngest first."""
    bands = _bands(at)
    columns: list[Any] = [func.count(distinct(case((band, col(Alert.household_id))))) for band in bands]
    asked: Any = select(Alert.rank, *columns)
    asked = asked.where(col(Alert.state) == AlertState.OPEN, _at_home(), *_places(place, actor))
    found = {row[0]: [int(number) for number in row[1:]] for row in session.execute(asked.group_by(col(Alert.rank)))}
    return {colour: found.get(rank, [0] * len(bands)) for colour, rank in RANKS.items()}


@dataclass(frozen=True, slots=True)
class Answered:
    """Households of one colour that were answered in the last days, and how many of them always in time."""

    colour: Colour
    ended: int
    in_time: int


def answers(session: Session, place: Place, /, *, at: Moment, actor: Actor) -> list[Answered]:
    """How fast households with alerts were answered, by colour; each number opens as many rows."""

    def number(name: str, colour: Colour) -> int:
        return sum(by_place(session, f"{name}_{colour.value.lower()}", place, at=at, actor=actor).values())

    return [Answered(colour, number("answered", colour), number("in_time", colour)) for colour in STEPS]
