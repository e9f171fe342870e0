"""The givers of the demo city and what they post.

What enters: a seed, the households (whose total need bounds the supply) and the day. What leaves: organisations with
valid synthetic credit codes, and offers with stock, terms, districts and windows. For every kind of need the supply is
between a third and two thirds of the need.
"""

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from marketplace.demo.draws import Weighted
from marketplace.demo.places import POPULATION
from marketplace.demo.values import DemoHousehold, DemoOffer, DemoOrganisation
from marketplace.reference.needs import NeedKind, list_need_kinds, need_kind
from marketplace.reference.organisation_number import make_uscc

_USCC = {
    "foundation": "53",
    "charity": "51",
    "volunteers": "51",
    "social_work": "52",
    "legal_aid": "12",
}
_ENDINGS = {
    "charity": ("慈善会", "Charity Society"),
    "foundation": ("公益基金会", "Foundation"),
    "trust": ("慈善信托", "Charitable Trust"),
    "enterprise": ("爱心企业", "Enterprise"),
    "volunteers": ("志愿服务队", "Volunteer Group"),
    "social_work": ("社会工作服务中心", "Social Work Centre"),
    "legal_aid": ("法律援助中心", "Legal Aid Centre"),
    "insurer": ("普惠保险", "Insurance"),
}
_MIX = Weighted(
    {
        "charity": 0.28,
        "foundation": 0.16,
        "enterprise": 0.20,
        "social_work": 0.16,
        "volunteers": 0.12,
        "insurer": 0.04,
        "trust": 0.03,
        "legal_aid": 0.01,
    }
)
_FIRST = (
    ("山城", "Mountain City"),
    ("两江", "Two Rivers"),
    ("渝心", "Yu Heart"),
    ("暖冬", "Warm Winter"),
    ("春晖", "Spring Light"),
    ("黄桷", "Fig Tree"),
    ("江风", "River Wind"),
    ("同舟", "Same Boat"),
    ("晨光", "Morning Light"),
    ("众善", "Many Hands"),
    ("南山", "South Hill"),
    ("巴渝", "Bayu"),
    ("安康", "Good Health"),
    ("青禾", "Green Rice"),
)
_SECOND = (
    ("仁", "Ren"),
    ("和", "He"),
    ("信", "Xin"),
    ("嘉", "Jia"),
    ("明", "Ming"),
    ("远", "Yuan"),
    ("宁", "Ning"),
    ("德", "De"),
    ("悦", "Yue"),
    ("诚", "Cheng"),
    ("福", "Fu"),
    ("泽", "Ze"),
)
_FIRST_KINDS = tuple(_ENDINGS)
_CITY_WIDE = {False: 0.45, True: 0.05}
_DISTRICTS = {False: (4, 12), True: (1, 3)}
_TAG_SHARE = 0.25
_TAGS_BY_GROUP = {
    "MEDICAL": ("ill", "child", "elder"),
    "EDU": ("student", "rural"),
    "CARE": ("elder", "alone", "disabled"),
    "LIVING": ("elder", "child", "disabled", "rural"),
    "HOUSING": ("rural", "urban", "elder"),
}
_COST_FEN = {
    "PACK": (500, 1500),
    "ITEM": (300, 2500),
    "MEAL": (100, 400),
    "VISIT": (500, 2000),
    "HOUR": (200, 900),
    "POLICY": (6_900, 16_900),
}


def organisations(*, count: int, seed: int) -> tuple[DemoOrganisation, ...]:
    """`count` givers; the first eight are one of each kind, so that every kind of need has somebody."""
    pick = random.Random(f"{seed}:organisations")
    found = []
    for place in range(count):
        kind = _FIRST_KINDS[place] if place < len(_FIRST_KINDS) else _MIX.draw(pick)
        first, second = _FIRST[place % len(_FIRST)], _SECOND[place // len(_FIRST) % len(_SECOND)]
        number = place // (len(_FIRST) * len(_SECOND))
        ending = _ENDINGS[kind]
        tail = str(number + 1) if number else ""
        found.append(
            DemoOrganisation(
                key=f"O{place + 1:04d}",
                uscc=make_uscc(seed * 100_003 + place, kind=_USCC.get(kind, "91")),
                zh=f"{first[0]}{second[0]}{ending[0]}{tail}（演示）",
                en=f"{first[1]} {second[1]} {ending[1]} {tail}".strip() + " (demo)",
                kind=kind,
            )
        )
    return tuple(found)


@dataclass(frozen=True, slots=True)
class _Terms:
    """What one kind of need can be given, and by whom."""

    kind: NeedKind
    supply: int
    givers: tuple[DemoOrganisation, ...]


def offers(
    households: Sequence[DemoHousehold],
    organisations: Sequence[DemoOrganisation],
    *,
    count: int,
    seed: int,
    on: date,
) -> tuple[DemoOffer, ...]:
    """`count` offers, shared out over the kinds by how many households need them."""
    pick = random.Random(f"{seed}:offers")
    demand: Counter[str] = Counter()
    asked: Counter[str] = Counter()
    for household in households:
        for need in household.needs:
            demand[need.kind] += need.amount
            asked[need.kind] += 1
    found: list[DemoOffer] = []
    for code, number in _numbers(asked, count=count).items():
        kind = need_kind(code)
        givers = tuple(giver for giver in organisations if giver.kind in kind.provider_kinds)
        supply = int(demand[code] * pick.uniform(0.34, 0.64))
        terms = _Terms(kind, supply, givers)
        for stock in _shares(pick, terms, number=number):
            key = f"R{len(found) + 1:05d}"
            found.append(_offer(pick, key=key, terms=terms, stock=stock, large=count > 1000, on=on))
    return tuple(found)


def _numbers(asked: Counter[str], *, count: int) -> dict[str, int]:
    """How many offers each kind gets: at least one, the rest by need, `count` together."""
    codes = [kind.code for kind in list_need_kinds() if asked[kind.code]]
    total = sum(asked[code] for code in codes)
    spare = count - len(codes)
    numbers = {code: 1 + spare * asked[code] // total for code in codes}
    by_need = sorted(codes, key=lambda code: (-asked[code], code))
    for code in by_need[: count - sum(numbers.values())]:
        numbers[code] += 1
    return numbers


def _shares(pick: random.Random, terms: _Terms, *, number: int) -> list[int]:
    """`number` stocks that add up to at most the supply; money in whole hundreds of yuan, for wishes in tens."""
    step = 1 if not terms.kind.is_money else 10_000 if terms.kind.typical_high > 100_000 else 1_000
    weights = [pick.lognormvariate(0, 0.6) for _ in range(number)]
    total = sum(weights)
    return [max(step, int(terms.supply * weight / total) // step * step) for weight in weights]


def _offer(pick: random.Random, *, key: str, terms: _Terms, stock: int, large: bool, on: date) -> DemoOffer:
    kind = terms.kind
    giver = pick.choice(terms.givers)
    since = on - timedelta(days=pick.randint(1, 30))
    served = () if pick.random() < _CITY_WIDE[large] else _districts(pick, large=large)
    tags = _TAGS_BY_GROUP.get(kind.group, ())
    cost = _COST_FEN.get(kind.unit)
    return DemoOffer(
        key=key,
        org_key=giver.key,
        kind=kind.code,
        unit=kind.unit,
        stock=stock,
        lot=1,
        min_per_need=1,
        max_per_need=kind.typical_high if pick.random() < 0.7 else max(kind.typical_low, kind.typical_high // 2),
        max_per_household=kind.typical_high if pick.random() < 0.3 else None,
        districts=served,
        tags_any=(pick.choice(tags),) if tags and pick.random() < _TAG_SHARE else (),
        min_urgency=pick.choice((1, 2)) if pick.random() < 0.15 else 0,
        valid_from=since,
        valid_to=on + timedelta(days=pick.choice((60, 120, 180))),
        unit_cost=pick.randint(*cost) if cost else 0,
        standing=pick.random() < 0.55,
        zh=f"{giver.zh.removesuffix('（演示）')}·{kind.zh}",
        en=f"{giver.en.removesuffix(' (demo)')}: {kind.en}",
    )


def _districts(pick: random.Random, *, large: bool) -> tuple[str, ...]:
    low, high = _DISTRICTS[large]
    return tuple(sorted(pick.sample(sorted(POPULATION), pick.randint(low, high))))
