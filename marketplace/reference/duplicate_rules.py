"""The rules against helping twice, as the house begins with them: kind, values, source and the sentence people read.

What enters: a rule's code. What leaves: a frozen `DuplicateRule`. Staff change values of a rule in the ledger room,
dated and by two people; what nobody has changed is as it stands here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from types import MappingProxyType

from marketplace.reference.tables import UnknownCode, codes, rows

REACHES: Mapping[str, str] = MappingProxyType(
    {
        "WATERFALL": "a smaller gap; a ban while a payer has not answered",
        "CAP_100": "a smaller gap, a ban at 100 %",
        "WARN": "nothing: a warning on the page before charity pays",
        "LIFETIME_CAP": "a household cap for the rest, a ban for a used programme, an exclusive group for its offers",
        "MUTEX_UNLESS_RESIDUAL": "a ban, or a smaller gap where papers show a rest",
        "MUTEX_YEAR": "a ban",
        "FLOOR_TOTAL": "a smaller gap, a ban at the floor",
        "COOLDOWN": "a cool-off, and a ban for the less urgent of two like needs",
        "MUTEX_SERVICE": "a smaller gap by the hours that others give",
        "MUTEX": "a ban",
        "ONCE_PER_YEAR": "a ban; for one policy a person, a household cap",
        "CAP": "a smaller gap; a ban where no limit is set",
        "BEST_OF": "a smaller gap, a ban for what adds nothing",
        "MUTEX_EXCEPT": "a ban",
        "FORBID_OFFSET": "nothing: its rows are left out of every other rule",
        "CONFLICT_OF_INTEREST": "a ban",
        "ONE_THING": "a ban until a person has looked, or a smaller gap where papers show a rest",
    }
)
"""Kind ► how a verdict of it reaches the allocator's problem; approval asks every kind again."""


@dataclass(frozen=True, slots=True)
class DuplicateRule:
    """One row of the table as the sources were read on the day `as_of`; `limits` is category ► whole units; `apart` are
    programmes that exclude each other; in the kinds `by_person` (``*``: all) it counts for a person where one is named;
    `alike` are groups of kinds that may be one thing.
    The sentences have places in braces that `ledger.sentences` fills from the rule as it stands."""

    code: str
    zh: str
    en: str
    kind: str
    days: int
    categories: frozenset[str]
    limits: Mapping[str, int]
    programmes: frozenset[str]
    apart: tuple[frozenset[str], ...]
    excepted: frozenset[str]
    per_member: bool
    may_except: bool
    by_person: frozenset[str]
    alike: tuple[frozenset[str], ...]
    source: str
    mark: str
    as_of: date
    sentence_zh: str
    sentence_en: str

    def name(self, *, lang: str = "zh_Hans") -> str:
        """The rule's title."""
        return self.en if lang.startswith("en") else self.zh


@cache
def list_duplicate_rules() -> tuple[DuplicateRule, ...]:
    """All rules in the order of their codes."""
    return tuple(_rule(row) for row in rows("duplicate_rules"))


def duplicate_rule(code: str) -> DuplicateRule:
    """The rule with this code, or UnknownCode."""
    for rule in list_duplicate_rules():
        if rule.code == code:
            return rule
    raise UnknownCode("duplicate_rule", code)


def limits_of(text: str) -> Mapping[str, int]:
    """Category ► limit, written ``A=1;B=2``."""
    pairs = (part.partition("=") for part in codes(text))
    return MappingProxyType({category: int(limit) for category, _sign, limit in pairs})


def _rule(row: Mapping[str, str]) -> DuplicateRule:
    return DuplicateRule(
        code=row["code"],
        zh=row["zh"],
        en=row["en"],
        kind=row["kind"],
        days=int(row["days"] or 0),
        categories=frozenset(codes(row["categories"])),
        limits=limits_of(row["limits"]),
        programmes=frozenset(codes(row["programmes"])),
        apart=_groups(row["apart"]),
        excepted=frozenset(codes(row["excepted"])),
        per_member=row["per_member"] == "1",
        may_except=row["may_except"] == "1",
        by_person=frozenset(codes(row["by_person"])),
        alike=_groups(row["alike"]),
        source=row["source"],
        mark=row["mark"],
        as_of=date.fromisoformat(row["as_of"]),
        sentence_zh=row["sentence_zh"],
        sentence_en=row["sentence_en"],
    )


def _groups(text: str) -> tuple[frozenset[str], ...]:
    """Groups between bars: they exclude each other or, where there is but one, its members do; of kinds that may be one
    thing each is alike within itself."""
    return tuple(frozenset(codes(part)) for part in text.split("|") if part)
