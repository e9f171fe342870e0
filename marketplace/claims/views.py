"""The pages of insurance cases: the insurer's worklists, the household's part and the staff's, on one blueprint."""

from marketplace.claims import (
    filed,
    upload,
    views_corrections,
    views_cover,
    views_household,
    views_insurer,
    views_staff,
)
from marketplace.claims.doors import SENTENCES, bp

__all__ = [
    "SENTENCES",
    "bp",
    "filed",
    "upload",
    "views_corrections",
    "views_cover",
    "views_household",
    "views_insurer",
    "views_staff",
]
