"""The pages of proposals, on one blueprint: runs with their results, and what can be said between two runs."""

from marketplace.proposals import views_quotes, views_runs
from marketplace.proposals.doors import SENTENCES, bp

__all__ = ["SENTENCES", "bp", "views_quotes", "views_runs"]
