"""How often somebody who draws a running benefit is seen, as dated data.

What enters: a kind of benefit and a day. What leaves: the rule in force. No rule of the state or of the city that could
be read gives an interval, so every value is this product's own proposal (mark D); an operator replaces the rows.
Called by liveness.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from functools import cache

from marketplace.reference.tables import UnknownCode, day, in_force, rows


@dataclass(frozen=True, slots=True)
class SurvivalRule:
    """Seen again every so many months; asked so many days before."""

    kind: str
    valid_from: date | None
    valid_to: date | None
    months: int
    ask_days: int

    def holds(self, on: date, /) -> bool:
        """Whether the rule is in force on this day."""
        return in_force(self.valid_from, self.valid_to, on=on)

    def after(self, on: date, /) -> date:
        """The same day so many months later; the last of a shorter month.

        >>> survival_rule("TEKUN", date(2026, 11, 30)).after(date(2026, 11, 30))
        datetime.date(2027, 2, 28)
        """
        year, month = divmod(on.month - 1 + self.months, 12)
        first = date(on.year + year, month + 1, 1)
        following = date(first.year + first.month // 12, first.month % 12 + 1, 1)
        return first.replace(day=min(on.day, (following - first).days))

    def next_after(self, since: date, /, *, today: date) -> date:
        """The first day after today in the row that begins at `since`.

        >>> survival_rule("DIBAO", date(2026, 11, 23)).next_after(date(2019, 5, 1), today=date(2026, 11, 23))
        datetime.date(2027, 5, 1)
        """
        gone = max(0, (today.year - since.year) * 12 + today.month - since.month) // self.months
        found = replace(self, months=gone * self.months).after(since) if gone else since
        return found if found > today else self.after(found)


@cache
def _rules() -> tuple[SurvivalRule, ...]:
    return tuple(
        SurvivalRule(
            row["kind"],
            day(row["valid_from"]),
            day(row["valid_to"]),
            int(row["months"]),
            int(row["ask_days"]),
        )
        for row in rows("survival")
    )


def survival_rule(kind: str, on: date, /) -> SurvivalRule:
    """The rule for this kind of benefit on this day; UnknownCode where there is none."""
    found = [rule for rule in _rules() if rule.kind == kind and rule.holds(on)]
    if not found:
        raise UnknownCode("survival", kind)
    return found[-1]
