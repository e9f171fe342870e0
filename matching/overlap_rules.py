"""The rules against helping twice, as plain values: what a rule says, what was given, what is asked, what follows.

What enters: nothing. What leaves: the frozen words `Rule`, `Given`, `Bill`, `Asked`, `Finding`, `Verdict` that
`matching.overlap_judge` works with. Amounts are whole units of the category, money whole fen; no value here names
anybody. Written by the ledger room from its dated table of rules, and by anybody with data of one's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

CHARITY = "CHARITY"
"""The payer that comes last."""
PAPERS = "PAPERS"
"""What a promise waits for where nobody has written down a cost yet."""
PAYERS = (
    "THIRD_PARTY_COMPENSATION",
    "BASIC_INSURANCE",
    "SERIOUS_ILLNESS_INSURANCE",
    "COMMERCIAL_SUPPLEMENT",
    "MEDICAL_ASSISTANCE",
    "TEMPORARY_AID",
    CHARITY,
)
"""The order in which a documented cost is paid."""
RURAL = "*RURAL"
"""The limit for households in the country, where a rule tells town and country apart."""
KINDS = (
    "WATERFALL",
    "CAP_100",
    "WARN",
    "LIFETIME_CAP",
    "MUTEX_UNLESS_RESIDUAL",
    "MUTEX_YEAR",
    "FLOOR_TOTAL",
    "COOLDOWN",
    "MUTEX_SERVICE",
    "MUTEX",
    "ONCE_PER_YEAR",
    "CAP",
    "BEST_OF",
    "MUTEX_EXCEPT",
    "FORBID_OFFSET",
    "CONFLICT_OF_INTEREST",
    "ONE_THING",
)


ILLNESS, SCHOOLING = "ILLNESS", "SCHOOLING"
"""The event whose number is a group with kinds below it; and the one that a floor for students looks at."""
MEDICAL, CASH = "MEDICAL.", "EMERGENCY.CASH"
"""The kinds of a cost of illness, all in money; and the kind under which money for an illness may stand besides."""
ONE_EVENT = (frozenset({"FLOOD", "STORM", "LANDSLIDE"}), frozenset({"EARTHQUAKE", "LANDSLIDE"}))
"""Words that people use for one event: rain brings the river and the slope down, and so does a quake. Told for one
place and about one day, two of a group may be the same. Our own design: sources name none."""
NEAR_DAYS = 7
"""So far apart two people may put the day of one event: our own value."""


def may_be_one(one: str, other: str, /) -> bool:
    """Whether two causes, ``CODE:NUMBER`` or ``CODE:DAY/PLACE``, may be one event. What either leaves open may be
    anything, so an unknown cause counts until somebody says otherwise; two words for one event (`ONE_EVENT`) are one
    where day and place agree. An illness may be told more or less closely, so
    a number that begins the other may be the same; pupils and files have whole numbers.

    >>> may_be_one("FLOOD:2026-08-12/500109", "FLOOD:2026-08-14/500109"), may_be_one("ILLNESS:C50", "ILLNESS:C34")
    (True, False)
    """
    (code, _, told), (other_code, _, other_told) = one.partition(":"), other.partition(":")
    if not code or not other_code:
        return True
    (first, _, place), (second, _, other_place) = told.partition("/"), other_told.partition("/")
    near = not first or not second or first == second or _near(first, second)
    if code == ILLNESS:
        near = near or first.startswith(second) or second.startswith(first)
    one_code = code == other_code or any({code, other_code} <= group for group in ONE_EVENT)
    return one_code and near and (not place or not other_place or place == other_place)


def one_illness(row: Given, /, *, category: str, cause: str) -> bool:
    """Whether aid under another kind than that of a need may be for its illness. Payers before charity do not tell the
    kinds of illness apart; charity is believed to, unless both name an illness that may be the same one."""
    if not (_of_illness(row.category, row.cause) and _of_illness(category, cause) and may_be_one(row.cause, cause)):
        return False
    return row.payer != CHARITY or (row.cause.startswith(ILLNESS) and cause.startswith(ILLNESS))


def _of_illness(category: str, cause: str) -> bool:
    return category.startswith(MEDICAL) or (category == CASH and cause.startswith(ILLNESS))


def for_school(row: Given, /) -> bool:
    """What a payer before charity gave for school, under whatever kind."""
    return row.payer != CHARITY and row.cause.partition(":")[0] == SCHOOLING


def _near(one: str, other: str) -> bool:
    try:
        return abs((date.fromisoformat(one) - date.fromisoformat(other)).days) <= NEAR_DAYS
    except ValueError:
        return False


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule as it stands on one day in one district.

    It looks at aid of its `categories` (a programme rule, whose set is empty, at aid of its `programmes`). `limits`
    is category ► units, with ``"*"`` for all others; `apart` names programmes that exclude each other. `by_person` are
    the categories (``"*"`` for all) in which the rule counts for a person: aid that names another one is not there.
    `alike` are groups of categories under which people may write one thing.
    """

    code: str
    kind: str
    categories: frozenset[str] = frozenset()
    days: int = 0
    limits: Mapping[str, int] = field(default_factory=dict)
    order: tuple[str, ...] = PAYERS
    programmes: frozenset[str] = frozenset()
    apart: tuple[frozenset[str], ...] = ()
    excepted: frozenset[str] = frozenset()
    per_member: bool = False
    may_except: bool = False
    by_person: frozenset[str] = frozenset()
    alike: tuple[frozenset[str], ...] = ()

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"{self.code}: {self.kind!r} is no kind of rule: write one of {', '.join(KINDS)}")
        if self.kind == "COOLDOWN" and self.days < 1:
            raise ValueError(f"{self.code}: a cool-off needs days, at least 1")
        if any(limit < 0 for limit in self.limits.values()):
            raise ValueError(f"{self.code}: a limit is never below 0")

    def of_person(self, category: str, /) -> bool:
        """Whether the rule counts for a person, where aid of the category names one, and not for the household."""
        return not self.by_person.isdisjoint((category, "*"))

    def limit(self, category: str, *, rural: bool = False) -> int | None:
        """The rule's limit for a category; None where it names none. The country may have one of its own."""
        usual = self.limits.get("*")
        return self.limits.get(category, self.limits.get(RURAL, usual) if rural else usual)


@dataclass(frozen=True, slots=True)
class Given:
    """Live aid that a household has or is promised, from any giver. Empty texts are unknown: aid that names no
    `person` may be anybody's. `project` is a charity's programme, `programme` the government's. What the person had in
    another household before has `moved`: rules that count for the household do not hear of it."""

    household_id: str
    category: str
    units: int
    given_on: date
    giver: str = ""
    payer: str = CHARITY
    programme: str = ""
    cause: str = ""
    need_id: str = ""
    ref: str = ""
    person: str = ""
    project: str = ""
    moved: bool = False


@dataclass(frozen=True, slots=True)
class Bill:
    """A documented cost and what the payers before charity said: `paid`, `expected` (cover found, not yet claimed)
    and `waiting` (nobody has answered yet)."""

    cost: int
    paid: Mapping[str, int] = field(default_factory=dict)
    expected: Mapping[str, int] = field(default_factory=dict)
    waiting: frozenset[str] = frozenset()
    needs: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Asked:
    """Aid that somebody wants to give: `units` of `open_units` that a verified need still lacks.

    `apart` are (rule, row) pairs that a person looked at and called no duplicate: to that rule the row is not there.
    `documented`: charity promises nothing before papers show the cost. `person` is whom the aid is for, `others` are
    those of the household who are known to be somebody else; where nobody is named there are none. `papered` are the
    household's needs that have papers of their own.
    """

    household_id: str
    category: str
    units: int
    on: date
    open_units: int = 0
    giver: str = ""
    payer: str = CHARITY
    programme: str = ""
    cause: str = ""
    need_id: str = ""
    starts_on: date | None = None
    ends_on: date | None = None
    members: int = 1
    related: bool = False
    rural: bool = False
    statuses: frozenset[str] = frozenset()
    excepted: frozenset[str] = frozenset()
    apart: frozenset[tuple[str, str]] = frozenset()
    documented: bool = False
    bill: Bill | None = None
    person: str = ""
    others: frozenset[str] = frozenset()
    project: str = ""
    papered: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Finding:
    """What one rule allows: at most `allowed` units; `until` for a rule that ends; `because` are the rows behind it. A
    finding that `warns` limits nothing; `amount` is then what is at stake; `waits` names payers not heard yet."""

    code: str
    kind: str
    allowed: int
    because: tuple[Given, ...] = ()
    until: date | None = None
    warns: bool = False
    amount: int = 0
    waits: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """All that binds, the tightest first, and what is left of what was asked."""

    allowed: int
    findings: tuple[Finding, ...] = ()
    warnings: tuple[Finding, ...] = ()

    @property
    def code(self) -> str:
        """The rule that allows least; empty where nothing binds."""
        return self.findings[0].code if self.findings else ""
