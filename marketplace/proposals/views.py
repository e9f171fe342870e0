"""The pages of proposals, on one blueprint: runs with their results."""

from marketplace.proposals import views_runs
from marketplace.proposals.doors import SENTENCES, bp

__all__ = ["SENTENCES", "bp", "views_runs"]
