"""The whole synthetic city by size and seed.

What enters: a size (tiny for tests, small or city), a seed and the day it is made for. What leaves: a `City` of plain
values that is the same for the same seed; only its dates move with the day. Called by `build`, by tests and by benches.
"""

import random
from dataclasses import dataclass
from datetime import date, timedelta

from marketplace.demo import givers
from marketplace.demo.draws import Weighted
from marketplace.demo.hardship import draw_needs, tags_of
from marketplace.demo.people import Registry, draw_members
from marketplace.demo.places import draw_home
from marketplace.demo.values import DemoAid, DemoHousehold, DemoOffer, DemoOrganisation
from marketplace.reference.needs import list_need_kinds


@dataclass(frozen=True, slots=True)
class Size:
    """How big a city is; `needs` None leaves their number to the households; the largest is measured, not played."""

    households: int
    needs: int | None
    organisations: int
    offers: int
    past_aid_share: float
    played: bool = True


SIZES = {
    "tiny": Size(households=200, needs=None, organisations=12, offers=45, past_aid_share=0.15),
    "small": Size(households=2_000, needs=None, organisations=25, offers=120, past_aid_share=0.15),
    "city": Size(households=90_000, needs=100_000, organisations=400, offers=5_000, past_aid_share=0.15, played=False),
}
CATEGORY_SHARES = {
    "ANTI_RELAPSE": 0.04,
    "DIBIAN_MEMBER": 0.07,
    "DISABILITY_SUBSIDY": 0.16,
    "IN_REGISTER": 0.57,
    "TEMP_AID": 0.06,
    "EXITED_2Y": 0.05,
    "REJECTED": 0.03,
    "EIGHTH_UNKNOWN": 0.02,
    "SENIOR_ALLOWANCE": 0.0,  # one person's own, beside the class of its household
    "ORPHAN": 0.0,
}
_CONSENT_SHARE = 0.93
_EXCLUDING_SHARE = 0.03


@dataclass(frozen=True, slots=True)
class City:
    """Everything the demo knows before the first run."""

    size: str
    seed: int
    on: date
    households: tuple[DemoHousehold, ...]
    organisations: tuple[DemoOrganisation, ...]
    offers: tuple[DemoOffer, ...]
    past_aid: tuple[DemoAid, ...]

    @property
    def needs(self) -> int:
        """How many needs the households have together."""
        return sum(len(household.needs) for household in self.households)


def make_city(*, size: str, seed: int, on: date) -> City:
    """The city of this size and seed; a few seconds for the large one."""
    given = givers.organisations(count=SIZES[size].organisations, seed=seed)
    people = households(size=size, seed=seed, on=on, organisations=given)
    posted = givers.offers(people, given, count=SIZES[size].offers, seed=seed, on=on)
    history = past_aid(people, given, size=size, seed=seed, on=on)
    return City(size, seed, on, people, given, posted, history)


def households(
    *, size: str, seed: int, on: date, organisations: tuple[DemoOrganisation, ...]
) -> tuple[DemoHousehold, ...]:
    """Households of the given size, stopping where the wanted number of needs is reached."""
    pick = random.Random(f"{seed}:households")
    registry = Registry()
    wanted = SIZES[size]
    categories = Weighted(CATEGORY_SHARES)
    left = wanted.needs
    found: list[DemoHousehold] = []
    while len(found) < wanted.households and left != 0:
        key = f"H{len(found) + 1:06d}"
        household = _household(pick, key=key, categories=categories, registry=registry, on=on, orgs=organisations)
        if left is not None:
            left -= len(household.needs[:left])
        found.append(household)
    return tuple(found)


def _household(
    pick: random.Random,
    *,
    key: str,
    categories: Weighted[str],
    registry: Registry,
    on: date,
    orgs: tuple[DemoOrganisation, ...],
) -> DemoHousehold:
    home = draw_home(pick, on=on)
    category = categories.draw(pick)
    members = draw_members(pick, key=key, urban=home.urban, category=category, registry=registry, on=on)
    return DemoHousehold(
        key=key,
        district_code=home.district_code,
        street_code=home.street_code,
        address=home.address,
        phone=f"1000{pick.randrange(10**7):07d}",
        category=category,
        urban=home.urban,
        members=members,
        tags=tags_of(members, urban=home.urban, on=on),
        needs=draw_needs(pick, key=key, members=members, urban=home.urban, on=on),
        consents=pick.random() < _CONSENT_SHARE,
        excluded_orgs=(pick.choice(orgs).key,) if pick.random() < _EXCLUDING_SHARE else (),
    )


def past_aid(
    people: tuple[DemoHousehold, ...],
    organisations: tuple[DemoOrganisation, ...],
    *,
    size: str,
    seed: int,
    on: date,
) -> tuple[DemoAid, ...]:
    """What a part of the households had in the last two years; some of it still holds their needs back."""
    pick = random.Random(f"{seed}:past-aid")
    kinds = [kind for kind in list_need_kinds() if kind.cool_off_days]
    found: list[DemoAid] = []
    for household in people:
        if pick.random() >= SIZES[size].past_aid_share:
            continue
        asked = [kind for kind in kinds if any(need.kind == kind.code for need in household.needs)]
        kind = pick.choice(asked) if asked and pick.random() < 0.3 else pick.choice(kinds)
        source = pick.choice(("CHARITY", "CHARITY", "GOVERNMENT", "ENTERPRISE"))
        found.append(
            DemoAid(
                key=f"A{len(found) + 1:06d}",
                household_key=household.key,
                kind=kind.code,
                unit=kind.unit,
                units=kind.typical_low,
                given_on=on - timedelta(days=pick.randint(5, 720)),
                source=source,
                org_key=pick.choice(organisations).key if source != "GOVERNMENT" else "",
            )
        )
    return tuple(found)
