"""Registered by `marketplace.app`: alerts, feeds and rules, on one blueprint."""

from marketplace.signals import views_alerts, views_declare, views_feeds, views_looks, views_rules
from marketplace.signals.doors import SENTENCES, bp

__all__ = ["SENTENCES", "bp", "views_alerts", "views_declare", "views_feeds", "views_looks", "views_rules"]
