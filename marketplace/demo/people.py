"""The members of one household: how many, how old, how related, and what burdens them.

What enters: a seeded generator, whether the home is urban, the household's monitoring category and the day. What
leaves: `DemoPerson` values with unique synthetic identity numbers. Sizes follow the published means of 1.57 persons per
urban and 1.85 per rural case of the living guarantee.
"""

import random
from datetime import date, timedelta

from marketplace.demo import names
from marketplace.demo.draws import Weighted
from marketplace.demo.values import DemoPerson
from marketplace.reference.identity_number import SYNTHETIC_PREFIX, make_id_number

SIZES = {
    True: Weighted({1: 0.62, 2: 0.24, 3: 0.10, 4: 0.03, 5: 0.01}),
    False: Weighted({1: 0.48, 2: 0.29, 3: 0.14, 4: 0.07, 5: 0.02}),
}
_ALONE = Weighted[tuple[int, int]]([((22, 44), 0.15), ((45, 59), 0.25), ((60, 74), 0.35), ((75, 94), 0.25)])
_SHAPES = Weighted({"couple": 0.40, "one_parent": 0.32, "grandparent": 0.12, "adult_child": 0.16})
_DISABILITIES = Weighted(
    {
        "PHYSICAL": 0.38,
        "INTELLECTUAL": 0.16,
        "MENTAL": 0.16,
        "HEARING": 0.13,
        "VISUAL": 0.12,
        "MULTIPLE": 0.03,
        "SPEECH": 0.02,
    }
)
_GRADES = Weighted({1: 0.25, 2: 0.35, 3: 0.22, 4: 0.18})
_ADULT_ILLNESSES = Weighted({"CANCER": 0.22, "KIDNEY": 0.15, "HEART": 0.25, "STROKE": 0.22, "OTHER_MAJOR": 0.16})
_CHRONIC = Weighted({"HYPERTENSION": 0.40, "DIABETES": 0.30, "LUNG": 0.20, "MENTAL_HEALTH": 0.10})
_CHILD_ILLNESSES = Weighted({"CONGENITAL_HEART": 0.55, "LEUKAEMIA": 0.25, "OTHER_MAJOR": 0.20})


class Registry:
    """Hands out identity numbers of which none comes twice within one city."""

    def __init__(self) -> None:
        self._used: set[str] = set()

    def number(self, pick: random.Random, *, birth_on: date, sex: str) -> str:
        """A fresh synthetic number that fits birth date and sex."""
        while True:
            seq = pick.randrange(500) * 2 + (sex == "M")
            number = make_id_number(f"{SYNTHETIC_PREFIX}{pick.randrange(100):02d}", birth_on, seq=seq)
            if number not in self._used:
                self._used.add(number)
                return number


def draw_members(
    pick: random.Random, *, key: str, urban: bool, category: str, registry: Registry, on: date
) -> tuple[DemoPerson, ...]:
    """The people of one household, the head first."""
    size = SIZES[urban].draw(pick)
    roles = _roles(pick, size=size)
    family = names.family_name(pick)
    people = []
    for place, (relation, age, sex) in enumerate(roles):
        born = on - timedelta(days=age * 365 + age // 4 + pick.randrange(365))
        own_family = family if relation in ("HEAD", "CHILD", "GRANDCHILD") else names.family_name(pick)
        people.append(
            DemoPerson(
                key=f"{key}-{place + 1}",
                name=own_family + names.given_name(pick, sex=sex, born=born.year),
                sex=sex,
                birth_on=born,
                id_number=registry.number(pick, birth_on=born, sex=sex),
                relation=relation,
                disability=_disability(pick, category=category, first=place == 0),
                illness=_illness(pick, age=age),
                study=_study(pick, age=age),
            )
        )
    return tuple(people)


def _roles(pick: random.Random, *, size: int) -> list[tuple[str, int, str]]:
    sex = pick.choice("MF")
    if size == 1:
        return [("HEAD", pick.randint(*_ALONE.draw(pick)), sex)]
    shape = _SHAPES.draw(pick)
    if shape == "grandparent":
        head = pick.randint(56, 78)
        rest = [("GRANDCHILD", pick.randint(3, 17), pick.choice("MF")) for _ in range(size - 1)]
    elif shape == "adult_child":
        head = pick.randint(30, 58)
        parent = ("PARENT", min(96, head + pick.randint(22, 34)), pick.choice("MF"))
        rest = [parent, *_children(pick, head, size - 2)]
    else:
        head = pick.randint(27, 55) if size > 2 or shape == "one_parent" else pick.randint(35, 84)
        spouse = [("SPOUSE", max(22, head + pick.randint(-5, 5)), "F" if sex == "M" else "M")]
        rest = (spouse if shape == "couple" else []) + _children(pick, head, size - (2 if shape == "couple" else 1))
    return [("HEAD", head, sex), *rest]


def _children(pick: random.Random, head: int, count: int) -> list[tuple[str, int, str]]:
    oldest = max(1, min(24, head - 20))
    return [("CHILD", pick.randint(max(0, oldest - 14), oldest), pick.choice("MF")) for _ in range(count)]


def _disability(pick: random.Random, *, category: str, first: bool) -> tuple[str, int] | None:
    share = 0.9 if category == "DISABILITY_SUBSIDY" and first else 0.13
    return (_DISABILITIES.draw(pick), _GRADES.draw(pick)) if pick.random() < share else None


def _illness(pick: random.Random, *, age: int) -> str:
    chance = pick.random()
    if age < 18:
        return _CHILD_ILLNESSES.draw(pick) if chance < 0.03 else ""
    if chance < 0.16:
        return _ADULT_ILLNESSES.draw(pick)
    return _CHRONIC.draw(pick) if chance < (0.50 if age >= 55 else 0.24) else ""


def _study(pick: random.Random, *, age: int) -> str:
    if 6 <= age <= 11:
        return "PRIMARY"
    if 12 <= age <= 14:
        return "MIDDLE"
    if 15 <= age <= 17:
        return "HIGH"
    if age == 18 and pick.random() < 0.7:
        return "UNIVERSITY_ENTRY"
    return "UNIVERSITY" if 19 <= age <= 22 and pick.random() < 0.55 else ""
