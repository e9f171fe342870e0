"""The pages of proposals, on one blueprint: runs with their results and fairness reports."""

from marketplace.proposals import views_report, views_runs
from marketplace.proposals.doors import SENTENCES, bp

__all__ = ["SENTENCES", "bp", "views_report", "views_runs"]
