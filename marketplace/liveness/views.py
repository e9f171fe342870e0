"""The room's door: registers the pages of both sides and the sentences of its errors."""

from marketplace.liveness import views_face, views_household, views_staff
from marketplace.liveness.doors import SENTENCES, bp

__all__ = ["SENTENCES", "bp", "views_face", "views_household", "views_staff"]
