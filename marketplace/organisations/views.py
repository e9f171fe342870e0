"""The pages of this room: staff's, the givers' own and the public one, gathered on one blueprint for the app."""

from marketplace.organisations import views_alike, views_apply, views_own, views_staff
from marketplace.organisations.blueprint import bp
from marketplace.organisations.views_staff import SENTENCES

__all__ = ["SENTENCES", "bp", "views_alike", "views_apply", "views_own", "views_staff"]
