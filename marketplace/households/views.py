"""Registered by `marketplace.app`: signing in by telephone, the search, who lives in a household, pairs of records,
categories, lists that come in and that leave."""

from marketplace.households import (
    views_bring,
    views_categories,
    views_enter,
    views_exports,
    views_people,
    views_place,
    views_reaching,
    views_register,
    views_suspicions,
    views_wechat,
)
from marketplace.households.doors import SENTENCES, bp

__all__ = [
    "SENTENCES",
    "bp",
    "views_bring",
    "views_categories",
    "views_enter",
    "views_exports",
    "views_people",
    "views_place",
    "views_reaching",
    "views_register",
    "views_suspicions",
    "views_wechat",
]
