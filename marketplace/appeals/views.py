"""The room's door: registers the pages of households, of the public, of the counter and of staff."""

from marketplace.appeals import filed, views_household, views_public, views_said, views_staff
from marketplace.appeals.doors import SENTENCES, bp

__all__ = ["SENTENCES", "bp", "filed", "views_household", "views_public", "views_said", "views_staff"]
