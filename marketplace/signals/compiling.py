"""A rule's tree made into SQL: one statement that finds every household (or person) that meets it, on either engine.

Enters: a tree, the day, how fresh each feed is, and perhaps which households to look at. Leaves: a SELECT of
(household id, person id or NULL). A comparison of facts is one grouped pass over the index of its kinds; parts about
the household are conditions on its row; `and`, `or` and `not` join them. What happened, or was the largest, counts for
a window of months after it became known, too, if a department told it late: up to twice the window after it happened.
Whoever is dead meets no rule but those that speak of death or of what the house itself does, and counts among the
people of no household. Called by `sweeping`, `trying` and the visits.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from operator import add, eq, ge, gt, le, lt, mul, sub
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    String,
    and_,
    case,
    cast,
    false,
    func,
    literal,
    null,
    or_,
    select,
)
from sqlalchemy.orm import aliased
from sqlmodel import col

from marketplace.calendar import HERE
from marketplace.households.categories import known_on, months_later, runs_on
from marketplace.households.models import Household, Person, Spell
from marketplace.reference.facts import PLATFORM, fact_kinds
from marketplace.reference.standards import standards_on
from marketplace.signals.models import LARGEST, Fact, FeedState
from marketplace.signals.parts import (
    Aggregate,
    Anyone,
    Attribute,
    Compare,
    Condition,
    Every,
    Has,
    InCategory,
    IsRural,
    Not,
    Number,
    Some,
    Sum,
    Value,
    Window,
    parts_of,
)
from marketplace.signals.scene import DEATH, Scene, dead, facts_of, living, nobody_lives

SIGNS: Mapping[str, Callable[[Any, Any], Any]] = {
    "+": add,
    "-": sub,
    "*": mul,
    ">": gt,
    ">=": ge,
    "<": lt,
    "<=": le,
    "==": eq,
}
_COMBINE: dict[str, Any] = {"largest": func.max, "days_since": func.min, "silent": func.min}
LATE = "largest"
"""The number that is looked for among late facts, too; sums and counts are of their window alone."""
Expression = ColumnElement[Any]


def compile_rule(tree: Condition, scene: Scene, /) -> Select[Any]:
    """The statement; its rows are (household_id, person_id)."""
    met = _condition(tree, scene)
    found: Any
    if scene.per == "person":
        found = select(col(Person.household_id), col(Person.id)).join(
            Household, col(Household.id) == col(Person.household_id)
        )
    else:
        found = select(col(Household.id), cast(null(), String(32))).select_from(Household)
    if scene.only is not None:
        found = found.where(col(Household.id).in_(scene.only))
    statement: Select[Any] = found.where(met)
    if not any(_hears_of_the_dead(part.kind) for part in parts_of(tree) if isinstance(part, Has | Aggregate)):
        gone = dead(scene, by=col(Fact.person_id)) if scene.per == "person" else nobody_lives(scene)
        statement = statement.where(scene.row.not_in(gone))
    return statement


def _hears_of_the_dead(kind: str) -> bool:
    return kind == DEATH or fact_kinds()[kind].feed == PLATFORM


def _condition(tree: Condition, scene: Scene) -> ColumnElement[bool]:
    if isinstance(tree, Every):
        return and_(*(_condition(part, scene) for part in tree.parts))
    if isinstance(tree, Some):
        return or_(*(_condition(part, scene) for part in tree.parts))
    if isinstance(tree, Not):
        return ~_condition(tree.part, scene)
    if isinstance(tree, Has):
        facts = facts_of((tree.kind,), scene).where(_inside(tree.kind, tree.window, scene, late=True))
        met: ColumnElement[bool] = scene.row.in_(_begun(tree, scene) if tree.first else facts)
        return met
    if isinstance(tree, IsRural):
        return col(Household.urban).is_(False)
    if isinstance(tree, InCategory):
        return _in_category(tree, scene)
    if isinstance(tree, Anyone):
        return _somebody(tree, scene)
    return _comparison(tree, scene)


def _somebody(tree: Anyone, scene: Scene) -> ColumnElement[bool]:
    people = select(col(Person.household_id)).join(Household, col(Household.id) == col(Person.household_id))
    met: ColumnElement[bool] = col(Household.id).in_(
        people.where(_condition(tree.part, replace(scene, per="person"))).correlate(None)
    )
    return met


def _in_category(tree: InCategory, scene: Scene) -> ColumnElement[bool]:
    since = _since(tree.window, scene.on)
    met = _was_in(tree, scene, runs_on(scene.on))
    return and_(met, _was_in(tree, scene, known_on(date.fromordinal(since - 1)))) if since else met


def _was_in(tree: InCategory, scene: Scene, then: ColumnElement[bool]) -> ColumnElement[bool]:
    asked = select(col(Spell.id)).where(
        col(Spell.household_id) == col(Household.id), col(Spell.category).in_(tree.codes), then
    )
    if scene.per == "person":
        asked = asked.where(or_(col(Spell.person_id).is_(None), col(Spell.person_id) == col(Person.id)))
    return asked.correlate(Household, Person).exists()


def _since(window: Window, on: date) -> int:
    """The first day of a window; 0 where it has no beginning."""
    if window.months:
        return months_later(on, -window.months).toordinal() + 1
    return (on - timedelta(days=window.days - 1)).toordinal() if window.days else 0


def _inside(kind: str, window: Window, scene: Scene, *, late: bool) -> ColumnElement[bool]:
    """The condition that a fact lies in a window, or that of an older one the house heard within it. What a feed told
    with its first delivery is history and not late."""
    since = _since(window, scene.on)
    inside = col(Fact.day) >= since
    if not (late and window.months):
        return inside
    also = bool(fact_kinds()[kind].also)
    feed: Any = col(Fact.feed) if also else fact_kinds()[kind].feed
    first = select(col(FeedState.first_day)).where(col(FeedState.feed) == feed, col(FeedState.first_day) > 0)
    begins = first.correlate(Fact).scalar_subquery()
    heard = and_(col(Fact.known_day) >= since, col(Fact.known_day) > begins)
    heard = and_(heard, ~_told_before(kind, since)) if also else heard
    return or_(inside, and_(heard, col(Fact.day) >= _since(_twice(window), scene.on)))


def _told_before(kind: str, since: int) -> ColumnElement[bool]:
    """Another feed had told the same of the person before the window: what is known long is no news."""
    other = aliased(Fact)
    known = select(other).where(col(other.person_id) == col(Fact.person_id), col(other.feed) != col(Fact.feed))
    known = known.where(col(other.kind) == kind, col(other.known_day) < since, col(other.replaced_day).is_(None))
    return known.correlate(Fact).exists()


def _begun(tree: Has, scene: Scene) -> Select[Any]:
    """Those whose first fact of a kind lies in the window. Its feed, and the house, had known of the person for as long
    a time before: else what is old would look new because nobody had told it yet."""
    since, before = _since(tree.window, scene.on), _since(_twice(tree.window), scene.on)
    heard = select(func.max(FeedState.first_day)).where(
        col(FeedState.feed).in_(fact_kinds()[tree.kind].feeds), col(FeedState.first_day) > 0
    )
    here = datetime.combine(date.fromordinal(before), time(0), HERE)
    first = func.min(col(Fact.day))
    return (
        facts_of((tree.kind,), scene)
        .join(Person, col(Person.id) == col(Fact.person_id))
        .where(col(Person.created_at) < here)
        .group_by(col(Fact.household_id), col(Fact.person_id))
        .having(and_(first >= since, first - (since - before) > heard.scalar_subquery()))
    )


def _twice(window: Window) -> Window:
    return replace(window, months=2 * window.months)


def _comparison(tree: Compare, scene: Scene) -> ColumnElement[bool]:
    aggregates = [part for part in dict.fromkeys(parts_of(tree)) if isinstance(part, Aggregate)]
    compare = SIGNS[tree.sign]
    known: dict[Number, Expression]
    if not aggregates:
        known = {part: _attribute(part.name, scene) for part in parts_of(tree) if isinstance(part, Attribute)}
        met: ColumnElement[bool] = compare(_number(tree.left, known), _number(tree.right, known))
        return func.coalesce(met, false())  # of the unknown: not met, and `not` of it is
    inner = _grouped(aggregates, scene).subquery()
    known = {part: _over_people(part, inner.c[f"n{place}"]) for place, part in enumerate(aggregates)}
    return _asked_of(tree, known, inner, scene)


def _over_people(part: Aggregate, number: Expression) -> Expression:
    """One number of the household from those of its people."""
    if part.name == "latest" and fact_kinds()[part.kind].joins == "home":
        return func.max(number) % literal(LARGEST, BigInteger)
    together: Expression = _COMBINE.get(part.name, func.sum)(number)
    return together


def _grouped(aggregates: list[Aggregate], scene: Scene) -> Select[Any]:
    """One row for each person of each household with a number for each part: the index is in this order."""
    kinds = tuple(dict.fromkeys(part.kind for part in aggregates))
    since = min(_since(_twice(part.window) if part.name == LATE else part.window, scene.on) for part in aggregates)
    made = [_aggregate(part, scene).label(f"n{place}") for place, part in enumerate(aggregates)]
    columns: tuple[Expression, ...] = (col(Fact.household_id).label("home"), col(Fact.person_id).label("person"))
    facts = facts_of(kinds, scene)
    facts = facts.where(col(Fact.day) >= since) if since else facts
    for event in _events(aggregates) if len(kinds) > 1 else ():
        hit = select(col(Fact.household_id)).where(col(Fact.kind) == event, scene.standing)
        facts = facts.where(col(Fact.household_id).in_(hit))
    return facts.with_only_columns(*columns, *made).group_by(col(Fact.household_id), col(Fact.person_id))


def _events(aggregates: list[Aggregate]) -> list[str]:
    """Kinds of event without which the comparison knows no answer: events are few, so whoever had none is left out
    before the many facts of the other kinds are grouped. A count knows an answer without any fact."""
    needed = (part.kind for part in aggregates if part.name not in ("count", "people_with"))
    return [kind for kind in dict.fromkeys(needed) if fact_kinds()[kind].value == "none"]


def _aggregate(part: Aggregate, scene: Scene) -> Expression:
    own = and_(col(Fact.kind) == part.kind, _inside(part.kind, part.window, scene, late=part.name == LATE))
    if part.name in ("count", "people_with"):
        counted = func.count(case((own, 1)))
        return case((counted > 0, 1), else_=0) if part.name == "people_with" else counted
    amount = func.max if part.name == "largest" else func.sum
    joins = fact_kinds()[part.kind].joins
    if part.name in ("total", "largest") or (part.name == "latest" and joins == "each"):
        return amount(case((own, col(Fact.amount))))
    if part.name == "latest":
        packed = func.max(case((own, cast(col(Fact.day), BigInteger) * LARGEST + col(Fact.amount))))
        return packed if joins == "home" else packed % literal(LARGEST, BigInteger)
    until = scene.on.toordinal()
    if part.name == "silent":
        told = [day for feed in fact_kinds()[part.kind].feeds if (day := (scene.fresh or {}).get(feed)) is not None]
        if not told:
            return func.max(case((own, cast(null(), BigInteger))))
        return min(told) - func.max(case((own, col(Fact.day))))
    return until - (func.min if part.kind == DEATH else func.max)(case((own, col(Fact.day))))  # one dies once


def _asked_of(tree: Compare, known: dict[Number, Expression], inner: Any, scene: Scene) -> ColumnElement[bool]:
    """The rows whose numbers stand as the comparison asks."""
    by = inner.c.person if scene.per == "person" else inner.c.home
    found = select(by).select_from(inner)
    attributes = [part for part in parts_of(tree) if isinstance(part, Attribute)]
    if attributes:
        home = Household.__table__.alias()  # type: ignore[attr-defined]
        found = found.join(home, home.c.id == inner.c.home)
        for part in attributes:
            known[part] = func.max(_of_home(part.name, home.c, scene))
    met = SIGNS[tree.sign](_number(tree.left, known), _number(tree.right, known))
    those: ColumnElement[bool] = scene.row.in_(found.group_by(by).having(met))
    return those


def _number(tree: Number, known: Mapping[Any, Expression]) -> Any:
    if isinstance(tree, Value):
        return int(tree.value) if tree.value == int(tree.value) else tree.value
    if isinstance(tree, Sum):
        return SIGNS[tree.sign](_number(tree.left, known), _number(tree.right, known))
    return known[tree]


def _attribute(name: str, scene: Scene) -> Any:
    if name == "age":
        return scene.on.year - col(Person.birth_year) if scene.per == "person" else null()
    return _of_home(name, Household.__table__.c, scene)  # type: ignore[attr-defined]


def _of_home(name: str, home: Any, scene: Scene) -> Any:
    """A number of the household's row; unknown where the rule does not say enough to tell it."""
    held = standards_on(scene.on)
    if name == "people":
        return living(scene, home)
    if name == "standard":
        return case((home.urban.is_(True), held.dibao_urban_fen), else_=held.dibao_rural_fen)
    if name == "rural_income" and held.income_rural_year_fen is not None:
        return literal(held.income_rural_year_fen)
    return null()
