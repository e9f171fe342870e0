"""All pages of this room, hung on one blueprint."""

from marketplace.cases import views_apply, views_household, views_public, views_staff
from marketplace.cases.doors import SENTENCES, bp

__all__ = ["SENTENCES", "bp", "views_apply", "views_household", "views_public", "views_staff"]
