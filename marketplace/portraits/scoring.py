"""The need score of one household: which facts of the points table hold, which do not, and which nobody knows.

Enters: a `Scene`. Leaves: a `Score`: the points of what holds for certain, and the most it could be if all that is
unknown held. The table is `reference.need_points`; how well it finds whom stands beside it. A score orders attention
and decides nothing. Called by `portraits.service`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from marketplace.households.models import Sex
from marketplace.reference.need_points import points
from marketplace.signals.reading import ADULT, PENSION_AGE, Scene, works

NEVER_TOLD = ("carer_at_home", "from_elsewhere")
"""Facts of the table that no feed and no form of this house tells: the errors are measured without them."""
OF_WORK = ("nobody_works", "one_of_two_works", "unfit_for_work", "student")
"""Facts that are known only where departments tell of people's work."""


@dataclass(frozen=True, slots=True)
class ScoreLine:
    """One fact of the points table; `holds` is None where nobody knows."""

    fact: str
    points: int
    holds: bool | None


@dataclass(frozen=True, slots=True)
class Score:
    """The certain points, the most that is possible, and the lines, the heaviest of those that hold first."""

    least: int
    most: int
    lines: tuple[ScoreLine, ...]


def score_of(scene: Scene, /) -> Score:
    """The score with everything it is made of."""
    held = facts_of(scene)
    lines = [ScoreLine(fact, worth, held.get(fact)) for fact, worth in points().items() if worth]
    order = {True: 0, None: 1, False: 2}
    lines.sort(key=lambda line: (order[line.holds], -line.points, line.fact))
    least = sum(line.points for line in lines if line.holds)
    return Score(least, least + sum(line.points for line in lines if line.holds is None), tuple(lines))


def facts_of(scene: Scene, /) -> dict[str, bool | None]:
    """Each fact of the table: true, false or unknown."""
    found: dict[str, bool | None] = dict(_of_work(scene))
    ages = scene.ages
    if ages is not None:
        children, alone = sum(age < ADULT for age in ages), len(ages) == 1
        found |= {
            "single_parent": len(ages) - children == 1 and children > 0,
            "three_children": children >= 3,
            "child": children > 0,
            "alone": alone,
            "alone_and_old": alone and ages[0] >= PENSION_AGE,
            "woman_alone": _woman(scene) if alone else False,
            "young_head": max(ages) < 30,
        }
    return found


def _woman(scene: Scene) -> bool | None:
    sex = scene.people[0].sex
    return None if sex is Sex.UNKNOWN else sex is Sex.FEMALE


def _of_work(scene: Scene) -> Mapping[str, bool | None]:
    able = [
        person.id
        for person in scene.people
        if person.birth_year is not None and ADULT <= scene.today.year - person.birth_year < PENSION_AGE
    ]
    complete = scene.ages is not None
    told = [works(scene, person) for person in able]
    at_work, unknown = told.count(True), told.count(None) + (not complete)
    nobody = None if unknown and not at_work else bool(able) and at_work == 0
    unfit = {fact.person_id for fact in scene.of("SERIOUS_ILLNESS", "DISABILITY_1_2", "DISABILITY_3_MENTAL")}
    studies = bool(scene.since_a_year("STUDENT"))
    return {
        "nobody_works": nobody,
        "one_of_two_works": _one_works(at_work, unknown, len(able)),
        "unfit_for_work": True if unfit & set(able) else None,
        "student": False if nobody is False else True if nobody and studies else None,
    }


def _one_works(at_work: int, unknown: int, able: int) -> bool | None:
    if at_work > 1 or (able < 2 and not unknown):
        return False
    return None if unknown else at_work == 1
