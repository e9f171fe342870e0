"""The room's door: registers the pages of both sides and the sentences of its errors."""

from marketplace.rights import views_deaths, views_household, views_staff
from marketplace.rights.doors import bp
from marketplace.rights.words import SENTENCES

__all__ = ["SENTENCES", "bp", "views_deaths", "views_household", "views_staff"]
