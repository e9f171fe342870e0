"""What the demo city is made of: plain frozen values, independent of the database.

What enters and leaves: these values, made by the other modules of the demo and read by `build`. Keys are short and
stable by seed; dates are relative to the day the city was made for.
"""

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class DemoPerson:
    """One synthetic person. `disability` is (kind, grade), `illness` a diagnosis group, `study` a school level."""

    key: str
    name: str
    sex: str
    birth_on: date
    id_number: str
    relation: str
    disability: tuple[str, int] | None = None
    illness: str = ""
    study: str = ""


@dataclass(frozen=True, slots=True)
class DemoNeed:
    """One need of a household; `member_key` is the person it is about."""

    key: str
    household_key: str
    member_key: str
    kind: str
    unit: str
    amount: int
    urgency: int
    valid_from: date
    valid_to: date
    referral_reason: str
    verification_level: int
    government_items: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DemoHousehold:
    """One household with its members and needs. `consents` says whether it lets its base card be matched."""

    key: str
    district_code: str
    street_code: str
    address: str
    phone: str
    category: str
    urban: bool
    members: tuple[DemoPerson, ...]
    tags: frozenset[str]
    needs: tuple[DemoNeed, ...]
    consents: bool
    excluded_orgs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DemoOrganisation:
    """One charity, foundation, insurer or other giver."""

    key: str
    uscc: str
    zh: str
    en: str
    kind: str
    related_persons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DemoOffer:
    """One posted resource. Empty `districts` is the whole city; `standing` is a yes to every match within its terms."""

    key: str
    org_key: str
    kind: str
    unit: str
    stock: int
    lot: int
    min_per_need: int
    max_per_need: int
    max_per_household: int | None
    districts: tuple[str, ...]
    tags_any: tuple[str, ...]
    min_urgency: int
    valid_from: date
    valid_to: date
    unit_cost: int
    standing: bool
    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class DemoAid:
    """Aid a household had before this day; it starts the cool-off of its kind."""

    key: str
    household_key: str
    kind: str
    unit: str
    units: int
    given_on: date
    source: str
    org_key: str
