"""How each indicator is read: from departments' facts, from what a visit found, from the register itself.

Enters: a household with its people and its facts of today. Leaves: for each indicator a `Reading` with its value, who
told it, on which day, and whether that is still fresh; None where nobody told. Nothing is guessed: a missing fact is
unknown and not nought (R4.14). A finding of a visit is a fact of the feed STREET whose kind bears the indicator's name;
where both told, the newer one counts. Called by `portraits.service`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from marketplace.households.categories import months_later
from marketplace.households.models import Household, Person
from marketplace.reference.indicators import Indicator, indicators
from marketplace.signals.declaring import counting
from marketplace.signals.models import Fact

VISITS, REGISTER = "STREET", "REGISTER"
ADULT, OLD, PENSION_AGE = 18, 60, 65


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
    """Everything that is read: the household, its people who live, its facts that are not replaced, and the day."""

    home: Household
    people: Sequence[Person]
    facts: Sequence[Fact]
    today: date

    @property
    def size(self) -> int:
        """How many people live in the household, as `signals.scene.living` counts them."""
        return max(self.home.size - len({fact.person_id for fact in self.of("DEATH")}), len(self.people))

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


Told = tuple[int, Sequence[Fact]] | None
"""A value and the facts that it rests on."""


def readings(scene: Scene, /) -> list[Reading]:
    """Every indicator in the order of the table."""
    return [_newer(_read(scene, one), _found(scene, one)) for one in indicators().values()]


def _read(scene: Scene, one: Indicator) -> Reading:
    if one.how == "register":
        value = _of_register(scene).get(one.code)
        return Reading(one) if value is None else Reading(one, value, REGISTER, scene.today, True)
    told = WAYS[one.how](scene, one.kinds) if one.how in WAYS else None
    return Reading(one) if told is None else _reading(scene, one, *told)


def _found(scene: Scene, one: Indicator) -> Reading:
    seen = [fact for fact in scene.newest(one.code.upper()) if fact.feed == VISITS]
    return _reading(scene, one, sum(fact.amount for fact in seen), seen) if seen else Reading(one)


def _reading(scene: Scene, one: Indicator, value: int, facts: Sequence[Fact]) -> Reading:
    newest = max(facts, key=lambda fact: fact.day)
    on = date.fromordinal(newest.day)
    return Reading(one, value, newest.feed, on, (scene.today - on).days <= one.fresh_days)


def _newer(told: Reading, found: Reading) -> Reading:
    if found.on is None or (told.on is not None and told.on > found.on):
        return told
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
    told = _sum(facts)
    return None if told is None or not scene.size else (told[0] // (scene.size * months), told[1])


def _spending_share(scene: Scene, kinds: tuple[str, ...]) -> Told:
    spent, earned = scene.newest(kinds[0]), scene.newest(kinds[1])
    income = sum(fact.amount for fact in earned)
    return (100 * sum(fact.amount for fact in spent) // income, [*spent, *earned]) if spent and income else None


def _people(facts: Iterable[Fact]) -> Told:
    held = list(facts)
    return (len({fact.person_id for fact in held}), held) if held else None


def works(scene: Scene, person_id: str, /) -> bool | None:
    """Whether a person has a job by what was told last; None where nothing was."""
    told = [fact for fact in scene.of("JOB_STARTED", "JOB_STOPPED") if fact.person_id == person_id]
    return told[-1].kind == "JOB_STARTED" if told else None


def _jobless(scene: Scene, kinds: tuple[str, ...]) -> Told:
    told = scene.of(*kinds)
    out = {person.id for person in scene.people if works(scene, person.id) is False}
    return (len(out), told) if told else None


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
