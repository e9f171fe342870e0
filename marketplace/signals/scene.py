"""What a rule is asked about: the day, the unit, and the facts that were known; and who of the people lives no more.

Enters: a day, per household or per person, how fresh each feed is, and perhaps which households to look at. Leaves:
parts of statements. Used by `compiling`, and by whoever asks rules or asks who, and how many, live in a household.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Select, case, func, or_, select
from sqlmodel import col

from marketplace.households.models import Household, Person
from marketplace.signals.models import Fact

DEATH = "DEATH"


@dataclass(frozen=True, slots=True)
class Scene:
    """What a rule is asked about: the day, per household or per person, until which day each feed told, and, for a
    daily look, a SELECT of the households that something new was said of. `past`: as it was known on that day, also
    what was corrected since."""

    on: date
    per: str = "household"
    fresh: Mapping[str, int] | None = None
    only: Any = None
    past: bool = False

    @property
    def standing(self) -> ColumnElement[bool]:
        """The condition that a fact had not been replaced."""
        stands: ColumnElement[bool] = col(Fact.replaced_day).is_(None)
        return or_(stands, col(Fact.replaced_day) > self.on.toordinal()) if self.past else stands

    @property
    def unit(self) -> Any:
        """The column by which facts are grouped."""
        return col(Fact.person_id) if self.per == "person" else col(Fact.household_id)

    @property
    def row(self) -> Any:
        """The column of the row that meets the rule."""
        return col(Person.id) if self.per == "person" else col(Household.id)


def facts_of(kinds: tuple[str, ...], scene: Scene) -> Select[Any]:
    """The facts of some kinds that were known on the day."""
    today = scene.on.toordinal()
    found = select(scene.unit).where(
        col(Fact.kind).in_(kinds) if len(kinds) > 1 else col(Fact.kind) == kinds[0],
        scene.standing,
        col(Fact.day) <= today,
        col(Fact.known_day) <= today,
    )
    if scene.only is not None:
        found = found.where(col(Fact.household_id).in_(scene.only))
    return found


def dead(scene: Scene, *, by: Any) -> Select[Any]:
    """A column of the facts that tell somebody's death, as they were known on the day."""
    return facts_of((DEATH,), scene).with_only_columns(by)


def _lives(scene: Scene, home: Any) -> Select[Any]:
    """The rows of a household whose people live there: nobody moved out, nobody told dead."""
    person: Any = Person.__table__.alias()  # type: ignore[attr-defined]
    gone = dead(scene, by=col(Fact.id)).where(
        col(Fact.household_id) == person.c.household_id, col(Fact.person_id) == person.c.id
    )
    rows = select(person.c.id).where(person.c.household_id == home.id, person.c.left_on.is_(None))
    return rows.where(~gone.correlate(person).exists())


def living(scene: Scene, home: Any, /) -> ColumnElement[int]:
    """How many people live in a household, the columns of whose row are `home`: its number without the dead, and never
    fewer than its rows tell of, for a number that was told after a death leaves the dead out already."""
    gone = dead(scene, by=func.count(col(Fact.person_id).distinct())).where(col(Fact.household_id) == home.id)
    rows = _lives(scene, home)
    counted = rows.with_only_columns(func.count()).correlate(home.id.table).scalar_subquery()
    without = home.size - gone.correlate(home.id.table).scalar_subquery()
    return case((without >= counted, without), else_=counted)


def nobody_lives(scene: Scene, /) -> Select[Any]:
    """The households all of whose people are dead."""
    home: Any = Household.__table__.alias()  # type: ignore[attr-defined]
    gone = dead(scene, by=col(Fact.household_id).label("home"))
    counted = gone.add_columns(func.count(col(Fact.person_id).distinct()).label("dead"))
    held = counted.group_by(col(Fact.household_id)).subquery()
    found = select(home.c.id).join(held, held.c.home == home.c.id)
    return found.where(held.c.dead >= home.c.size, ~_lives(scene, home.c).correlate(home).exists())
