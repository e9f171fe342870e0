"""Registered by `marketplace.app`: signing in by telephone, and the pairs that may be one person, on one blueprint."""

from marketplace.households import views_enter, views_suspicions
from marketplace.households.doors import SENTENCES, bp

__all__ = ["SENTENCES", "bp", "views_enter", "views_suspicions"]
