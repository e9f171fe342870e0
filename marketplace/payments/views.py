"""The pages of payments: the giver's, the household's and the staff's side, on one blueprint."""

from marketplace.payments import (
    filed,
    upload,
    views_after_end,
    views_find,
    views_giver,
    views_household,
    views_late,
    views_month_table,
    views_staff,
    views_twice,
)
from marketplace.payments.doors import SENTENCES, bp

__all__ = [
    "SENTENCES",
    "bp",
    "filed",
    "upload",
    "views_after_end",
    "views_find",
    "views_giver",
    "views_household",
    "views_late",
    "views_month_table",
    "views_staff",
    "views_twice",
]
