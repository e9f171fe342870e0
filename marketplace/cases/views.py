"""All pages of this room, hung on one blueprint."""

from marketplace.cases import (
    filed,
    views_alerts,
    views_apply,
    views_counter,
    views_household,
    views_looks,
    views_papers,
    views_public,
    views_reviews,
    views_sheet,
    views_staff,
    views_uploads,
)
from marketplace.cases.doors import SENTENCES, bp

__all__ = [
    "SENTENCES",
    "bp",
    "filed",
    "views_alerts",
    "views_apply",
    "views_counter",
    "views_household",
    "views_looks",
    "views_papers",
    "views_public",
    "views_reviews",
    "views_sheet",
    "views_staff",
    "views_uploads",
]
