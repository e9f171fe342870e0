"""The pages of proposals, on one blueprint: runs with their results, and overrides."""

from marketplace.proposals import views_overrides, views_runs
from marketplace.proposals.doors import SENTENCES, bp

__all__ = ["SENTENCES", "bp", "views_overrides", "views_runs"]
