"""The numbers of the boards: each measure is one condition on a household, counted by place and opened as rows alike.

Enters: a day and a place. Leaves: counts by district or street and the rows behind any number: both ask the same
condition, so at one moment they cannot differ. It is asked of each household by itself: the rows of a street look at
that street only. Called by `keeping` and the views.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, exists, literal, or_
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

    def within(self, actor: Actor, /, table: Any = Household) -> list[ColumnElement[bool]]:
        """Households of this place that the actor serves, or what is kept of them."""
        wanted: list[ColumnElement[bool]] = []
        if actor.districts:
            wanted.append(col(table.district_code).in_(sorted(actor.districts)))
        if self.district:
            wanted.append(col(table.district_code) == self.district)
        if self.street == UNKNOWN:
            wanted.append(col(table.street_code) == "")
        elif self.street:
            wanted.append(col(table.street_code) == self.street)
        return wanted

    def below(self, table: Any = Household) -> Any:
        """By what the place is told: the city by districts, a district by streets."""
        return col(table.street_code) if self.district else col(table.district_code)


@dataclass(frozen=True, slots=True)
class Moment:
    """Now, and its day in China."""

    now: datetime
    today: date


Which = ColumnElement[bool]
"""A condition on a household."""


def _has(home: Any, *wanted: ColumnElement[bool]) -> Which:
    """The household has such a row; `home` is the row's column that names it."""
    return exists().where(home == col(Household.id), *wanted).correlate(Household)


def _is_in(day: date) -> Which:
    return _has(col(Spell.household_id), runs_on(day))


def _alert(*wanted: ColumnElement[bool]) -> Which:
    return _has(col(Alert.household_id), *wanted)


def _clock(*wanted: ColumnElement[bool]) -> Which:
    """It has such a clock for its alerts."""
    ref = literal(ref_of("")).concat(col(Household.id))
    return exists().where(col(Clock.object_ref) == ref, *wanted).correlate(Household)


def _register(at: Moment) -> Which:
    return _is_in(at.today)


def _new(at: Moment) -> Which:
    """In the register now, and in no category then: who only moved from one into another is not new."""
    return _is_in(at.today) & ~_is_in(at.today - timedelta(days=NEW_DAYS))


def _left(at: Moment) -> Which:
    """In the register then, and in no category now: with those who are new it makes the change of the register. Whoever
    is still watched, or came back meanwhile, has not left it."""
    return ~_is_in(at.today) & _is_in(at.today - timedelta(days=NEW_DAYS))


def _changed(at: Moment) -> Which:
    return _alert(col(Alert.raised_at) > at.now - timedelta(days=NEW_DAYS))


def _open(colour: Colour) -> Callable[[Moment], Which]:
    return lambda _at: _alert(col(Alert.state) == AlertState.OPEN, col(Alert.rank) == RANKS[colour])


def _put_off(_at: Moment) -> Which:
    return _alert(col(Alert.state) == AlertState.SNOOZED)


def _late(at: Moment) -> Which:
    late = (col(Clock.step).in_(STEPS.values()), col(Clock.ended_at).is_(None), col(Clock.due_at) <= at.now)
    return _alert(col(Alert.state) == AlertState.OPEN) & _clock(*late)


def _seen(at: Moment) -> Which:
    since = (at.today - timedelta(days=VISIT_DAYS)).toordinal()
    return _has(col(Fact.household_id), *quota.visit_after(since))


def _visited(at: Moment) -> Which:
    return _register(at) & _seen(at)


def _unseen(at: Moment) -> Which:
    return _register(at) & ~_seen(at)


def _overdue(at: Moment) -> Which:
    return _has(col(Spell.household_id), quota.is_overdue(at.today))


MEASURES: Mapping[str, Callable[[Moment], Which]] = {
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
    "overdue": _overdue,
}
"""Measure ► which households; each is a number on a board and a list behind it."""


def _aged(colour: Colour, band: int) -> Callable[[Moment], Which]:
    def which(at: Moment) -> Which:
        older = [col(Alert.raised_at) <= at.now - timedelta(days=days) for days in AGES]
        age = [*older[band - 1 : band], *(~one for one in older[band : band + 1])]
        return _alert(col(Alert.state) == AlertState.OPEN, col(Alert.rank) == RANKS[colour], *age)

    return which


AGED: Mapping[str, Callable[[Moment], Which]] = {
    f"{colour.value.lower()}_{band}": _aged(colour, band) for colour in RANKS for band in range(len(AGES) + 1)
}
"""Colour and age ► the households with such an open alert."""


def _answered(colour: Colour, *, in_time: bool) -> Callable[[Moment], Which]:
    def which(at: Moment) -> Which:
        late = col(Clock.ended_at) > col(Clock.due_at)
        ended = (
            col(Clock.step) == STEPS[colour],
            col(Clock.ended_at) > at.now - timedelta(days=ANSWER_DAYS),
            or_(col(Clock.outcome).not_in(FINISHED), late),
        )
        return _clock(*ended) & ~_clock(*ended, late) if in_time else _clock(*ended)

    return which


ANSWERED: Mapping[str, Callable[[Moment], Which]] = {
    f"{name}_{colour.value.lower()}": _answered(colour, in_time=name == "in_time")
    for name in ("answered", "in_time")
    for colour in RANKS
}
"""Households whose alerts of a colour were answered in the last days, and those of them who never waited too long."""


ALL: Mapping[str, Callable[[Moment], Which]] = {**MEASURES, **AGED, **ANSWERED}
"""The measures, the colours and ages, and the answers: every number that a board shows."""


def by_place(session: Session, measure: str, place: Place, /, *, at: Moment, actor: Actor) -> dict[str, int]:
    """District (or street, within a district) ► households."""
    asked = select(place.below(), func.count()).select_from(Household).where(*place.within(actor), ALL[measure](at))
    return {str(code): int(number) for code, number in session.exec(asked.group_by(place.below()))}


def by_street(session: Session, measure: str, /, *, at: Moment) -> dict[tuple[str, str], int]:
    """District and street ► households, everywhere."""
    place = (col(Household.district_code), col(Household.street_code))
    asked = select(*place, func.count()).where(ALL[measure](at)).group_by(*place)
    return {(str(district), str(street)): int(number) for district, street, number in session.exec(asked)}


def rows_of(
    session: Session,
    measure: str,
    place: Place,
    /,
    *,
    at: Moment,
    actor: Actor,
    offset: int,
    limit: int,
    kept: int | None = None,
) -> tuple[Sequence[Household], int]:
    """One page of the households behind a number, and the number: of now, or the kept one as far as the rows of now
    do not show that it is another."""
    wanted = [*place.within(actor), ALL[measure](at)]
    order = (col(Household.district_code), col(Household.street_code), col(Household.id))
    asked = select(Household).where(*wanted).order_by(*order).offset(offset).limit(limit + 1)
    found = session.exec(asked).all()
    if kept is None:
        count = session.exec(select(func.count()).select_from(Household).where(*wanted)).one()
    elif len(found) > limit:
        count = max(kept, offset + len(found))
    else:
        count = offset + len(found)
    return found[:limit], count
