"""What a household of the demo needs: kinds that fit its members, amounts in the usual range, urgency, validity.

What enters: the members and the day. What leaves: the tags that offers may ask for and one to three `DemoNeed` values.
Each rule of `_RULES` names a kind of need, its weight and who in the household it can be about.
"""

import random
from collections.abc import Callable
from datetime import date, timedelta

from marketplace.demo.draws import Weighted, between
from marketplace.demo.values import DemoNeed, DemoPerson
from marketplace.reference.needs import NeedKind, need_kind

Members = tuple[DemoPerson, ...]
_COUNT = Weighted({1: 0.75, 2: 0.20, 3: 0.05})
_URGENCY = Weighted({3: 0.10, 2: 0.25, 1: 0.45, 0: 0.20})
_LEVEL = Weighted({1: 0.10, 2: 0.35, 3: 0.40, 4: 0.15})
_MAJOR = ("CANCER", "KIDNEY", "HEART", "STROKE", "OTHER_MAJOR")
_CHRONIC = ("HYPERTENSION", "DIABETES", "LUNG", "MENTAL_HEALTH")
_STEP_FEN = 10_000
"""Amounts of money are drawn in steps of one hundred yuan."""


def age(person: DemoPerson, *, on: date) -> int:
    """Whole years, without the birthday's exact day."""
    return (on - person.birth_on).days * 100 // 36525


Rule = tuple[str, float, Callable[[DemoPerson, int, Members, bool], bool]]
_RULES: tuple[Rule, ...] = (
    ("MEDICAL.MAJOR", 9, lambda p, a, m, u: p.illness in _MAJOR),
    ("MEDICAL.CHILD_LEUKEMIA", 9, lambda p, a, m, u: a < 18 and p.illness == "LEUKAEMIA"),
    ("MEDICAL.CHILD_CHD", 9, lambda p, a, m, u: a < 18 and p.illness == "CONGENITAL_HEART"),
    ("MEDICAL.LONGTERM_DRUG", 6, lambda p, a, m, u: p.illness in _CHRONIC),
    ("EDU.UNIVERSITY_ENTRY", 30, lambda p, a, m, u: p.study == "UNIVERSITY_ENTRY"),
    ("EDU.TERM_SUPPORT", 4, lambda p, a, m, u: bool(p.study) and p.study != "UNIVERSITY_ENTRY"),
    ("EDU.TUTORING", 3, lambda p, a, m, u: p.study in ("PRIMARY", "MIDDLE")),
    ("LIVING.GOODS", 2.0, lambda p, a, m, u: p.relation == "HEAD"),
    ("LIVING.FOOD_PACK", 3.2, lambda p, a, m, u: p.relation == "HEAD"),
    ("LIVING.APPLIANCE", 0.8, lambda p, a, m, u: p.relation == "HEAD"),
    ("CARE.VISIT", 2.5, lambda p, a, m, u: a >= 65 and len(m) == 1),
    ("CARE.HOME_CARE", 2.5, lambda p, a, m, u: a >= 78 or _severe(p)),
    ("CARE.MEAL", 2.0, lambda p, a, m, u: a >= 70),
    ("CARE.RESPITE", 2.0, lambda p, a, m, u: _severe(p) and len(m) > 1),
    ("DISABILITY.AID_DEVICE", 2.5, lambda p, a, m, u: p.disability is not None),
    ("DISABILITY.REHAB", 1.5, lambda p, a, m, u: p.disability is not None),
    ("HOUSING.REPAIR", 0.9, lambda p, a, m, u: p.relation == "HEAD" and not u),
    ("HOUSING.ELDER_ADAPT", 0.9, lambda p, a, m, u: a >= 65),
    ("HOUSING.RENT", 0.6, lambda p, a, m, u: p.relation == "HEAD" and u),
    ("JOB.PLACEMENT", 0.9, lambda p, a, m, u: _able(p, a)),
    ("JOB.TRAINING", 0.9, lambda p, a, m, u: _able(p, a)),
    ("JOB.MICRO_START", 0.5, lambda p, a, m, u: _able(p, a)),
    ("PSY.COUNSEL", 0.6, lambda p, a, m, u: bool(p.illness) or 10 <= a <= 17),
    ("SOCIAL.INCLUSION", 0.6, lambda p, a, m, u: len(m) == 1 or p.disability is not None),
    ("LEGAL.AID", 0.15, lambda p, a, m, u: p.relation == "HEAD"),
    ("CHILD.GUARDIAN", 2.0, lambda p, a, m, u: a < 14 and p.relation == "GRANDCHILD"),
    ("CHILD.WISH", 2.0, lambda p, a, m, u: a < 14),
    ("EMERGENCY.CASH", 0.5, lambda p, a, m, u: p.relation == "HEAD"),
    ("EMERGENCY.SHELTER", 0.08, lambda p, a, m, u: p.relation == "HEAD"),
    ("INSURANCE.CLAIM", 0.8, lambda p, a, m, u: p.illness in _MAJOR),
    ("INSURANCE.PREMIUM", 1.0, lambda p, a, m, u: p.relation == "HEAD"),
)


def _severe(person: DemoPerson) -> bool:
    return person.disability is not None and person.disability[1] <= 2


def _able(person: DemoPerson, years: int) -> bool:
    return 20 <= years <= 55 and not person.illness and not _severe(person) and not person.study


def tags_of(members: Members, *, urban: bool, on: date) -> frozenset[str]:
    """The facts of a household that an offer may ask for."""
    ages = [age(person, on=on) for person in members]
    facts = {
        "child": any(years < 18 for years in ages),
        "elder": any(years >= 60 for years in ages),
        "alone": len(members) == 1,
        "disabled": any(person.disability for person in members),
        "ill": any(person.illness in _MAJOR for person in members),
        "student": any(person.study for person in members),
        "rural": not urban,
        "urban": urban,
    }
    return frozenset(name for name, holds in facts.items() if holds)


def draw_needs(pick: random.Random, *, key: str, members: Members, urban: bool, on: date) -> tuple[DemoNeed, ...]:
    """One to three needs of different kinds."""
    fitting: dict[str, tuple[float, DemoPerson]] = {}
    for person in members:
        years = age(person, on=on)
        for code, weight, fits in _RULES:
            if code not in fitting and fits(person, years, members, urban):
                fitting[code] = (weight, person)
    wanted = min(_COUNT.draw(pick), len(fitting))
    found = []
    for place in range(wanted):
        code = Weighted({code: weight for code, (weight, _) in fitting.items()}).draw(pick)
        _, person = fitting.pop(code)
        found.append(_need(pick, key=f"{key}-N{place + 1}", household_key=key, person=person, code=code, on=on))
    return tuple(found)


def _need(pick: random.Random, *, key: str, household_key: str, person: DemoPerson, code: str, on: date) -> DemoNeed:
    kind = need_kind(code)
    since = on - timedelta(days=pick.randint(1, 60))
    return DemoNeed(
        key=key,
        household_key=household_key,
        member_key=person.key,
        kind=code,
        unit=kind.unit,
        amount=_amount(pick, kind),
        urgency=_URGENCY.draw(pick),
        valid_from=since,
        valid_to=since + timedelta(days=pick.choice((120, 180, 365))),
        referral_reason="STILL_IN_NEED" if pick.random() < 0.7 else "NOT_ELIGIBLE",
        verification_level=_LEVEL.draw(pick),
        government_items=kind.government_first,
    )


def _amount(pick: random.Random, kind: NeedKind) -> int:
    step = _STEP_FEN if kind.is_money else 1
    return between(pick, kind.typical_low, kind.typical_high, step=step)
