"""Registered by `marketplace.app`: lists and rounds, the form, whom it reaches, and the way of telephones, on one
blueprint."""

from marketplace.visits import views_form, views_lists, views_pocket, views_whom
from marketplace.visits.doors import SENTENCES, bp

__all__ = ["SENTENCES", "bp", "views_form", "views_lists", "views_pocket", "views_whom"]
