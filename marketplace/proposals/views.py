"""The pages of proposals: runs with their results and fairness reports, overrides, what is said between runs,
and what a gift would do."""

from marketplace.proposals import views_gift, views_gift_table, views_overrides, views_quotes, views_report, views_runs
from marketplace.proposals.doors import SENTENCES, bp

__all__ = [
    "SENTENCES",
    "bp",
    "views_gift",
    "views_gift_table",
    "views_overrides",
    "views_quotes",
    "views_report",
    "views_runs",
]
