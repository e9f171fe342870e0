"""Registered by `marketplace.app`: signing in by telephone, the search, pairs of records, lists that leave."""

from marketplace.households import views_enter, views_exports, views_register, views_suspicions, views_wechat
from marketplace.households.doors import SENTENCES, bp

__all__ = ["SENTENCES", "bp", "views_enter", "views_exports", "views_register", "views_suspicions", "views_wechat"]
