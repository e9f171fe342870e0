"""The words of the allocator: needs, resources, rules.

What enters: plain ids and whole numbers, from a problem folder (`matching.folder`) or from a caller's own code.
What leaves: frozen values, checked when they are built. Everything else in `matching` is written in these words.
Money is whole fen, dates are `datetime.date`, periods are half-open ``[valid_from, valid_to)``, ``None`` is "always"
for a date and "no limit" for a maximum. No value here can hold a name, an address or any other personal field.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

LARGEST = 10**12
"""The largest amount a problem may name (units or fen)."""
FAR = 2**61
"""A limit that nobody set, in 64 bits: more than any amount, and two of them still add up."""

URGENCIES = (3, 2, 1, 0)
"""All urgencies, the most urgent first."""

Cell = tuple[int, int]
"""(urgency, level): the place in the policy's order that one unit of aid fills. Levels count from 1."""

Pair = tuple[str, str]
"""(need_id, resource_id)."""


def whole(name: str, value: int, *, least: int = 0, most: int = LARGEST) -> int:
    """Return `value` if it is a whole number in ``[least, most]``.

    Raises
    ------
    ValueError
        With a sentence that names the field, the value and the permitted range.

    Examples
    --------
    >>> whole("stock", 3)
    3
    >>> whole("stock", -1)
    Traceback (most recent call last):
    ValueError: stock is -1: write a whole number from 0 to 1000000000000
    """
    if type(value) is int and least <= value <= most:
        return value
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise ValueError(f"{name} is {value!r}: write a whole number from {least} to {most}")
    return value


def _period(valid_from: date | None, valid_to: date | None) -> None:
    if valid_from is not None and valid_to is not None and valid_to <= valid_from:
        raise ValueError(f"valid_to {valid_to} is not after valid_from {valid_from}: swap or correct the dates")


@dataclass(frozen=True, slots=True)
class Need:
    """One verified need: `gap` units of one category for one household, urgency 0 (low) to 3 (most urgent).

    `consented` is the set of organisations the household lets see its base card; ``frozenset({"*"})`` is any
    organisation, the empty set nobody.
    """

    need_id: str
    household_id: str
    district: str
    category: str
    unit: str
    gap: int
    urgency: int
    valid_from: date | None = None
    valid_to: date | None = None
    one_provider: bool = False
    all_or_nothing: bool = False
    consented: frozenset[str] = frozenset()
    tags: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        whole("gap", self.gap)
        whole("urgency", self.urgency, most=3)
        _period(self.valid_from, self.valid_to)


@dataclass(frozen=True, slots=True)
class Resource:
    """One posted resource: `stock` units of one category, with the giver's terms.

    `districts` holds district codes or ``"*"``; `unit_cost` is the cost of delivering one unit (any one scale);
    `min_per_need` counts only where a need gets anything at all; every amount given is a multiple of `lot`.
    """

    resource_id: str
    org_id: str
    category: str
    unit: str
    stock: int
    lot: int = 1
    min_per_need: int = 1
    max_per_need: int | None = None
    max_per_household: int | None = None
    districts: frozenset[str] = frozenset({"*"})
    tags_any: frozenset[str] = frozenset()
    tags_all: frozenset[str] = frozenset()
    tags_none: frozenset[str] = frozenset()
    min_urgency: int = 0
    valid_from: date | None = None
    valid_to: date | None = None
    exclusive_group: str | None = None
    earmark: str | None = None
    unit_cost: int = 0

    def __post_init__(self) -> None:
        whole("stock", self.stock)
        whole("lot", self.lot, least=1)
        whole("min_per_need", self.min_per_need)
        for name in ("max_per_need", "max_per_household"):
            limit = getattr(self, name)
            if limit is not None:
                whole(name, limit)
        whole("min_urgency", self.min_urgency, most=3)
        whole("unit_cost", self.unit_cost)
        _period(self.valid_from, self.valid_to)


@dataclass(frozen=True, slots=True)
class Earmark:
    """A budget node: all resources under it, and under its descendants, together give at most `budget` units."""

    earmark: str
    parent: str | None
    budget: int

    def __post_init__(self) -> None:
        whole("budget", self.budget)


@dataclass(frozen=True, slots=True)
class Cap:
    """A household may get at most `max_units` over all `categories` in this run; ``"*"`` is every household."""

    cap_id: str
    categories: frozenset[str]
    max_units: int
    household_id: str = "*"

    def __post_init__(self) -> None:
        whole("max_units", self.max_units)


@dataclass(frozen=True, slots=True)
class PastAid:
    """Aid that a household already has: `state` is delivered, approved or reserved.

    With a `need_id` it lowers that need's open gap; every row counts for cool-off.
    """

    household_id: str
    category: str
    units: int
    given_on: date
    state: str
    need_id: str | None = None

    def __post_init__(self) -> None:
        whole("units", self.units)
        if self.state not in ("delivered", "approved", "reserved"):
            raise ValueError(f"state is {self.state!r}: write delivered, approved or reserved")


@dataclass(frozen=True, slots=True)
class CoolOff:
    """A household that received `category` within `days` before the run's date waits."""

    category: str
    days: int

    def __post_init__(self) -> None:
        whole("days", self.days, most=36_600)


@dataclass(frozen=True, slots=True)
class Pin:
    """A person's decision: this need gets at least `units` from this resource."""

    need_id: str
    resource_id: str
    units: int

    def __post_init__(self) -> None:
        whole("units", self.units, least=1)


@dataclass(frozen=True, slots=True)
class Ban:
    """A person's or a rule's refusal of a pair; ``"*"`` on one side bans all. Empty `code`: banned by staff."""

    need_id: str
    resource_id: str
    code: str = ""


@dataclass(frozen=True, slots=True)
class Announced:
    """A link that was promised before; taking units away from it is counted as broken."""

    need_id: str
    resource_id: str
    units: int

    def __post_init__(self) -> None:
        whole("units", self.units)


@dataclass(frozen=True, slots=True)
class Candidate:
    """An explicit pair (`pairs.csv`) with its own cost, value and units used; ``None`` takes the default."""

    need_id: str
    resource_id: str
    cost: int | None = None
    value: int = 0
    units_used: int | None = None

    def __post_init__(self) -> None:
        for name in ("cost", "units_used"):
            amount = getattr(self, name)
            if amount is not None:
                whole(name, amount)
        whole("value", self.value)


def urgency_first(levels: int) -> tuple[Cell, ...]:
    """All cells of urgency 3, then 2, 1, 0; levels ascending.

    >>> urgency_first(2)[:3]
    ((3, 1), (3, 2), (2, 1))
    """
    return tuple((u, k) for u in URGENCIES for k in range(1, levels + 1))


def levels_first(levels: int) -> tuple[Cell, ...]:
    """Level 1 of urgency 3, 2, 1, 0, then level 2, and so on.

    >>> levels_first(2)[:5]
    ((3, 1), (2, 1), (1, 1), (0, 1), (3, 2))
    """
    return tuple((u, k) for k in range(1, levels + 1) for u in URGENCIES)


@dataclass(frozen=True, slots=True)
class Policy:
    """What a council has approved: the date, the order of the cells, the objective and the tie-break salt.

    `order` is a tuple of cells; each of the 4·levels cells exactly once, levels ascending within an urgency.
    """

    as_of: date
    levels: int = 10
    order: tuple[Cell, ...] = ()
    objective: str = "coverage"
    salt: str = "shanqiao"
    budget_s: float = 60.0

    def __post_init__(self) -> None:
        whole("levels", self.levels, least=1, most=100)
        if not self.order:
            object.__setattr__(self, "order", urgency_first(self.levels))
        if sorted(self.order) != sorted(urgency_first(self.levels)):
            raise ValueError(f"order must name each of the {4 * self.levels} (urgency, level) cells exactly once")
        for urgency in URGENCIES:
            ranks = [k for u, k in self.order if u == urgency]
            if ranks != sorted(ranks):
                raise ValueError(f"order must name the levels of urgency {urgency} in ascending order")
        if self.objective not in ("coverage", "value"):
            raise ValueError(f"objective is {self.objective!r}: write coverage or value")
        if not self.budget_s > 0:
            raise ValueError(f"budget_s is {self.budget_s!r}: write a number of seconds above 0")

    def ranks(self) -> dict[Cell, int]:
        """Rank of each cell: the first cell of the order has rank K = 4·levels, the last rank 1."""
        return {cell: len(self.order) - place for place, cell in enumerate(self.order)}


@dataclass(frozen=True, slots=True)
class Problem:
    """Everything one run knows. Rows may come in any order; the result does not depend on it."""

    policy: Policy
    needs: tuple[Need, ...]
    resources: tuple[Resource, ...]
    earmarks: tuple[Earmark, ...] = ()
    caps: tuple[Cap, ...] = ()
    ledger: tuple[PastAid, ...] = ()
    cooloffs: tuple[CoolOff, ...] = ()
    pins: tuple[Pin, ...] = ()
    bans: tuple[Ban, ...] = ()
    announced: tuple[Announced, ...] = ()
    pairs: tuple[Candidate, ...] | None = None
