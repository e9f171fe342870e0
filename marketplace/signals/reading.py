"""How each indicator is read: from departments' facts, from what a visit found, from the register itself.

Enters: a household with its people and its facts of today. Leaves: for each indicator a `Reading` with its value, who
told it, on which day, and whether that is still fresh; None where nobody told. Nothing is guessed: a missing fact is
unknown and not nought (R4.14). A finding of a visit is a fact of the feed STREET whose kind bears the indicator's name;
where both told, the newer one counts. The illness, the studies and the work of somebody who died are no news of those
who live on. Called by `portraits` and by the form of a visit.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from sqlmodel import Session, col, select

from marketplace.households.categories import months_later
from marketplace.households.models import Household, Person
from marketplace.reference.indicators import Indicator, indicators
from marketplace.signals.declaring import counting
from marketplace.signals.keys import STREET
from marketplace.signals.models import Fact
from marketplace.signals.scene import DEATH

REGISTER, COST = "REGISTER", "OWN_COST"
ADULT, OLD, PENSION_AGE = 18, 60, 65
_ILL = ("SERIOUS_ILLNESS", "DISABILITY_1_2", "DISABILITY_3_MENTAL", "TRAFFIC_INJURY")
_BUSY = ("STUDENT", "FIRST_YEAR", "JOB_STARTED", "JOB_STOPPED", "PENSION", "DETAINED")
OF_THE_LIVING = {*_ILL, *_BUSY, "LIVES_ALONE", "GUARDIAN_ABSENT"}
"""Kinds of fact that end with the person: what somebody owned, owed or lost stays with those who live on."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One indicator of one household. `source` is a feed's code or REGISTER; empty: nobody told."""

    indicator: Indicator
    value: int | None = None
    source: str = ""
    on: date | None = None
    fresh: bool = False


@dataclass(frozen=True, slots=True)
class Scene:
    """Everything that is read: the household, its people who live, its facts that are not replaced, and the day; of who
    lives no more, without what ended with that person."""

    home: Household
    people: Sequence[Person]
    facts: Sequence[Fact]
    today: date

    @property
    def size(self) -> int:
        """How many people live in the household, as `signals.scene.living` counts them."""
        return max(self.home.size - len({fact.person_id for fact in self.of(DEATH)}), len(self.people))

    @property
    def ages(self) -> list[int] | None:
        """The ages of all people who live in the household; None unless every one is known."""
        years = [person.birth_year for person in self.people]
        if len(years) != self.size or not years or None in years:
            return None
        return [self.today.year - year for year in years if year is not None]

    def of(self, *kinds: str) -> list[Fact]:
        """The facts of some kinds, the oldest first."""
        return sorted((fact for fact in self.facts if fact.kind in kinds), key=lambda fact: (fact.day, fact.id or 0))

    def newest(self, kind: str) -> list[Fact]:
        """The facts of a kind that tell how things stand now."""
        return counting(self.of(kind))

    def since_a_year(self, kind: str) -> list[Fact]:
        """The facts of a kind of the last twelve months."""
        first = months_later(self.today, -12).toordinal() + 1
        return [fact for fact in self.of(kind) if fact.day >= first]


def scene_of(session: Session, home: Household, /, *, today: date) -> Scene:
    """What is known of a household on a day."""
    return scenes_of(session, [home], today=today)[0]


def scenes_of(session: Session, homes: Sequence[Household], /, *, today: date) -> list[Scene]:
    """What is known of some households on a day, in their order; two questions for all of them."""
    ids = [home.id for home in homes]
    people, facts = defaultdict[str, list[Person]](list), defaultdict[str, list[Fact]](list)
    live_there = (col(Person.household_id).in_(ids), col(Person.left_on).is_(None))
    for person in session.exec(select(Person).where(*live_there).order_by(col(Person.id))):
        people[person.household_id].append(person)
    asked = select(Fact).where(
        col(Fact.household_id).in_(ids),
        col(Fact.replaced_day).is_(None),
        col(Fact.day) <= today.toordinal(),
        col(Fact.kind).not_in(("USE", "PAYMENT")),
    )
    for fact in session.exec(asked):
        facts[fact.household_id].append(fact)
    return [_scene(home, people[home.id], facts[home.id], today) for home in homes]


def _scene(home: Household, people: Sequence[Person], facts: Sequence[Fact], today: date) -> Scene:
    dead = {fact.person_id for fact in facts if fact.kind == DEATH}
    kept = [fact for fact in facts if fact.person_id not in dead or fact.kind not in OF_THE_LIVING]
    return Scene(home, [person for person in people if person.id not in dead], kept, today)


Told = tuple[int, Sequence[Fact]] | None
"""A value and the facts that it rests on."""


def readings(scene: Scene, /) -> list[Reading]:
    """Every indicator in the order of the table."""
    return [_newer(told(scene, one), _found(scene, one)) for one in indicators().values()]


def told(scene: Scene, one: Indicator, /) -> Reading:
    """One indicator as departments or the register tell it, whatever a visit has found."""
    if one.how == "register":
        value = _of_register(scene).get(one.code)
        return Reading(one) if value is None else Reading(one, value, REGISTER, scene.today, True)
    found = WAYS[one.how](scene, one.kinds) if one.how in WAYS else None
    return Reading(one) if found is None else _reading(scene, one, *found)


def _found(scene: Scene, one: Indicator) -> Reading:
    seen = [fact for fact in scene.newest(one.code.upper()) if fact.feed == STREET]
    return _reading(scene, one, sum(fact.amount for fact in seen), seen) if seen else Reading(one)


def _reading(scene: Scene, one: Indicator, value: int, facts: Sequence[Fact]) -> Reading:
    newest = max(facts, key=lambda fact: fact.day)
    on = date.fromordinal(newest.day)
    return Reading(one, value, newest.feed, on, (scene.today - on).days <= one.fresh_days)


def _newer(said: Reading, found: Reading) -> Reading:
    if found.on is None or (said.on is not None and said.on > found.on):
        return said
    return found


def _of_register(scene: Scene) -> Mapping[str, int]:
    ages = scene.ages
    if ages is None:
        return {}
    children, old = sum(age < ADULT for age in ages), sum(age >= OLD for age in ages)
    adults = len(ages) - children
    return {
        "elders": old,
        "children": children,
        "single_parent": int(adults == 1 and children > 0),
        "grandparent_raising": int(children > 0 and adults > 0 and old == adults),
    }


def _sum(facts: Sequence[Fact]) -> Told:
    return (sum(fact.amount for fact in facts), facts) if facts else None


def _per_head(facts: Sequence[Fact], scene: Scene, *, months: int) -> Told:
    all_of_it = _sum(facts)
    return None if all_of_it is None or not scene.size else (all_of_it[0] // (scene.size * months), all_of_it[1])


def _spending_share(scene: Scene, kinds: tuple[str, ...]) -> Told:
    spent, earned = scene.newest(kinds[0]), scene.newest(kinds[1])
    income = sum(fact.amount for fact in earned)
    return (100 * sum(fact.amount for fact in spent) // income, [*spent, *earned]) if spent and income else None


def _people(facts: Iterable[Fact]) -> Told:
    held = list(facts)
    return (len({fact.person_id for fact in held}), held) if held else None


def works(scene: Scene, person_id: str, /) -> bool | None:
    """Whether a person has a job by what was told last; None where nothing was."""
    said = [fact for fact in scene.of("JOB_STARTED", "JOB_STOPPED") if fact.person_id == person_id]
    return said[-1].kind == "JOB_STARTED" if said else None


def _jobless(scene: Scene, kinds: tuple[str, ...]) -> Told:
    """Whoever could work and lost the job; of unknown age, everybody could."""
    able = {person.id for person in scene.people if could_work(scene, person)}
    out = {person_id for person_id in able if works(scene, person_id) is False}
    said = [fact for fact in scene.of(*kinds) if fact.person_id in able]
    return (len(out), said) if said else None


def could_work(scene: Scene, person: Person, /) -> bool:
    """Whether somebody is of an age to work, or may be: nobody knows."""
    return person.birth_year is None or ADULT <= scene.today.year - person.birth_year < PENSION_AGE


WAYS: Mapping[str, Callable[[Scene, tuple[str, ...]], Told]] = {
    "latest": lambda scene, kinds: _sum(scene.newest(kinds[0])),
    "income_per_head": lambda scene, kinds: _per_head(scene.newest(kinds[0]), scene, months=12),
    "area_per_head": lambda scene, kinds: _per_head(scene.newest(kinds[0]), scene, months=1),
    "spending_share": _spending_share,
    "year_total": lambda scene, kinds: _sum(scene.since_a_year(kinds[0])),
    "people": lambda scene, kinds: _people(scene.of(*kinds)),
    "people_year": lambda scene, kinds: _people(scene.since_a_year(kinds[0])),
    "jobless": _jobless,
}
"""How an indicator is made of facts, by the word in its row."""
