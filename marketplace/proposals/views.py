"""The pages of proposals, on one blueprint: runs with their results, overrides, and what is said between runs."""

from marketplace.proposals import views_overrides, views_quotes, views_runs
from marketplace.proposals.doors import SENTENCES, bp

__all__ = ["SENTENCES", "bp", "views_overrides", "views_quotes", "views_runs"]
