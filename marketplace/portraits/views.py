"""Registered by `marketplace.app`: portraits and the tasks of departments, on one blueprint."""

from marketplace.portraits import views_department, views_portrait, views_pushes
from marketplace.portraits.doors import SENTENCES, bp

__all__ = ["SENTENCES", "bp", "views_department", "views_portrait", "views_pushes"]
