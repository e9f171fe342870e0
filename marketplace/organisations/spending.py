"""What a foundation that may raise funds in public must spend at least in a year, and at most on itself (R1.26).

Enters: a foundation and the income that it has told, of last year or the mean of its last three years. Leaves: the
least that it spends on its purpose this year, the most that its management may cost beside just that, and whether the
budget it has set itself here lies below; nothing for another giver, or where the income told is of an older year. A
hint for a realistic budget: what it spends elsewhere counts as well, so nothing is refused. Called by the page.
"""

from __future__ import annotations

from dataclasses import dataclass

from marketplace.organisations.models import Organisation, OrganisationKind

LEAST_PERCENT = 70
"""Of last year's income, or of the mean of three years (Charity Law, article 61)."""
MANAGEMENT_PERCENT = 10
"""Of all that is spent in the year, at most."""


@dataclass(frozen=True, slots=True)
class Spending:
    """In whole fen; `below`: the budget set here is less than the least."""

    least_fen: int
    management_fen: int
    below: bool


def spending_of(organisation: Organisation, /, *, year: int) -> Spending | None:
    """What the income of the year before asks of this year.

    >>> one = Organisation(id="f", name="", kind=OrganisationKind.FOUNDATION, credit_code="", income_fen=1_000_001,
    ...     income_year=2025, yearly_budget_fen=500_000)
    >>> spending_of(one, year=2026)
    Spending(least_fen=700001, management_fen=77777, below=True)
    """
    if organisation.kind is not OrganisationKind.FOUNDATION or organisation.income_fen is None:
        return None
    if organisation.income_year != year - 1:
        return None
    least = -(-organisation.income_fen * LEAST_PERCENT // 100)
    budget = organisation.yearly_budget_fen
    management = least * MANAGEMENT_PERCENT // (100 - MANAGEMENT_PERCENT)
    return Spending(least, management, budget is not None and budget < least)
