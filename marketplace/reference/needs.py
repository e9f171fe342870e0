"""The kinds of need: unit, typical range, bounds, who may provide, what government comes first.

What enters: a need code such as ``LIVING.FOOD_PACK``. What leaves: a frozen `NeedKind`. Called by imports,
forms, offers, the allocator's wiring (cool-off, one provider) and the demo. Amounts are whole units of the
kind; money is whole fen; an amount is always the total for the need's own period of validity.
"""

from dataclasses import dataclass
from functools import cache

from marketplace.reference.tables import UnknownCode, codes, rows

MONEY = "FEN"
"""The unit of money: one fen; shown to people as yuan."""
CASE_KINDS = ("INSURANCE.PREMIUM", "INSURANCE.CLAIM")
"""What an insurer works on as a case: its answers end the match, no press does."""


@dataclass(frozen=True, slots=True)
class NeedKind:
    """One row of the need taxonomy.

    An amount over `plausible_bound` is held for a person because it is more likely a slip than a need; `cool_off_days`
    is how long the same aid is not given again. A kind has no cap: what limits help is the verified gap, and the rules
    against helping twice where a source names a limit.
    """

    code: str
    zh: str
    en: str
    unit: str
    typical_low: int
    typical_high: int
    plausible_bound: int
    cool_off_days: int
    one_provider: bool
    purpose: str
    provider_kinds: tuple[str, ...]
    duplicate_rules: tuple[str, ...]
    government_first: tuple[str, ...]

    @property
    def group(self) -> str:
        """The family of kinds it belongs to, a code of the table `need_group`."""
        return self.code.partition(".")[0]

    @property
    def is_money(self) -> bool:
        """Whether amounts are fen."""
        return self.unit == MONEY

    def is_plausible(self, amount: int) -> bool:
        """Whether an amount may be taken without a person looking at it."""
        return 0 < amount <= self.plausible_bound

    def name(self, *, lang: str = "zh_Hans") -> str:
        """English for languages that begin with ``en``, Chinese for all others."""
        return self.en if lang.startswith("en") else self.zh


@cache
def _kinds() -> dict[str, NeedKind]:
    return {row["code"]: _kind(dict(row)) for row in rows("needs")}


def _kind(row: dict[str, str]) -> NeedKind:
    return NeedKind(
        code=row["code"],
        zh=row["zh"],
        en=row["en"],
        unit=row["unit"],
        typical_low=int(row["typical_low"]),
        typical_high=int(row["typical_high"]),
        plausible_bound=int(row["plausible_bound"]),
        cool_off_days=int(row["cool_off_days"]),
        one_provider=row["one_provider"] == "1",
        purpose=row["purpose"],
        provider_kinds=codes(row["provider_kinds"]),
        duplicate_rules=codes(row["duplicate_rules"]),
        government_first=codes(row["government_first"]),
    )


def need_kind(code: str) -> NeedKind:
    """The kind with this code, or UnknownCode."""
    kind = _kinds().get(code)
    if kind is None:
        raise UnknownCode("need", code)
    return kind


def list_need_kinds() -> tuple[NeedKind, ...]:
    """All kinds in the order of the taxonomy."""
    return tuple(_kinds().values())


RECKONED_FEN = {
    MONEY: 1,
    "PACK": 10_000,
    "ITEM": 50_000,
    "HOUR": 4_000,
    "VISIT": 5_000,
    "MEAL": 1_500,
    "DAY": 15_000,
    "NIGHT": 15_000,
    "SESSION": 10_000,
    "ACTIVITY": 5_000,
    "COURSE": 100_000,
    "MONTH": 50_000,
    "CASE": 200_000,
    "JOB": 100_000,
    "CLAIM": 20_000,
    "POLICY": 17_000,
}
"""What one unit is reckoned to be worth, in fen: our own proposal, used only to ask for a second approver."""


def reckoned_value(unit: str) -> int:
    """The worth of one unit in fen for the second approver's limit; an unknown unit counts as an item."""
    return RECKONED_FEN.get(unit, RECKONED_FEN["ITEM"])
