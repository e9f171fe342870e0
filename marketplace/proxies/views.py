"""The room's door: registers the pages of the household, of helpers and of staff."""

from marketplace.proxies import views_agent, views_enter, views_household, views_staff
from marketplace.proxies.doors import SENTENCES, bp

__all__ = ["SENTENCES", "bp", "views_agent", "views_enter", "views_household", "views_staff"]
