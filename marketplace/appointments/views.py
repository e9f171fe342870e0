"""Registered by `marketplace.app`: the pages of givers, households and staff on one blueprint."""

from marketplace.appointments import (
    desk,
    filed,
    planned_desk,
    upload,
    views_giver,
    views_household,
    views_outcomes,
    views_staff,
    views_volunteers,
)
from marketplace.appointments.doors import SENTENCES, bp

__all__ = [
    "SENTENCES",
    "bp",
    "desk",
    "filed",
    "planned_desk",
    "upload",
    "views_giver",
    "views_household",
    "views_outcomes",
    "views_staff",
    "views_volunteers",
]
