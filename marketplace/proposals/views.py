"""The pages of proposals: runs with their results and fairness reports, overrides, and what is said between runs."""

from marketplace.proposals import views_overrides, views_quotes, views_report, views_runs
from marketplace.proposals.doors import SENTENCES, bp

__all__ = ["SENTENCES", "bp", "views_overrides", "views_quotes", "views_report", "views_runs"]
