"""Registered by `marketplace.app`: signing in by telephone, the register's search, pairs that may be one person."""

from marketplace.households import views_enter, views_register, views_suspicions, views_wechat
from marketplace.households.doors import SENTENCES, bp

__all__ = ["SENTENCES", "bp", "views_enter", "views_register", "views_suspicions", "views_wechat"]
